// Appends to a tree that a search index follows, against appends to one without: the same turns, each tree in a process
// of its own, so that what the index does later counts for neither.
import type { Bench } from "./bench.js";
import { startChild } from "./child.js";
import { interleaved } from "./sample.js";
import type { Row } from "./table.js";

const TASKS = 64;
const BATCH = { tasks: TASKS, rounds: 3 };
const BATCHES_MIN = 10;

export async function appendWithSearch({ samples, folder }: Bench): Promise<Row[]> {
  const open = async (search: boolean) => {
    const child = startChild(import.meta.resolve("./children/tree.ts"));
    await child.ask("open", { name: "tree", dir: folder(), nodes: 1_000, search });
    return () => child.ask<number>("append", { name: "tree", ...BATCH });
  };
  const ways = { followed: await open(true), alone: await open(false) };
  await interleaved(1, ways);
  const { followed, alone } = await interleaved(Math.max(samples, BATCHES_MIN), ways);
  const what = `append with a search index, ${TASKS} tasks at once`;
  return [{ what, measured: followed, baseline: alone, unit: "/s", goal: { of: "ratio", atLeast: 0.9 } }];
}
