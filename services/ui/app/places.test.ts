// Where rows stand: one after another without a gap, and found again by their place.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { NO_FILTER } from "./filter.js";
import { Forest } from "./forest.js";
import { indexAt, placeRows, UNROLLED_PX } from "./places.js";
import { rowsOf } from "./rows.js";
import { anyTree, node } from "./samples.js";

test("rows follow one another without a gap, and the row at a place is the one that covers it", () => {
  fc.assert(
    fc.property(
      anyTree,
      fc.array(fc.nat()),
      fc.integer({ min: 1, max: 50 }),
      fc.nat(),
      (tree, open, px, at) => {
        const forest = new Forest();
        forest.add(tree);
        const rows = rowsOf(forest, new Set(), NO_FILTER);
        const unrolled = new Set(open.map((one) => tree[one % tree.length]?.id ?? ""));
        const placed = placeRows(rows, px, unrolled);
        let top = 0;
        for (const one of placed.rows) {
          expect(one.topPx).toBe(top);
          expect(one.heightPx).toBe(px + (unrolled.has(one.row.id) ? UNROLLED_PX : 0));
          top += one.heightPx;
        }
        expect(placed.heightPx).toBe(top);
        const place = at % top;
        const found = placed.rows[indexAt(placed.rows, place)];
        expect(found && found.topPx <= place && place < found.topPx + found.heightPx).toBe(true);
      },
    ),
  );
});

test("beyond the ends are the first and the last row", () => {
  const forest = new Forest();
  forest.add([node(1), node(2), node(3)]);
  const { rows } = placeRows(rowsOf(forest, new Set(), NO_FILTER), 28, new Set());
  expect([indexAt(rows, -100), indexAt(rows, 1_000), indexAt([], 5)]).toEqual([0, 2, 0]);
});
