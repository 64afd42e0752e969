// Requests and answers on their way through the socket: what stands before the body, as JSON and back.
import type { Body } from "./body.js";
import type { AnswerHead, RequestHead } from "./protocol.js";

/** Statuses with which no body may go. */
const BODILESS = new Set([101, 204, 205, 304]);

export function requestHead({ method, headers, url }: Request): RequestHead {
  return { method, url, headers: [...headers] };
}

/** For `new Request(url, …)`, and for a call of the server from inside. */
export function requestInit(
  { method, headers }: Pick<RequestHead, "method" | "headers">,
  body: Body,
  signal: AbortSignal,
): RequestInit {
  const hasBody = body !== null && method !== "GET" && method !== "HEAD";
  const streams = hasBody && body instanceof ReadableStream;
  return { method, headers, signal, ...(hasBody ? { body } : {}), ...(streams ? { duplex: "half" } : {}) };
}

export function answerHead({ status, statusText, headers }: Response): AnswerHead {
  return { status, statusText, headers: [...headers] };
}

export function answerOf({ status, statusText, headers }: AnswerHead, body: Body = null): Response {
  return new Response(BODILESS.has(status) ? null : body, { status, statusText, headers });
}
