// Pure: what pi says, turned into the nodes that the tree keeps. Nothing here waits, and nothing is written here.
import type { AgentEvent, PiMessage } from "../agent/protocol.js";
import type { ToolContent, ToolResult } from "../core/types.js";
import type { NewNode, Usage } from "../tree/node.js";
import { NO_USAGE, openCallsOf, type TurnState } from "./status.js";

const RESULT_TEXT_CHARS_MAX = 1000;
const RESULT_BYTES_MAX = 1024 * 1024;

/** What has to be remembered between two events of one run. */
export interface Memory {
  /** The model message in progress: its text blocks as streamed so far, by content index. */
  streaming: readonly string[];
  /** The number, in its turn, of the model message whose calls are being made. */
  iteration: number;
  /** A message that only calls tools: its first call will carry the usage and the message. */
  held?: PiMessage;
  /** Why the newest model message failed, in the provider's words. */
  failure?: string;
  /** The newest model message called tools, so the model has not seen their results yet. */
  called?: boolean;
}

export const EMPTY_MEMORY: Memory = { streaming: [], iteration: 0 };

export interface Step {
  memory: Memory;
  nodes: NewNode[];
}

/** Whose nodes they become. */
export interface TurnIdentity {
  taskId: string;
  /** The `user` node of the turn. */
  nodeId: string;
}

/** True for an event that may become nodes; any other is only remembered. */
export function becomesNodes(memory: Memory, event: AgentEvent): boolean {
  switch (event.type) {
    case "message_end":
      return event.message.role === "assistant";
    case "tool_execution_start":
    case "tool_execution_end":
      return true;
    default:
      return memory.held !== undefined && endsMessage(event);
  }
}

/** One event of a run → the nodes that it becomes, given the turn as it is folded at that moment. */
export function record(memory: Memory, event: AgentEvent, turn: TurnState, who: TurnIdentity): Step {
  switch (event.type) {
    case "message_end":
      return event.message.role === "assistant"
        ? endMessage(memory, event.message, turn, who)
        : { memory, nodes: [] };
    case "tool_execution_start":
      return startCall(memory, event, turn, who);
    case "tool_execution_end":
      return { memory, nodes: endCall(event, turn, who) };
    default:
      return endsMessage(event) ? release(memory, who) : { memory, nodes: [] };
  }
}

/** What an event that becomes no node changes in memory. */
export function remember(memory: Memory, event: AgentEvent): Memory {
  if (event.type === "message_start" && event.role === "assistant") return { ...memory, streaming: [] };
  return event.type === "message_update" ? stream(memory, event.event) : memory;
}

/** Events after which no further call of the message before can begin. */
function endsMessage(event: AgentEvent): boolean {
  return (
    event.type === "agent_end" ||
    event.type === "settled" ||
    (event.type === "message_start" && event.role === "assistant")
  );
}

/** What a run leaves when it is ended from outside: the text so far, and a result for every open call. */
export function cutOff(memory: Memory, turn: TurnState, who: TurnIdentity, why: string): NewNode[] {
  const { nodes } = release(memory, who);
  const text = memory.streaming.join("").trim();
  if (text)
    nodes.push(
      replyNode(who, text, { stopReason: "aborted", usage: NO_USAGE, iteration: turn.iteration + 1 }),
    );
  for (const call of openCallsOf(turn)) nodes.push(resultNode(who, call, textResult(why), true));
  return nodes;
}

function stream(memory: Memory, update: { type: string; contentIndex: number; delta?: string }): Memory {
  if (update.type !== "text_delta" || update.delta === undefined) return memory;
  const streaming = [...memory.streaming];
  streaming[update.contentIndex] = (streaming[update.contentIndex] ?? "") + update.delta;
  return { ...memory, streaming };
}

/** A message with text is a node at once; one that only calls tools waits for its first call. */
function endMessage(memory: Memory, message: PiMessage, turn: TurnState, who: TurnIdentity): Step {
  const { nodes } = release(memory, who);
  const iteration = turn.iteration + 1;
  const text = textOf(message.content).trim();
  const callsTools =
    message.stopReason === "toolUse" && message.content.some((block) => block.type === "toolCall");
  if (!text && callsTools)
    return { memory: { streaming: [], iteration, held: message, called: true }, nodes };
  nodes.push(messageNode(who, message, text, iteration));
  const failed = message.stopReason === "error" || message.stopReason === "aborted";
  const failure = failed
    ? (message.errorMessage ?? `The model's reply was ${message.stopReason}.`)
    : undefined;
  return { memory: { streaming: [], iteration, failure, called: callsTools }, nodes };
}

function startCall(
  memory: Memory,
  event: Extract<AgentEvent, { type: "tool_execution_start" }>,
  turn: TurnState,
  who: TurnIdentity,
): Step {
  const { held, ...rest } = memory;
  const node: NewNode = {
    parentId: who.nodeId,
    taskId: who.taskId,
    role: "tool_call",
    content: event.toolName,
    toolName: event.toolName,
    toolParams: event.args,
    toolCallId: event.toolCallId,
    meta: { iteration: memory.iteration || turn.iteration, ...(held && messageMeta(held)) },
    ...(held && { raw: rawOf(held) }),
  };
  return { memory: rest, nodes: [node] };
}

function endCall(
  event: Extract<AgentEvent, { type: "tool_execution_end" }>,
  turn: TurnState,
  who: TurnIdentity,
): NewNode[] {
  const call = turn.openCalls[event.toolCallId];
  if (!call) return [];
  const result: ToolResult = { content: event.result.content ?? [], details: event.result.details };
  return [resultNode(who, { ...call, toolCallId: event.toolCallId }, result, event.isError)];
}

/** A held message none of whose calls began becomes an empty reply, so that its usage is not lost. */
function release(memory: Memory, who: TurnIdentity): Step {
  const { held, ...rest } = memory;
  return held
    ? { memory: rest, nodes: [messageNode(who, held, "", memory.iteration)] }
    : { memory: rest, nodes: [] };
}

function messageNode(who: TurnIdentity, message: PiMessage, text: string, iteration: number): NewNode {
  const node = replyNode(who, text, { ...messageMeta(message), iteration });
  return { ...node, raw: rawOf(message) };
}

function replyNode(who: TurnIdentity, content: string, meta: Record<string, unknown>): NewNode {
  return { parentId: who.nodeId, taskId: who.taskId, role: "assistant", content, meta };
}

function resultNode(
  who: TurnIdentity,
  call: { toolCallId: string; toolName: string; nodeId: string },
  full: ToolResult,
  isError: boolean,
): NewNode {
  const { result, truncated } = fitResult(full);
  return {
    parentId: call.nodeId,
    taskId: who.taskId,
    role: "tool_result",
    content: textOf(full.content).slice(0, RESULT_TEXT_CHARS_MAX),
    toolCallId: call.toolCallId,
    toolName: call.toolName,
    result,
    isError,
    ...(truncated > 0 && { meta: { truncated } }),
  };
}

function messageMeta(message: PiMessage): Record<string, unknown> {
  return {
    model: message.model,
    provider: message.provider,
    stopReason: message.stopReason,
    usage: flatUsage(message),
    ...(message.errorMessage !== undefined && { errorMessage: message.errorMessage }),
  };
}

/** pi's usage keeps a price for each kind of token; a node keeps the total in US dollars. */
function flatUsage(message: PiMessage): Usage {
  const { usage } = message;
  if (!usage) return NO_USAGE;
  const { input, output, cacheRead, cacheWrite, totalTokens } = usage;
  return { input, output, cacheRead, cacheWrite, totalTokens, cost: usage.cost?.total ?? 0 };
}

function rawOf(message: PiMessage): unknown {
  const { usage: _, ...rest } = message;
  return rest;
}

function textOf(content: readonly { type: string; text?: string }[]): string {
  return content.map((block) => (block.type === "text" ? (block.text ?? "") : "")).join("");
}

export function textResult(text: string): ToolResult {
  return { content: [{ type: "text", text }], details: {} };
}

/** Keeps a result within its limit: long texts lose their middle, then details and images go. */
function fitResult(result: ToolResult): { result: ToolResult; truncated: number } {
  const size = sizeOf(result);
  if (size <= RESULT_BYTES_MAX) return { result, truncated: 0 };
  const share = Math.floor(RESULT_BYTES_MAX / 4 / Math.max(1, result.content.length));
  const clipped: ToolResult = { ...result, content: result.content.map((block) => clipBlock(block, share)) };
  const fitted = sizeOf(clipped) <= RESULT_BYTES_MAX ? clipped : { content: clipped.content.map(dropImage) };
  return { result: fitted, truncated: size - sizeOf(fitted) };
}

function clipBlock(block: ToolContent, charsMax: number): ToolContent {
  if (block.type !== "text" || block.text.length <= charsMax) return block;
  const half = Math.floor(charsMax / 2);
  const cut = block.text.length - 2 * half;
  return {
    type: "text",
    text: `${block.text.slice(0, half)}\n… (${cut} characters cut) …\n${block.text.slice(-half)}`,
  };
}

function dropImage(block: ToolContent): ToolContent {
  return block.type === "image"
    ? { type: "text", text: `[image of ${block.data.length} bytes left out]` }
    : block;
}

function sizeOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? "");
}
