// Takes a service folder out of the services folder, puts one in, or both, so that it can be undone: at once, or at the
// next start when reef was killed half way.
import { randomUUID } from "node:crypto";
import { existsSync, lstatSync, renameSync, type Stats } from "node:fs";
import { cp, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { flush, writeDurably } from "#core/storage.js";
import type { Log } from "#core/types.js";
import { codeOf, flushFolder } from "./disk.js";
import { Entry, type Lock } from "./lock.js";

/** What is on its way lies beside the service folders, for a rename leads nowhere else; dot entries are no services. */
const PREFIX = ".installer-";
const JOURNAL = "swap.json";

const Journal = Type.Object({
  dirName: Type.String({ pattern: "^[a-z][a-z0-9-]{0,63}$" }),
  /** What the lock says of the folder once the swap counts; absent when it says nothing. */
  entry: Type.Optional(Entry),
  /** Tells the folder, or link, that comes from any other, wherever it is. */
  incoming: Type.Optional(Type.String()),
  outgoing: Type.Boolean(),
  /** The folder that goes hands its `data` on. */
  keepsData: Type.Boolean(),
});
type Journal = Static<typeof Journal>;

export interface Swap {
  /** Afterwards the services folder is as it is to be. Throws half way only when the disk fails. */
  carryOut(): void;
  /** The services folder is as before. */
  undo(): Promise<void>;
  /** Forgets what went out. */
  finish(): Promise<void>;
}

export interface SwapPlan {
  servicesDir: string;
  dirName: string;
  /** What comes: a folder or a link, which is taken from there. */
  path?: string;
  entry?: Entry;
}

/** Writes down what is going to happen; nothing of it has happened when this resolves. */
export async function prepareSwap({ servicesDir, dirName, path, entry }: SwapPlan): Promise<Swap> {
  const place = placeOf(join(servicesDir, `${PREFIX}${randomUUID()}`), servicesDir, dirName);
  await mkdir(place.near);
  try {
    if (path !== undefined) await bring(path, place.incoming);
    const old = lookAt(place.target);
    const journal: Journal = {
      dirName,
      entry,
      incoming: path === undefined ? undefined : identityOf(place.incoming),
      outgoing: old !== undefined,
      keepsData: path !== undefined && old?.isDirectory() === true && existsSync(join(place.target, "data")),
    };
    await writeDurably(join(place.near, JOURNAL), JSON.stringify(journal));
    await flush(servicesDir);
    return {
      carryOut: () => carryOut(place, journal),
      async undo() {
        undo(place, journal);
        await remove(place.near);
      },
      finish: () => remove(place.near),
    };
  } catch (error) {
    await remove(place.near);
    throw error;
  }
}

/** At the start: what the lock does not know of was not finished, and is undone. What cannot be is left, and logged. */
export async function mendSwaps(servicesDir: string, lock: Lock, log: Log): Promise<void> {
  for (const name of await readdir(servicesDir)) {
    if (!name.startsWith(PREFIX)) continue;
    const near = join(servicesDir, name);
    await mend(near, servicesDir, lock).catch((error) => log.error(`${near} is left as it is:`, error));
  }
}

async function mend(near: string, servicesDir: string, lock: Lock): Promise<void> {
  const journal = await readJournal(near);
  if (journal) {
    const place = placeOf(near, servicesDir, journal.dirName);
    const entry = (await lock.read()).get(journal.dirName);
    if (!Bun.deepEquals(entry, journal.entry)) undo(place, journal);
  }
  await remove(near);
}

interface Place {
  /** Holds what comes, what went, and the journal. */
  near: string;
  incoming: string;
  outgoing: string;
  /** The service folder itself. */
  target: string;
}

function placeOf(near: string, servicesDir: string, dirName: string): Place {
  return {
    near,
    incoming: join(near, "incoming"),
    outgoing: join(near, "outgoing"),
    target: join(servicesDir, dirName),
  };
}

/** Another file system is no hindrance: the folder is copied then. */
async function bring(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (codeOf(error) !== "EXDEV") throw error;
    await cp(from, to, { recursive: true, verbatimSymlinks: true });
  }
  await flushFolder(to);
}

/** In one go: a service that is running meanwhile finds its data in the same place before and after. */
function carryOut({ target, incoming, outgoing }: Place, journal: Journal): void {
  if (journal.outgoing) renameSync(target, outgoing);
  if (journal.incoming !== undefined) renameSync(incoming, target);
  if (journal.keepsData) renameSync(join(outgoing, "data"), join(target, "data"));
}

/** Throws when something else stands where the old folder was: nobody's work is thrown away for it. */
function undo({ target, incoming, outgoing, near }: Place, journal: Journal): void {
  const hasGone = lookAt(outgoing) !== undefined;
  if (lookAt(target) && identityOf(target) === journal.incoming) {
    const [kept, taken] = [join(outgoing, "data"), join(target, "data")];
    if (journal.keepsData && hasGone && !lookAt(kept) && lookAt(taken)) renameSync(taken, kept);
    renameSync(target, incoming);
  }
  if (hasGone && lookAt(target))
    throw new Error(`another ${journal.dirName} stands in the place of the one in ${near}`);
  if (hasGone) renameSync(outgoing, target);
}

/** Undefined when it was not written yet: then nothing has happened. */
async function readJournal(near: string): Promise<Journal | undefined> {
  const text = await readFile(join(near, JOURNAL), "utf8").catch((error) => {
    if (codeOf(error) === "ENOENT") return "null";
    throw error;
  });
  const journal: unknown = JSON.parse(text);
  return Value.Check(Journal, journal) ? journal : undefined;
}

async function remove(near: string): Promise<void> {
  await rm(near, { recursive: true, force: true });
}

function lookAt(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** Inodes are given out again, so the time of birth belongs to it; 0 where a file system knows none. */
function identityOf(path: string): string {
  const { ino, birthtimeNs } = lstatSync(path, { bigint: true });
  return `${ino} ${birthtimeNs}`;
}
