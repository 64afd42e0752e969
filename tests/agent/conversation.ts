// Builds the nodes of a conversation for tests, with ids that say what they are.
import type { RawNode } from "../../src/tree/node.js";

export interface Conversation {
  nodes: RawNode[];
  /** Adds a node under `parentId`; the seq is the number of nodes so far. */
  add(id: string, parentId: string | null, fields: Partial<RawNode> & Pick<RawNode, "role">): RawNode;
}

export function conversation(): Conversation {
  const nodes: RawNode[] = [];
  return {
    nodes,
    add(id, parentId, fields) {
      const seq = nodes.length + 1;
      const node: RawNode = { id, seq, parentId, content: "", timestamp: 1_700_000_000_000 + seq, ...fields };
      nodes.push(node);
      return node;
    },
  };
}

/** The fields of nodes as a run writes them. */
export const say = (content: string, fresh = false) => ({ role: "user" as const, content, meta: { fresh } });

export const reply = (content: string, iteration: number, blocks?: object[], more: object = {}) => ({
  role: "assistant" as const,
  content,
  meta: { iteration },
  ...(blocks && { raw: rawMessage(blocks, more) }),
});

export const call = (
  toolCallId: string,
  toolName: string,
  toolParams: unknown,
  iteration: number,
  blocks?: object[],
) => ({
  role: "tool_call" as const,
  content: toolName,
  toolName,
  toolParams,
  toolCallId,
  meta: { iteration },
  ...(blocks && { raw: rawMessage(blocks, { stopReason: "toolUse" }) }),
});

export const result = (toolCallId: string, text: string, isError = false) => ({
  role: "tool_result" as const,
  content: text,
  toolCallId,
  isError,
  result: { content: [{ type: "text" as const, text }], details: {} },
});

export const event = (eventType: string, content: string, source?: string) => ({
  role: "event" as const,
  eventType,
  content,
  ...(source && { source }),
});

/** pi's own message as `raw` keeps it, from the model that the tests run with. */
export function rawMessage(content: object[], more: object = {}): object {
  const origin = { api: "anthropic-messages", provider: "recorded", model: "scripted" };
  return { role: "assistant", content, ...origin, stopReason: "stop", timestamp: 1_700_000_000_000, ...more };
}
