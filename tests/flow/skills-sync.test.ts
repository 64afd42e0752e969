// Skills and extensions from their publication to the disk of an agent: a real pi elsewhere, under Node and Bun, and the
// tasks of reef itself.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { calls, type Script, startModel, text } from "../extension/rig/model.js";
import { type Runtime, startPi, type TestPi } from "../extension/rig/pi.js";
import { startReefWith } from "../fleet/reef-with.js";
import { cleanUp, type Reef, temporaryFolder } from "./reef.js";

const TOKEN = "skills-sync-test-token";
const WAIT_MS = 30_000;
const TEST_MS = 90_000;

let reef: Reef;
const undo: (() => unknown)[] = [];
beforeAll(async () => {
  reef = await startReefWith(["skills"], { token: TOKEN });
});
afterEach(async () => {
  for (const act of undo.splice(0).reverse()) await act();
});
afterAll(cleanUp);

const skill = (name: string, body: string) =>
  `---\nname: ${name}\ndescription: When to ${name}\n---\n${body}\n`;
const publish = (name: string, content: string, path = "items") =>
  reef.api("POST", `/skills/${path}`, { name, content, description: `When to ${name}`, publishedBy: "ada" });
const patch = (path: string, body: object) => reef.api("PATCH", `/skills/${path}`, body);
const sha256 = (content: string) => `sha256:${createHash("sha256").update(content).digest("hex")}`;

interface Machine {
  agentDir: string;
  /** The text of a file of a skill or extension; null when it is not there. */
  read(path: string): Promise<string | null>;
  until(path: string, content: string | null): Promise<void>;
  untilThere(path: string): Promise<void>;
  start(options?: { script?: Script; args?: string[] }): Promise<TestPi>;
}

/** A pi's own folder outlives its processes. */
function machine(name: string, given: { runtime?: Runtime; url?: string } = {}): Machine {
  const agentDir = join(temporaryFolder("reef-machine-"), "agent");
  const read = (path: string) => readFile(join(agentDir, path), "utf8").catch(() => null);
  return {
    agentDir,
    read,
    until: (path, content) => until(path, async () => (await read(path)) === content),
    untilThere: (path) => until(path, async () => (await read(path)) !== null),
    async start({ script = () => text("done"), args = [] } = {}) {
      const { runtime = "bun", url = reef.url } = given;
      const model = startModel(script);
      undo.push(model.stop);
      mkdirSync(agentDir, { recursive: true });
      const identity = { VERS_INFRA_URL: url, VERS_AUTH_TOKEN: TOKEN, VERS_AGENT_NAME: name };
      const models = { providers: { recorded: recordedAt(model.url) } };
      await Bun.write(join(agentDir, "models.json"), JSON.stringify(models));
      const env = { ...identity, PI_CODING_AGENT_DIR: agentDir };
      const pi = await startPi({ modelUrl: model.url, runtime, args, env });
      undo.push(pi.stop);
      // Answered when the handlers of the session's start are through.
      await pi.request({ type: "get_state" });
      return pi;
    },
  };
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`${what} is not as it should be after ${WAIT_MS} ms`);
    await Bun.sleep(20);
  }
}

function recordedAt(baseUrl: string): object {
  const limits = { contextWindow: 200_000, maxTokens: 8192 };
  const model = { id: "scripted", name: "Scripted", reasoning: true, input: ["text"], ...limits };
  return { baseUrl, api: "anthropic-messages", apiKey: "offline", models: [model] };
}

const skillOf = (name: string, file = "SKILL.md") => `skills/_hub/${name}/${file}`;

describe.each<Runtime>(["node", "bun", "compiled"])("a pi elsewhere under %s (spec §7)", (runtime) => {
  test(
    "has by stream what is published, updated, disabled, enabled and removed",
    async () => {
      const name = `stream-${runtime}`;
      const here = machine(`streaming-${runtime}`, { runtime });
      await here.start();
      const first = skill(name, "é 1");
      await publish(name, first);
      await here.until(skillOf(name), first);
      await here.until(skillOf(name, ".hash"), sha256(first));
      const second = skill(name, "2");
      await publish(name, second);
      await here.until(skillOf(name, ".version"), "2");
      expect([await here.read(skillOf(name)), await here.read(skillOf(name, ".hash"))]).toEqual([
        second,
        sha256(second),
      ]);
      await patch(`items/${name}`, { enabled: false });
      await here.until(skillOf(name), null);
      await patch(`items/${name}`, { enabled: true });
      await here.until(skillOf(name), second);
      await reef.api("DELETE", `/skills/items/${name}`);
      await here.until(skillOf(name), null);
    },
    TEST_MS,
  );

  test(
    "has by sync, when its session starts, what it missed",
    async () => {
      const names = ["new", "changed", "disabled", "removed"].map((one) => `${one}-${runtime}`);
      const [fresh = "", changed = "", disabled = "", removed = ""] = names;
      const here = machine(`missing-${runtime}`, { runtime });
      for (const name of [changed, disabled, removed]) await publish(name, skill(name, "1"));
      const pi = await here.start();
      for (const name of [changed, disabled, removed]) await here.until(skillOf(name), skill(name, "1"));
      await pi.stop();
      await publish(fresh, skill(fresh, "1"));
      await publish(changed, skill(changed, "2"));
      await patch(`items/${disabled}`, { enabled: false });
      await reef.api("DELETE", `/skills/items/${removed}`);
      const again = await here.start();
      await here.until(skillOf(fresh), skill(fresh, "1"));
      await here.until(skillOf(changed), skill(changed, "2"));
      for (const name of [disabled, removed]) await here.until(skillOf(name), null);
      // The first session may have begun before a slow machine was in step.
      await again.request({ type: "new_session" });
      const { commands } = (await again.request({ type: "get_commands" })) as {
        commands: { name: string }[];
      };
      const offered = commands.map((command) => command.name).filter((name) => name.endsWith(runtime));
      expect(offered.sort()).toEqual([`skill:${changed}`, `skill:${fresh}`]);
      for (const name of [fresh, changed]) await reef.api("DELETE", `/skills/items/${name}`);
    },
    TEST_MS,
  );

  test(
    "loads the hub's extensions with its next session, and starts although one of them is broken",
    async () => {
      const greeting = `hello from the hub to ${runtime}`;
      const greet = `import { Type } from "typebox";
export default (pi) => { Type.Object({}); pi.on("session_start", (_event, ctx) => ctx.ui.notify("${greeting}")); };
`;
      await publish("broken", "throw new Error('broken at import');", "extensions");
      await publish("greet", greet, "extensions");
      const here = machine(`extended-${runtime}`, { runtime });
      await here.start();
      await here.until("extensions/_hub/greet/greet.ts", greet);
      await here.untilThere("extensions/_hub/index.ts");
      const pi = await here.start({ args: ["-e", join(here.agentDir, "extensions/_hub/index.ts")] });
      await pi.until((line) => line.method === "notify" && line.message === greeting);
      expect(pi.stderr()).toContain("reef: the extension broken of the SkillHub does not load");
      for (const name of ["broken", "greet"]) await reef.api("DELETE", `/skills/extensions/${name}`);
      for (const path of ["greet/greet.ts", "index.ts"]) await here.until(`extensions/_hub/${path}`, null);
    },
    TEST_MS,
  );
});

test(
  "its tool skillhub_sync says what it did, by name (spec §7)",
  async () => {
    const here = machine("tooled");
    const pi = await here.start({
      script: (_request, n) => (n === 0 ? calls(["k", "skillhub_sync", {}]) : text("done")),
    });
    // What is published after its first report can only come to one that has the tool already.
    await until("the report", async () => (await reef.fetch("/skills/agents/tooled")).ok);
    await publish("tooled", skill("tooled", "1"));
    await here.until(skillOf("tooled"), skill("tooled", "1"));
    const lines = await pi.prompt("Sync");
    const next = lines.find((line) => line.type === "tool_execution_end");
    expect([next?.isError, next?.result.content[0].text]).toEqual([
      false,
      "installed 0, updated 0, removed 0, unchanged 1\nunchanged: tooled",
    ]);
    expect(next?.result.details.unchanged).toEqual([{ type: "skill", name: "tooled" }]);
    expect(await reef.api("GET", "/skills/agents/tooled")).toMatchObject({
      skills: [{ name: "tooled", version: 1 }],
    });
    await reef.api("DELETE", "/skills/items/tooled");
  },
  TEST_MS,
);

test(
  "a server that is away takes nothing, is said once, and what changed comes when it is back (spec §7)",
  async () => {
    const first = await startReefWith(["skills"], { token: TOKEN });
    const { port } = new URL(first.url);
    const item = { name: "kept", description: "d", publishedBy: "ada" };
    await first.api("POST", "/skills/items", { ...item, content: "1" });
    const here = machine("patient", { url: first.url });
    const pi = await here.start();
    await here.until(skillOf("kept"), "1");
    await first.kill();
    for (const prompt of ["One", "Two"]) await pi.prompt(prompt);
    await pi.request({ type: "new_session" });
    await pi.prompt("Three");
    expect(await here.read(skillOf("kept"))).toBe("1");
    const notices = pi.lines.filter((line) => line.method === "notify").map((line) => line.message);
    expect(notices).toEqual([`reef: ${first.url} could not be reached.`]);
    const second = await first.restart({ PORT: port });
    await second.api("POST", "/skills/items", { ...item, content: "2" });
    await pi.request({ type: "new_session" });
    await here.until(skillOf("kept"), "2");
    await second.api("DELETE", "/skills/items/kept");
    await here.until(skillOf("kept"), null);
    expect(pi.lines.filter((line) => line.type === "extension_error")).toEqual([]);
    await second.stop();
  },
  TEST_MS,
);

test(
  "a task of reef's own is offered the enabled skills from the server's copy, and no extension (spec §7)",
  async () => {
    await publish("ours", skill("ours", "Do it like this."));
    await publish("off", skill("off", "Not this."));
    await patch("items/off", { enabled: false });
    await publish("code", "export default () => { throw new Error('loaded'); };", "extensions");
    const path = join(reef.dataDir, "skills-hub/ours/SKILL.md");
    await reef.submit({ task: `call read ${JSON.stringify({ path })}`, taskId: "reader" });
    const { status, nodes } = await reef.over("reader");
    expect(status).toBe("done");
    expect(nodes.find((node) => node.role === "tool_result")?.content).toContain("Do it like this.");
    const system = JSON.stringify((await reef.modelRequests()).at(-1)?.body.system);
    expect(system).toContain(`<name>ours</name>`);
    expect(system).toContain(path);
    expect(system).not.toContain("<name>off</name>");
    for (const one of ["items/ours", "items/off", "extensions/code"])
      await reef.api("DELETE", `/skills/${one}`);
  },
  TEST_MS,
);
