// Skills as prompts: which files are one, what a client reads of them, and that an edit is seen at once.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { type McpServer, startMcp } from "./support.js";

let server: McpServer;
let client: Client;
beforeEach(async () => {
  server = await startMcp();
  ({ client } = await server.connect());
});
afterEach(() => server.end());

async function skill(folder: string, text: string): Promise<string> {
  await mkdir(join(server.skillsDir, folder), { recursive: true });
  const file = join(server.skillsDir, folder, "SKILL.md");
  await writeFile(file, text);
  return file;
}

const listed = async () => (await client.listPrompts()).prompts;

async function textOf(name: string): Promise<string> {
  const { messages } = await client.getPrompt({ name });
  return messages.map(({ content }) => (content.type === "text" ? content.text : "")).join();
}

test("without a skill, or without the folder, there is no prompt", async () => {
  expect(await listed()).toEqual([]);
  await rm(server.skillsDir, { recursive: true });
  expect(await listed()).toEqual([]);
});

test("each skill is a prompt with its name and description; its message is the skill's text (spec §14)", async () => {
  await skill(
    "b",
    '---\nname: brew\ndescription: "How to brew: slowly"\nlicense: MIT\n---\n\n# Brew\n\nBoil.\n',
  );
  await skill("a", "---\r\nname: paint\r\ndescription: >\r\n  How to\r\n  paint\r\n---\r\nTake a brush.");
  expect(await listed()).toEqual([
    { name: "paint", description: "How to paint" },
    { name: "brew", description: "How to brew: slowly" },
  ]);
  expect(await client.getPrompt({ name: "brew" })).toEqual({
    description: "How to brew: slowly",
    messages: [{ role: "user", content: { type: "text", text: "# Brew\n\nBoil." } }],
  });
  expect(await textOf("paint")).toBe("Take a brush.");
});

test("an edited, a new and a removed skill are seen by the next request", async () => {
  await skill("paint", "---\nname: paint\n---\nTake a brush.");
  expect(await textOf("paint")).toBe("Take a brush.");
  await skill("paint", "---\nname: paint\n---\nTake a wide brush.");
  expect(await textOf("paint")).toBe("Take a wide brush.");
  await skill("brew", "Boil.");
  expect((await listed()).map(({ name }) => name)).toEqual(["brew", "paint"]);
  await rm(join(server.skillsDir, "paint"), { recursive: true });
  expect((await listed()).map(({ name }) => name)).toEqual(["brew"]);
});

test("what is no good skill keeps no other back", async () => {
  await skill("plain", "No front matter.\n---\nand a line");
  await skill("broken", "---\nname: [unclosed\n---\nStill a text.");
  await skill("list", "---\n- one\n---\nA list in front.");
  await skill("numbers", "---\nname: 7\ndescription: 8\n---\nNumbers in front.");
  await skill("twin", "---\nname: plain\n---\nAnother of that name.");
  await skill(".hidden", "Hidden.");
  await truncate(await skill("huge", "---\nname: huge\n---\nx"), 2_000_000);
  await mkdir(join(server.skillsDir, "empty"));
  await mkdir(join(server.skillsDir, "folder", "SKILL.md"), { recursive: true });
  await writeFile(join(server.skillsDir, "file"), "no folder");
  await symlink("nowhere", join(server.skillsDir, "dangling"));
  expect((await listed()).map(({ name }) => name)).toEqual(["broken", "list", "numbers", "plain"]);
  expect(await textOf("broken")).toBe("Still a text.");
  expect(await textOf("plain")).toBe("No front matter.\n---\nand a line");
  expect(server.lines.join("\n")).toContain('skill "broken": what stands in front of its text is not YAML');
  expect(server.lines.join("\n")).toContain('skill "huge" is left out');
});

test("an unknown prompt is an error that names it", async () => {
  await skill("paint", "Take a brush.");
  for (const name of ["nope", "../paint", "constructor", ""]) {
    await expect(client.getPrompt({ name })).rejects.toThrow(`Prompt "${name}" not found`);
  }
});
