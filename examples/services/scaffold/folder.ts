// Puts a new service folder where services live: whole and on disk, or not at all.
import { randomUUID } from "node:crypto";
import { lstat, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { ReefError } from "#core/errors.js";
import type { SkeletonFile } from "./skeleton.js";

/** Folders whose names begin with a dot are no services. */
const UNFINISHED = ".scaffold-";

/** Resolves to the new folder. Rejects `conflict` when there is anything of that name. */
export async function addFolder(
  servicesDir: string,
  name: string,
  files: readonly SkeletonFile[],
): Promise<string> {
  const directory = join(servicesDir, name);
  const unfinished = join(servicesDir, UNFINISHED + randomUUID());
  try {
    await mkdir(servicesDir, { recursive: true });
    if (await exists(directory)) throw taken(name);
    await mkdir(unfinished);
    for (const { path, content } of files) await writeDurably(join(unfinished, basename(path)), content);
    await sync(unfinished);
    await rename(unfinished, directory);
    await sync(servicesDir);
    return directory;
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw callersError(error, name);
  }
}

/** What a server that was killed in the middle has left. */
export async function removeUnfinished(servicesDir: string): Promise<void> {
  if (!(await exists(servicesDir))) return;
  for (const entry of await readdir(servicesDir))
    if (entry.startsWith(UNFINISHED)) await rm(join(servicesDir, entry), { recursive: true, force: true });
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

async function writeDurably(path: string, content: string): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function sync(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Somebody else may have been quicker, and a disk may be full or closed to us. Anything else is nobody's fault. */
function callersError(error: unknown, name: string): unknown {
  const code = codeOf(error);
  if (/^(ENOTEMPTY|EEXIST|ENOTDIR)$/.test(code)) return taken(name);
  if (!/^(ENOSPC|EDQUOT|EROFS|EIO|EACCES|EPERM)$/.test(code)) return error;
  return new ReefError("insufficient_storage", "storage unavailable", {}, { cause: error });
}

function taken(name: string): ReefError {
  return new ReefError("conflict", `service directory "${name}" already exists`);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
