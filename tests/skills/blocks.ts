// The code blocks of a skill, so that tests can run what it shows.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../flow/reef.js";

export interface Block {
  language: string;
  /** What stands after the language: the path of the file that the block is. */
  path: string;
  code: string;
}

export function skillText(name: string): string {
  return readFileSync(join(ROOT, "skills", name, "SKILL.md"), "utf8");
}

export function blocksOf(text: string): Block[] {
  return Array.from(
    text.matchAll(/^```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm),
    ([, language = "", path = "", code = ""]) => ({ language, path, code }),
  );
}

/** The names of all skills. */
export function skillNames(): string[] {
  return readdirSync(join(ROOT, "skills")).sort();
}

/** The commands of the `sh` blocks, one for each line that no backslash continues. */
export function commandsOf(text: string): string[] {
  return blocksOf(text).filter(isShell).flatMap(commandsIn);
}

/**
 * `given`: what whoever follows the skill puts in, assignments alone. `elsewhere`: commands of another machine, or of a
 * person at the machine of reef. All others are run as they are written.
 */
export function shellBlocks(text: string, kind: "" | "given" | "elsewhere"): Block[] {
  return blocksOf(text).filter((block) => isShell(block) && block.path === kind);
}

export function commandsIn({ code }: Block): string[] {
  const lines = code.replaceAll("\\\n", " ").split("\n");
  return lines.filter((line) => line.trim() !== "" && !line.startsWith("#"));
}

function isShell({ language }: Block): boolean {
  return language === "sh";
}
