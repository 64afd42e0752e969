// The way from a browser to the other services: requests go on inside the server, as the person who is signed in or as
// one panel, and answers come back untouched, streams included.
import type { Context } from "hono";
import { ReefError } from "#core/errors.js";
import { noTimeout } from "#core/http.js";
import type { Caller, ServiceContext } from "#core/types.js";

/** All else that a browser sends stays here, the cookie first of all. */
const PASSED_IN = [
  "accept",
  "content-type",
  "idempotency-key",
  "if-match",
  "if-none-match",
  "last-event-id",
  "lease-token",
  "prefer",
  "range",
];
/** Of an answer: what is between two hops alone, and cookies, which are for the dashboard to set. */
const KEPT_BACK = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "set-cookie",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];
/** What a browser would run as a page of the dashboard's own origin, with all that a session may do. */
const ACTIVE_TYPES = /^(text\/html|application\/xhtml\+xml|image\/svg\+xml|(text|application)\/xml)\b/i;

export interface Onward {
  /** Path and query as the service is to see them. */
  path: string;
  as: Caller;
  /** Ends the request, and the stream that answers it, when it aborts. */
  ended: AbortSignal;
  /** Why a request ends that `ended` ended before it was answered. */
  endedMessage: string;
}

export async function passOn(c: Context, ctx: ServiceContext, onward: Onward): Promise<Response> {
  noTimeout(c);
  const { method, body, signal } = c.req.raw;
  const { path, as, ended, endedMessage } = onward;
  const cut = cutBy(signal, ended);
  try {
    const init = { method, headers: inward(c), body, signal: cut.signal, redirect: "manual" as const };
    const answer = await ctx.fetch(path, { ...init, as });
    // Another version of the dashboard ends what would not end by itself. Whatever does comes through, the answer to
    // the reload itself first of all.
    if (isEndless(answer)) cut.add(ctx.signal);
    const stream = answer.body && cutStream(answer.body, cut);
    if (!stream) cut.release();
    return new Response(stream, { status: answer.status, headers: outward(answer.headers) });
  } catch (error) {
    cut.release();
    if (ended.aborted) throw new ReefError("unauthorized", endedMessage);
    // Nobody waits for this answer any more.
    if (signal.aborted) return new Response(null, { status: 499 });
    throw error;
  }
}

function inward(c: Context): Headers {
  const headers = new Headers();
  for (const name of PASSED_IN) {
    const value = c.req.header(name);
    if (value !== undefined) headers.set(name, value);
  }
  return headers;
}

function outward(given: Headers): Headers {
  const headers = new Headers(given);
  for (const name of (given.get("connection") ?? "").split(",")) if (name.trim()) headers.delete(name.trim());
  for (const name of KEPT_BACK) headers.delete(name);
  if (ACTIVE_TYPES.test(headers.get("content-type") ?? ""))
    headers.append("content-security-policy", "sandbox");
  return headers;
}

function isEndless({ headers }: Response): boolean {
  return (headers.get("content-type") ?? "").startsWith("text/event-stream");
}

/** Aborts with the first of some signals; lets go of them all when it is released. */
interface Cut {
  signal: AbortSignal;
  add(signal: AbortSignal): void;
  release(): void;
}

/** Not `AbortSignal.any`: a session's signal outlives the thousands of requests that listen to it. */
function cutBy(...first: AbortSignal[]): Cut {
  const signals: AbortSignal[] = [];
  const controller = new AbortController();
  const abort = () => {
    release();
    controller.abort();
  };
  const release = () => {
    for (const signal of signals) signal.removeEventListener("abort", abort);
  };
  const add = (signal: AbortSignal) => {
    signals.push(signal);
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
  };
  for (const signal of first) add(signal);
  return { signal: controller.signal, add, release };
}

/** The same stream, that also ends when it is cut. */
function cutStream(stream: ReadableStream<Uint8Array>, cut: Cut): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const stop = () => {
          controller.close();
          void letGo(reader);
        };
        if (cut.signal.aborted) stop();
        else cut.signal.addEventListener("abort", stop);
      },
      async pull(controller) {
        const chunk = await readOr(reader, cut.release);
        if (cut.signal.aborted) return;
        if (!chunk.done) return controller.enqueue(chunk.value);
        cut.release();
        controller.close();
      },
      cancel(reason) {
        cut.release();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

async function readOr(reader: Reader, failed: () => void): ReturnType<Reader["read"]> {
  try {
    return await reader.read();
  } catch (error) {
    failed();
    throw error;
  }
}

async function letGo(reader: Reader): Promise<void> {
  try {
    await reader.cancel();
  } catch {
    // It had failed already, and nobody reads it any more.
  }
}
