// The skills of the package get to SkillHub by the operator's command, whole, and once.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { reef as commandLine } from "../cli/support.js";
import { startReefWith } from "../fleet/reef-with.js";
import { cleanUp, type Reef, temporaryFolder } from "../flow/reef.js";
import { skillNames, skillText } from "./blocks.js";

let reef: Reef;
beforeAll(async () => {
  reef = await startReefWith(["skills"]);
}, 60_000);
afterAll(cleanUp);

const publish = (...args: string[]) => commandLine(reef.url, ["skills", "publish", ...args]);

test("all skills are published as they are, and again only those that changed (spec §16)", async () => {
  const outcomes = (state: string) => skillNames().map((name) => `${state} ${name} (version 1)\n`);
  expect(await publish()).toEqual({ code: 0, out: outcomes("published").join(""), err: "" });
  const { skills } = await reef.api("GET", "/skills/items");
  const found = skills.map(({ name, content }: { name: string; content: string }) => [name, content]);
  expect(found).toEqual(skillNames().map((name) => [name, skillText(name)]));
  expect(await publish()).toEqual({ code: 0, out: outcomes("unchanged").join(""), err: "" });
});

test("a skill of one's own folder is published, updated, and stays disabled when it was", async () => {
  const dir = temporaryFolder("reef-own-skills-");
  const write = async (text: string) => {
    await mkdir(join(dir, "paint"), { recursive: true });
    await writeFile(
      join(dir, "paint", "SKILL.md"),
      `---\nname: paint\ndescription: How to paint\n---\n${text}`,
    );
  };
  await write("Take a brush.");
  expect((await publish("paint", "--dir", dir)).out).toBe("published paint (version 1)\n");
  await reef.api("PATCH", "/skills/items/paint", { enabled: false });
  await write("Take two brushes.");
  expect((await publish("--dir", dir, "--by", "ada")).out).toBe("updated paint (version 2)\n");
  expect(await reef.api("GET", "/skills/items/paint")).toMatchObject({ version: 2, enabled: false });
  const { out } = await commandLine(reef.url, ["skills", "list", "--dir", dir]);
  expect(out).toContain("paint  version 2, disabled  How to paint");
});

test("a name that the hub cannot keep is refused there, and said", async () => {
  const dir = temporaryFolder("reef-own-skills-");
  await mkdir(join(dir, "paint"));
  await writeFile(join(dir, "paint", "SKILL.md"), "---\nname: ../paint\ndescription: How to paint\n---\n");
  expect(await publish("--dir", dir)).toEqual({
    code: 1,
    out: "",
    err: "../paint: invalid name: ../paint\n",
  });
});
