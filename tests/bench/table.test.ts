import { expect, test } from "bun:test";
import { median, tableOf, verdictOf } from "./table.js";

test("the median of an even number of values is the mean of the two in the middle", () => {
  expect(median([9, 1, 3])).toBe(3);
  expect(median([9, 1, 3, 5])).toBe(4);
  expect(median([])).toBeNaN();
});

test("a row is judged by its ratio, its difference or its own number", () => {
  const row = { what: "x", measured: 40, baseline: 50, unit: "ms" };
  expect(verdictOf({ ...row, goal: { of: "ratio", atLeast: 0.8 } })).toBe("ok");
  expect(verdictOf({ ...row, goal: { of: "ratio", atMost: 0.5 } })).toBe("MISS");
  expect(verdictOf({ ...row, goal: { of: "difference", atMost: 0 } })).toBe("ok");
  expect(verdictOf({ ...row, goal: { of: "measured", atMost: 39 } })).toBe("MISS");
  expect(verdictOf(row)).toBe("");
});

test("a number that was not measured is a miss", () => {
  const goal = { of: "ratio", atMost: 1 } as const;
  expect(verdictOf({ what: "x", measured: Number.NaN, baseline: 1, unit: "ms", goal })).toBe("MISS");
  expect(verdictOf({ what: "x", measured: 1, unit: "ms", goal })).toBe("MISS");
});

test("the table has one line for each number, its columns aligned", () => {
  const table = tableOf([
    { what: "start", measured: 12.34, baseline: 1000, unit: "ms", goal: { of: "ratio", atMost: 0.05 } },
    { what: "memory", measured: 140, baseline: 100, unit: "MB", goal: { of: "difference", atMost: 30 } },
    { what: "tokens", measured: 12_345, unit: "/s" },
  ]);
  expect(table.split("\n")).toEqual([
    "what    measured  baseline   ratio  to reach",
    "------  --------  --------  ------  --------  ----",
    "start    12.3 ms  1,000 ms   0.012    ≤ 0.05  ok",
    "memory    140 MB    100 MB  +40 MB  ≤ +30 MB  MISS",
    "tokens  12,345/s         –       –         –",
  ]);
});
