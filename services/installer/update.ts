// Updating: the same source again, in place of what it gave before.
import { ReefError } from "#core/errors.js";
import { refused } from "#core/http.js";
import type { ServiceContext } from "#core/types.js";
import { type Arrival, bringIn } from "./bring-in.js";
import type { UpdateRequest } from "./input.js";
import { checkModuleFree } from "./install.js";
import type { Entry } from "./lock.js";
import { entryOf, originOfEntry } from "./origins.js";
import { findInstalled, hashNow, type Parts } from "./parts.js";
import { inStep, type Tell } from "./steps.js";
import { tryCandidate, withCandidate } from "./trial.js";

export interface Updated extends Pick<Entry, "name" | "hash" | "commit"> {
  dirName: string;
  action: "updated";
  /** False when the source gives what is there. */
  changed: boolean;
}

export async function update(parts: Parts, request: UpdateRequest, tell: Tell): Promise<Updated> {
  const { dirName } = await findInstalled(parts.lock, request.name);
  return parts.jobs.next(dirName, () => updateFolder(parts, request, tell));
}

async function updateFolder(parts: Parts, request: UpdateRequest, tell: Tell): Promise<Updated> {
  const { ctx, lock } = parts;
  const { dirName, entry: previous } = await findInstalled(lock, request.name);
  if (previous.type === "local") throw refused(`"${request.name}" is a local link — updates are automatic`);
  const current = await checkUnchanged(ctx, dirName, previous, request);
  const origin = originOfEntry(previous, request.token);
  const trial = { ctx, origin, dirName, tell };
  return withCandidate(trial, async (candidate) => {
    const changed = candidate.hash !== current;
    const name = changed ? await tryCandidate(candidate, trial) : previous.name;
    const { installedAt, seed, operation } = previous;
    const entry = {
      ...entryOf(origin, { ...candidate, name }),
      seed,
      operation,
      installedAt,
      updatedAt: new Date().toISOString(),
    };
    if (changed) await replace(parts, { dirName, path: candidate.path, entry, previous }, request, tell);
    else if (entry.commit !== previous.commit || entry.hash !== previous.hash) await lock.set(dirName, entry);
    const { hash, commit } = entry;
    return { name, dirName, action: "updated", hash, commit, changed };
  });
}

/** Fetching takes its time, so what nobody had touched at the beginning is looked at once more. */
async function replace(
  parts: Parts,
  arrival: Arrival & { previous: Entry },
  request: UpdateRequest,
  tell: Tell,
): Promise<void> {
  const { dirName, entry, previous } = arrival;
  await parts.jobs.naming(entry.name, async () => {
    if (entry.name !== previous.name) checkModuleFree(parts.ctx, entry.name);
    await checkUnchanged(parts.ctx, dirName, previous, request);
    await inStep(tell, "load", () => bringIn(parts, arrival));
  });
}

/** The hash of what is there now; undefined when nothing is. */
async function checkUnchanged(
  ctx: ServiceContext,
  dirName: string,
  { hash }: Entry,
  { name, force }: UpdateRequest,
): Promise<string | undefined> {
  const current = await hashNow(ctx, dirName);
  if (current === hash || force) return current;
  throw new ReefError("conflict", `"${name}" was changed locally`);
}
