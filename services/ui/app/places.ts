// Pure: where each row of the feed stands, and which row is at a place.
import type { Row } from "./rows.js";

/** What a row that shows more of its text is higher by. */
export const UNROLLED_PX = 168;

export interface PlacedRow {
  readonly row: Row;
  readonly topPx: number;
  readonly heightPx: number;
  readonly isUnrolled: boolean;
}

export interface Placed {
  readonly rows: readonly PlacedRow[];
  readonly heightPx: number;
}

export function placeRows(rows: readonly Row[], rowPx: number, unrolled: ReadonlySet<string>): Placed {
  let topPx = 0;
  const placed = rows.map((row) => {
    const isUnrolled = unrolled.has(row.id) && row.entry.node !== undefined;
    const heightPx = rowPx + (isUnrolled ? UNROLLED_PX : 0);
    const one = { row, topPx, heightPx, isUnrolled };
    topPx += heightPx;
    return one;
  });
  return { rows: placed, heightPx: topPx };
}

/** The row at a distance from the top; the first or the last one beyond either end. */
export function indexAt(rows: readonly PlacedRow[], px: number): number {
  let low = 0;
  let high = rows.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((rows[middle]?.topPx ?? 0) <= px) low = middle;
    else high = middle - 1;
  }
  return low;
}
