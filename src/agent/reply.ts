// Pure: the nodes of one model message → pi's assistant message, and the tool-result messages of its calls.
import type { RawNode } from "../tree/node.js";

/** One message of pi's session format, with the id of its entry. */
export interface HistoryMessage {
  id: string;
  message: { role: "user" | "assistant" | "toolResult"; timestamp: number; [field: string]: unknown };
}

/** pi refuses an assistant message without usage. What it cost is in the tree and has no place in its context. */
const NO_USAGE = {
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  totalTokens: 0,
  cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 },
};

const NO_RESULT = "No result of this call is known.";

/** A block of pi's content; kinds that are not known here pass through. */
interface Block {
  type: string;
  [field: string]: unknown;
}

/** pi's own message as it is kept in `raw`. */
interface RawMessage {
  content: Block[];
  [field: string]: unknown;
}

export interface Reply {
  message: HistoryMessage;
  /** The `tool_call` nodes in the order of their blocks. */
  calls: RawNode[];
}

/** Undefined when nothing of the message is worth telling: a failed or aborted one without text. */
export function replyOf(nodes: readonly RawNode[]): Reply | undefined {
  const [first] = nodes;
  const raw = rawOf(nodes);
  const calls = nodes.filter((node) => node.role === "tool_call");
  const content = raw ? withCalls(raw, calls) : [...textsOf(nodes), ...calls.map(callBlock)];
  if (!first || !content.some((block) => block.type === "text" || block.type === "toolCall"))
    return undefined;
  const order = content.map((block) => block.id);
  return {
    message: {
      id: first.id,
      message: {
        ...(raw ? originOf(raw) : guessedOrigin(first)),
        role: "assistant",
        content,
        usage: NO_USAGE,
        // pi does not send messages that ended in error or were aborted, and then their calls would be missing.
        stopReason: calls.length > 0 ? "toolUse" : "stop",
        timestamp: first.timestamp,
      },
    },
    calls: calls.toSorted((a, b) => order.indexOf(a.toolCallId) - order.indexOf(b.toolCallId)),
  };
}

/** Every call has a result: providers refuse one without. */
export function resultOf(call: RawNode, result: RawNode | undefined): HistoryMessage {
  const text = result?.content ?? NO_RESULT;
  return {
    id: result?.id ?? `${call.id}-result`,
    message: {
      role: "toolResult",
      toolCallId: call.toolCallId,
      toolName: call.toolName ?? call.content,
      content: result?.result?.content ?? [{ type: "text", text }],
      details: result?.result?.details,
      isError: result ? (result.isError ?? result.result?.isError ?? false) : true,
      timestamp: result?.timestamp ?? call.timestamp,
    },
  };
}

function rawOf(nodes: readonly RawNode[]): RawMessage | undefined {
  const raw = nodes.find((node) => node.raw !== undefined)?.raw;
  return isRawMessage(raw) ? raw : undefined;
}

/** `raw` is read back from a file: what is not pi's message counts as absent. */
function isRawMessage(value: unknown): value is RawMessage {
  if (typeof value !== "object" || value === null) return false;
  const { api, provider, model, content } = value as Record<string, unknown>;
  const isNamed = [api, provider, model].every((name) => typeof name === "string");
  return isNamed && Array.isArray(content) && content.every((block) => typeof block?.type === "string");
}

/** The blocks as the model sent them, less calls that never began, plus calls that are known from nodes alone. */
function withCalls(raw: RawMessage, calls: readonly RawNode[]): Block[] {
  const begun = new Set(calls.map((call) => call.toolCallId));
  const wasCut = raw.stopReason === "error" || raw.stopReason === "aborted";
  const kept = raw.content.filter((block) => {
    if (block.type === "toolCall") return begun.delete(block.id as string);
    if (block.type === "text") return isText(block.text);
    // Thinking that was cut has no signature, and pi would send it as if the model had said it.
    return !(wasCut && block.type === "thinking" && !block.thinkingSignature);
  });
  return [...kept, ...calls.filter((call) => begun.has(call.toolCallId)).map(callBlock)];
}

function textsOf(nodes: readonly RawNode[]): Block[] {
  const texts = nodes.filter((node) => node.role === "assistant" && isText(node.content));
  return texts.map((node) => ({ type: "text", text: node.content }));
}

function isText(text: unknown): boolean {
  return typeof text === "string" && text.trim() !== "";
}

function callBlock(call: RawNode): Block {
  const { toolCallId, toolName, content, toolParams } = call;
  return { type: "toolCall", id: toolCallId, name: toolName ?? content, arguments: toolParams ?? {} };
}

function originOf(raw: RawMessage): Record<string, unknown> {
  const { usage: _usage, stopReason: _stopReason, errorMessage: _errorMessage, ...origin } = raw;
  return origin;
}

/** Without `raw` the api is unknown: pi then replays text and calls only, which is all there is. */
function guessedOrigin(node: RawNode): Record<string, unknown> {
  return { api: "unknown", provider: node.meta?.provider ?? "unknown", model: node.meta?.model ?? "unknown" };
}
