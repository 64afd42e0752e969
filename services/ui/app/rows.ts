// Pure: the rows of the feed, from what is known of the tree, what is folded, and what is looked for.
import type { FeedNode } from "./feed-node.js";
import { type Filter, fits, isEmpty } from "./filter.js";
import type { Entry, Forest } from "./forest.js";
import { isQuiet, type Layout, layOut } from "./layout.js";
import { NO_USAGE, plus } from "./spend.js";
import type { TaskStatus, Usage } from "./types.js";

export interface Row {
  readonly id: string;
  readonly depth: number;
  readonly entry: Entry;
  readonly hasChildren: boolean;
  readonly isFolded: boolean;
  /** Rows that a fold hides. */
  readonly hidden: number;
  /** Of a prompt in the window: how its turn stands. */
  readonly turn: TurnSum | undefined;
  /** True for what is shown only because something below it fits the filter. */
  readonly isContext: boolean;
}

export interface TurnSum {
  status: TaskStatus;
  usage: Usage;
}

/** Every known node once, except those that a fold or the filter hides, and those that their prompt's row speaks for. */
export function rowsOf(
  forest: Forest,
  folded: ReadonlySet<string>,
  filter: Filter,
  layout = layOut(forest),
): Row[] {
  const found = isEmpty(filter) ? undefined : findings(forest, layout, filter);
  const rows: Row[] = [];
  const stack = placed(layout.tops, 0);
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { entry, depth } = next;
    const below = placesBelow(next, layout);
    const hasChildren = below.inside.length > 0;
    const isFolded = hasChildren && !found && folded.has(entry.id);
    const kind = found ? found.get(entry.id) : "fits";
    if (kind) {
      const hidden = isFolded ? countIn(below.inside, layout) : 0;
      const turn = turnSum(entry, forest);
      rows.push({
        id: entry.id,
        depth,
        entry,
        hasChildren,
        isFolded,
        hidden,
        turn,
        isContext: kind !== "fits",
      });
    }
    stack.push(...below.beside, ...(isFolded ? [] : below.inside));
  }
  return rows;
}

interface Place {
  entry: Entry;
  depth: number;
}

/** As a stack: what comes first is last. */
function placed(entries: readonly Entry[], depth: number): Place[] {
  return entries.map((entry) => ({ entry, depth })).reverse();
}

/** `inside` goes when the entry is folded, `beside` stays. */
function placesBelow({ entry, depth }: Place, layout: Layout): { inside: Place[]; beside: Place[] } {
  if (entry.role === "system") return { inside: [], beside: placed(layout.under(entry), depth) };
  const own = placed(layout.under(entry), depth + 1);
  if (entry.role !== "user") return { inside: own, beside: [] };
  const next = layout.continuations(entry.id);
  if (next.length === 1) return { inside: own, beside: placed(next, depth) };
  return { inside: [...placed(next, depth + 1), ...own], beside: [] };
}

function countIn(places: readonly Place[], layout: Layout): number {
  let count = 0;
  const stack = [...places];
  for (let next = stack.pop(); next; next = stack.pop()) {
    count++;
    const { inside, beside } = placesBelow(next, layout);
    stack.push(...inside, ...beside);
  }
  return count;
}

/** What fits, and in whose turn it happened. */
function findings(forest: Forest, layout: Layout, filter: Filter): Map<string, "fits" | "context"> {
  const found = new Map<string, "fits" | "context">();
  for (const { id, node } of forest.entries()) {
    if (!node || isQuiet(node) || !fits(node, filter)) continue;
    for (const above of forest.path(id)) {
      if (!found.has(above.id)) found.set(above.id, above.id === id ? "fits" : "context");
      else if (above.id === id) found.set(id, "fits");
      else break;
      if (above.role === "user" && layout.continues(above.id) !== undefined) break;
    }
  }
  return found;
}

function turnSum({ node, id }: Entry, forest: Forest): TurnSum | undefined {
  if (node?.role !== "user" || node.taskId === undefined) return undefined;
  const nodes = forest.children(id).flatMap((one) => one.node ?? []);
  const usage = nodes.reduce((sum, one) => plus(sum, one.usage), NO_USAGE);
  return { status: statusOf(nodes, forest), usage };
}

/** As the server folds it, from the nodes of one turn. */
function statusOf(nodes: readonly FeedNode[], forest: Forest): TaskStatus {
  let status: TaskStatus = "queued";
  for (const { eventType, role } of nodes) {
    if (eventType === "task_done") return "done";
    if (eventType === "task_error") return "error";
    if (eventType === "task_cancelled") return "cancelled";
    if (eventType === "task_interrupted") status = "queued";
    else if (role !== "event" || eventType === "run_started") status = "running";
  }
  return nodes.some((node) => isUnanswered(node, forest)) ? "waiting" : status;
}

function isUnanswered({ id, eventType, role }: FeedNode, forest: Forest): boolean {
  const below = forest.children(id).flatMap(({ node }) => node ?? []);
  if (role === "tool_call") return below.some((one) => one.role === "event" && isUnanswered(one, forest));
  return eventType === "pending" && !below.some((one) => one.eventType === "answer");
}
