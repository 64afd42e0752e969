// At boot, before new work: ends what an earlier life of this server has left running.
import { join } from "node:path";
import type { Log } from "../core/types.js";
import { bootId, type Identity } from "./processes.js";
import { clearRunFiles, readRunRecords } from "./runfiles.js";
import { type Hunt, sweep } from "./sweep.js";

const REAP_MS = 5_000;

/**
 * Every process that a run file of this boot names (if its start time still fits), every process with a tag of this
 * server, and all that descends from them. Other servers on the machine have other ids, and are not touched. The run
 * files are gone afterwards. Returns what could not be ended.
 */
export async function reapStrays(options: {
  dataDir: string;
  serverId: string;
  log?: Log;
}): Promise<Identity[]> {
  const runDir = join(options.dataDir, "run");
  const boot = bootId();
  const known = new Map<number, number>();
  for (const record of readRunRecords(runDir)) {
    const isOurs = record.bootId === boot && record.tag.startsWith(`${options.serverId}.`);
    if (isOurs) known.set(record.pid, record.startTime);
  }
  const hunt: Hunt = { tag: `${options.serverId}.`, match: "prefix", known, notBefore: 0 };
  const left = await sweep(hunt, Date.now() + REAP_MS, options.log);
  if (left.length === 0) clearRunFiles(runDir);
  return left;
}
