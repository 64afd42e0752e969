// Clients of the feed's stream over plain sockets: each counts the frames and sees that their ids only ever go up.
import { answer } from "../child.js";

export interface Heard {
  /** Of all clients together. */
  frames: number;
  /** Frames whose id was not above the one before. */
  wrong: number;
}

interface Client {
  /** Settles with the first bytes. */
  connected: Promise<void>;
  heard: Promise<Heard>;
  leave(): void;
}

const ID = /^id: ([0-9A-Z]{26})$/;

let clients: Client[] = [];

answer({
  /** Resolves when all are connected; each expects so many frames. */
  async connect({ port, count, frames }: { port: number; count: number; frames: number }): Promise<void> {
    clients = await Promise.all(Array.from({ length: count }, () => connect(port, frames)));
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

async function connect(port: number, frames: number): Promise<Client> {
  const connected = Promise.withResolvers<void>();
  const heard = Promise.withResolvers<Heard>();
  const reader = createReader();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (socket) => void socket.write(`GET /feed/stream HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`),
      data(_, bytes) {
        connected.resolve();
        reader.read(bytes);
        if (reader.frames >= frames) heard.resolve({ frames: reader.frames, wrong: reader.wrong });
      },
      close: () => heard.reject(new Error(`a client was cut after ${reader.frames} frames`)),
      error: (_, error) => heard.reject(error),
    },
  });
  return { connected: connected.promise, heard: heard.promise, leave: () => socket.end() };
}

function createReader() {
  let rest = "";
  let last = "";
  const reader = { frames: 0, wrong: 0, read };

  function read(piece: Buffer): void {
    const lines = (rest + piece.toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const id = ID.exec(line)?.[1];
      if (id !== undefined) note(id);
    }
  }

  function note(id: string): void {
    reader.frames++;
    if (id <= last) reader.wrong++;
    last = id;
  }
  return reader;
}
