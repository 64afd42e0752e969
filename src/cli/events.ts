// Follows /reef/events: every committed frame once and in order, over as many connections as that takes.
import { messageOf } from "../core/errors.js";
import { type Connection, ServerError, UnreachableError } from "./connection.js";
import { createBlockReader, parseBlock, type StreamEvent } from "./sse.js";

/** A frame as the server sends it; fields of types that are not known here are kept. */
export interface Frame {
  type: string;
  seq?: number;
  nodeId?: string;
  parentId?: string | null;
  taskId?: string;
  timestamp?: number;
  [field: string]: unknown;
}

export interface FollowOptions {
  /** With filters, without a cursor: `/reef/events?taskId=x`. */
  path: string;
  /** The seq after which to begin; without it only what happens from now on. */
  since?: number;
  signal: AbortSignal;
  /** Told of each connection that was lost, before the next one is tried. */
  onLost?(reason: string): void;
}

/** Attempts in a row that bring nothing before it gives up. */
const ATTEMPTS_MAX = 10;
const WAIT_MS = 500;
const WAIT_MS_MAX = 15_000;
/** The server pings every 15 s: after three of them the connection is dead, whatever the network says. */
const SILENCE_MS = 45_000;

/** What one connection leaves to the next. */
interface Progress {
  seq: number | undefined;
  waitMs: number;
  attempts: number;
  wasConnected: boolean;
}

/**
 * Ends when `signal` aborts or the loop is left. Rejects at once when the first connection cannot be made or the
 * server refuses, and after ATTEMPTS_MAX attempts when a connection that was lost does not come back.
 */
export async function* followEvents(server: Connection, options: FollowOptions): AsyncGenerator<Frame> {
  const { path, since, signal, onLost } = options;
  const progress: Progress = { seq: since, waitMs: WAIT_MS, attempts: 0, wasConnected: false };
  while (!signal.aborted) {
    let reason = "the server closed it";
    try {
      yield* framesOfOneConnection(server, path, progress, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!mayPass(error, progress)) throw error;
      reason = error instanceof UnreachableError ? "the server is not there" : messageOf(error);
    }
    if (signal.aborted) return;
    onLost?.(reason);
    await pause(Math.min(progress.waitMs * 2 ** progress.attempts++, WAIT_MS_MAX), signal);
  }
}

async function* framesOfOneConnection(
  server: Connection,
  path: string,
  progress: Progress,
  signal: AbortSignal,
): AsyncGenerator<Frame> {
  for await (const { id, retryMs, data } of connection(server, path, progress, signal)) {
    progress.attempts = 0;
    progress.seq = id ?? progress.seq;
    progress.waitMs = retryMs ?? progress.waitMs;
    if (data === undefined) continue;
    const frame = JSON.parse(data) as Frame;
    if (frame.type === "resync") progress.seq = frame.seq;
    yield frame;
  }
}

async function* connection(
  server: Connection,
  path: string,
  progress: Progress,
  stopped: AbortSignal,
): AsyncGenerator<StreamEvent> {
  const silence = createSilenceGuard();
  try {
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (progress.seq !== undefined) headers["Last-Event-ID"] = String(progress.seq);
    const response = await server.stream(path, headers, AbortSignal.any([stopped, silence.signal]));
    progress.wasConnected = true;
    const decoder = new TextDecoder();
    const blocksIn = createBlockReader();
    for await (const chunk of response.body ?? []) {
      silence.heard();
      for (const block of blocksIn(decoder.decode(chunk, { stream: true }))) yield parseBlock(block);
    }
  } finally {
    silence.end();
  }
}

/** True for what another attempt may mend. */
function mayPass(error: unknown, { wasConnected, attempts }: Progress): boolean {
  const isRefusal = error instanceof ServerError && error.status < 500;
  return wasConnected && attempts < ATTEMPTS_MAX && !isRefusal;
}

/** Aborts after SILENCE_MS without a call of `heard`. */
function createSilenceGuard(): { signal: AbortSignal; heard(): void; end(): void } {
  const controller = new AbortController();
  const fire = () => controller.abort(new Error(`nothing came for ${SILENCE_MS / 1000} s`));
  let timer = setTimeout(fire, SILENCE_MS);
  return {
    signal: controller.signal,
    heard() {
      clearTimeout(timer);
      timer = setTimeout(fire, SILENCE_MS);
    },
    end: () => clearTimeout(timer),
  };
}

/** Resolves early when `signal` aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const wake = () => {
    clearTimeout(timer);
    resolve();
  };
  signal.addEventListener("abort", wake, { once: true });
  return promise.finally(() => signal.removeEventListener("abort", wake));
}
