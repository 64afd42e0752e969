// What reef remembers about service folders over restarts: which are unloaded, which are pinned to an earlier version,
// which earlier versions are kept, and where each is to run.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { diskError } from "./disk.js";
import { writeDurably } from "./durable.js";
import type { Log } from "./types.js";

const FolderRecord = Type.Object({
  /** The module's name, when somebody unloaded it. */
  disabled: Type.Optional(Type.String()),
  /** The version `hash` is live in place of the folder's own, as long as the folder holds `from`. */
  pin: Type.Optional(Type.Object({ hash: Type.String(), from: Type.String() })),
  /** While what the folder holds (`from`) is tried for a deployment: the version that is live meanwhile. */
  trial: Type.Optional(Type.Object({ hash: Type.String(), from: Type.String() })),
  /** As decided at the last deployment. */
  isolation: Type.Optional(Type.Union([Type.Literal("none"), Type.Literal("process")])),
  /** Hashes of the versions in the archive, in the order in which they were last live. */
  kept: Type.Optional(Type.Array(Type.String())),
});
const AllRecords = Type.Record(Type.String(), FolderRecord);

export type FolderRecord = Static<typeof FolderRecord>;

export interface Records {
  /** By folder name. */
  readonly entries: ReadonlyMap<string, FolderRecord>;
  get(folder: string): FolderRecord;
  /**
   * Changes some of a folder's record; undefined takes a field out. Resolves when it is on disk; rejects
   * `insufficient_storage` and changes nothing when that fails.
   */
  set(folder: string, changes: Partial<FolderRecord>): Promise<void>;
  delete(folder: string): Promise<void>;
}

export async function openRecords(dataDir: string, log: Log): Promise<Records> {
  const path = join(dataDir, "modules.json");
  let entries = await read(path, log);
  let saved: Promise<void> = Promise.resolve();

  function change(edit: (entries: Map<string, FolderRecord>) => void): Promise<void> {
    const saving = saved.then(async () => {
      const next = new Map(entries);
      edit(next);
      if (JSON.stringify([...next]) === JSON.stringify([...entries])) return;
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
    get: (folder) => entries.get(folder) ?? {},
    set: (folder, changes) =>
      change((next) => {
        const record = { ...next.get(folder), ...changes };
        if (Object.values(record).every((value) => value === undefined)) next.delete(folder);
        else next.set(folder, record);
      }),
    delete: async (folder) => {
      if (entries.has(folder)) await change((next) => next.delete(folder));
    },
  };
}

async function read(path: string, log: Log): Promise<Map<string, FolderRecord>> {
  try {
    const stored: unknown = JSON.parse(await readFile(path, "utf8"));
    if (Value.Check(AllRecords, stored)) return new Map(Object.entries(stored));
    log.warn(`${path} does not hold records of service folders; it counts as empty`);
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (!missing) log.warn(`${path} cannot be read and counts as empty:`, error);
  }
  return new Map();
}

async function save(path: string, entries: ReadonlyMap<string, FolderRecord>): Promise<void> {
  try {
    await writeDurably(path, JSON.stringify(Object.fromEntries(entries), null, 2));
  } catch (error) {
    throw diskError(error) ?? error;
  }
}
