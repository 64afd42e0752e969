// What was fetched, made into what a service folder holds: without what is no part of a service, and with no link that
// leads out of it.
import { lstat, readdir, realpath, rm } from "node:fs/promises";
import { join, sep } from "node:path";
import { refused } from "#core/http.js";
import { ENTRIES_MAX, FILE_BYTES_MAX, UNPACKED_BYTES_MAX } from "./limits.js";

/** No part of a service at any depth: no hash vouches for them, and packages are installed anew. */
const DROPPED = new Set(["node_modules", ".git"]);
/** No part of it either at the top, where services keep what they write. */
const DROPPED_AT_TOP = new Set(["data"]);

/** Rejects `bad_request` for a link that leads out, and for more or larger files than there may be. */
export async function tidyContents(folder: string): Promise<void> {
  await walk({ root: await realpath(folder), entries: 0, bytes: 0 }, "");
}

/** Rejects `bad_request` when there is nothing to load; `name` is what the folder is going to be called. */
export async function checkEntryPoint(folder: string, name: string): Promise<void> {
  const isThere = await Bun.file(join(folder, "index.ts")).exists();
  if (!isThere) throw refused(`No index.ts in ${name}/`);
}

interface Found {
  root: string;
  entries: number;
  bytes: number;
}

async function walk(found: Found, folder: string): Promise<void> {
  for (const name of await readdir(join(found.root, folder))) {
    const path = join(folder, name);
    if (DROPPED.has(name) || (folder === "" && DROPPED_AT_TOP.has(name)))
      await rm(join(found.root, path), { recursive: true });
    else await take(found, path);
  }
}

async function take(found: Found, path: string): Promise<void> {
  const entry = await lstat(join(found.root, path));
  if (entry.isSymbolicLink()) return checkLink(found.root, path);
  if (++found.entries > ENTRIES_MAX) throw refused(`There are more than ${ENTRIES_MAX} files and folders`);
  if (entry.isDirectory()) return walk(found, path);
  if (!entry.isFile()) throw refused(`"${path}" is neither a file nor a folder`);
  found.bytes += entry.size;
  if (entry.size > FILE_BYTES_MAX) throw refused(`"${path}" has more than ${FILE_BYTES_MAX} bytes`);
  if (found.bytes > UNPACKED_BYTES_MAX) throw refused(`There are more than ${UNPACKED_BYTES_MAX} bytes`);
}

/** A link to nowhere, or to itself, is taken for one that leads out. */
async function checkLink(root: string, path: string): Promise<void> {
  const target = await realpath(join(root, path)).catch(() => undefined);
  if (!target?.startsWith(root + sep)) throw refused(`"${path}" is a link that leaves the folder`);
}
