// Pure, but for fresh ids: a reply -> the message that the endpoint answers with, and what it would have cost.
import type { ContentBlock, Message, StopReason, Usage } from "@anthropic-ai/sdk/resources/messages";
import {
  blocksOf,
  isText,
  isThinking,
  isToolResult,
  isToolUse,
  type MessagesRequest,
  type RequestBlock,
  signatureOf,
} from "./request.js";
import type { Reply } from "./script.js";

const CHARACTERS_PER_TOKEN = 4;

export function messageOf(reply: Reply, request: MessagesRequest): Message {
  const content = contentOf(reply);
  return {
    id: `msg_${freshId()}`,
    type: "message",
    role: "assistant",
    model: request.model,
    container: null,
    content,
    stop_details: null,
    stop_reason: stopReasonOf(reply),
    stop_sequence: null,
    usage: usageOf(charactersAsked(request), charactersAnswered(reply)),
  };
}

function contentOf({ thinking, text, calls }: Reply): ContentBlock[] {
  const content: ContentBlock[] = [];
  if (thinking) content.push({ type: "thinking", thinking, signature: signatureOf(thinking) });
  if (text !== "") content.push({ type: "text", text, citations: null });
  for (const { name, input } of calls) {
    content.push({ type: "tool_use", id: `toolu_${freshId()}`, name, input, caller: { type: "direct" } });
  }
  return content;
}

/** Ids end up in a tree that outlives this process, so they are random, never counted. */
function freshId(): string {
  return crypto.randomUUID().replaceAll("-", "");
}

function stopReasonOf({ calls, stop }: Reply): StopReason {
  return calls.length > 0 ? "tool_use" : (stop ?? "end_turn");
}

function usageOf(asked: number, answered: number): Usage {
  return {
    input_tokens: Math.ceil(asked / CHARACTERS_PER_TOKEN),
    output_tokens: Math.ceil(answered / CHARACTERS_PER_TOKEN),
    cache_creation: null,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    inference_geo: null,
    server_tool_use: null,
    service_tier: "standard",
  };
}

/** Texts only: what an image weighs would need its size in pixels. */
function charactersAsked({ system = "", tools = [], messages }: MessagesRequest): number {
  const prompt = typeof system === "string" ? system : system.map(({ text }) => text).join("");
  const blocks = messages.flatMap((message) => blocksOf(message));
  return JSON.stringify(tools).length + prompt.length + sum(blocks.map(charactersIn));
}

function charactersIn(block: RequestBlock): number {
  if (isText(block)) return block.text.length;
  if (isThinking(block)) return block.thinking.length;
  if (isToolUse(block)) return block.name.length + JSON.stringify(block.input).length;
  if (!isToolResult(block)) return 0;
  const { content = "" } = block;
  return typeof content === "string" ? content.length : sum(content.map(charactersIn));
}

function charactersAnswered({ thinking = "", text, calls }: Reply): number {
  return (
    thinking.length +
    text.length +
    sum(calls.map(({ name, input }) => name.length + JSON.stringify(input).length))
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
