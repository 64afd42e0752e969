// The code blocks of a skill, so that tests can run what it shows.
import { readFileSync } from "node:fs";
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

/** The commands of the `sh` blocks, one for each line that no backslash continues. */
export function commandsOf(text: string): string[] {
  return blocksOf(text)
    .filter(({ language }) => language === "sh")
    .flatMap(({ code }) => code.replaceAll("\\\n", " ").split("\n"))
    .filter((line) => line.trim() !== "" && !line.startsWith("#"));
}
