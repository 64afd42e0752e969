// Nodes and events for the tests of tasks: short to write, complete in shape.
import type { AgentEvent, PiMessage } from "../../src/agent/protocol.js";
import { foldTask, type TaskState } from "../../src/tasks/status.js";
import type { NewNode, TreeNode } from "../../src/tree/node.js";

export const WHO = { taskId: "t", nodeId: "u" };

let seq = 0;

export function node(fields: Partial<TreeNode>): TreeNode {
  seq += 1;
  return {
    id: `n${seq}`,
    seq,
    parentId: "u",
    role: "event",
    content: "",
    timestamp: seq * 1000,
    taskId: "t",
    ...fields,
  };
}

export function user(meta: Record<string, unknown> = {}, fields: Partial<TreeNode> = {}): TreeNode {
  return node({
    id: "u",
    parentId: "root",
    role: "user",
    content: "do it",
    meta: { fresh: true, scopes: [], ...meta },
    ...fields,
  });
}

export function event(eventType: string, fields: Partial<TreeNode> = {}): TreeNode {
  return node({ eventType, source: "reef", ...fields });
}

export function fold(...nodes: TreeNode[]): TaskState {
  const state = nodes.reduce<TaskState | undefined>(foldTask, undefined);
  if (!state) throw new Error("Nothing to fold.");
  return state;
}

/** Gives new nodes an id and folds them, as a commit does. */
export function commit(state: TaskState, nodes: readonly NewNode[]): TaskState {
  return nodes.reduce((folded, { raw: _, ...fresh }) => foldTask(folded, node(fresh)), state);
}

export function message(fields: Partial<PiMessage>): AgentEvent {
  const usage = {
    input: 10,
    output: 5,
    cacheRead: 0,
    cacheWrite: 0,
    totalTokens: 15,
    cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0.5 },
  };
  return {
    type: "message_end",
    message: {
      role: "assistant",
      content: [],
      model: "scripted",
      provider: "offline",
      stopReason: "stop",
      usage,
      ...fields,
    },
  };
}

export function call(toolCallId: string, toolName = "bash", args: unknown = { command: "true" }): AgentEvent {
  return { type: "tool_execution_start", toolCallId, toolName, args };
}

export function result(toolCallId: string, text: string, isError = false): AgentEvent {
  return {
    type: "tool_execution_end",
    toolCallId,
    toolName: "bash",
    result: { content: [{ type: "text", text }] },
    isError,
  };
}

export const text = (value: string) => ({ type: "text", text: value });
export const toolCall = (id: string) => ({ type: "toolCall", id, name: "bash", arguments: {} });
