// Deploys in a real reef: what they leave live, what they leave in the tree, and what a task has of them.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TreeNode } from "../../src/tree/node.js";
import { cleanUp, processesWith, type Reef, startReef, temporaryFolder } from "./reef.js";

let reef: Reef;
beforeAll(async () => {
  reef = await startReef({ servicesDir: temporaryFolder() });
});
afterAll(cleanUp);

interface Deploy {
  id: string;
  name: string;
  deployed: boolean;
  error?: string;
  hash: string;
  previousHash: string | null;
  nodeId: string;
  steps: { step: string; status: string; detail?: string }[];
  by: string;
  rolledBackAt?: string;
}

function write(folder: string, files: Record<string, string>, servicesDir = reef.servicesDir): void {
  rmSync(join(servicesDir, folder), { recursive: true, force: true });
  for (const [path, text] of Object.entries(files)) {
    const file = join(servicesDir, folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

/** A service that answers `says`, and fails where it is asked to. */
const service = (name: string, says: string) => `import { Hono } from "hono";
const routes = new Hono()
  .get("/", (c) => c.text(${JSON.stringify(says)}))
  .get("/throws", () => { throw new Error("out of ink"); })
  .get("/late", (c) => { setTimeout(() => { throw new Error("nobody catches me"); }, 1); return c.text("soon"); });
export default { name: ${JSON.stringify(name)}, routes };`;

async function deploy(name: string, of: Reef = reef): Promise<Deploy> {
  const response = await of.fetch("/services/deploy", { method: "POST", body: JSON.stringify({ name }) });
  const answer: Deploy = await response.json();
  expect(response.status).toBe(answer.deployed ? 200 : 400);
  return answer;
}

const said = async (path: string, of: Reef = reef) => (await of.fetch(path)).text();

/** Waits for a node, oldest first. */
async function nodeWith(holds: (node: TreeNode) => boolean, of: Reef = reef): Promise<TreeNode> {
  for (;;) {
    const found = (await of.nodes()).find(holds);
    if (found) return found;
    await Bun.sleep(20);
  }
}

describe("a live service that is broken (spec §6.2, §13.12)", () => {
  const exports = (fields: string) => `export default { name: "ink", ${fields} };`;

  test.each([
    [
      "does not parse",
      { "index.ts": 'import { Hono from "hono";' },
      "validate",
      /^import error: index\.ts:1:\d+/,
    ],
    ["throws at import", { "index.ts": 'throw new Error("no ink");' }, "validate", /^import error: no ink$/],
    [
      "exports nothing",
      { "index.ts": "export const ink = 1;" },
      "validate",
      /^default export missing 'name' property$/,
    ],
    [
      "fails its test",
      {
        "index.ts": exports(""),
        "ink.test.ts": 'import { test } from "bun:test"; test("flows", () => { throw new Error("dry"); });',
      },
      "test",
      /^0 passed, 1 failed \(1 files\)\n[\s\S]*dry/,
    ],
    [
      "rejects in init",
      { "index.ts": exports('init: async () => { throw new Error("no pen"); }') },
      "load",
      /^init\(\) failed: no pen$/,
    ],
    [
      "does not answer well",
      {
        "index.ts": `import { Hono } from "hono";\n${exports('routes: new Hono().get("/", (c) => c.text("", 500))')}`,
      },
      "verify",
      /^GET \/ink\/ answered 500$/,
    ],
  ])(
    "because it %s is refused with the reason, answers as before, and is mended by the next deploy",
    async (_why, files, step, detail) => {
      write("ink", { "index.ts": service("ink", "blue") });
      const blue = await deploy("ink");
      write("ink", files as Record<string, string>);
      const refused = await deploy("ink");
      expect([refused.error, refused.previousHash]).toEqual([`Not deployed: ${step} failed`, blue.hash]);
      expect(refused.steps.at(-1)).toMatchObject({
        step,
        status: "failed",
        detail: expect.stringMatching(detail),
      });
      expect(await said("/ink/")).toBe("blue");
      const node = (await reef.nodes()).find(({ id }) => id === refused.nodeId);
      expect(node).toMatchObject({
        eventType: "service_deploy_failed",
        meta: { name: "ink", deployId: refused.id },
      });
      expect(node?.content).toStartWith(`service deploy failed: ink — ${step}: `);
      write("ink", { "index.ts": service("ink", "red") });
      expect((await deploy("ink")).deployed).toBe(true);
      expect(await said("/ink/")).toBe("red");
    },
    60_000,
  );
});

describe("probation (spec §6.2)", () => {
  test.each([
    ["fails its requests", ["throws", "throws", "throws"], "3 of 3 requests failed", "out of ink"],
    ["throws where nobody catches it", ["late"], "an exception that nobody caught", "nobody catches me"],
  ])(
    "a version that %s is rolled back by itself, and the tree says why",
    async (_what, paths, reason, message) => {
      const name = `pen-${paths[0]}`;
      write(name, { "index.ts": service(name, "one") });
      const one = await deploy(name);
      write(name, { "index.ts": service(name, "two") });
      const two = await deploy(name);
      for (const path of paths) await said(`/${name}/${path}`);
      const rollback = await nodeWith(
        ({ eventType, meta }) => eventType === "service_rollback" && meta?.deployId === two.id,
      );
      expect(rollback).toMatchObject({
        parentId: two.nodeId,
        source: "services",
        content: `service rolled back: ${name}`,
        meta: { name, hash: one.hash, previousHash: two.hash, reason, errors: paths.map(() => message) },
      });
      expect(await said(`/${name}/`)).toBe("one");
      const { chain } = await reef.api("GET", `/reef/tree/${rollback.id}/why`);
      expect(chain.map(({ node }: { node: TreeNode }) => node.id)).toContain(two.nodeId);
      while (!(await reef.api<Deploy>("GET", `/services/deploys/${two.id}`)).rolledBackAt)
        await Bun.sleep(20);
    },
    60_000,
  );
});

test("a roll-back survives a restart and reload all (spec §6.2, §13.12)", async () => {
  let own = await startReef({ servicesDir: temporaryFolder() });
  for (const says of ["one", "two"]) {
    write("ink", { "index.ts": service("ink", says) }, own.servicesDir);
    expect((await deploy("ink", own)).deployed).toBe(true);
  }
  const { from, to, nodeId } = await own.api("POST", "/services/ink/rollback");
  expect(await said("/ink/", own)).toBe("one");
  expect((await own.nodes()).find(({ id }) => id === nodeId)?.meta).toMatchObject({
    hash: to,
    previousHash: from,
  });
  await own.stop();
  own = await own.restart();
  expect(await said("/ink/", own)).toBe("one");
  await own.api("POST", "/services/reload");
  expect(await said("/ink/", own)).toBe("one");
  await own.api("POST", "/services/reload/ink");
  expect(await said("/ink/", own)).toBe("two");
  await own.stop();
}, 60_000);

test("killed in the middle of a deploy, reef comes back with what was live, and nothing of the deploy is left", async () => {
  let own = await startReef({ servicesDir: temporaryFolder() });
  write("ink", { "index.ts": service("ink", "one") }, own.servicesDir);
  await deploy("ink", own);
  const mark = `mark-${crypto.randomUUID()}`;
  const never = `import { test } from "bun:test";
test("hangs", async () => {
  Bun.spawn(["sh", "-c", "sleep 600 & sleep 600"], { env: { ...process.env, MARK: "${mark}" } });
  for (;;) await Bun.sleep(1000);
}, 1e6);`;
  write("ink", { "index.ts": service("ink", "two"), "ink.test.ts": never }, own.servicesDir);
  const cut = deploy("ink", own).catch((error: unknown) => error);
  while (processesWith(mark).length === 0) await Bun.sleep(20);
  await own.kill();
  expect(await cut).toBeInstanceOf(Error);
  own = await own.restart();
  expect(processesWith(mark)).toEqual([]);
  expect(processesWith(join(own.dataDir, "trials"))).toEqual([]);
  expect(await said("/ink/", own)).toBe("one");
  const { deploys } = await own.api<{ deploys: Deploy[] }>("GET", "/services/deploys");
  expect(deploys).toHaveLength(1);
  write("ink", { "index.ts": service("ink", "three") }, own.servicesDir);
  expect((await deploy("ink", own)).deployed).toBe(true);
  expect(await said("/ink/", own)).toBe("three");
  await own.stop();
}, 60_000);

test("/health answers while tests run for a long time (spec §13.12)", async () => {
  const busy = `import { test } from "bun:test";
test("works", () => { const until = performance.now() + 2000; while (performance.now() < until); });`;
  write("busy", { "index.ts": service("busy", "done"), "busy.test.ts": busy });
  const before = await healthMs(20);
  const over = deploy("busy");
  const during: number[] = [];
  let isOver = false;
  void over.finally(() => {
    isOver = true;
  });
  while (!isOver) during.push(...(await healthMs(1)));
  expect((await over).steps[1]).toMatchObject({ step: "test", status: "passed" });
  expect(during.length).toBeGreaterThan(20);
  // The tests take one of the machine's few processors, so a request may wait its turn, and no longer.
  expect(median(during)).toBeLessThan(20 * median(before) + 20);
}, 60_000);

async function healthMs(count: number): Promise<number[]> {
  const times: number[] = [];
  for (let asked = 0; asked < count; asked++) {
    const startedAt = performance.now();
    expect((await reef.fetch("/health")).status).toBe(200);
    times.push(performance.now() - startedAt);
  }
  return times;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

test("two deploys of one service at once: one after the other, both in the end", async () => {
  write("twice", { "index.ts": service("twice", "hi") });
  const [first, second] = await Promise.all([deploy("twice"), deploy("twice")]);
  const [earlier, later] = first.previousHash === null ? [first, second] : [second, first];
  expect([earlier.previousHash, later.previousHash]).toEqual([null, earlier.hash]);
  expect(await said("/twice/")).toBe("hi");
  const { deploys } = await reef.api<{ deploys: Deploy[] }>("GET", "/services/deploys?name=twice");
  expect(deploys.map(({ id }) => id)).toEqual([later.id, earlier.id]);
});

test("steps are live frames for who listens, and never replayed (spec §4.8, §6.2)", async () => {
  write("seen", { "index.ts": service("seen", "hi") });
  const abort = new AbortController();
  const stream = await reef.fetch("/reef/events", { signal: abort.signal });
  const frames = readFrames(stream);
  const { id } = await deploy("seen");
  const steps: string[] = [];
  for await (const { id: seq, frame } of frames) {
    if (frame.type === "service_deploy") break;
    if (frame.type !== "service_deploy_step") continue;
    expect([seq, frame.deployId, frame.name]).toEqual([undefined, id, "seen"]);
    steps.push(`${frame.step} ${frame.status}`);
  }
  abort.abort();
  expect(steps).toEqual([
    "validate running",
    "validate passed",
    "test running",
    "test skipped",
    "load running",
    "load passed",
    "verify running",
    "verify passed",
  ]);
  expect((await reef.nodes()).map(({ eventType }) => eventType)).not.toContain("service_deploy_step");
});

interface Received {
  id?: string;
  frame: Record<string, unknown>;
}

async function* readFrames(response: Response): AsyncGenerator<Received> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const part of response.body ?? []) {
    text += decoder.decode(part, { stream: true });
    const whole = text.split("\n\n");
    text = whole.pop() ?? "";
    for (const one of whole) {
      const data = /^data: (.*)$/m.exec(one)?.[1];
      if (data !== undefined) yield { id: /^id: (.*)$/m.exec(one)?.[1], frame: JSON.parse(data) };
    }
  }
}

describe("a task (spec §12, §13.17)", () => {
  const memos = (fields = "") => `import { Hono } from "hono";
export default {
  name: "memos",
  routes: new Hono().get("/", (c) => c.text("none")).post("/", (c) => c.text("kept")),
  registerTools(pi, client) {
    pi.registerTool({
      name: "memos_add",
      description: "Keeps a memo.",
      parameters: { type: "object", properties: { text: { type: "string" } }, required: ["text"] },
      execute: async (_id, { text }) => client.ok("kept: " + text),
    });
  },
  ${fields}
};`;
  const passing = 'import { test } from "bun:test"; test("one", () => {}); test("two", () => {});';

  test("deploys with reef_deploy and calls the new tool at once", async () => {
    write("memos", { "index.ts": memos(), "memos.test.ts": passing });
    await reef.submit({
      task: 'call reef_deploy {"name":"memos"}\ncall memos_add {"text":"milk"}',
      taskId: "builder",
    });
    const task = await reef.over("builder");
    const [deployed, added] = task.nodes.filter(({ role }) => role === "tool_result");
    expect(deployed).toMatchObject({
      isError: false,
      content: "Deployed memos: 2 passed, 0 failed. Live at /memos (2 routes).\nNew tools: memos_add",
    });
    expect(deployed?.result?.details).toMatchObject({ name: "memos", deployed: true, by: "builder" });
    expect(added).toMatchObject({ isError: false, content: "kept: milk" });
    const node = (await reef.nodes()).find(
      ({ eventType, taskId }) => eventType === "service_deploy" && taskId === "builder",
    );
    expect(node?.parentId).toBe(deployed?.parentId ?? "");
    expect(node?.meta).toMatchObject({ name: "memos", tests: { passed: 2, failed: 0 } });
    expect(task.artifacts).toMatchObject({ servicesDeployed: ["memos"], testsRun: { passed: 2, failed: 0 } });
  }, 60_000);

  test("is told why a deploy failed, and what to do next", async () => {
    write("memos", { "index.ts": memos() });
    await deploy("memos");
    write("memos", { "index.ts": memos('init() { throw new Error("no paper"); },') });
    const calls = ["memos", "nowhere", "../memos"].map(
      (name) => `call reef_deploy ${JSON.stringify({ name })}`,
    );
    await reef.submit({ task: calls.join("\n"), taskId: "unlucky" });
    const results = (await reef.over("unlucky")).nodes.filter(({ role }) => role === "tool_result");
    const again = (name: string) => `Mend the folder ${reef.servicesDir}/${name} and call reef_deploy again.`;
    expect(results.map(({ isError }) => isError)).toEqual([true, true, true]);
    expect(results[0]?.content).toBe(
      `Error: Not deployed: load failed.\ninit() failed: no paper\nThe previous version is still live.\n${again("memos")}`,
    );
    expect(results[1]?.content).toBe(
      `Error: Not deployed: validate failed.\nDirectory not found: nowhere/\n${again("nowhere")}`,
    );
    expect(results[2]?.content).toContain('invalid name "../memos"');
    expect(await said("/memos/")).toBe("none");
  }, 60_000);

  test("without the scope is told so, and nothing is deployed (spec §2.4)", async () => {
    write("secret", { "index.ts": service("secret", "hi") });
    await reef.submit({ task: 'call reef_deploy {"name":"secret"}', taskId: "narrow", scopes: ["modules"] });
    const result = (await reef.over("narrow")).nodes.find(({ role }) => role === "tool_result");
    expect(result?.isError).toBe(true);
    expect(result?.content).toContain('scope "deploy" is required');
    expect((await reef.fetch("/secret/")).status).toBe(404);
  }, 60_000);
});
