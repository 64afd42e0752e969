// Reads the files of a tree in the single-file form. They are never changed.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../core/errors.js";
import type { LegacyFiles } from "./legacy-node.js";

export const LEGACY_FILE = "tree.json";
const ARCHIVE = "archive";

export function hasLegacy(dir: string): boolean {
  return existsSync(join(dir, LEGACY_FILE));
}

/** Throws an Error that names the file which is not JSON. */
export function readLegacy(dir: string): LegacyFiles {
  const archive = join(dir, ARCHIVE);
  const names = existsSync(archive) ? readdirSync(archive).filter((name) => name.endsWith(".json")) : [];
  return {
    tree: readJson(dir, LEGACY_FILE),
    archives: names.sort().map((name) => readJson(dir, join(ARCHIVE, name))),
  };
}

function readJson(dir: string, name: string): unknown {
  try {
    return JSON.parse(readFileSync(join(dir, name), "utf8"));
  } catch (cause) {
    throw new Error(`${name}: ${messageOf(cause)}`, { cause });
  }
}
