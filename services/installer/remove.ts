// Removing: the module, its folder and its place in the lock. What it wrote under DATA_DIR stays.
import { lstatSync } from "node:fs";
import { ReefError } from "#core/errors.js";
import type { ServiceContext } from "#core/types.js";
import { finish, standingOf, takeBack } from "./bring-in.js";
import type { RemoveRequest } from "./input.js";
import type { Entry } from "./lock.js";
import { findInstalled, liveFrom, type Parts, placeOf } from "./parts.js";
import { prepareSwap } from "./swap.js";

export interface Removed {
  dirName: string;
  action: "removed";
}

export async function remove(parts: Parts, request: RemoveRequest): Promise<Removed> {
  const { dirName } = await findInstalled(parts.lock, request.name);
  return parts.jobs.next(dirName, () => removeFolder(parts, request));
}

async function removeFolder(parts: Parts, { name, force = false }: RemoveRequest): Promise<Removed> {
  const { ctx, lock } = parts;
  const { dirName, entry } = await findInstalled(lock, name);
  const before = standingOf(ctx, dirName);
  if (!force) checkRemovable(ctx, dirName, entry);
  const swap = await prepareSwap({ servicesDir: ctx.servicesDir, dirName });
  try {
    swap.carryOut();
    await lock.set(dirName, undefined);
    await ctx.registry.forget(dirName, { force });
    await ctx.record(eventOf(entry, dirName));
  } catch (error) {
    await takeBack(parts, { dirName, previous: entry, swap, before });
    throw error;
  }
  await finish(ctx, swap);
  return { dirName, action: "removed" };
}

/** Before anything is touched. A folder in the place of a link is nothing that was installed. */
function checkRemovable(ctx: ServiceContext, dirName: string, { type }: Entry): void {
  const name = liveFrom(ctx, dirName)?.name;
  const needing = ctx.registry.list().filter(({ dependencies }) => name && dependencies.includes(name));
  const dependents = needing.map((dependent) => dependent.name);
  if (dependents.length > 0)
    throw new ReefError("conflict", `Cannot remove "${name}": required by ${dependents.join(", ")}`, {
      dependents,
    });
  const isLink = lstatSync(placeOf(ctx, dirName), { throwIfNoEntry: false })?.isSymbolicLink();
  if (type === "local" && isLink === false)
    throw new ReefError("conflict", `"${dirName}" is no link any more`);
}

function eventOf({ name, hash, source }: Entry, dirName: string): Record<string, unknown> {
  const content = `service removed: ${name}`;
  return { type: "service_removed", source: "installer", content, name, hash, dirName, from: source };
}
