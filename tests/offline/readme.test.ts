// The README's tables against the code that they describe.
import { expect, test } from "bun:test";
import { faults } from "../../src/offline/faults.js";
import { scripts } from "../../src/offline/scripts.js";

const readme = await Bun.file(new URL("../../src/offline/README.md", import.meta.url)).text();

function code(text: string): string {
  const shown = text.replaceAll("\n", "⏎");
  return shown.includes("`") ? `\`\`${shown}\`\`` : `\`${shown}\``;
}

/** The cells of a section's table, without its head and without its last row, which is no entry of the code. */
function rows(start: string, end: string): string[][] {
  const section = readme.slice(readme.indexOf(start), readme.indexOf(end));
  const lines = section.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| -"));
  const cells = lines.map((line) => line.split("|").map((cell) => cell.trim()));
  return cells.slice(1, -1).map((row) => row.slice(1, -1));
}

test("the README lists every prompt with what it does, in the order in which they are tried", () => {
  const published = scripts.map(({ prompts, does }) => [prompts.map(code).join("<br>"), does]);
  expect(rows("## Prompts", "## Failures")).toEqual(published);
});

test("the README lists every failure with how often it happens", () => {
  const published = faults.map(({ name, does, times }) => {
    return [`\`fail: ${name}\``, does, times === Infinity ? "always" : "once"];
  });
  expect(rows("## Failures", "## Several")).toEqual(published);
});
