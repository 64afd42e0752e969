// Pure: what one looks for in the feed.
import type { FeedNode } from "./feed-node.js";
import type { Kind } from "./kinds.js";

export interface Filter {
  /** Empty means all. */
  kinds: ReadonlySet<Kind>;
  taskId?: string;
  source?: string;
  errorsOnly?: boolean;
  text?: string;
  /** Epoch milliseconds. */
  from?: number;
}

export const NO_FILTER: Filter = { kinds: new Set() };

export function isEmpty({ kinds, taskId, source, errorsOnly, text, from }: Filter): boolean {
  return kinds.size === 0 && !taskId && !source && !errorsOnly && !text?.trim() && from === undefined;
}

export function fits(node: FeedNode, { kinds, taskId, source, errorsOnly, text, from }: Filter): boolean {
  if (kinds.size > 0 && !kinds.has(node.kind)) return false;
  if (taskId && node.taskId !== taskId) return false;
  if (source && node.source !== source) return false;
  if (errorsOnly && !node.isFailure) return false;
  if (from !== undefined && node.timestamp < from) return false;
  const words = (text ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const said = `${node.line}\n${node.text}\n${node.taskId ?? ""}`.toLowerCase();
  return words.every((word) => said.includes(word));
}
