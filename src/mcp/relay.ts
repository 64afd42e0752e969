// Answers of the SDK's transport on their way out: streams with reef's heartbeat and its limit for slow clients,
// refusals in reef's own form.
import type { Context } from "hono";
import { codeOf } from "../core/errors.js";
import { type SseStream, sse } from "../core/http.js";

/** Calls `ended` when nobody will hear of this answer any more: for one that is no stream, at once. */
export async function relay(
  c: Context,
  answering: Response | Promise<Response>,
  ended: () => void,
): Promise<Response> {
  try {
    const answer = await answering;
    const { body, headers, status } = answer;
    if (body && headers.get("content-type") === "text/event-stream") return streamed(c, body, headers, ended);
    ended();
    return status < 400 ? answer : refusal(answer);
  } catch (error) {
    ended();
    throw error;
  }
}

function streamed(
  c: Context,
  body: ReadableStream<Uint8Array>,
  headers: Headers,
  ended: () => void,
): Response {
  const answer = sse(c, (to) => pump(body, to).finally(ended), { heartbeat: "ping" });
  const session = headers.get("mcp-session-id");
  if (session !== null) answer.headers.set("Mcp-Session-Id", session);
  return answer;
}

/** Reads as fast as the SDK writes, for its own queue has no limit. A client that goes away ends the SDK's stream. */
async function pump(body: ReadableStream<Uint8Array>, to: SseStream): Promise<void> {
  const reader = body.getReader();
  to.signal.addEventListener("abort", () => void reader.cancel(), { once: true });
  for (;;) {
    const { value, done } = await reader.read();
    if (done || !to.write(value)) return;
  }
}

async function refusal(answer: Response): Promise<Response> {
  const { error } = (await answer.json()) as { error: { message: string } };
  const code = codeOf(answer.status);
  const headers = new Headers({ "X-Reef-Error": code });
  const allow = answer.headers.get("allow");
  if (allow !== null) headers.set("Allow", allow);
  return Response.json({ error: error.message, code }, { status: answer.status, headers });
}
