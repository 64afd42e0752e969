// A service of five files, replaced again and again: how long one takes, and what a thousand leave behind. One of a
// hundred files beside it.
import type { Bench } from "./bench.js";
import { startChild } from "./child.js";
import type { Reloaded } from "./children/reloads.js";
import { median, type Row } from "./table.js";

/** Until here the engine compiles, and its heap finds its size. */
const FIRST = 500;
/** Bun itself keeps about a kilobyte for every file that it ever imported. What reef would hold shows in the heap. */
const KEPT_BY_BUN_MB_MAX = 12;
const HEAP_GROWTH_MAX = 1.1;
const LARGE_RELOADS = 20;

export async function reload({ reloads, folder }: Bench): Promise<Row[]> {
  const child = startChild(import.meta.resolve("./children/reloads.ts"));
  await child.ask("start", folder());
  const before = await child.ask<Reloaded>("reload", FIRST);
  const after = await child.ask<Reloaded>("reload", reloads);
  const large = await child.ask<number[]>("reloadLarge", LARGE_RELOADS);
  const what = "reload of a service of 5 files";
  const grown = `  after ${reloads.toLocaleString("en-US")} more`;
  return [
    { what, measured: median(after.times), unit: "ms", goal: { of: "measured", atMost: 5 } },
    // Twenty times the files may take somewhat more than twenty times as long, and no more.
    {
      what: "  of 100 files",
      measured: median(large),
      baseline: median(after.times),
      unit: "ms",
      goal: { of: "ratio", atMost: 30 },
    },
    {
      what: `${grown}: resident memory`,
      measured: after.residentMegabytes,
      baseline: before.residentMegabytes,
      unit: "MB",
      goal: { of: "difference", atMost: KEPT_BY_BUN_MB_MAX },
    },
    {
      what: `${grown}: heap`,
      measured: after.heapMegabytes,
      baseline: before.heapMegabytes,
      unit: "MB",
      goal: { of: "ratio", atMost: HEAP_GROWTH_MAX },
    },
    {
      what: `${grown}: copies on disk`,
      measured: after.copies,
      unit: "",
      goal: { of: "measured", atMost: 1 },
    },
  ];
}
