// Speaks to the server about tools: what there is, and one call with its updates as they come.
import type { FleetClient, ToolInfo, ToolResult } from "../core/types.js";
import { type Frame, frames } from "./frames.js";

/** A list that does not come in this time is asked for again before the next loop. */
const LIST_WAIT_MS = 3_000;

/** Of an answer that is no JSON, such as a proxy's page. */
const REFUSAL_CHARS_MAX = 500;

export interface ToolList {
  version: string;
  tools: ToolInfo[];
}

export interface Call {
  name: string;
  params: unknown;
  toolCallId: string;
  signal?: AbortSignal;
  onUpdate?(partial: ToolResult): void;
}

/** A result, and the version of the tool list at its time where the server told it. */
export type Answer = ToolResult & { toolsVersion?: string };

export interface Remote {
  /** Undefined when the list still is the version given. Rejects when the server cannot be asked. */
  list(known?: string): Promise<ToolList | undefined>;
  /** Never rejects: what goes wrong is a result with `isError` and a text for the model. */
  call(call: Call): Promise<Answer>;
}

export function createRemote(client: FleetClient): Remote {
  return {
    async list(known) {
      const headers = { ...identity(client), ...(known && { "If-None-Match": `"${known}"` }) };
      const response = await fetch(`${client.getBaseUrl()}/reef/tools`, {
        headers,
        signal: AbortSignal.timeout(LIST_WAIT_MS),
      });
      if (response.status === 304) return undefined;
      if (!response.ok) throw new Error(`GET /reef/tools (${response.status})`);
      return (await response.json()) as ToolList;
    },
    async call(call) {
      try {
        return await run(client, call);
      } catch (error) {
        if (call.signal?.aborted) return client.err(`${call.name} was aborted.`);
        return client.err(`reef at ${client.getBaseUrl()} could not be reached: ${reasonOf(error)}`);
      }
    },
  };
}

async function run(client: FleetClient, call: Call): Promise<Answer> {
  const response = await fetch(`${client.getBaseUrl()}/reef/tools/${encodeURIComponent(call.name)}`, {
    method: "POST",
    headers: { ...identity(client), "Content-Type": "application/json", Accept: "text/event-stream" },
    body: JSON.stringify({ params: call.params, toolCallId: call.toolCallId }),
    signal: call.signal,
    ...NO_IDLE_LIMIT,
  });
  if (response.status === 404)
    return client.err(`The tool ${call.name} is not offered by this server any more.`);
  if (!response.ok) return client.err(textOf(parseRefusal(await response.text()), response.status));
  if (!response.headers.get("content-type")?.includes("text/event-stream"))
    return (await response.json()) as ToolResult;
  for await (const frame of frames(response)) {
    if (frame.type === "update") call.onUpdate?.(frame.partialResult as ToolResult);
    if (frame.type === "error") return client.err(textOf(frame as Refusal, Number(frame.status)));
    if (frame.type === "result") return { ...(frame.result as ToolResult), toolsVersion: versionIn(frame) };
  }
  return client.err(`reef closed the connection before ${call.name} returned. It may have taken effect.`);
}

function versionIn({ toolsVersion }: Frame): string | undefined {
  return typeof toolsVersion === "string" ? toolsVersion : undefined;
}

/** Bun gives a silent connection up after five minutes unless told otherwise; Node ignores the field. */
const NO_IDLE_LIMIT: RequestInit & { timeout?: false } = { timeout: false };

/** Who asks, and with which right. */
export function identity(client: FleetClient): Record<string, string> {
  const token = process.env.VERS_AUTH_TOKEN;
  return {
    "X-Agent-Name": inHeader(client.agentName),
    "X-Agent-Role": inHeader(client.agentRole),
    ...(client.vmId && { "X-Agent-Vm-Id": inHeader(client.vmId) }),
    ...(token && { Authorization: `Bearer ${token}` }),
  };
}

/** `fetch` refuses other characters in a header, and a name must not keep an agent from calling at all. */
function inHeader(value: string): string {
  return value.replace(/[^\x20-\x7e]/g, "?");
}

/** Why the server did not run a tool. */
interface Refusal {
  error?: string;
  errors?: { path: string; message: string }[];
}

/** In words with which the model can go on. */
function textOf({ error, errors = [] }: Refusal, status: number): string {
  const details = errors.map(({ path, message }) => `\n- ${path}: ${message}`).join("");
  return `${error ?? "reef refused the call"} (${status})${details}`;
}

function parseRefusal(text: string): Refusal {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? body : {};
  } catch {
    return { error: text.slice(0, REFUSAL_CHARS_MAX) };
  }
}

/** Node hides the reason of a failed fetch in `cause`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message ? error.cause.message : error.message;
}
