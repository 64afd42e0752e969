// A service of five files, replaced again and again: how long one takes, and what a thousand leave behind.
import type { Bench } from "./bench.js";
import { startChild } from "./child.js";
import type { Reloaded } from "./children/reloads.js";
import { median, type Row } from "./table.js";

/** Until here the engine compiles, and its heap finds its size. */
const FIRST = 500;

export async function reload({ reloads, folder }: Bench): Promise<Row[]> {
  const child = startChild(import.meta.resolve("./children/reloads.ts"));
  await child.ask("start", folder());
  const before = await child.ask<Reloaded>("reload", FIRST);
  const after = await child.ask<Reloaded>("reload", reloads);
  const what = "reload of a service of 5 files";
  const grown = `  after ${reloads.toLocaleString("en-US")} more`;
  return [
    { what, measured: median(after.times), unit: "ms", goal: { of: "measured", atMost: 5 } },
    row(`${grown}: resident memory`, after.residentMegabytes, before.residentMegabytes),
    row(`${grown}: heap`, after.heapMegabytes, before.heapMegabytes),
    {
      what: `${grown}: copies on disk`,
      measured: after.copies,
      unit: "",
      goal: { of: "measured", atMost: 1 },
    },
  ];
}

function row(what: string, measured: number, baseline: number): Row {
  return { what, measured, baseline, unit: "MB", goal: { of: "ratio", atMost: 1.1 } };
}
