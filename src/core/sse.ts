// One stream of server-sent events to one client. Nothing waits for a client: one that reads too slowly is cut, comes
// back and resumes from the last id that it saw.
import type { Context } from "hono";
import type { Connection } from "./body-limit.js";

/** What a client may have left to take: so many bytes, or frames. */
const QUEUE_BYTES_MAX = 1_048_576;
const QUEUE_FRAMES_MAX = 1_000;
/** What a frame weighs at least, so that one sum holds both limits. */
const FRAME_BYTES_MIN = Math.floor(QUEUE_BYTES_MAX / QUEUE_FRAMES_MAX);
const HEARTBEAT_MS = 15_000;
/** A client that has not taken what was queued by then loses the connection. */
const LINGER_MS = 5_000;

const HEADERS = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-cache",
  Connection: "keep-alive",
  "X-Accel-Buffering": "no",
};

export interface Frame {
  /** Where a client that lost its connection goes on. */
  id?: string | number;
  /** Absent for what `onmessage` should get. */
  event?: string;
  /** Sent as JSON, in one line. */
  data: unknown;
}

export type ByeReason = "slow" | "reload" | "shutdown" | "logout";

export interface SseStream {
  /** False when the stream is over. */
  send(frame: Frame): boolean;
  /** What `sseFrame` or `sseComment` encoded, once for all clients; `frames` is how many of them it holds. */
  write(bytes: Uint8Array, frames?: number): boolean;
  /** Resolves when the client has taken half of what it may have left to take, or when the stream is over. */
  drained(): Promise<void>;
  /** With a reason, says `bye` first. */
  close(reason?: ByeReason): void;
  /** Aborts when the stream is over, whoever ended it. */
  readonly signal: AbortSignal;
}

export interface SseOptions {
  /** Ends the stream: the signal of the module's context. */
  signal?: AbortSignal;
  /** Sent as a comment when nothing else is to be said for 15 s. Default `heartbeat`. */
  heartbeat?: string;
  /** Milliseconds after which a client should come back. */
  retry?: number;
}

/**
 * Answers with a stream that `run` writes to. It ends when the promise that `run` returns settles, when `close` is
 * called, when `signal` aborts or when the client goes.
 */
export function sse(c: Context, run: (stream: SseStream) => unknown, options: SseOptions = {}): Response {
  noTimeout(c);
  const stream = new Stream();
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        stream.begin(controller);
        greet(stream, options);
        keepAlive(stream, options.heartbeat ?? "heartbeat");
        endWith(options.signal, stream);
        void runOn(stream, run);
      },
      pull: () => stream.pull(),
      cancel: () => stream.end(),
    },
    { highWaterMark: QUEUE_BYTES_MAX, size: () => stream.weight },
  );
  return new Response(body, { headers: HEADERS });
}

export function sseFrame({ id, event, data }: Frame): Uint8Array {
  const lines = [];
  if (id !== undefined) lines.push(`id: ${id}`);
  if (event !== undefined) lines.push(`event: ${event}`);
  lines.push(`data: ${JSON.stringify(data)}`);
  return encoder.encode(`${lines.join("\n")}\n\n`);
}

/** A line that clients ignore and that keeps proxies from closing the connection. */
export function sseComment(text: string): Uint8Array {
  return encoder.encode(`: ${text}\n\n`);
}

/** Takes Bun's idle timeout off this request: for streams, and for answers that may take their time. */
export function noTimeout(c: Context): void {
  const connection: Connection | undefined = c.env;
  connection?.timeout?.(c.req.raw, 0);
}

const encoder = new TextEncoder();

class Stream implements SseStream {
  /** Of the chunk that is being queued: `enqueue` asks for it at once. */
  weight = 0;
  readonly #over = new AbortController();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #waiting: (() => void)[] = [];
  /** Ends the pull that is going on. */
  #pulled = () => {};

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  begin(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
  }

  send(frame: Frame): boolean {
    return this.write(sseFrame(frame));
  }

  write(bytes: Uint8Array, frames = 1): boolean {
    if (this.signal.aborted) return false;
    this.#enqueue(bytes, frames);
    if (this.#room < 0) this.close("slow");
    return !this.signal.aborted;
  }

  drained(): Promise<void> {
    if (this.signal.aborted || this.#room > QUEUE_BYTES_MAX / 2) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    this.#pulled();
    return promise;
  }

  /** Asked for more whenever the client takes something. A pull that does not end costs a stream nothing further. */
  pull(): Promise<void> | undefined {
    if (this.#waiting.length === 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#pulled = resolve;
      return promise;
    }
    if (this.#room > QUEUE_BYTES_MAX / 2) this.#wake();
    return undefined;
  }

  close(reason?: ByeReason): void {
    if (this.signal.aborted) return;
    this.end();
    if (reason !== undefined) this.#enqueue(sseFrame({ event: "bye", data: { reason } }), 1);
    this.#controller?.close();
    // Has no effect on a stream that was read to its end.
    setTimeout(() => this.#controller?.error(new Error("The client did not read.")), LINGER_MS).unref();
  }

  /** Nothing is sent any more. */
  end(): void {
    this.#over.abort();
    this.#wake();
  }

  get #room(): number {
    return this.#controller?.desiredSize ?? 0;
  }

  #enqueue(bytes: Uint8Array, frames: number): void {
    this.weight = Math.max(bytes.byteLength, frames * FRAME_BYTES_MIN);
    this.#controller?.enqueue(bytes);
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

function greet(stream: SseStream, { retry }: SseOptions): void {
  stream.write(sseComment("connected"), 0);
  if (retry !== undefined) stream.write(encoder.encode(`retry: ${retry}\n\n`), 0);
}

function keepAlive(stream: SseStream, text: string): void {
  const heartbeat = sseComment(text);
  const timer = setInterval(() => stream.write(heartbeat), HEARTBEAT_MS);
  stream.signal.addEventListener("abort", () => clearInterval(timer));
}

function endWith(signal: AbortSignal | undefined, stream: SseStream): void {
  const end = () => stream.close("reload");
  if (signal?.aborted) end();
  signal?.addEventListener("abort", end);
  stream.signal.addEventListener("abort", () => signal?.removeEventListener("abort", end));
}

/** What `run` throws is the fault of whoever wrote it, and is reported like any other outside of a request. */
async function runOn(stream: SseStream, run: (stream: SseStream) => unknown): Promise<void> {
  const result = run(stream);
  if (!(result instanceof Promise)) return;
  try {
    await result;
  } finally {
    stream.close();
  }
}
