// What agents used in the last week, asked of a ledger with a million sessions and of one with ten thousand: both in a
// real server, in turns.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { copyService } from "../fleet/reef-with.js";
import { type Reef, startReef } from "../flow/reef.js";
import type { Bench } from "./bench.js";
import { startChild } from "./child.js";
import { interleaved } from "./sample.js";
import type { Row } from "./table.js";

const FEW = 10_000;
/** A hundred times the sessions: what is read of them one by one is up to an hour's, at the edge of the range. */
const RATIO_MAX = 3;
const PATHS = ["/usage", "/usage?range=all", "/usage/sessions?range=7d&limit=100"];

export async function usage({ sessions, samples, loadMs, folder }: Bench): Promise<Row[]> {
  const reefs = { many: await startFilled(folder(), sessions), few: await startFilled(folder(), FEW) };
  const rows: Row[] = [];
  for (const path of PATHS) {
    const ways = {
      many: () => msEach(reefs.many, path, loadMs),
      few: () => msEach(reefs.few, path, loadMs),
    };
    await interleaved(1, ways);
    const { many, few } = await interleaved(samples, ways);
    const what = `GET ${path} at ${sessions.toLocaleString("en-US")} sessions against ${FEW.toLocaleString("en-US")}`;
    rows.push({ what, measured: many, baseline: few, unit: "ms", goal: { of: "ratio", atMost: RATIO_MAX } });
  }
  await Promise.all([reefs.many.stop(), reefs.few.stop()]);
  return rows;
}

async function startFilled(folder: string, sessions: number): Promise<Reef> {
  const [dataDir, servicesDir] = [join(folder, "data"), join(folder, "services")];
  await mkdir(dataDir);
  await mkdir(servicesDir);
  copyService("usage", servicesDir);
  const filler = startChild(import.meta.resolve("./children/ledger.ts"));
  await filler.ask("fill", { dir: dataDir, sessions });
  await filler.end();
  return startReef({ dataDir, servicesDir, env: { REEF_WARM: "0" } });
}

/** One request after the other: what there is to answer changes with time, and so does its length. */
async function msEach(reef: Reef, path: string, ms: number): Promise<number> {
  const startedAt = performance.now();
  let answers = 0;
  while (performance.now() - startedAt < ms) {
    const answer = await reef.fetch(path);
    await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    answers++;
  }
  return (performance.now() - startedAt) / answers;
}
