// What the disk says no to, and folders that are on it when they are acknowledged.
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { ReefError } from "#core/errors.js";
import { flush } from "#core/storage.js";

/** The content of a folder. Packages can be fetched again, and a link's target is somebody else's. */
export async function flushFolder(path: string): Promise<void> {
  const kind = await lstat(path);
  if (kind.isSymbolicLink()) return;
  if (kind.isDirectory()) {
    for (const name of await readdir(path)) if (name !== "node_modules") await flushFolder(join(path, name));
  }
  await flush(path);
}

export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** What to throw for whatever went wrong: a full, read-only or broken disk is `insufficient_storage`. */
export function orDiskError(error: unknown): unknown {
  if (error instanceof ReefError || !/^(ENOSPC|EDQUOT|EROFS|EIO)$/.test(codeOf(error))) return error;
  return new ReefError("insufficient_storage", "storage unavailable", {}, { cause: error });
}
