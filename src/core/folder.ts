// What belongs to a service folder, and its content hash: the same files are hashed, copied, tested, loaded and exported.
import { createHash } from "node:crypto";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { ReefError } from "./errors.js";

const FILES_MAX = 5_000;
const BYTES_MAX = 128 * 1024 * 1024;
/** Not part of a service at any depth: packages are installed, history is not content. */
const SKIPPED = new Set(["node_modules", ".git"]);
/** Not part of a service at the top, where documented plugins keep what they write; `lib/data/` is code. */
const SKIPPED_AT_TOP = new Set(["data"]);

export interface FolderFile {
  /** Relative to the folder, with `/`. */
  path: string;
  mode: number;
}

/**
 * Calls `visit` with each file in byte order of the paths and resolves to the folder's hash: `sha256:` over path, NUL,
 * length, NUL, bytes of each. Links that stay in the folder count as what they point to; those that leave it are left out.
 */
export async function readFolder(
  dir: string,
  visit: (file: FolderFile, bytes: Uint8Array) => void | Promise<void> = () => {},
): Promise<string> {
  const hash = createHash("sha256");
  let total = 0;
  for (const file of await folderFiles(dir)) {
    const bytes = await readFile(join(dir, file.path));
    total += bytes.length;
    if (total > BYTES_MAX) throw new ReefError("too_large", `more than ${BYTES_MAX} bytes in ${dir}`);
    hash.update(`${file.path}\0${bytes.length}\0`).update(bytes);
    await visit(file, bytes);
  }
  return `sha256:${hash.digest("hex")}`;
}

/** The files of a service folder, in byte order of their paths. */
export async function folderFiles(dir: string): Promise<FolderFile[]> {
  const files: FolderFile[] = [];
  await walk({ root: await realpath(dir), above: [], path: "" }, files);
  return files
    .map((file) => ({ file, key: Buffer.from(file.path) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ file }) => file);
}

interface Place {
  root: string;
  /** Real paths of the folders that lead here, so that a link to one of them ends the walk. */
  above: string[];
  path: string;
}

async function walk(place: Place, files: FolderFile[]): Promise<void> {
  const here = await realpath(join(place.root, place.path));
  if (place.above.includes(here)) return;
  for (const entry of await readdir(here, { withFileTypes: true })) {
    if (SKIPPED.has(entry.name) || (place.path === "" && SKIPPED_AT_TOP.has(entry.name))) continue;
    const path = place.path === "" ? entry.name : `${place.path}/${entry.name}`;
    const kind = entry.isSymbolicLink() ? await linkedKind(place.root, path) : entry;
    if (kind?.isDirectory()) await walk({ root: place.root, above: [...place.above, here], path }, files);
    else if (kind?.isFile()) await addFile(place.root, path, files);
  }
}

async function linkedKind(root: string, path: string) {
  const target = await realpath(join(root, path)).catch(() => undefined);
  return target?.startsWith(root + sep) ? stat(target) : undefined;
}

async function addFile(root: string, path: string, files: FolderFile[]): Promise<void> {
  if (files.length >= FILES_MAX) throw new ReefError("too_large", `more than ${FILES_MAX} files in ${root}`);
  const { mode } = await stat(join(root, path));
  files.push({ path, mode: mode & 0o777 });
}
