// Asks a server over plain sockets, one request after another on each, for a given time. No client library is in
// between: it would need more of the machine than the server that is measured.
import { answer } from "../child.js";

export interface Load {
  port: number;
  method: "GET" | "POST";
  path: string;
  token?: string;
  body?: string;
  connections: number;
  ms: number;
}

const STATUS_AT = "HTTP/1.1 ".length;
const CODE_OF_2 = 0x32;

answer({ load });

/** Resolves how many answers came per second. All answers have to be 2xx and of the same length. */
async function load(load: Load): Promise<{ answers: number; perSecond: number }> {
  const request = Buffer.from(requestText(load));
  const until = performance.now() + load.ms;
  const startedAt = performance.now();
  const counts = await Promise.all(
    Array.from({ length: load.connections }, () => drive(load.port, request, until)),
  );
  const answers = counts.reduce((sum, count) => sum + count, 0);
  return { answers, perSecond: (answers / (performance.now() - startedAt)) * 1000 };
}

function requestText({ method, path, port, token, body }: Load): string {
  const lines = [`${method} ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`];
  if (token !== undefined) lines.push(`Authorization: Bearer ${token}`);
  if (body !== undefined)
    lines.push("Content-Type: application/json", `Content-Length: ${Buffer.byteLength(body)}`);
  return `${lines.join("\r\n")}\r\n\r\n${body ?? ""}`;
}

/** One connection. Resolves how many answers it had. */
async function drive(port: number, request: Buffer, until: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let answers = 0;
  let length = 0;
  let left = 0;
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (socket) => void socket.write(request),
      data(socket, bytes) {
        if (left === 0) {
          if (bytes[STATUS_AT] !== CODE_OF_2) return reject(new Error(`refused: ${bytes.toString()}`));
          length ||= lengthOf(bytes);
          left = length;
        }
        left -= bytes.length;
        if (left > 0) return;
        answers++;
        if (performance.now() < until) socket.write(request);
        else resolve(answers);
      },
      close: () => reject(new Error("the server closed a connection")),
      error: (_, error) => reject(error),
    },
  });
  return promise.finally(() => socket.end());
}

/** Of the whole answer, whose head came in one piece. */
function lengthOf(bytes: Buffer): number {
  const head = bytes.subarray(0, bytes.indexOf("\r\n\r\n") + 4);
  return head.length + Number(/content-length: (\d+)/i.exec(head.toString())?.[1]);
}
