// Skills as folders hold them, `<name>/SKILL.md`, read whole to be published.
import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { UsageError } from "./command.js";

export interface SkillFile {
  name: string;
  description: string;
  /** The whole file, front matter included: agents get it as it is. */
  content: string;
}

/** The skills that come with reef. */
export const PACKAGE_SKILLS = resolve(import.meta.dir, "../../skills");

const SKILLS_MAX = 200;
const FRONT_MATTER = /^---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/;

/** By name. Throws UsageError for a folder that is not there and for a skill without name or description. */
export async function readSkills(dir: string): Promise<SkillFile[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(`cannot read ${dir}: ${cause.code ?? cause.message}`, { cause });
  });
  const folders = entries.filter((one) => !one.isFile() && !one.name.startsWith(".")).map(({ name }) => name);
  if (folders.length > SKILLS_MAX) throw new UsageError(`${dir} has more than ${SKILLS_MAX} folders`);
  const files = await Promise.all(folders.sort().map((folder) => readSkill(join(dir, folder, "SKILL.md"))));
  return files.filter((file) => file !== undefined);
}

/** Undefined when there is no such file: the folder is no skill. */
async function readSkill(path: string): Promise<SkillFile | undefined> {
  const content = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT" || cause.code === "ENOTDIR") return undefined;
    throw new UsageError(`cannot read ${path}: ${cause.code ?? cause.message}`, { cause });
  });
  if (content === undefined) return undefined;
  const fields = frontMatterOf(path, content);
  const [name, description] = [fields.name, fields.description].map((field) =>
    typeof field === "string" ? field.trim() : "",
  );
  if (name && description) return { name, description, content };
  throw new UsageError(`${path} has no ${name ? "description" : "name"} in front of its text`);
}

function frontMatterOf(path: string, content: string): { name?: unknown; description?: unknown } {
  const [, yaml = ""] = FRONT_MATTER.exec(content.replace(/^\uFEFF/, "")) ?? [];
  try {
    return { ...(Bun.YAML.parse(yaml) as object | null) };
  } catch (cause) {
    throw new UsageError(`${path}: what stands in front of its text is not YAML`, { cause });
  }
}
