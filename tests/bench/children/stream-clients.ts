// Clients of an event stream: each reads its own connection and looks at the id of every frame, so that none can be lost
// or come twice unseen. They read plain sockets, since a client library would need more of the machine than the server.
import { answer } from "../child.js";

export interface Heard {
  frames: number;
  /** Frames whose id did not follow the one before. */
  wrong: number;
}

interface Client {
  /** Settles with the first bytes. */
  connected: Promise<void>;
  heard: Promise<Heard>;
  leave(): void;
}

const TOLD_EVERY = 64;
const MARK = Buffer.from("\nid: ");
const NEWLINE = 0x0a;
const ZERO = 0x30;

let clients: Client[] = [];

answer({
  /** Resolves when all are connected. */
  async connect({ port, count, frames }: { port: number; count: number; frames: number }): Promise<void> {
    const tell = createTell(`http://127.0.0.1:${port}`, count);
    clients = await Promise.all(Array.from({ length: count }, () => connect(port, frames, tell)));
    await Promise.all(clients.map(({ connected }) => connected));
  },
  /** Resolves when all have heard everything, and closes their connections. */
  async heard(): Promise<Heard> {
    const all = await Promise.all(clients.map(({ heard }) => heard));
    for (const { leave } of clients) leave();
    return {
      frames: all.reduce((sum, { frames }) => sum + frames, 0),
      wrong: all.reduce((sum, { wrong }) => sum + wrong, 0),
    };
  },
});

type Tell = (before: number, now: number) => void;

/** Called by each client with the seqs before and after a piece; tells the server when the last one has passed a mark. */
function createTell(url: string, count: number): Tell {
  const passed = new Map<number, number>();
  return (before, now) => {
    for (let mark = Math.floor(before / TOLD_EVERY) + 1; mark <= Math.floor(now / TOLD_EVERY); mark++) {
      const clientsThere = (passed.get(mark) ?? 0) + 1;
      passed.set(mark, clientsThere);
      if (clientsThere === count) void fetch(`${url}/taken/${mark * TOLD_EVERY}`);
    }
  };
}

async function connect(port: number, frames: number, tell: Tell): Promise<Client> {
  const connected = Promise.withResolvers<void>();
  const heard = Promise.withResolvers<Heard>();
  const reader = createReader();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (socket) => void socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`),
      data(_, bytes) {
        connected.resolve();
        const before = reader.seq;
        reader.read(bytes);
        tell(before, reader.seq);
        if (reader.seq >= frames) heard.resolve({ frames: reader.frames, wrong: reader.wrong });
      },
      close: () => heard.reject(new Error(`a client was cut after frame ${reader.seq}`)),
      error: (_, error) => heard.reject(error),
    },
  });
  return { connected: connected.promise, heard: heard.promise, leave: () => socket.end() };
}

/** Finds the ids between whatever else is sent: comments, data, the sizes of the chunked encoding. */
function createReader() {
  let rest = Buffer.alloc(0);
  const reader = { seq: 0, frames: 0, wrong: 0, read };

  function read(piece: Buffer): void {
    const bytes = rest.length > 0 ? Buffer.concat([rest, piece]) : piece;
    let after = 0;
    for (let at = bytes.indexOf(MARK); at >= 0; at = bytes.indexOf(MARK, after)) {
      const end = bytes.indexOf(NEWLINE, at + MARK.length);
      if (end < 0) break;
      after = end;
      note(numberIn(bytes, at + MARK.length, end));
    }
    rest = Buffer.from(openEnd(bytes));
  }

  function note(seq: number): void {
    reader.frames++;
    if (seq !== reader.seq + 1) reader.wrong++;
    reader.seq = seq;
  }
  return reader;
}

function numberIn(bytes: Buffer, start: number, end: number): number {
  let number = 0;
  for (let at = start; at < end; at++) number = number * 10 + (bytes[at] ?? 0) - ZERO;
  return number;
}

/** The last line, if an id may be cut in two there. */
function openEnd(bytes: Buffer): Buffer {
  const line = bytes.subarray(Math.max(bytes.lastIndexOf(NEWLINE), 0));
  const length = Math.min(line.length, MARK.length);
  return line.subarray(0, length).equals(MARK.subarray(0, length)) ? line : line.subarray(0, 0);
}
