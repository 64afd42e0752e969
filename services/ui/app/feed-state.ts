// What is shown of the feed: folds, filter, selection, and the rows that follow from them.
import { computed, effect, signal } from "@preact/signals";
import { type Filter, NO_FILTER } from "./filter.js";
import { go, nodeLink, route } from "./route.js";
import { type Row, rowsOf } from "./rows.js";
import { feedLayout, tree } from "./state.js";

export const folded = signal<ReadonlySet<string>>(new Set());
/** Rows that show more than one line. */
export const unrolled = signal<ReadonlySet<string>>(new Set());
export const filter = signal<Filter>(NO_FILTER);
/** The node under which the reply box stands; undefined means the end of the conversation. */
export const replyTo = signal<string | undefined>(undefined);
/** The row that the keyboard is on; opening it is another step. */
export const cursor = signal<string | undefined>(undefined);
export const selectedRow = computed(() => cursor.value ?? route.value.nodeId);

export const feedRows = computed<readonly Row[]>(() => {
  return rowsOf(tree.forest, folded.value, filter.value, feedLayout.value);
});

/** Whatever way leads to a node, the keyboard goes on from there. */
export function followSelection(): void {
  effect(() => {
    const { nodeId } = route.value;
    if (nodeId === undefined) return;
    cursor.value = nodeId;
    reveal(nodeId);
  });
}

/** Shows the conversation of a node, and its row. */
export function open(id: string): void {
  go(nodeLink(id));
}

/** Unfolds what is above a row. */
function reveal(id: string): void {
  const before = folded.peek();
  const above = [...tree.forest.path(id)].slice(1).filter((entry) => before.has(entry.id));
  if (above.length === 0) return;
  const next = new Set(before);
  for (const entry of above) next.delete(entry.id);
  folded.value = next;
}

/** Moves by so many rows, from the first or the last one when none is selected. */
export function move(by: number): void {
  const rows = feedRows.value;
  const at = rows.findIndex(({ id }) => id === selectedRow.value);
  const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, at + by));
  const row = rows[next];
  if (!row) return;
  if (next < rows.length - 1) tree.follows.value = false;
  cursor.value = row.id;
}

/** Folds or unfolds the selected row; what cannot be folded leads to what it stands under. */
export function fold(isFolded: boolean): void {
  const rows = feedRows.value;
  const at = rows.findIndex(({ id }) => id === selectedRow.value);
  const row = rows[at];
  if (!row) return;
  if (row.hasChildren && row.isFolded !== isFolded) toggleIn(folded, row.id);
  else if (isFolded) {
    const above = rows.slice(0, at).findLast(({ depth }) => depth < row.depth);
    if (above) cursor.value = above.id;
  } else if (row.hasChildren) move(1);
}

export function toggleFold(id: string): void {
  toggleIn(folded, id);
}

export function toggleUnrolled(id: string): void {
  toggleIn(unrolled, id);
}

function toggleIn(set: { value: ReadonlySet<string> }, id: string): void {
  const next = new Set(set.value);
  if (!next.delete(id)) next.add(id);
  set.value = next;
}
