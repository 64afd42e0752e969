// What was installed, from where and with which content: the file `.installer.json` in the services folder.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { ReefError } from "#core/errors.js";
import { writeDurably } from "#core/storage.js";
import { codeOf } from "./disk.js";

const FILE = ".installer.json";

export const Entry = Type.Object({
  /** The module's; the key of the entry is the folder's. */
  name: Type.String(),
  /** As the caller gave it; `<origin>#<name>` for another reef. */
  source: Type.String(),
  type: Type.Union([
    Type.Literal("git"),
    Type.Literal("local"),
    Type.Literal("fleet"),
    Type.Literal("example"),
  ]),
  /** What git fetches from: the source, made absolute. */
  url: Type.Optional(Type.String()),
  ref: Type.Optional(Type.String()),
  commit: Type.Optional(Type.String()),
  hash: Type.String(),
  seed: Type.Optional(Type.String()),
  /** What asked for it, when that had an Idempotency-Key. */
  operation: Type.Optional(Type.String()),
  /** ISO 8601 UTC. */
  installedAt: Type.String(),
  /** Makes the entry of every version differ from the one before it. */
  updatedAt: Type.Optional(Type.String()),
});
export type Entry = Static<typeof Entry>;

/** The keys become paths, so a file that somebody wrote by hand must not lead elsewhere. */
const LockFile = Type.Object({
  version: Type.Literal(1),
  services: Type.Record(Type.String({ pattern: "^[a-z][a-z0-9-]{0,63}$" }), Entry, {
    additionalProperties: false,
  }),
});

export interface Lock {
  /** By folder name, in the order of the names. Rejects `conflict` for a file that is no lock file. */
  read(): Promise<ReadonlyMap<string, Entry>>;
  /** Undefined takes the entry out. Resolves when that is on disk. */
  set(dirName: string, entry: Entry | undefined): Promise<void>;
}

export function openLock(servicesDir: string): Lock {
  const path = join(servicesDir, FILE);
  let turn: Promise<unknown> = Promise.resolve();

  async function change(dirName: string, entry: Entry | undefined): Promise<void> {
    const entries = await readLock(path);
    if (Bun.deepEquals(entries.get(dirName), entry)) return;
    if (entry) entries.set(dirName, entry);
    else entries.delete(dirName);
    await writeDurably(path, textOf(entries));
  }

  return {
    read: () => readLock(path),
    set(dirName, entry) {
      const changed = turn.then(() => change(dirName, entry));
      turn = changed.catch(() => {});
      return changed;
    },
  };
}

async function readLock(path: string): Promise<Map<string, Entry>> {
  const text = await textIfThere(path);
  if (text === undefined) return new Map();
  const content = parse(text);
  if (!Value.Check(LockFile, content)) throw damaged();
  return new Map(Object.entries(content.services).sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function textIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw codeOf(error) === "EISDIR" ? damaged(error) : error;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw damaged(error);
  }
}

/** It is not written over: what it said may matter to somebody. */
function damaged(cause?: unknown): ReefError {
  return new ReefError(
    "conflict",
    `${FILE} in the services folder is damaged: mend it or remove it`,
    {},
    { cause },
  );
}

function textOf(entries: ReadonlyMap<string, Entry>): string {
  const services = Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ version: 1, services }, null, 2)}\n`;
}
