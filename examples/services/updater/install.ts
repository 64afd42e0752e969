// Makes a version ready beside the one that is installed, in a folder of its own: a whole installation as the package
// manager makes it, so that nothing of the running one changes before everything is there.

import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ReefError } from "#core/errors.js";
import { type Installation, LOCKFILES, readManifest } from "./installation.js";
import { run } from "./run.js";
import type { Update } from "./update.js";

const INSTALL_MS = 5 * 60_000;
/** Beside the packages, since what takes each other's place has to be on one file system. */
const STAGE = ".reef-update";
/** What says how a project's packages are installed, beside its package.json and lockfile. */
const SETTINGS = [".npmrc", "bunfig.toml"];

export interface InstallOptions {
  name: string;
  version: string;
  /** Undefined: what the package manager is configured with. */
  registry: string | undefined;
  env: Readonly<Record<string, string>>;
  signal: AbortSignal;
}

export type Staged = Pick<Update, "stage" | "installed" | "staged" | "manifest" | "files">;

export function stageOf({ base }: Pick<Installation, "base">): string {
  return join(base, STAGE);
}

/** Rejects with the reason, and leaves the installation as it was. */
export async function stage(installation: Installation, options: InstallOptions): Promise<Staged> {
  const root = stageOf(installation);
  const [next, kept] = [join(root, "next"), join(root, "kept")];
  await dropStage(root);
  await mkdir(next, { recursive: true });
  await mkdir(kept);
  const named = installation.isProject ? await copyProject(installation.base, { next, kept }) : [];
  await configureRegistry(next, options);
  await install(next, options);
  checkVersion(join(next, "node_modules", options.name), options);
  const folder = installation.isProject ? join(next, "node_modules") : await alone(next, options.name);
  const files = named.map((file) => ({
    path: join(installation.base, file),
    next: join(next, file),
    kept: join(kept, file),
  }));
  return {
    stage: root,
    installed: installation.folder,
    staged: folder,
    manifest: installation.manifest,
    files,
  };
}

/** What was made ready, or was put aside for it. The lock stays. */
export async function dropStage(root: string): Promise<void> {
  for (const folder of ["next", "kept"]) await rm(join(root, folder), { recursive: true, force: true });
}

/** Returns the names of the files that say which version it is. */
async function copyProject(base: string, { next, kept }: { next: string; kept: string }): Promise<string[]> {
  const present = (file: string) => existsSync(join(base, file));
  for (const file of [...NAMED, ...SETTINGS].filter(present))
    await copyFile(join(base, file), join(next, file));
  for (const file of NAMED.filter(present)) await copyFile(join(base, file), join(kept, file));
  return [...NAMED];
}

const NAMED = ["package.json", ...LOCKFILES];

/** A project's own settings come before those of the user, for reef's scope too. */
async function configureRegistry(next: string, { name, registry }: InstallOptions): Promise<void> {
  if (registry === undefined) return;
  const [, scope] = /^(@[^/]+)\//.exec(name) ?? [];
  const path = join(next, ".npmrc");
  const own = existsSync(path) ? `${await readFile(path, "utf8")}\n` : "";
  await writeFile(path, `${own}registry=${registry}\n${scope ? `${scope}:registry=${registry}\n` : ""}`);
}

/** With npm where it made the lockfile, else with Bun, which is there in any case. Scripts of packages are not run. */
async function install(next: string, { name, version, env, signal }: InstallOptions): Promise<void> {
  const wanted = `${name}@${version}`;
  const isNpm = existsSync(join(next, "package-lock.json")) && !existsSync(join(next, "bun.lock"));
  if (!existsSync(join(next, "package.json")))
    await writeFile(join(next, "package.json"), '{"private":true}\n');
  const command: [string, ...string[]] = isNpm
    ? ["npm", "install", "--save-exact", "--ignore-scripts", "--no-audit", "--no-fund", wanted]
    : [process.execPath, "add", "--exact", "--ignore-scripts", "--no-progress", wanted];
  await run(command, { cwd: next, env, limitMs: INSTALL_MS, signal });
}

function checkVersion(folder: string, { name, version }: InstallOptions): void {
  const found = readManifest(folder);
  if (found.name === name && found.version === version) return;
  throw new ReefError(
    "upstream_failed",
    `${found.name} ${found.version} came in place of ${name} ${version}`,
  );
}

/** The package with everything that it needs within it, for a place that it shares with other packages. */
async function alone(next: string, name: string): Promise<string> {
  const modules = join(next, "node_modules");
  const folder = join(modules, name);
  const inner = join(folder, "node_modules");
  await mkdir(inner, { recursive: true });
  for (const entry of await entriesOf(modules)) {
    if (entry === name || existsSync(join(inner, entry))) continue;
    await mkdir(join(inner, entry, ".."), { recursive: true });
    await rename(join(modules, entry), join(inner, entry));
  }
  return folder;
}

/** Names of packages. */
async function entriesOf(modules: string): Promise<string[]> {
  const names = (await readdir(modules)).filter((name) => !name.startsWith("."));
  const nested = names.map(async (name) =>
    name.startsWith("@") ? (await readdir(join(modules, name))).map((inner) => `${name}/${inner}`) : [name],
  );
  return (await Promise.all(nested)).flat();
}
