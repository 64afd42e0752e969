// Pure: what is asked of the search index, and the FTS5 expression that asks it. Callers know words and phrases only.
import type { TreeNode } from "./node.js";
import { isFailure, spaced, tag } from "./search-text.js";

export interface SearchQuery {
  /** Words and phrases that all have to be in the text of a node. Absent: any text; an empty list finds nothing. */
  phrases?: readonly string[];
  taskIds?: readonly string[];
  /** Roles or event types. */
  types?: readonly string[];
  sources?: readonly string[];
  /** Only what failed. */
  errors?: boolean;
  /** Epoch milliseconds, both included. */
  from?: number;
  to?: number;
}

/** Words stand alone, quotes make a phrase; what holds no letter and no digit is left out, since no text is split there. */
export function phrasesOf(text: string): string[] {
  const found = text.toWellFormed().matchAll(/"([^"]*)"?|[^\s"]+/g);
  return Array.from(found, ([word, phrase = word]) => phrase).filter((phrase) =>
    /[\p{L}\p{N}]/u.test(phrase),
  );
}

/** Of all nodes when the query has no conditions. Times are left to `fits`. */
export function expressionOf({ phrases = [], taskIds, types, sources, errors }: SearchQuery): string {
  const conditions = phrases.map((phrase) => `words : "${plain(phrase)}"`);
  conditions.push(...anyOf("task", taskIds), ...anyOf("type", types), ...anyOf("source", sources));
  if (errors) conditions.push(`tags : ${tag("failed")}`);
  return conditions.length === 0 ? `tags : ${tag("node")}` : conditions.join(" AND ");
}

/** Whether a node that the index has found really is meant: tags are cut, and times are not in the index. */
export function fits(node: TreeNode, query: SearchQuery): boolean {
  const { taskIds, types, sources, errors, from = 0, to = Number.POSITIVE_INFINITY } = query;
  if (node.timestamp < from || node.timestamp > to) return false;
  if (taskIds && !taskIds.includes(node.taskId ?? "")) return false;
  if (types && !types.includes(node.role) && !types.includes(node.eventType ?? "")) return false;
  if (sources && !sources.includes(node.source ?? "")) return false;
  return !errors || isFailure(node);
}

/** A string of FTS5 ends at a quote, and the whole expression at a NUL. */
function plain(phrase: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be taken out.
  return spaced(phrase.replace(/["\u0000-\u001f]/g, " "));
}

function anyOf(kind: "task" | "type" | "source", values: readonly string[] | undefined): string[] {
  return values ? [`tags : (${values.map((value) => tag(kind, value)).join(" OR ")})`] : [];
}
