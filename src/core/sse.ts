// One stream of server-sent events to one client. Nothing waits for a client: one that reads too slowly is cut, comes
// back and resumes from the last id that it saw.
import type { Context } from "hono";
import type { Connection } from "./body-limit.js";

const QUEUE_BYTES_MAX = 1_048_576;
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

export interface SseStream {
  /** False when the stream is over. */
  send(frame: Frame): boolean;
  /** What `sseFrame` or `sseComment` encoded, once for all clients. */
  write(frame: Uint8Array): boolean;
  /** With a reason, says `bye` first. */
  close(reason?: "slow" | "reload" | "shutdown" | "logout"): void;
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
  const over = new AbortController();
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const stream = openStream(controller, over);
        greet(stream, options);
        keepAlive(stream, options.heartbeat ?? "heartbeat");
        endWith(options.signal, stream);
        void runOn(stream, run);
      },
      cancel: () => over.abort(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: QUEUE_BYTES_MAX }),
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

function openStream(
  controller: ReadableStreamDefaultController<Uint8Array>,
  over: AbortController,
): SseStream {
  function write(bytes: Uint8Array): boolean {
    if (over.signal.aborted) return false;
    controller.enqueue(bytes);
    if ((controller.desiredSize ?? 0) <= 0) close("slow");
    return !over.signal.aborted;
  }
  function close(reason?: string): void {
    if (over.signal.aborted) return;
    over.abort();
    if (reason !== undefined) controller.enqueue(sseFrame({ event: "bye", data: { reason } }));
    controller.close();
    // Has no effect on a stream that was read to its end.
    setTimeout(() => controller.error(new Error("The client did not read.")), LINGER_MS).unref();
  }
  return { send: (frame) => write(sseFrame(frame)), write, close, signal: over.signal };
}

function greet(stream: SseStream, { retry }: SseOptions): void {
  stream.write(sseComment("connected"));
  if (retry !== undefined) stream.write(encoder.encode(`retry: ${retry}\n\n`));
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
