// The packages that a service asks for, installed where it was fetched. No script of any of them is run, nor any other
// program that its files name.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { messageOf } from "#core/errors.js";
import { refused } from "#core/http.js";
import { run } from "./command.js";
import { gitEnvironment } from "./git.js";

const MESSAGE_CHARS_MAX = 500;

export interface PackagePlace {
  folder: string;
  /** Where package managers keep what they have fetched before. */
  cacheDir: string;
  env: Readonly<Record<string, string>>;
  signal: AbortSignal;
}

/** False when there is no package.json. Rejects `bad_request` with what the package manager says. */
export async function installPackages({ folder, cacheDir, env, signal }: PackagePlace): Promise<boolean> {
  const path = join(folder, "package.json");
  if (!(await Bun.file(path).exists())) return false;
  checkWorkspaces(await readFile(path, "utf8"));
  const argv = [process.execPath, ...INSTALL, `--cache-dir=${join(cacheDir, "packages")}`];
  const { code, output } = await run({ argv, cwd: folder, env: { ...env, ...gitEnvironment() }, signal });
  if (code === 0) return true;
  throw refused(`bun install failed: ${output.trim().slice(-MESSAGE_CHARS_MAX)}`);
}

/** A bunfig.toml may name a scanner that is run, an .env file may say anything, and a new lockfile would be content. */
const INSTALL = [
  "install",
  "--ignore-scripts",
  "--no-save",
  "--config=/dev/null",
  "--no-env-file",
  "--no-progress",
];

const Patterns = Type.Array(Type.String());
const Workspaces = Type.Object({
  workspaces: Type.Union([Patterns, Type.Object({ packages: Patterns })]),
});

/** Packages are installed into each workspace, wherever that is. */
function checkWorkspaces(text: string): void {
  const manifest = parse(text);
  if (!Value.Check(Workspaces, manifest)) return;
  const outside = patternsOf(manifest).find(
    (one) => one.startsWith("/") || one.split(/[\\/]/).includes(".."),
  );
  if (outside !== undefined)
    throw refused(`package.json names a workspace outside of its folder: ${outside}`);
}

function patternsOf({ workspaces }: Static<typeof Workspaces>): string[] {
  return Array.isArray(workspaces) ? workspaces : workspaces.packages;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw refused(`package.json is not JSON: ${messageOf(error)}`);
  }
}
