// The offline model: an Anthropic Messages endpoint on a loopback port that follows scripts instead of a language model.
import { nextMove } from "./answer.js";
import { readConversation } from "./conversation.js";
import { FaultCounts } from "./faults.js";
import { messageOf } from "./message.js";
import { type RecordedRequest, RequestLog } from "./record.js";
import { checkRequest, type MessagesRequest, Refusal } from "./request.js";
import { scripts } from "./scripts.js";
import { brokenJson, streamOf } from "./stream.js";

export interface OfflineModel {
  /** Base URL of a provider with `api: "anthropic-messages"`; no slash at its end. */
  readonly url: string;
  /** What was posted to `/v1/messages`, newest last; only the newest are kept. Keys are left out. */
  requests(): RecordedRequest[];
  /** All requests to `/v1/messages` since the start. */
  count(): number;
  /** Breaks what is still streaming. */
  stop(): Promise<void>;
}

/** As the real endpoint has it. */
const BODY_BYTES_MAX = 32 * 1024 * 1024;

/** Any key is taken, in `x-api-key` or as a bearer token. `GET /requests?last=<n>` and `/requests/last` show the log. */
export function startOfflineModel({ now = Date.now }: { now?: () => number } = {}): OfflineModel {
  const log = new RequestLog();
  const counts = new FaultCounts();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    // Slow replies pause for longer than the default of 10 s.
    idleTimeout: 0,
    maxRequestBodySize: BODY_BYTES_MAX,
    // Replies that are broken on purpose are no errors to be shown.
    development: false,
    fetch: (request, { port }) => answered(() => route(request, { log, counts, now, port: port ?? 0 })),
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    requests: () => log.newest(),
    count: () => log.count,
    stop: () => server.stop(true),
  };
}

interface Parts {
  log: RequestLog;
  counts: FaultCounts;
  now: () => number;
  port: number;
}

async function answered(respond: () => Response | Promise<Response>): Promise<Response> {
  try {
    return await respond();
  } catch (error) {
    if (error instanceof Refusal) return refused(error);
    console.error("offline model:", error);
    return refused(new Refusal(500, "api_error", "The offline model failed; its error is in the log."));
  }
}

function route(request: Request, parts: Parts): Response | Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  checkHost(request, parts.port);
  if (request.method === "POST" && pathname === "/v1/messages") return messages(request, parts);
  if (request.method === "GET" || request.method === "HEAD") {
    if (pathname === "/") return Response.json(introduction());
    if (pathname === "/requests") return recorded(parts.log, searchParams.get("last"));
    if (pathname === "/requests/last") return newest(parts.log);
  }
  throw new Refusal(404, "not_found_error", `No route ${request.method} ${pathname}.`);
}

/** A web page that was resolved to this address must not read what agents sent. */
function checkHost(request: Request, port: number): void {
  const host = request.headers.get("host");
  if (host === `127.0.0.1:${port}` || host === `localhost:${port}`) return;
  throw new Refusal(403, "permission_error", `Host has to be 127.0.0.1:${port}. Received: ${host}`);
}

async function messages(request: Request, parts: Parts): Promise<Response> {
  const text = await request.text();
  const body = parsed(text);
  parts.log.add(parts.now(), body ?? text, text.length, request.headers);
  if (!request.headers.has("x-api-key") && !request.headers.has("authorization")) {
    throw new Refusal(401, "authentication_error", "x-api-key header is required");
  }
  if (body === undefined)
    throw new Refusal(400, "invalid_request_error", "The request body is not valid JSON.");
  return reply(checkRequest(body), parts.counts);
}

function reply(request: MessagesRequest, counts: FaultCounts): Response {
  const move = nextMove(readConversation(request));
  const fault = counts.next(move.attempt, move.faults);
  const message = messageOf(move.reply, request);
  if (fault?.error && (fault.status || !request.stream)) {
    throw new Refusal(fault.status ?? 529, fault.error.type, fault.error.message);
  }
  if (request.stream) {
    const breakOff = fault && (fault.error ?? "connection");
    return sent(
      streamOf(message, { pauseMs: move.reply.pauseMs, breakOff }),
      "text/event-stream; charset=utf-8",
    );
  }
  return sent(fault ? brokenJson(message) : JSON.stringify(message), "application/json");
}

function sent(body: BodyInit, contentType: string): Response {
  return new Response(body, {
    headers: { ...headers(), "content-type": contentType, "cache-control": "no-cache" },
  });
}

/** Retries are asked for at once: whoever waits longer does so on its own account. */
function refused({ status, type, message }: Refusal): Response {
  const retry: Record<string, string> = status === 429 || status >= 500 ? { "retry-after": "0" } : {};
  return Response.json(
    { type: "error", error: { type, message } },
    { status, headers: { ...headers(), ...retry } },
  );
}

function headers(): Record<string, string> {
  return { "request-id": `req_${crypto.randomUUID().replaceAll("-", "")}` };
}

function introduction(): Record<string, unknown> {
  return {
    name: "offline model (scripted)",
    endpoint: "POST /v1/messages",
    prompts: scripts.flatMap(({ prompts }) => prompts),
  };
}

function recorded(log: RequestLog, last: string | null): Response {
  if (last !== null && !/^[1-9]\d*$/.test(last)) {
    throw new Refusal(400, "invalid_request_error", `last has to be a positive integer. Received: ${last}`);
  }
  return Response.json({ count: log.count, requests: log.newest(last === null ? undefined : Number(last)) });
}

function newest(log: RequestLog): Response {
  const [request] = log.newest(1);
  if (!request) throw new Refusal(404, "not_found_error", "No request has come yet.");
  return Response.json(request);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The caller answers 400 for it, and records the text.
    return undefined;
  }
}
