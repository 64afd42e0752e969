// The tools of the live services as MCP has them: their list, and a call with the rights and the cause of the caller.
import type { CallToolRequest, CallToolResult, Tool } from "@modelcontextprotocol/sdk/types.js";
import { ReefError } from "../core/errors.js";
import type { ToolContent, ToolInfo, ToolResult } from "../core/types.js";
import type { Call, McpParts } from "./parts.js";
import { invalidParams } from "./rpc-error.js";

/** What a progress notification shows of a partial result: its end, which is what is new. */
const PROGRESS_CHARS_MAX = 2_000;
/** So many at once, and then so many a second: a tool that speaks faster than its client reads is not cut off. */
const PROGRESS_BURST = 50;
const PROGRESS_PER_SECOND = 10;
/** Where `details` of a result stand: not in `structuredContent`, which many clients put before the model. */
const DETAILS = "reef/details";
/** Longer ones are left out: the text says what matters. */
const DETAILS_CHARS_MAX = 65_536;
const HINTS = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] as const;

export function listTools({ parts, session }: Call): Tool[] {
  session.listed = parts.kernel.tools.list();
  return session.listed.map(toolOf);
}

/** Whatever the tool does is a result. Rejects for a tool that never was, and for parameters that do not fit. */
export async function callTool(params: CallToolRequest["params"], call: Call): Promise<CallToolResult> {
  const { parts, session, signal } = call;
  const { name } = params;
  if (!parts.kernel.tools.get(name)) {
    if (session.listed.some((tool) => tool.name === name)) return gone(name);
    throw invalidParams(`Tool "${name}" not found`);
  }
  try {
    const onUpdate = progressOf(call);
    return shown(
      await parts.kernel.runTool(name, { params: params.arguments, signal, onUpdate, ...identityOf(parts) }),
    );
  } catch (error) {
    if (!(error instanceof ReefError)) throw error;
    if (error.code === "bad_request") throw invalidParams(error.message, error.details);
    return error.code === "not_found" ? gone(name) : failed(error.message);
  }
}

function identityOf({ context }: McpParts) {
  const { agentName = "server", taskId } = context.caller();
  const nodeId = context.cause();
  return {
    toolCallId: crypto.randomUUID(),
    ctx: {
      cwd: context.config.dir,
      agentName,
      ...(taskId !== undefined && { taskId }),
      ...(nodeId !== null && { nodeId }),
    },
  };
}

/** Only who gave a token for it is told of progress, and not of every step of a tool that makes many. */
function progressOf({ parts, extra }: Call): ((partial: ToolResult) => void) | undefined {
  const progressToken = extra._meta?.progressToken;
  if (progressToken === undefined) return undefined;
  const mayTell = allowance(parts.now);
  let progress = 0;
  return ({ content }) => {
    progress++;
    if (!mayTell()) return;
    const text = content.map((item) => (item.type === "text" ? item.text : "")).join("\n");
    extra
      .sendNotification({
        method: "notifications/progress",
        params: { progressToken, progress, message: endOf(text) },
      })
      .catch((error) => parts.context.log.debug("progress of a call went nowhere:", error));
  };
}

function allowance(now: () => number): () => boolean {
  let left = PROGRESS_BURST;
  let at = now();
  return () => {
    const seconds = Math.max(0, now() - at) / 1000;
    at = now();
    left = Math.min(PROGRESS_BURST, left + seconds * PROGRESS_PER_SECOND);
    if (left < 1) return false;
    left--;
    return true;
  };
}

function endOf(text: string): string {
  if (text.length <= PROGRESS_CHARS_MAX) return text;
  // Never half of a character beyond U+FFFF.
  return `…${text.slice(1 - PROGRESS_CHARS_MAX).replace(/^[\uDC00-\uDFFF]/, "")}`;
}

function shown({ content, details, isError }: ToolResult): CallToolResult {
  return {
    content: content.map(contentOf),
    ...(isError && { isError }),
    ...(isWorthSending(details) && { _meta: { [DETAILS]: details } }),
  };
}

function isWorthSending(details: unknown): boolean {
  const isSomething = isObject(details) && Object.keys(details).length > 0;
  return isSomething && JSON.stringify(details).length <= DETAILS_CHARS_MAX;
}

/** Only the fields that MCP knows: a client refuses a whole result for one that it cannot read. */
function contentOf(item: ToolContent): ToolContent {
  if (item.type === "text") return { type: "text", text: item.text };
  if (!isBase64(item.data))
    return { type: "text", text: `[an image of ${item.mimeType} that is not base64]` };
  return { type: "image", data: item.data, mimeType: item.mimeType };
}

/** As the SDK's client checks it. */
function isBase64(data: string): boolean {
  try {
    atob(data);
    return true;
  } catch {
    return false;
  }
}

function gone(name: string): CallToolResult {
  return failed(
    `Tool "${name}" is gone: its service was unloaded or changed. List the tools again to see which there are.`,
  );
}

function failed(message: string): CallToolResult {
  return { content: [{ type: "text", text: `Error: ${message}` }], isError: true };
}

/** What one odd tool says about itself must not make a client refuse the whole list. */
function toolOf({ name, label, description, parameters, annotations }: ToolInfo): Tool {
  return {
    name,
    title: label,
    description,
    inputSchema: inputSchemaOf(parameters),
    ...(annotations && { annotations: hintsOf(annotations) }),
  };
}

function inputSchemaOf({ properties, required, ...rest }: Record<string, unknown>): Tool["inputSchema"] {
  const names = Array.isArray(required) ? required.filter((name) => typeof name === "string") : undefined;
  return {
    ...rest,
    type: "object",
    ...(isObject(properties) && { properties: schemasOf(properties) }),
    ...(names && { required: names }),
  };
}

/** JSON Schema has `true` and `false` too, for which MCP has no place. */
function schemasOf(properties: Record<string, unknown>): Record<string, object> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, isObject(schema) ? schema : objectFor(schema)]),
  );
}

function objectFor(schema: unknown): object {
  return schema === false ? { not: {} } : {};
}

function hintsOf(annotations: Record<string, unknown>): NonNullable<Tool["annotations"]> {
  const hints: NonNullable<Tool["annotations"]> = {};
  if (typeof annotations.readOnly === "boolean") hints.readOnlyHint = annotations.readOnly;
  for (const name of HINTS) {
    const hint = annotations[name];
    if (typeof hint === "boolean") hints[name] = hint;
  }
  return hints;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
