// Installing: from what a caller asks for to a service that is live and locked.
import { ReefError } from "#core/errors.js";
import type { ServiceContext } from "#core/types.js";
import { type Arrival, bringIn } from "./bring-in.js";
import type { InstallRequest } from "./input.js";
import type { Entry, Lock } from "./lock.js";
import { entryOf, originOf } from "./origins.js";
import { checkName, isThere, type Parts, placeOf } from "./parts.js";
import { inStep, type Tell } from "./steps.js";
import { checkHash, tryCandidate, withCandidate } from "./trial.js";

export interface Installed extends Pick<Entry, "name" | "type" | "hash" | "commit"> {
  dirName: string;
  /** The one that the caller gave. */
  source?: string;
  from?: string;
  action: "installed";
}

export type InstallJob = InstallRequest & {
  /** Kept in the lock, for who asks again. */
  operation?: string;
};

/** Rejects `conflict` for what is there already, `bad_request` for whatever else is wrong. */
export async function install(parts: Parts, job: InstallJob, tell: Tell): Promise<Installed> {
  const { origin, folder } = originOf(job, parts.ctx.config);
  const dirName = job.name ?? folder;
  checkName(parts.ctx, dirName);
  return parts.jobs.only(dirName, async () => {
    await checkFree(parts, dirName);
    const trial = { ctx: parts.ctx, origin, dirName, tell };
    return withCandidate(trial, async (candidate) => {
      checkHash(candidate, job.hash);
      const name = await tryCandidate(candidate, trial);
      const { seed, operation } = job;
      const entry = { ...entryOf(origin, { ...candidate, name }), seed, operation };
      return bringNew(parts, { dirName, path: candidate.path, entry }, tell);
    });
  });
}

/** What an operation has installed, if it has. */
export async function doneUnder(lock: Lock, operation: string): Promise<Installed | undefined> {
  const found = [...(await lock.read())].find(([, entry]) => entry.operation === operation);
  return found && installedAs(...found);
}

async function bringNew(
  parts: Parts,
  { dirName, path, entry }: Pick<Arrival, "dirName" | "path"> & { entry: Omit<Entry, "installedAt"> },
  tell: Tell,
): Promise<Installed> {
  return parts.jobs.naming(entry.name, async () => {
    checkModuleFree(parts.ctx, entry.name);
    const arrival = { dirName, path, entry: { ...entry, installedAt: new Date().toISOString() } };
    await inStep(tell, "load", () => bringIn(parts, arrival));
    return installedAs(dirName, arrival.entry);
  });
}

function installedAs(dirName: string, { name, source, type, hash, commit }: Entry): Installed {
  const given = type === "fleet" ? { from: source.slice(0, source.lastIndexOf("#")) } : { source };
  return { name, dirName, ...given, type, action: "installed", hash, commit };
}

async function checkFree({ ctx, lock }: Parts, dirName: string): Promise<void> {
  if ((await lock.read()).has(dirName)) throw new ReefError("conflict", `"${dirName}" is installed already`);
  if (isThere(placeOf(ctx, dirName)))
    throw new ReefError("conflict", `There is a folder "${dirName}" already`);
  checkModuleFree(ctx, dirName);
}

/** For a folder and for a module: each has to be the only one of its name. */
export function checkModuleFree(ctx: ServiceContext, name: string): void {
  checkName(ctx, name);
  if (ctx.getModule(name)) throw new ReefError("conflict", `A module "${name}" is live already`);
}
