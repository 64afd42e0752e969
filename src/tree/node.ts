// What a node of the tree is: its shape, its roles, and the rules that hold when it is written and when it is read.
import type { ToolResult } from "../core/types.js";

export type Role = "system" | "user" | "assistant" | "tool_call" | "tool_result" | "event";

export interface TreeNode {
  /** Opaque and unique for ever: a monotonic ULID, except for imported nodes. */
  id: string;
  /** Commit order over the whole tree: strictly increasing, never reused. */
  seq: number;
  /** Null only for the root. */
  parentId: string | null;
  role: Role;
  content: string;
  /** Epoch milliseconds. */
  timestamp: number;
  /** The task whose turn it belongs to. */
  taskId?: string;
  /** What set this up, when that is not an ancestor. */
  causeId?: string;
  source?: string;
  eventType?: string;
  meta?: Record<string, unknown>;
  toolName?: string;
  toolParams?: unknown;
  toolCallId?: string;
  result?: ToolResult;
  isError?: boolean;
}

/** A node before its commit. `id` is given when another node of the same commit refers to it (`tx.id()`). */
export interface NewNode extends Omit<TreeNode, "id" | "seq" | "timestamp"> {
  id?: string;
  timestamp?: number;
  /** pi's own message without usage, for building session files; never shown. */
  raw?: unknown;
}

/** A node with its private column. */
export interface RawNode extends TreeNode {
  raw?: unknown;
}

export interface Usage {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  totalTokens: number;
  /** US dollars. */
  cost: number;
}

/** True for the roles with which the ref of a task moves. */
export function movesRef(node: { role: Role; taskId?: string }): boolean {
  return node.taskId !== undefined && node.role !== "event" && node.role !== "system";
}

const LABELS: Record<string, string> = {
  tool_call: "tool",
  tool_result: "result",
  cron_start: "cron",
  cron_done: "done",
  cron_error: "error",
  task_error: "error",
  task_cancelled: "cancelled",
  task_interrupted: "interrupted",
  steer: "steer",
  pending: "ask",
  answer: "answer",
};

/** The one word for what a node is, to people in a drawing and to a model in its history. */
export function labelOf(node: Pick<TreeNode, "role" | "eventType">): string {
  if (node.role === "event") return LABELS[node.eventType ?? ""] ?? "event";
  return LABELS[node.role] ?? node.role;
}
