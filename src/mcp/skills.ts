// The package's skills, read from their folders: `skills/<name>/SKILL.md`, a text with name and description in front.
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../core/errors.js";
import type { Log } from "../core/types.js";

const SKILLS_MAX = 200;
const SKILL_BYTES_MAX = 1_048_576;
const FRONT_MATTER = /^---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/;

export interface Skill {
  name: string;
  description?: string;
  /** Without what stands in front. */
  text: string;
}

export interface Skills {
  /** In order of their folders; of two with one name the first. Files are read again when they changed. */
  list(): Promise<Skill[]>;
}

interface Read {
  mtimeMs: number;
  size: number;
  /** Undefined for a file that is no skill. */
  skill: Skill | undefined;
}

export function createSkills(dir: string, log: Log): Skills {
  let known: ReadonlyMap<string, Read> = new Map();

  async function read(folder: string): Promise<Read | undefined> {
    const path = join(dir, folder, "SKILL.md");
    const found = await orNothing(stat(path), log);
    if (!found?.isFile()) return undefined;
    const { mtimeMs, size } = found;
    const before = known.get(folder);
    if (before?.mtimeMs === mtimeMs && before.size === size) return before;
    if (size > SKILL_BYTES_MAX)
      log.warn(`skill "${folder}" is left out: it has more than ${SKILL_BYTES_MAX} bytes`);
    const text = size > SKILL_BYTES_MAX ? undefined : await orNothing(readFile(path, "utf8"), log);
    return { mtimeMs, size, skill: text === undefined ? undefined : parse(folder, text, log) };
  }

  return {
    async list() {
      const names = (await orNothing(readdir(dir), log)) ?? [];
      const folders = names.filter((name) => !name.startsWith(".")).sort();
      const reads = new Map<string, Read>();
      for (const folder of folders.slice(0, SKILLS_MAX)) {
        const one = await read(folder);
        if (one) reads.set(folder, one);
      }
      known = reads;
      return unique([...reads.values()].flatMap(({ skill }) => skill ?? []));
    },
  };
}

/** Undefined for what is not there, and for what cannot be read: one skill less keeps no other back. */
async function orNothing<T>(reading: Promise<T>, log: Log): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    const { code } = error as { code?: string };
    if (code !== "ENOENT" && code !== "ENOTDIR") log.warn("skills:", messageOf(error));
    return undefined;
  }
}

function parse(folder: string, text: string, log: Log): Skill {
  const source = text.replace(/^\uFEFF/, "");
  const [front = "", yaml = ""] = FRONT_MATTER.exec(source) ?? [];
  const { name, description } = fieldsOf(folder, yaml, log);
  return {
    name: typeof name === "string" && name.trim() !== "" ? name.trim() : folder,
    ...(typeof description === "string" && { description: description.trim() }),
    text: source.slice(front.length).trim(),
  };
}

function fieldsOf(folder: string, yaml: string, log: Log): { name?: unknown; description?: unknown } {
  try {
    return { ...(Bun.YAML.parse(yaml) as object | null) };
  } catch (error) {
    log.warn(`skill "${folder}": what stands in front of its text is not YAML: ${messageOf(error)}`);
    return {};
  }
}

function unique(skills: readonly Skill[]): Skill[] {
  const first = new Map<string, Skill>();
  for (const skill of skills) if (!first.has(skill.name)) first.set(skill.name, skill);
  return [...first.values()];
}
