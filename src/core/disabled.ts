// The modules that somebody unloaded: they stay out over restarts until they are loaded by name or their folder goes.
import { open, readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { diskError } from "./disk.js";
import type { Log } from "./types.js";

export interface Disabled {
  /** Folder to module name. */
  readonly entries: ReadonlyMap<string, string>;
  /** Resolves when it is on disk; rejects `insufficient_storage` and changes nothing when that fails. */
  set(folder: string, name: string): Promise<void>;
  delete(folder: string): Promise<void>;
}

export async function openDisabled(dataDir: string, log: Log): Promise<Disabled> {
  const path = join(dataDir, "disabled.json");
  let entries = await read(path, log);
  let saved: Promise<void> = Promise.resolve();

  function change(edit: (entries: Map<string, string>) => void): Promise<void> {
    const saving = saved.then(async () => {
      const next = new Map(entries);
      edit(next);
      await save(path, next);
      entries = next;
    });
    saved = saving.catch(() => {});
    return saving;
  }

  return {
    get entries() {
      return entries;
    },
    set: (folder, name) => change((next) => next.set(folder, name)),
    delete: async (folder) => {
      if (entries.has(folder)) await change((next) => next.delete(folder));
    },
  };
}

async function read(path: string, log: Log): Promise<Map<string, string>> {
  try {
    const stored: unknown = JSON.parse(await readFile(path, "utf8"));
    if (typeof stored === "object" && stored !== null) return new Map(Object.entries(stored).filter(isText));
    log.warn(`${path} must hold an object; no module counts as disabled`);
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (!missing) log.warn(`${path} cannot be read; no module counts as disabled:`, error);
  }
  return new Map();
}

function isText(entry: [string, unknown]): entry is [string, string] {
  return typeof entry[1] === "string";
}

async function save(path: string, entries: ReadonlyMap<string, string>): Promise<void> {
  try {
    await writeDurably(path, JSON.stringify(Object.fromEntries(entries), null, 2));
  } catch (error) {
    throw diskError(error) ?? error;
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const next = `${path}.next`;
  const file = await open(next, "w");
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(next, path);
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
