// An update on its way, from the moment in which the new version is ready until it is known how it went: the record of it
// on disk, and the two steps that put the new version in place and the old one back. Each step may be repeated, so that
// whoever starts next goes on where a process ended. The guard uses this where no packages are.
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { exchange } from "./exchange.js";

export const STATES = ["ready", "started", "answered", "put back"] as const;

export interface Update {
  from: string;
  to: string;
  /** `ready`: nothing is changed yet. `started`: the new version was. `answered`: and it answers. */
  state: (typeof STATES)[number];
  /** Why the old version was put back. */
  error: string | null;
  /** The folder in which it was made ready. */
  stage: string;
  /** What takes each other's place: the folder that is installed, and the one that was made ready. */
  installed: string;
  staged: string;
  /** reef's package.json, within either. */
  manifest: string;
  /** Files of the project that name the version. The copies are missing where there was no such file. */
  files: { path: string; next: string; kept: string }[];
  /** The executable and its arguments, with which the server is started again. */
  start: string[];
  /** Where it answers. */
  url: string;
}

const FILE = "update.json";

/** Undefined when none is on its way, or when what is there is no record. */
export function readUpdate(dir: string): Update | undefined {
  const path = join(dir, FILE);
  if (!existsSync(path)) return undefined;
  const value: unknown = JSON.parse(readFileSync(path, "utf8"));
  return isUpdate(value) ? value : undefined;
}

/** On disk when it returns. */
export function writeUpdate(dir: string, update: Update): void {
  const path = join(dir, FILE);
  writeFlushed(`${path}.next`, JSON.stringify(update, null, 2));
  renameSync(`${path}.next`, path);
}

export function removeUpdate(dir: string): void {
  rmSync(join(dir, FILE), { force: true });
}

/** Where it says that it is in place, it is. */
export function putIn(update: Update): void {
  if (versionIn(update) !== update.to) exchange(update.installed, update.staged);
  for (const { path, next } of update.files) replaceBy(next, path);
}

export function putBack(update: Update): void {
  if (versionIn(update) !== update.from) exchange(update.installed, update.staged);
  for (const { path, kept } of update.files) replaceBy(kept, path);
}

/** The version that is installed. */
function versionIn({ installed, manifest }: Update): unknown {
  const value: unknown = JSON.parse(readFileSync(join(installed, manifest), "utf8"));
  return typeof value === "object" && value !== null && "version" in value ? value.version : undefined;
}

/** At once: a reader finds the old content or the new one. */
function replaceBy(copy: string, path: string): void {
  if (existsSync(copy)) {
    copyFileSync(copy, `${path}.next`);
    renameSync(`${path}.next`, path);
  } else {
    rmSync(path, { force: true });
  }
}

function writeFlushed(path: string, text: string): void {
  const file = openSync(path, "w");
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function isUpdate(value: unknown): value is Update {
  if (typeof value !== "object" || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  const texts = ["from", "to", "stage", "installed", "staged", "manifest", "url"];
  return (
    texts.every((name) => typeof fields.get(name) === "string") &&
    STATES.some((state) => state === fields.get("state")) &&
    ["files", "start"].every((name) => Array.isArray(fields.get(name)))
  );
}
