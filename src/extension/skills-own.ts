// The names of skills and extensions that a machine has by itself: the SkillHub does not get in their way.
import { type Dirent, existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join, parse } from "node:path";
import { orAbsent } from "./skills-file.js";

export const HUB = "_hub";

const DEPTH_MAX = 6;
const FOLDERS_MAX = 5_000;

/** In pi's agent folder and in the folder that agents of all kinds share, found as pi finds them. */
export async function ownSkills(agentDir: string): Promise<Set<string>> {
  const names = new Set<string>();
  const roots = [join(agentDir, "skills"), join(homedir(), ".agents", "skills")];
  let waiting = roots.map((path) => ({ path, depth: 0 }));
  for (let seen = 0; waiting.length > 0 && seen < FOLDERS_MAX; seen += waiting.length) {
    const found = await Promise.all(waiting.splice(0).map((folder) => skillsIn(folder, names)));
    waiting = found.flat();
  }
  return names;
}

export async function ownExtensions(agentDir: string): Promise<Set<string>> {
  const entries = await entriesOf(join(agentDir, "extensions"));
  return new Set(entries.map(({ name }) => name.replace(/\.[tj]s$/, "")));
}

interface Folder {
  path: string;
  depth: number;
}

/** Adds names, and returns the folders in which there may be more. */
async function skillsIn({ path, depth }: Folder, names: Set<string>): Promise<Folder[]> {
  const inner: Folder[] = [];
  for (const entry of await entriesOf(path)) {
    const place = join(path, entry.name);
    const isSkill = !entry.isFile() && existsSync(join(place, "SKILL.md"));
    if (isSkill || (depth === 0 && !entry.isFile())) names.add(entry.name);
    if (depth === 0 && entry.name.endsWith(".md")) names.add(parse(entry.name).name);
    if (!isSkill && entry.isDirectory() && depth < DEPTH_MAX) inner.push({ path: place, depth: depth + 1 });
  }
  return inner;
}

async function entriesOf(path: string): Promise<Dirent[]> {
  const entries = (await orAbsent(readdir(path, { withFileTypes: true }))) ?? [];
  return entries.filter(({ name }) => name !== HUB && name !== "node_modules" && !name.startsWith("."));
}
