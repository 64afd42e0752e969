// Appends to a big tree against appends to one that began at nothing, in one process and in turns: whole turns of many
// tasks at once, node by node, each on disk before its next.
import type { Bench } from "./bench.js";
import { startChild } from "./child.js";
import { interleaved } from "./sample.js";
import type { Row } from "./table.js";

const TASKS = 64;
const BATCH = { tasks: TASKS, rounds: 3 };
const BATCHES_MIN = 10;

export async function appendAtSize({ nodes, samples, folder, filled }: Bench): Promise<Row[]> {
  const dir = await filled();
  const child = startChild(import.meta.resolve("./children/tree.ts"));
  await child.ask("open", { name: "big", dir, nodes: 0 });
  // Both have written before, so that neither pays for a log file that is still growing.
  await child.ask("open", { name: "small", dir: folder(), nodes: 1_000 });
  const ways = {
    big: () => child.ask<number>("append", { name: "big", ...BATCH }),
    small: () => child.ask<number>("append", { name: "small", ...BATCH }),
  };
  await interleaved(1, ways);
  const { big, small } = await interleaved(Math.max(samples, BATCHES_MIN), ways);
  // A clean stop, so that whoever opens it next does not look for damage.
  await child.ask("close");
  const what = `append at ${nodes.toLocaleString("en-US")} nodes against 0, ${TASKS} tasks at once`;
  return [{ what, measured: big, baseline: small, unit: "/s", goal: { of: "ratio", atLeast: 0.85 } }];
}
