// The example services that come with reef's package: what there is, and a copy of one.
import { cp, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { refused } from "#core/http.js";
import type { ServiceContext } from "#core/types.js";
import { codeOf } from "./disk.js";

const DESCRIPTION_CHARS_MAX = 200;
/** A README of any length is read no further. */
const README_BYTES_MAX = 4_096;

export interface Example {
  name: string;
  /** What its README says first; null when that says nothing. */
  description: string | null;
}

export async function listExamples(config: ServiceContext["config"]): Promise<Example[]> {
  const names = await namesIn(folderOf(config));
  return Promise.all(names.map(async (name) => ({ name, description: await description(config, name) })));
}

/** Rejects `bad_request` when there is no such example. */
export async function copyExample(
  config: ServiceContext["config"],
  name: string,
  into: string,
): Promise<void> {
  const names = await namesIn(folderOf(config));
  if (!names.includes(name)) throw refused(`No example "${name}". There are: ${names.join(", ") || "none"}`);
  await cp(join(folderOf(config), name), into, { recursive: true, verbatimSymlinks: true });
}

/** Beside the stock services. */
function folderOf({ stockDir }: ServiceContext["config"]): string {
  return resolve(stockDir, "../examples/services");
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error) => {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const isService = await Promise.all(names.map((name) => Bun.file(join(folder, name, "index.ts")).exists()));
  return names.filter((_, at) => isService[at]).sort();
}

/** The first sentence under the title. */
async function description(config: ServiceContext["config"], name: string): Promise<string | null> {
  const readme = Bun.file(join(folderOf(config), name, "README.md"));
  if (!(await readme.exists())) return null;
  const text = await readme.slice(0, README_BYTES_MAX).text();
  const paragraph = text.split(/\n\s*\n/).find((one) => /^[^#\s`|>-]/.test(one)) ?? "";
  const [sentence = ""] = paragraph
    .replace(/\s+/g, " ")
    .trim()
    .split(/(?<=\.) /);
  return sentence.slice(0, DESCRIPTION_CHARS_MAX) || null;
}
