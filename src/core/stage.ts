// Staged copies: every version of a service is imported from a fresh copy of its folder, which lies so that the kernel
// and reef's packages resolve to the running server's own objects. Bun keeps a path's modules for ever otherwise.
import { existsSync } from "node:fs";
import {
  copyFile,
  link,
  mkdir,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve, sep } from "node:path";
import { diskError } from "./disk.js";
import { messageOf } from "./errors.js";
import { readFolder } from "./folder.js";
import type { ServiceCopy } from "./types.js";

/** Packages that hand objects to the kernel: a copy of a service's own would not be the same. */
const SHARED_PACKAGES = ["hono", "typebox", "@sinclair/typebox"];
const REEF_DIR = resolve(import.meta.dir, "../..");

/** Its `dir` is real, too: what the module cache and stack traces call it. */
export interface StagedCopy extends ServiceCopy {
  /** The service folder of which this is a version. */
  readonly source: string;
  /** True when the copy holds its packages, not links to them. */
  readonly ownPackages: boolean;
}

export interface CopyOptions {
  /** `link` (a plain reload) follows later changes of the packages; `copy` keeps them with the version, by hard links. */
  packages?: "link" | "copy";
  /** The service folder of which this is a version, when the copy is made from another place. */
  of?: string;
  /** The version's hash, when the copy is made from a place where files were added to it. */
  hash?: string;
}

export interface Stage {
  /** Rejects `insufficient_storage` when the disk does not take it, and leaves nothing behind when it fails. */
  copy(dir: string, options?: CopyOptions): Promise<StagedCopy>;
  /** The same version under a new path, for modules have to be imported afresh and a path can be imported only once. */
  again(copy: StagedCopy): Promise<StagedCopy>;
  /** Forgets the modules of a copy and removes its files. */
  retire(copy: StagedCopy): Promise<void>;
  /** The copy whose path comes first in a stack trace, and the folder of which it is one. */
  placeIn(stack: string): { source: string; dir: string } | undefined;
}

/** Rebuilds `dir` (`DATA_DIR/live`) from nothing: copies below `services`, beside links to reef's `src` and packages. */
export async function openStage(dir: string, reefDir: string = REEF_DIR): Promise<Stage> {
  await rm(dir, { recursive: true, force: true });
  await mkdir(join(dir, "services"), { recursive: true });
  const root = await realpath(dir);
  await symlink(join(reefDir, "src"), join(root, "src"));
  await writeFile(join(root, "package.json"), JSON.stringify({ imports: { "#core/*": "./src/core/*" } }));
  await linkReefPackages(reefDir, join(root, "node_modules"));
  const copies = join(root, "services") + sep;
  const sources = new Map<string, string>();
  let made = 0;

  async function copy(source: string, options: CopyOptions = {}): Promise<StagedCopy> {
    made++;
    const folder = options.of ?? source;
    const name = safeName(folder);
    const target = `${copies}${name}@${made}`;
    sources.set(name, folder);
    try {
      const version = await copyService({
        source,
        target,
        root,
        reefDir,
        packages: options.packages ?? "link",
      });
      return { ...version, source: folder, hash: options.hash ?? version.hash };
    } catch (error) {
      await rm(target, { recursive: true, force: true });
      throw diskError(error) ?? error;
    }
  }

  return {
    copy,
    again: ({ dir, source, hash, ownPackages }) =>
      copy(dir, { packages: ownPackages ? "copy" : "link", of: source, hash }),
    async retire(version) {
      forget(version);
      await rm(version.dir, { recursive: true, force: true });
    },
    placeIn(stack) {
      const start = stack.indexOf(copies);
      const found = start < 0 ? null : /^([^@]+)@\d+/.exec(stack.slice(start + copies.length));
      const source = found?.[1] === undefined ? undefined : sources.get(found[1]);
      return found && source !== undefined ? { source, dir: copies + found[0] } : undefined;
    },
  };
}

/** The files of a version and its packages (by hard links), on disk when this resolves. */
export async function copyFolder(from: string, to: string): Promise<void> {
  await copyFiles(from, to, { flush: true });
  const packages = join(from, "node_modules");
  if (existsSync(packages)) await copyByHardLinks(packages, join(to, "node_modules"));
}

/** Bun reads `?` and `#` in an import path as the start of a query. */
function safeName(source: string): string {
  return basename(source).replace(/[^A-Za-z0-9._-]/g, "_");
}

interface CopyJob {
  source: string;
  target: string;
  root: string;
  reefDir: string;
  packages: "link" | "copy";
}

async function copyService(job: CopyJob): Promise<Omit<StagedCopy, "source">> {
  const { source, target, reefDir } = job;
  await mkdir(target);
  const { hash, files } = await copyFiles(source, target);
  if (files.includes("package.json")) await addKernelImport(target, join(reefDir, "src", "core"));
  return { dir: target, hash, files, ownPackages: await addPackages(job) };
}

async function copyFiles(source: string, target: string, { flush = false } = {}) {
  const made = new Set([target]);
  const files: string[] = [];
  const hash = await readFolder(source, async (file, bytes) => {
    const path = join(target, file.path);
    if (!made.has(dirname(path))) await mkdir(dirname(path), { recursive: true });
    made.add(dirname(path));
    await writeFile(path, bytes, { mode: file.mode | 0o600, flush });
    files.push(file.path);
  });
  return { hash, files };
}

/**
 * A copy without a package.json has the one of the stage. Bun keeps what it found in a folder for ever, and a link to
 * the kernel in every copy would be such a folder, so only copies that hide the stage's own get one.
 */
async function addKernelImport(target: string, core: string): Promise<void> {
  await symlink(core, join(target, ".core"));
  const path = join(target, "package.json");
  const own = parsePackageJson(await readFile(path, "utf8"));
  const imports = { ...(typeof own.imports === "object" ? own.imports : {}), "#core/*": "./.core/*" };
  await writeFile(path, JSON.stringify({ ...own, imports }, null, 2));
}

function parsePackageJson(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`package.json is not JSON: ${messageOf(error)}`, { cause: error });
  }
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  throw new Error("package.json must hold an object");
}

/** True when the packages are in the copy itself. */
async function addPackages({ source, target, root, packages }: CopyJob): Promise<boolean> {
  const from = join(source, "node_modules");
  const to = join(target, "node_modules");
  const names = await packageNames(from);
  if (names.length === 0) return false;
  if (packages === "copy") await copyByHardLinks(from, to);
  else for (const name of names) await linkPackage(await realpath(join(from, name)), join(to, name));
  for (const name of SHARED_PACKAGES) {
    const shared = names.includes(name) && (await realpathIfThere(join(root, "node_modules", name)));
    if (shared) await linkPackage(shared, join(to, name));
  }
  return packages === "copy";
}

/** Links are kept as they are, so that a package manager's own links go on pointing into the copied tree. */
async function copyByHardLinks(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else if (entry.isDirectory()) await copyByHardLinks(source, target);
    else if (entry.isFile()) await linkOrCopy(source, target);
  }
}

async function linkOrCopy(source: string, target: string): Promise<void> {
  try {
    await link(source, target);
  } catch {
    // Another file system, or one without hard links: the bytes are copied then.
    await copyFile(source, target);
  }
}

async function linkPackage(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await rm(target, { recursive: true, force: true });
  await symlink(source, target);
}

/** What a file of reef's own package could import: one link where that is all in one place, as in a clone. */
async function linkReefPackages(reefDir: string, to: string): Promise<void> {
  const nearestFirst = foldersUpFrom(reefDir)
    .map((dir) => join(dir, "node_modules"))
    .filter((dir) => existsSync(dir));
  const [only, ...others] = nearestFirst;
  if (only && others.length === 0) return symlink(only, to);
  const found = new Map<string, string>();
  for (const from of nearestFirst.reverse()) {
    for (const name of await packageNames(from)) found.set(name, join(from, name));
  }
  for (const [name, source] of found) await linkPackage(source, join(to, name));
}

function foldersUpFrom(dir: string): string[] {
  return dirname(dir) === dir ? [dir] : [dir, ...foldersUpFrom(dirname(dir))];
}

async function packageNames(nodeModules: string): Promise<string[]> {
  const names: string[] = [];
  for (const name of await readdirIfThere(nodeModules)) {
    if (name.startsWith(".")) continue;
    if (!name.startsWith("@")) names.push(name);
    else for (const inner of await readdirIfThere(join(nodeModules, name))) names.push(`${name}/${inner}`);
  }
  return names;
}

async function readdirIfThere(dir: string): Promise<string[]> {
  return existsSync(dir) ? await readdir(dir) : [];
}

async function realpathIfThere(path: string): Promise<string | undefined> {
  return existsSync(path) ? await realpath(path) : undefined;
}

/**
 * `require.cache` shows ES modules too (Bun 1.4), and deleting a key lets the module be collected. Listing it costs 1 µs
 * for every module of the process, so the copy's own files are named where that is enough.
 */
function forget(copy: StagedCopy): void {
  const { cache } = createRequire(import.meta.url);
  for (const file of copy.files) delete cache[join(copy.dir, file)];
  if (!copy.ownPackages) return;
  for (const key of Object.keys(cache)) if (key.startsWith(copy.dir + sep)) delete cache[key];
}
