// What the create-service skill shows is written to disk, deployed and called, as an agent would.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cleanUp, type Reef, startReef } from "../flow/reef.js";
import { blocksOf, commandsOf, skillText } from "./blocks.js";

const TOKEN = "skill-test-token";
const WORDS_MAX = 2_500;
const skill = skillText("create-service");
const files = blocksOf(skill).filter(({ path }) => path !== "");

let reef: Reef;
beforeAll(async () => {
  reef = await startReef({ token: TOKEN });
  for (const { path, code } of files) {
    const file = join(reef.servicesDir, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, code);
  }
}, 60_000);
afterAll(cleanUp);

test("the skill is short enough for a model, and says when to use it", () => {
  expect(skill).toMatch(/^---\nname: create-service\ndescription: .{40,400}\n---\n/);
  expect(skill.split(/\s+/).length).toBeLessThan(WORDS_MAX);
});

test("its service passes its own tests and goes live, with routes, tool, behavior and panel (spec §6.2)", async () => {
  const deployed = await reef.api("POST", "/services/deploy", { name: "notes" });
  expect(deployed.steps.map(({ step, status }: { step: string; status: string }) => [step, status])).toEqual([
    ["validate", "passed"],
    ["test", "passed"],
    ["load", "passed"],
    ["verify", "passed"],
  ]);
  const { modules } = await reef.api("GET", "/services");
  expect(modules.find(({ name }: { name: string }) => name === "notes")).toMatchObject({
    hasRoutes: true,
    hasTools: true,
    hasBehaviors: true,
  });
  const docs = await reef.api("GET", "/docs/notes");
  for (const { method, path, summary } of docs.routes)
    expect([method, path, summary]).not.toContain(undefined);
  const panel = await (await reef.fetch("/notes/_panel")).text();
  expect(panel).toContain('class="panel-notes"');
});

test("each of its commands works as it is written", async () => {
  const commands = commandsOf(skill);
  expect(commands.length).toBeGreaterThan(3);
  for (const command of commands) {
    const { exitCode, stdout, stderr } = Bun.spawnSync(["bash", "-c", command], {
      env: { PATH: process.env.PATH, VERS_INFRA_URL: reef.url, VERS_AUTH_TOKEN: TOKEN },
    });
    expect([command, exitCode, stderr.toString()]).toEqual([command, 0, ""]);
    expect(() => JSON.parse(stdout.toString())).not.toThrow();
  }
});

test("a task calls its tool, its event hangs under that call, and its behavior speaks up at the end", async () => {
  await reef.submit({ task: 'call notes_add {"text":"from a task"}', taskId: "noted" });
  const task = await reef.over("noted");
  expect(task.status).toBe("done");
  const call = task.nodes.find(({ role }) => role === "tool_call");
  const event = (await reef.nodes()).find(({ content }) => content === "Note: from a task");
  expect(event).toMatchObject({ eventType: "note_added", source: "notes", parentId: call?.id ?? "" });
  const deadline = Date.now() + 10_000;
  const texts = async () =>
    (await reef.api("GET", "/notes")).notes.map(({ text }: { text: string }) => text) as string[];
  while (!(await texts()).includes("noted finished a task")) {
    expect(Date.now()).toBeLessThan(deadline);
    await Bun.sleep(50);
  }
});

const BROKEN: Record<string, { step: string; source: string; says: string }> = {
  import: { step: "validate", source: "export default {", says: "import error: " },
  nameless: {
    step: "validate",
    source: "export default {};",
    says: "default export missing 'name' property",
  },
  lonely: {
    step: "load",
    source: 'export default { name: "lonely", dependencies: ["x"] };',
    says: 'Missing dependency "x"',
  },
  throwing: {
    step: "load",
    source: 'export default { name: "throwing", init() { throw new Error("no"); } };',
    says: "init() failed: ",
  },
};

test.each(Object.entries(BROKEN))(
  "what it says of a broken service is what reef says: %s",
  async (name, broken) => {
    mkdirSync(join(reef.servicesDir, name));
    writeFileSync(join(reef.servicesDir, name, "index.ts"), broken.source);
    const response = await reef.fetch("/services/deploy", { method: "POST", body: JSON.stringify({ name }) });
    const { steps } = (await response.json()) as {
      steps: { step: string; status: string; detail: string }[];
    };
    expect(steps.at(-1)).toMatchObject({ step: broken.step, status: "failed" });
    expect(steps.at(-1)?.detail).toContain(broken.says);
    expect(skill).toContain(`\`${broken.step}\` failed: \`${broken.says.trim()}`);
  },
);
