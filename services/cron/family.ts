// Ends all that a command has started, wherever it hides: in its session, below one of its processes, or anywhere with
// the run's name in its environment.
import type { Log } from "#core/types.js";
import { type Process, readProcesses, signal } from "./processes.js";

/** Between asking and killing. */
const GRACE_MS = 1_000;
/** The whole of it. */
const END_MS = 3_000;
/** Nothing tells when a process that is not our child has gone, so the next look waits so long. */
const LOOK_AGAIN_MS = 25;

/** What is known of a command's processes. Those that were seen are remembered. */
export interface Family {
  /** Names that its processes have in their environment. */
  runIds: ReadonlySet<string>;
  /** The process that began its session; unknown after a restart. */
  leader?: Leader;
  /** Start times by pid. */
  seen: Map<number, number>;
}

interface Leader {
  pid: number;
  startTime?: number;
}

export function familyOf(runIds: Iterable<string>, leader?: Leader): Family {
  return { runIds: new Set(runIds), leader, seen: new Map() };
}

/** Asks once, and kills what has not gone by then. Resolves when nothing is left, or late with a line in the log. */
export async function endFamily(family: Family, log: Log): Promise<void> {
  const started = Date.now();
  let found = await look(family);
  for (const one of found) signal(one, "SIGTERM");
  while (found.length > 0) {
    const elapsedMs = Date.now() - started;
    if (elapsedMs > END_MS) return log.error("still alive:", found.map(({ pid }) => pid).join(" "));
    if (elapsedMs > GRACE_MS) for (const one of found) signal(one, "SIGKILL");
    await Bun.sleep(LOOK_AGAIN_MS);
    found = await look(family);
  }
}

/** The members that are alive now. */
export async function look(family: Family): Promise<Process[]> {
  const members = membersAmong(await readProcesses(), family);
  for (const { pid, startTime } of members) family.seen.set(pid, startTime);
  return members;
}

/**
 * What is known, all below it, and whoever shares a session with one of them. This process, those that it descends from
 * and its own session are never meant, even when a command has started this server.
 */
export function membersAmong(processes: readonly Process[], family: Family, self = process.pid): Process[] {
  const spared = ancestorsOf(processes, self);
  const own = processes.find(({ pid }) => pid === self)?.session ?? 0;
  const children = Map.groupBy(processes, ({ parent }) => parent);
  const sessions = Map.groupBy(processes, ({ session }) => session);
  const members = new Set<Process>();
  const waiting = processes.filter((one) => isKnown(one, family, processes));
  for (let one = waiting.pop(); one; one = waiting.pop()) {
    if (members.has(one) || spared.has(one.pid)) continue;
    members.add(one);
    waiting.push(...(children.get(one.pid) ?? []));
    if (one.session !== own && one.session > 1) waiting.push(...(sessions.get(one.session) ?? []));
  }
  // A shell before what it runs, or it would go on with its next command.
  return [...members].sort((a, b) => a.startTime - b.startTime || a.pid - b.pid);
}

function isKnown(one: Process, family: Family, processes: readonly Process[]): boolean {
  const { runIds, leader, seen } = family;
  if (seen.get(one.pid) === one.startTime) return true;
  if (leader && one.session === leader.pid && isSession(leader, processes)) return true;
  const runId = one.runId();
  return runId !== undefined && runIds.has(runId);
}

/** Not one that began later under the same number, when nothing of the first was left. */
function isSession(leader: Leader, processes: readonly Process[]): boolean {
  const found = processes.find(({ pid }) => pid === leader.pid);
  return found === undefined || leader.startTime === undefined || found.startTime === leader.startTime;
}

function ancestorsOf(processes: readonly Process[], pid: number): Set<number> {
  const parents = new Map(processes.map((one) => [one.pid, one.parent]));
  const found = new Set([0, 1]);
  for (let at: number | undefined = pid; at !== undefined && !found.has(at); at = parents.get(at))
    found.add(at);
  return found;
}
