// The deployed versions that a rollback can make live again: copies of service folders under `DATA_DIR/versions`, the
// last few of each, kept with their packages.
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { diskError } from "./disk.js";
import type { Records } from "./records.js";
import { copyFolder, type StagedCopy } from "./stage.js";

const KEPT_MAX = 5;

export interface Archive {
  /** Hashes of what is kept of a folder, oldest first. */
  list(folder: string): string[];
  /** Where a kept version lies; undefined when it is not kept. */
  find(folder: string, hash: string): string | undefined;
  /** Stores a version, not yet kept. Rejects `insufficient_storage`, with nothing changed. */
  store(folder: string, copy: StagedCopy): Promise<void>;
  /** Keeps stored versions as the newest of their folder, in the given order; the oldest go. */
  keep(folder: string, versions: StagedCopy[]): Promise<void>;
  /** Forgets a folder that is gone. */
  clear(folder: string): Promise<void>;
}

export async function openArchive(dataDir: string, records: Records): Promise<Archive> {
  const root = join(dataDir, "versions");
  await settleTrials(records);
  await sweep(root, records);
  const placeOf = (folder: string, hash: string) => join(root, folder, hash.replace(/^sha256:/, ""));
  const list = (folder: string) => records.get(folder).kept ?? [];

  async function store(folder: string, copy: StagedCopy): Promise<void> {
    const place = placeOf(folder, copy.hash);
    if (existsSync(place)) return;
    await mkdir(join(root, folder), { recursive: true });
    const half = await mkdtemp(join(root, folder, UNFINISHED));
    try {
      await copyFolder(copy.dir, half);
      await rename(half, place);
    } catch (error) {
      await rm(half, { recursive: true, force: true });
      throw diskError(error) ?? error;
    }
  }

  return {
    list,
    find: (folder, hash) => (list(folder).includes(hash) ? placeOf(folder, hash) : undefined),
    store,
    async keep(folder, versions) {
      const newest = [...new Set(versions.map(({ hash }) => hash))];
      const before = list(folder).filter((hash) => !newest.includes(hash));
      const kept = [...before, ...newest].slice(-KEPT_MAX);
      await records.set(folder, { kept });
      const gone = before.filter((hash) => !kept.includes(hash));
      for (const hash of gone) await rm(placeOf(folder, hash), { recursive: true, force: true });
    },
    async clear(folder) {
      await records.delete(folder);
      await rm(join(root, folder), { recursive: true, force: true });
    },
  };
}

const UNFINISHED = ".unfinished-";

/** A killed reef has left them: what was live then is to be live, in place of what had not passed. */
async function settleTrials(records: Records): Promise<void> {
  for (const [folder, { trial, kept = [] }] of records.entries) {
    if (trial === undefined) continue;
    const others = kept.filter((hash) => hash !== trial.hash);
    const changes = { pin: trial, kept: [...others, trial.hash].slice(-KEPT_MAX) };
    await records.set(folder, { ...changes, trial: undefined });
  }
}

/** What a killed reef left half made, and what no record names. */
async function sweep(root: string, records: Records): Promise<void> {
  if (!existsSync(root)) return;
  for (const folder of await readdir(root)) {
    const kept = new Set(records.get(folder).kept?.map((hash) => hash.replace(/^sha256:/, "")));
    for (const version of await readdir(join(root, folder))) {
      if (!kept.has(version)) await rm(join(root, folder, version), { recursive: true, force: true });
    }
  }
}
