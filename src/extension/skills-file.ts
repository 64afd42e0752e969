// Small files for the SkillHub's folders: read without following links, and written so that they are whole or not there.
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, open } from "node:fs/promises";

/** Beyond what the hub takes; a file that is larger is none of its files. */
const FILE_BYTES_MAX = 8 * 1_048_576;
/** A link is not followed, and a pipe does not make anybody wait. */
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Undefined for what is no file of its own, and for one that is too large. */
export async function readOwn(path: string): Promise<Buffer | undefined> {
  const file = await orAbsent(open(path, READ_FLAGS));
  if (!file) return undefined;
  try {
    const { size } = await file.stat();
    return size <= FILE_BYTES_MAX ? await contentOf(file) : undefined;
  } finally {
    await file.close();
  }
}

/** A new file, on disk when this resolves. */
export async function writeNew(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", 0o644);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** What stands at a path itself, without following it. */
export async function kindOf(path: string): Promise<"absent" | "folder" | "other"> {
  const stat = await orAbsent(lstat(path));
  if (!stat) return "absent";
  return stat.isDirectory() ? "folder" : "other";
}

/** As the hub names it. */
export function hashOf(content: string | Buffer): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

const ABSENT: ReadonlySet<unknown> = new Set(["ENOENT", "ENOTDIR", "ELOOP", "ENXIO"]);

/** Undefined when nothing is there. */
export async function orAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (ABSENT.has(codeOf(error))) return undefined;
    throw error;
  }
}

export function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

async function contentOf(file: FileHandle): Promise<Buffer | undefined> {
  try {
    return await file.readFile();
  } catch (error) {
    if (codeOf(error) === "EISDIR") return undefined;
    throw error;
  }
}
