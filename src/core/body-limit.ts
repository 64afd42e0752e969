// Holds request bodies to their limit. An announced length is checked before anything is read; a body of unknown
// length is counted while it is read, which alone costs a rebuilt Request.
import { ReefError } from "./errors.js";

/** What Bun hands to `fetch` beside the request, as far as reef uses it. */
export interface Connection {
  timeout?(request: Request, seconds: number): void;
  requestIP?(request: Request): { address: string } | null;
}

/** What to hand on instead of a request whose body has no announced length. */
export interface LimitedBody {
  request: Request;
  connection: Connection | undefined;
  limit: number;
  /** True once more came than was allowed, whatever the reader made of its error. */
  exceeded(): boolean;
}

/** Throws `too_large` for a length announced above the limit; undefined when the request can go on as it is. */
export function limitBody(
  arrival: { request: Request; connection: Connection | undefined },
  limit: number,
): LimitedBody | undefined {
  const { request, connection } = arrival;
  const { method, headers } = request;
  if (method === "GET" || method === "HEAD") return undefined;
  const announced = headers.get("content-length");
  if (announced !== null && Number(announced) > limit) throw tooLarge(limit);
  if (announced !== null || request.body === null) return undefined;

  const { url, signal } = request;
  const { stream, exceeded } = countBytes(request.body, limit);
  const init = { method, headers, signal, body: stream, duplex: "half" };
  return {
    request: new Request(url, init),
    connection: connection && onBehalfOf(request, connection),
    limit,
    exceeded,
  };
}

export function tooLarge(limit: number): ReefError {
  return new ReefError("too_large", "body too large", { limit });
}

function countBytes(
  body: ReadableStream<Uint8Array>,
  limit: number,
): { stream: ReadableStream<Uint8Array>; exceeded(): boolean } {
  const reader = body.getReader();
  let bytes = 0;
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        bytes += value.byteLength;
        if (bytes <= limit) return controller.enqueue(value);
        controller.error(tooLarge(limit));
        await reader.cancel();
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return { stream, exceeded: () => bytes > limit };
}

/** The server knows the socket by the request that it made itself, not by a rebuilt one. */
function onBehalfOf(original: Request, connection: Connection): Connection {
  return {
    timeout: (_rebuilt, seconds) => connection.timeout?.(original, seconds),
    requestIP: () => connection.requestIP?.(original) ?? null,
  };
}
