// A real server that opens a big tree, against one with an empty DATA_DIR: until /health answers, and the memory that it
// holds when a reader has looked at the first pages.
import { readFileSync } from "node:fs";
import { startReef } from "../flow/reef.js";
import type { Bench } from "./bench.js";
import { interleaved } from "./sample.js";
import { median, type Row } from "./table.js";

const ENV = { REEF_WARM: "0", REEF_OFFLINE: "1" };
const FIRST_PAGES = ["/reef/tree?limit=100", "/reef/tasks?limit=100"];

export async function open({ nodes, starts, folder, filled }: Bench): Promise<Row[]> {
  const folders = { big: await filled(), empty: folder() };
  const memory: Record<"big" | "empty", number[]> = { big: [], empty: [] };
  const start = async (name: "big" | "empty") => {
    const { ms, megabytes } = await startOnce(folders[name]);
    memory[name].push(megabytes);
    return ms;
  };
  const ways = { big: () => start("big"), empty: () => start("empty") };
  // The first start of a folder makes what later ones find.
  await interleaved(1, ways);
  for (const samples of Object.values(memory)) samples.length = 0;
  const ms = await interleaved(starts, ways);
  const what = `open with ${nodes.toLocaleString("en-US")} nodes`;
  return [
    {
      what: `${what}: to /health`,
      measured: ms.big,
      baseline: ms.empty,
      unit: "ms",
      goal: { of: "ratio", atMost: 1.2 },
    },
    {
      what: `${what}: resident memory`,
      measured: median(memory.big),
      baseline: median(memory.empty),
      unit: "MB",
      goal: { of: "difference", atMost: 30 },
    },
  ];
}

async function startOnce(dataDir: string): Promise<{ ms: number; megabytes: number }> {
  const startedAt = performance.now();
  const reef = await startReef({ dataDir, env: ENV });
  const { ok } = await reef.fetch("/health");
  const ms = performance.now() - startedAt;
  for (const page of FIRST_PAGES) await (await reef.fetch(page)).arrayBuffer();
  const megabytes = residentMegabytes(reef.pid);
  await reef.stop();
  if (!ok) throw new Error("/health did not answer with 200");
  return { ms, megabytes };
}

export function residentMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}
