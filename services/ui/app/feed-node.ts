// Pure: what the feed keeps of a node. A window of thousands of nodes must not hold the megabytes that their results may
// have.
import { firstLine } from "./format.js";
import { isFailure, type Kind, kindOf, wordOf } from "./kinds.js";
import { usageOf } from "./spend.js";
import type { Role, TreeNode, Usage } from "./types.js";

const TEXT_CHARS_MAX = 2_000;

export interface FeedNode {
  readonly id: string;
  readonly seq: number;
  readonly parentId: string | null;
  readonly role: Role;
  readonly kind: Kind;
  readonly word: string;
  /** The one line of its row. */
  readonly line: string;
  /** The beginning of its text: what a filter looks at, and what opens in place. */
  readonly text: string;
  readonly timestamp: number;
  readonly isFailure: boolean;
  readonly taskId?: string;
  readonly source?: string;
  readonly eventType?: string;
  readonly usage?: Usage;
  /** Of a prompt: whether its context begins with it. Undefined where nobody said so. */
  readonly fresh?: boolean;
}

export function feedNode(node: TreeNode): FeedNode {
  const { id, seq, parentId, role, timestamp, taskId, source, eventType, meta } = node;
  return {
    id,
    seq,
    parentId,
    role,
    timestamp,
    taskId,
    source,
    eventType,
    kind: kindOf(node),
    word: wordOf(node),
    line: lineOf(node),
    text: textOf(node).slice(0, TEXT_CHARS_MAX),
    isFailure: isFailure(node),
    usage: usageOf(node),
    fresh: typeof meta?.fresh === "boolean" ? meta.fresh : undefined,
  };
}

/** Text only: whatever a name or a result holds is shown as it is. */
export function lineOf(node: TreeNode): string {
  if (node.role === "tool_call") return `${node.toolName ?? ""} ${argumentOf(node.toolParams)}`.trim();
  return firstLine(node.content) || (node.eventType ?? "(empty)");
}

/** The command, the path, the one text argument, or compact JSON. */
export function argumentOf(params: unknown): string {
  if (typeof params !== "object" || params === null) return "";
  for (const name of ["command", "path"]) {
    const value = Object.entries(params).find(([key]) => key === name)?.[1];
    if (typeof value === "string") return firstLine(value);
  }
  const values = Object.values(params);
  if (values.length === 0) return "";
  return firstLine(values.length === 1 && typeof values[0] === "string" ? values[0] : JSON.stringify(params));
}

function textOf(node: TreeNode): string {
  if (node.role !== "tool_call") return node.content;
  return `${node.toolName ?? ""}\n${JSON.stringify(node.toolParams ?? {}, null, 2)}`;
}
