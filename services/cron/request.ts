// Makes the request of an `http` job: to this server, in process, with no more rights than who made the job.
import { messageOf } from "#core/errors.js";
import type { Caller, ServiceContext } from "#core/types.js";
import type { HttpConfig, Outcome } from "./job.js";
import { keepTail } from "./tail.js";

export interface RequestOptions {
  as: Caller;
  /** Ends it before its time. */
  signal: AbortSignal;
}

export async function sendRequest(
  ctx: Pick<ServiceContext, "fetch">,
  config: HttpConfig,
  { as, signal }: RequestOptions,
): Promise<Outcome> {
  const { path, method } = config;
  try {
    const response = await ctx.fetch(path, { method, ...contentOf(config), signal, as });
    const output = await textOf(response, signal);
    return { output, error: response.status >= 400 ? `HTTP ${response.status}` : undefined };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

/** A text is sent as it is, anything else as JSON. */
function contentOf({ body, headers }: HttpConfig): Pick<RequestInit, "body" | "headers"> {
  const sent = new Headers(headers);
  if (body === undefined) return { headers: sent };
  if (typeof body === "string") return { headers: sent, body };
  if (!sent.has("Content-Type")) sent.set("Content-Type", "application/json");
  return { headers: sent, body: JSON.stringify(body) };
}

async function textOf({ body }: Response, signal: AbortSignal): Promise<string> {
  if (body === null) return "";
  const tail = keepTail(body);
  signal.addEventListener("abort", tail.stop, { once: true });
  if (signal.aborted) tail.stop();
  await tail.over;
  signal.removeEventListener("abort", tail.stop);
  return tail.text();
}
