// Finds every process that a run has started, wherever it hides, and ends it.
import type { Log } from "../core/types.js";
import { type Identity, type ProcessRow, type ProcessTable, readProcesses, signal } from "./processes.js";

/** Nothing tells when a process that is not our child is gone, so after a signal the next look waits this long. */
const LOOK_AGAIN_MS = 10;

export interface Hunt {
  /** The value of the tag that they carry, or how it begins. */
  tag: string;
  match: "whole" | "prefix";
  /** Seen before and known to be meant, even if nothing shows it any more. Filled by each look. */
  known: Map<number, number>;
  /** Nothing that the run started is older than this. */
  notBefore: number;
}

/** One look: what is there now is remembered in `hunt.known`. */
export async function look(hunt: Hunt): Promise<ProcessRow[]> {
  const table = await readProcesses();
  const found = familyOf(table.rows, (row) => isSeed(row, hunt, table));
  for (const row of found) hunt.known.set(row.pid, row.startTime);
  return found;
}

/** Kills until a look finds nothing more, or until `deadline` (epoch ms). Returns what is left. */
export async function sweep(hunt: Hunt, deadline: number, log?: Log): Promise<Identity[]> {
  for (;;) {
    const found = await look(hunt);
    if (found.length === 0) return [];
    if (Date.now() >= deadline) {
      log?.error("still alive after SIGKILL:", found.map((row) => row.pid).join(" "));
      return found;
    }
    for (const row of found) signal(row, "SIGKILL");
    await Bun.sleep(LOOK_AGAIN_MS);
  }
}

function isSeed(row: ProcessRow, hunt: Hunt, table: ProcessTable): boolean {
  if (hunt.known.get(row.pid) === row.startTime) return true;
  return row.startTime >= hunt.notBefore && table.isTagged(row, hunt.tag, hunt.match);
}

/**
 * The seeds, their descendants, and whoever shares a session with one of them: a session begins with one process, so
 * all of it comes from the run. This process, those it descends from, and its own session are never meant, even when a
 * task has started this server.
 */
export function familyOf(
  rows: readonly ProcessRow[],
  isSeed: (row: ProcessRow) => boolean,
  self: number = process.pid,
): ProcessRow[] {
  const spared = ancestorsOf(rows, self);
  const ownGroup = rows.find((row) => row.pid === self)?.group ?? 0;
  const children = Map.groupBy(rows, (row) => row.parent);
  const groups = Map.groupBy(rows, (row) => row.group);
  const family = new Set<ProcessRow>();
  const waiting = rows.filter(isSeed);
  for (let row = waiting.pop(); row; row = waiting.pop()) {
    if (family.has(row) || spared.has(row.pid)) continue;
    family.add(row);
    waiting.push(...(children.get(row.pid) ?? []));
    if (row.group !== ownGroup && row.group > 1) waiting.push(...(groups.get(row.group) ?? []));
  }
  return [...family];
}

/** Itself, its parents, and the first process of all. */
function ancestorsOf(rows: readonly ProcessRow[], pid: number): Set<number> {
  const parents = new Map(rows.map((row) => [row.pid, row.parent]));
  const found = new Set([0, 1]);
  for (let at: number | undefined = pid; at !== undefined && at > 1 && !found.has(at); at = parents.get(at))
    found.add(at);
  return found;
}
