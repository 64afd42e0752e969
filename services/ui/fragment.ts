// A panel as its service gives it: one piece of HTML, read with a limit. What is wrong with it becomes the panel.
import { html } from "hono/html";
import type { ServiceContext } from "#core/types.js";

const BYTES_MAX = 1024 * 1024;
const WAIT_MS = 10_000;

export async function readFragment(ctx: ServiceContext, name: string): Promise<string> {
  const path = `/${name}/_panel`;
  const limit = AbortSignal.timeout(WAIT_MS);
  try {
    const answer = await ctx.fetch(path, { headers: { accept: "text/html" }, signal: limit });
    const reason = problemOf(answer);
    if (reason !== undefined) {
      await answer.body?.cancel();
      return failure(`${path} ${reason}`);
    }
    return (await textOf(answer)) ?? failure(`${path} is longer than ${BYTES_MAX} bytes`);
  } catch (error) {
    ctx.log.warn(`${path} could not be read:`, error);
    return failure(limit.aborted ? `${path} took over ${WAIT_MS / 1000} s` : `${path} could not be read`);
  }
}

function problemOf({ status, headers }: Response): string | undefined {
  if (status !== 200) return `answered ${status}`;
  const type = headers.get("content-type") ?? "";
  return /^text\/html\b/i.test(type) ? undefined : `is no HTML, but ${type || "of no type"}`;
}

/** Undefined when there is too much of it. */
async function textOf({ body }: Response): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > BYTES_MAX) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function failure(reason: string): string {
  return String(html`<p role="alert">This panel cannot be shown: ${reason}.</p>`);
}
