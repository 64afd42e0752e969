// Puts a tried service into the services folder, live and locked, or leaves everything as it was.
import { refused } from "#core/http.js";
import type { Caller, Isolation, ModuleProblem, ModuleStatus, ServiceContext } from "#core/types.js";
import type { Entry } from "./lock.js";
import { liveFrom, type Parts } from "./parts.js";
import { prepareSwap, type Swap } from "./swap.js";

export interface Arrival {
  dirName: string;
  /** A folder, or the link to one. It is taken from there. */
  path: string;
  entry: Entry;
  /** What the lock says now. */
  previous?: Entry;
}

/** Rejects with what was wrong, after all is as before. */
export async function bringIn(parts: Parts, arrival: Arrival): Promise<{ detail: string }> {
  const { ctx } = parts;
  const { dirName, path, entry } = arrival;
  const before = standingOf(ctx, dirName);
  const swap = await prepareSwap({ servicesDir: ctx.servicesDir, dirName, path, entry });
  try {
    swap.carryOut();
    await load(parts, arrival);
    await ctx.record(eventOf(arrival));
  } catch (error) {
    await takeBack(parts, { ...arrival, swap, before });
    throw error;
  }
  await finish(ctx, swap);
  return { detail: `${arrival.previous ? "updated" : "added"}: /${entry.name}` };
}

/** What stays on disk is swept at the next start. */
export async function finish({ log }: Parts["ctx"], swap: Swap): Promise<void> {
  await swap.finish().catch((error) => log.warn("what was replaced is removed at the next start:", error));
}

/** The lock is written when the version is up and before a request sees it: should that fail, the old one is put back. */
async function load({ ctx, lock }: Parts, { dirName, entry }: Arrival): Promise<void> {
  const { registry } = ctx;
  const copy = await registry.stage(dirName);
  if (copy.hash !== entry.hash) {
    await registry.drop(copy);
    throw refused(`${dirName} changed while it was being installed`);
  }
  const verify = () => lock.set(dirName, entry);
  await registry.load(dirName, { copy, verify, deploy: { isolation: isolationFor(ctx.caller()) } });
}

/** What a task brings in must not be able to take the server along. */
function isolationFor({ kind }: Caller): Isolation {
  return kind === "server" || kind === "session" ? "none" : "process";
}

function eventOf({ dirName, entry, previous }: Arrival): Record<string, unknown> {
  const done = previous === undefined ? "installed" : "updated";
  const { name, hash, source } = entry;
  return {
    type: `service_${done}`,
    source: "installer",
    content: `service ${done}: ${name}`,
    name,
    hash,
    ...(previous === undefined ? {} : { previousHash: previous.hash }),
    dirName,
    from: source,
  };
}

/** How a folder stands before it is touched. */
export interface Standing {
  live?: ModuleStatus;
  /** Nothing is live, for a reason that the list of problems names. */
  hadProblem: boolean;
}

export function standingOf(ctx: ServiceContext, dirName: string): Standing {
  const isProblem = ({ dir, state }: ModuleProblem) =>
    dir === dirName && (state === "failed" || state === "unmet");
  const live = liveFrom(ctx, dirName);
  return { live, hadProblem: !live && ctx.registry.problems().some(isProblem) };
}

interface Undoing extends Pick<Arrival, "dirName" | "previous"> {
  swap: Swap;
  before: Standing;
}

/** The lock goes first: when it cannot be written, the new version stays, and stays everywhere. */
export async function takeBack(
  { ctx, lock }: Parts,
  { dirName, previous, swap, before }: Undoing,
): Promise<void> {
  const { registry } = ctx;
  try {
    await lock.set(dirName, previous);
    await swap.undo();
    const isOther = liveFrom(ctx, dirName)?.hash !== before.live?.hash;
    await registry.forget(dirName, { force: true });
    if (!previous) return;
    const deploy = before.live && { isolation: before.live.isolation };
    if (isOther) await registry.load(dirName, { deploy });
    // Its problem is named again; that it does not load is nothing new.
    else if (before.hadProblem) await registry.load(dirName).catch((error) => ctx.log.debug(error));
  } catch (error) {
    ctx.log.error(`${dirName} could not be put back:`, error);
  }
}
