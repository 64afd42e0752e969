// What installing, updating and removing have in common: the module's own things, names, and limits on time.
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { ReefError } from "#core/errors.js";
import { refused } from "#core/http.js";
import type { ModuleStatus, ServiceContext } from "#core/types.js";
import type { Jobs } from "./jobs.js";
import type { Entry, Lock } from "./lock.js";

export interface Parts {
  ctx: ServiceContext;
  lock: Lock;
  jobs: Jobs;
}

export function placeOf({ servicesDir }: ServiceContext, dirName: string): string {
  return join(servicesDir, dirName);
}

export function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** The module that is live from a folder. */
export function liveFrom({ registry }: ServiceContext, dirName: string): ModuleStatus | undefined {
  return registry.list().find(({ dir }) => dir === dirName);
}

/** Throws `bad_request` for what can be nobody's name, `conflict` for what a stock service has. */
export function checkName({ registry, config, servicesDir }: ServiceContext, name: string): void {
  const problem = registry.nameProblem(name);
  if (problem !== undefined) throw refused(problem);
  // In a clone the two are one folder, and what is in it is taken anyway.
  if (config.stockDir !== servicesDir && isThere(join(config.stockDir, name)))
    throw new ReefError("conflict", `"${name}" is a stock service`);
}

/** An installed service by its module's name, else its folder's. Rejects `not_found`. */
export async function findInstalled(lock: Lock, name: string): Promise<{ dirName: string; entry: Entry }> {
  const entries = [...(await lock.read())];
  const found =
    entries.find(([, entry]) => entry.name === name) ?? entries.find(([dirName]) => dirName === name);
  if (found) return { dirName: found[0], entry: found[1] };
  throw new ReefError("not_found", `"${name}" is not installed via the installer`);
}

/** The content hash of a service folder as it is now; undefined when there is none, or none that can be read. */
export async function hashNow(ctx: ServiceContext, dirName: string): Promise<string | undefined> {
  const place = placeOf(ctx, dirName);
  if (!isThere(place)) return undefined;
  try {
    return await ctx.registry.hashFolder(place);
  } catch (error) {
    ctx.log.debug(`${dirName} cannot be read:`, error);
    return undefined;
  }
}

/** Ends what takes too long, and what goes on when reef goes down. */
export async function withinTime<T>(
  { signal: over }: ServiceContext,
  { ms, what }: { ms: number; what: string },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = AbortSignal.timeout(ms);
  try {
    return await work(AbortSignal.any([over, late]));
  } catch (error) {
    if (over.aborted) throw new ReefError("unavailable", "The installer is going down", {}, { cause: error });
    if (late.aborted) throw refused(`${what} took longer than ${ms / 1000} s`);
    throw error;
  }
}
