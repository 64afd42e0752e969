// Deploys over HTTP, with real child processes and service folders that each test writes.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createTestHarness, type RequestOptions, type TestHarness } from "#core/testing.js";
import services from "./index.js";

let harness: TestHarness;
beforeEach(async () => {
  harness = await createTestHarness({ services: [services] });
});
afterEach(() => harness.cleanup());

const ask = (path: string, options: RequestOptions = {}) => harness.json(path, { auth: true, ...options });
const deploy = (name: string, headers?: Record<string, string>) =>
  ask("/services/deploy", { body: { name }, headers });
const said = async (path: string) => (await ask(path)).data;
const statusOf = async (name: string) =>
  (await ask("/services")).data.modules.find((module: { name: string }) => module.name === name);

async function write(folder: string, files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const file = join(harness.ctx.servicesDir, folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

/** `index.ts` of a module that answers `says` at `/`; `fields` go into it as they are. */
const source = (says: string, { name = "hello", fields = "" } = {}) => `import { Hono } from "hono";
const routes = new Hono().get("/", (c) => c.text(${JSON.stringify(says)})).post("/", (c) => c.text("posted"));
export default { name: "${name}", routes, ${fields} };`;

const passing = `import { expect, test } from "bun:test";
import service from "./index.js";
test("has a name", () => expect(service.name).toBe("hello"));`;
const HASH = /^sha256:[0-9a-f]{64}$/;

describe("a deploy that goes well", () => {
  test("says what it did at each step (spec §6.2)", async () => {
    await write("hello", { "index.ts": source("one"), "hello.test.ts": passing });
    const { status, data } = await deploy("hello");
    expect(status).toBe(200);
    const ms = expect.any(Number);
    expect(data).toEqual({
      name: "hello",
      steps: [
        { step: "validate", status: "passed", detail: 'exports ServiceModule "hello"', ms },
        { step: "test", status: "passed", detail: "1 passed, 0 failed (1 files)", ms },
        { step: "load", status: "passed", detail: "added: /hello", ms },
        { step: "verify", status: "passed", detail: "live at /hello (2 routes)", ms },
      ],
      deployed: true,
      hash: expect.stringMatching(HASH),
      previousHash: null,
      tests: { passed: 1, failed: 0 },
      id: expect.any(String),
      // A harness has no tree.
      nodeId: null,
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      by: "server",
    });
    expect(await said("/hello")).toBe("one");
    expect((await statusOf("hello")).hash).toBe(data.hash);
  });

  test("takes the place of the version before, and needs no tests (spec §6.2)", async () => {
    await write("hello", { "index.ts": source("one") });
    const first = (await deploy("hello")).data;
    await write("hello", { "index.ts": source("two") });
    const second = (await deploy("hello", { "X-Agent-Name": "builder" })).data;
    expect(second.steps.slice(1, 3)).toMatchObject([
      { step: "test", status: "skipped", detail: "no test files found" },
      { step: "load", status: "passed", detail: "updated: /hello" },
    ]);
    expect(second).toMatchObject({ deployed: true, previousHash: first.hash, by: "builder" });
    expect(await said("/hello")).toBe("two");
  });

  test("brings back what was unloaded (spec §6.1)", async () => {
    await write("hello", { "index.ts": source("one") });
    await deploy("hello");
    await ask("/services/hello", { method: "DELETE" });
    expect((await deploy("hello")).data).toMatchObject({ deployed: true, previousHash: null });
    expect(await said("/hello")).toBe("one");
  });

  test("takes the module's name and the folder's (spec §5.2)", async () => {
    await write("a-folder", { "index.ts": source("one", { name: "a-module" }) });
    expect((await deploy("a-folder")).data).toMatchObject({ name: "a-module", deployed: true });
    expect((await deploy("a-module")).data).toMatchObject({ name: "a-module", deployed: true });
    const { deploys } = (await ask("/services/deploys?name=a-folder")).data;
    expect(deploys).toHaveLength(2);
  });

  test("a stream has answered when it begins, and a module without routes has nothing to answer (spec §6.2)", async () => {
    const stream = `routes: new (await import("hono")).Hono().get("/", () => new Response(new ReadableStream({}))),`;
    await write("streams", { "index.ts": `export default { name: "streams", ${stream} };` });
    await write("silent", { "index.ts": 'export default { name: "silent" };' });
    expect((await deploy("streams")).data.steps.at(-1).detail).toBe("live at /streams (1 routes)");
    expect((await deploy("silent")).data.steps.at(-1).detail).toBe("live at /silent (0 routes)");
  });

  test("what is tested is what is loaded: an edit meanwhile does not count (spec §6.2)", async () => {
    const signal = join(harness.dataDir, "go");
    const waits = `import { test } from "bun:test";
import { existsSync } from "node:fs";
test("waits", async () => {
  while (!existsSync(${JSON.stringify(signal)})) await Bun.sleep(10);
});`;
    await write("hello", { "index.ts": source("one"), "hello.test.ts": waits });
    const deploying = deploy("hello");
    await stepOf("test");
    await write("hello", { "index.ts": source("edited") });
    await writeFile(signal, "");
    const { data } = await deploying;
    expect(data.deployed).toBe(true);
    expect(await said("/hello")).toBe("one");
    expect((await ask("/services/reload", { method: "POST" })).data.results).toContainEqual({
      name: "hello",
      action: "updated",
    });
    expect(await said("/hello")).toBe("edited");
  });
});

/** Resolves when a deploy begins this step. */
function stepOf(step: string): Promise<void> {
  return new Promise((resolve) => {
    harness.events.on("reef:frame", (frame) => {
      if (frame.step === step && frame.status === "running") resolve();
    });
  });
}

describe("a deploy that fails leaves what was live as it was", () => {
  const failing =
    'import { test } from "bun:test"; test("adds up", () => { throw new Error("3 is not 4"); });';
  const get = (handler: string) =>
    `routes: new (await import("hono")).Hono().get("/:id/more", (c) => c.text("")).get("/first", ${handler}),`;
  const module = (fields: string) => `export default { name: "hello", ${fields} };`;
  /** Put together here, for this file does not import it. */
  const INSIDE = ["#core", "registry.js"].join("/");

  test.each([
    ["does not parse", { "index.ts": "export default {" }, "validate", /^import error: index\.ts:1:\d+: /],
    ["throws at import", { "index.ts": 'throw new Error("no luck");' }, "validate", "import error: no luck"],
    [
      "exits at import",
      { "index.ts": "process.exit(1);" },
      "validate",
      /^import error: the module ended its process/,
    ],
    ["misses a file", { "index.ts": 'import "./gone.js";' }, "validate", /^import error: .*gone\.js/],
    ["reaches inside", { "index.ts": `import "${INSIDE}";` }, "validate", /^import error: index\.ts imports/],
    [
      "exports nothing",
      { "index.ts": "export const x = 1;" },
      "validate",
      "default export missing 'name' property",
    ],
    [
      "has a bad name",
      { "index.ts": 'export default { name: "Hello!" };' },
      "validate",
      /^invalid name "Hello!"/,
    ],
    [
      "is called health",
      { "index.ts": 'export default { name: "health" };' },
      "validate",
      '"health" is a reserved service name',
    ],
    ["has a wrong field", { "index.ts": module("routes: 1") }, "validate", /^"routes" must be a Hono app/],
    [
      "fails a test",
      { "index.ts": module(""), "x.test.ts": failing },
      "test",
      /^0 passed, 1 failed \(1 files\)\n[\s\S]*3 is not 4/,
    ],
    [
      "has a test that does not parse",
      { "index.ts": module(""), "x.test.ts": "const = 1;" },
      "test",
      /^0 passed, 1 failed \(1 files\)/,
    ],
    [
      "has another's name",
      { "index.ts": 'export default { name: "services" };' },
      "load",
      'duplicate name "services" (built in)',
    ],
    [
      "misses a dependency",
      { "index.ts": module('dependencies: ["absent"]') },
      "load",
      'Missing dependency "absent"',
    ],
    [
      "rejects in init",
      { "index.ts": module('init: () => Promise.reject(new Error("no database"))') },
      "load",
      "init() failed: no database",
    ],
    [
      "throws when asked",
      { "index.ts": module(get('() => { throw new Error("boom"); }')) },
      "verify",
      "GET /hello/first answered 500",
    ],
    [
      "answers 503 when asked",
      { "index.ts": module(get("(c) => c.json({ error: 1 }, 503)")) },
      "verify",
      "GET /hello/first answered 503",
    ],
    [
      "never answers",
      { "index.ts": module(get("() => new Promise(() => {})")) },
      "verify",
      "GET /hello/first did not answer within 2 s",
    ],
  ] as [string, Record<string, string>, string, string | RegExp][])(
    "one that %s (spec §6.2)",
    async (_what, files, step, detail) => {
      await write("hello", { "index.ts": source("one") });
      const before = (await deploy("hello")).data;
      await write("hello", files);
      const { status, data, headers } = await deploy("hello");
      expect([status, headers.get("X-Reef-Error")]).toEqual([400, "bad_request"]);
      expect(data).toMatchObject({
        deployed: false,
        error: `Not deployed: ${step} failed`,
        code: "bad_request",
        previousHash: before.hash,
      });
      expect(data.steps.at(-1)).toMatchObject({ step, status: "failed" });
      if (typeof detail === "string") expect(data.steps.at(-1).detail).toBe(detail);
      else expect(data.steps.at(-1).detail).toMatch(detail);
      expect(await said("/hello")).toBe("one");
      expect((await statusOf("hello")).hash).toBe(before.hash);
      expect((await ask(`/services/deploys/${data.id}`)).data).toEqual(data);
      await write("hello", { "index.ts": source("mended") });
      await rm(join(harness.ctx.servicesDir, "hello", "x.test.ts"), { force: true });
      expect((await deploy("hello")).data.deployed).toBe(true);
      expect(await said("/hello")).toBe("mended");
    },
  );

  test("a new service that fails is not there afterwards (spec §6.2)", async () => {
    await write("hello", { "index.ts": module('init: () => { throw new Error("not yet"); }') });
    expect((await deploy("hello")).data).toMatchObject({ deployed: false, previousHash: null });
    expect((await ask("/hello")).status).toBe(404);
    expect(await statusOf("hello")).toBeUndefined();
  });

  test.each([
    ["nowhere", "Directory not found: nowhere/"],
    ["empty", "No index.ts in empty/"],
    ["a-file", "Directory not found: a-file/"],
    ["broken-link", "Directory not found: broken-link/"],
    ["reef", "Directory not found: reef/"],
    ["services", "Directory not found: services/"],
  ])("a folder that is not one: %s (spec §6.2)", async (name, detail) => {
    await mkdir(join(harness.ctx.servicesDir, "empty"));
    await writeFile(join(harness.ctx.servicesDir, "a-file"), "");
    await symlink("/nowhere", join(harness.ctx.servicesDir, "broken-link"));
    const { status, data } = await deploy(name);
    expect(status).toBe(400);
    expect(data).toMatchObject({ name, deployed: false, hash: null, previousHash: null });
    expect(data.steps).toMatchObject([{ step: "validate", status: "failed", detail }]);
  });
});

describe("progress", () => {
  const framesIn = (text: string) =>
    text
      .split("\n\n")
      .filter((frame) => frame.startsWith("data: "))
      .map((frame) => JSON.parse(frame.slice("data: ".length)));

  test("is streamed to who asks for it, with the answer at the end (spec §6.2)", async () => {
    await write("hello", { "index.ts": source("one") });
    const live: Record<string, unknown>[] = [];
    harness.events.on("reef:frame", (frame) => live.push(frame));
    const response = await harness.fetch("/services/deploy", {
      auth: true,
      body: { name: "hello" },
      headers: { Accept: "text/event-stream" },
    });
    expect([response.status, response.headers.get("Content-Type")]).toEqual([200, "text/event-stream"]);
    const frames = framesIn(await response.text());
    const { type, ...answer } = frames.at(-1);
    expect([type, answer.deployed]).toEqual(["result", true]);
    expect(frames.slice(0, -1).map(({ step, status }) => `${step} ${status}`)).toEqual([
      "validate running",
      "validate passed",
      "test running",
      "test skipped",
      "load running",
      "load passed",
      "verify running",
      "verify passed",
    ]);
    expect(frames.filter(({ ms }) => ms !== undefined)).toEqual(
      answer.steps.map((step: object) => ({ type: "step", ...step })),
    );
    expect(live.map(({ type, deployId, name, ...step }) => ({ type: "step", ...step }))).toEqual(
      frames.slice(0, -1),
    );
    expect(live[0]).toMatchObject({ type: "service_deploy_step", deployId: answer.id, name: "hello" });
    expect((await ask(`/services/deploys/${answer.id}`)).data).toEqual(answer);
  });

  test("of a failed deploy ends with its answer (spec §6.2)", async () => {
    const response = await harness.fetch("/services/deploy", {
      auth: true,
      body: { name: "nowhere" },
      headers: { Accept: "text/event-stream" },
    });
    expect(framesIn(await response.text()).at(-1)).toMatchObject({
      type: "result",
      deployed: false,
      error: "Not deployed: validate failed",
      code: "bad_request",
    });
  });

  test("a client that goes away does not break a deploy half way", async () => {
    await write("hello", { "index.ts": source("one"), "hello.test.ts": passing });
    const response = await harness.fetch("/services/deploy", {
      auth: true,
      body: { name: "hello" },
      headers: { Accept: "text/event-stream" },
    });
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    while ((await ask("/services/deploys")).data.count === 0) await Bun.sleep(20);
    expect(await said("/hello")).toBe("one");
  });
});

describe("an Idempotency-Key", () => {
  const keyed = (name: string, key: string, headers = {}) =>
    deploy(name, { "Idempotency-Key": key, ...headers });

  test("gives the first answer again, to a failure too, and deploys once (spec §2.7)", async () => {
    await write("hello", { "index.ts": source("one") });
    const first = await keyed("hello", "k1");
    const refused = await keyed("nowhere", "k2");
    await write("hello", { "index.ts": source("two") });
    const again = await keyed("hello", "k1");
    expect([again.status, again.data]).toEqual([200, first.data]);
    expect([first, again].map(({ headers }) => headers.get("Idempotency-Replayed"))).toEqual([null, "true"]);
    const refusedAgain = await keyed("nowhere", "k2");
    expect([refusedAgain.status, refusedAgain.data]).toEqual([400, refused.data]);
    expect(refusedAgain.headers.get("X-Reef-Error")).toBe("bad_request");
    expect(await said("/hello")).toBe("one");
    expect((await ask("/services/deploys")).data.count).toBe(2);
    expect((await keyed("hello", "k3")).data.deployed).toBe(true);
    expect(await said("/hello")).toBe("two");
  });

  test("with another body is 409, and one that is too long 400 (spec §2.7)", async () => {
    await keyed("nowhere", "k");
    expect(await keyed("elsewhere", "k")).toMatchObject({ status: 409, data: { code: "conflict" } });
    expect((await keyed("nowhere", "k".repeat(201))).status).toBe(400);
    expect((await keyed("nowhere", "k".repeat(201), { Accept: "text/event-stream" })).status).toBe(400);
  });

  test("holds for a stream and over a restart (spec §2.7)", async () => {
    await write("hello", { "index.ts": source("one") });
    const { data } = await keyed("hello", "k");
    const stream = await keyed("hello", "k", { Accept: "text/event-stream" });
    expect(stream.data).toBe(`: connected\n\ndata: ${JSON.stringify({ type: "result", ...data })}\n\n`);
    const next = await createTestHarness({ services: [services], dataDir: harness.dataDir });
    try {
      const again = await next.json("/services/deploy", {
        auth: true,
        body: { name: "hello" },
        headers: { "Idempotency-Key": "k" },
      });
      expect([again.status, again.data]).toEqual([200, data]);
    } finally {
      await next.cleanup();
    }
  });
});

test("deploys of one service go one after another, and those of others beside them", async () => {
  const order: string[] = [];
  harness.events.on("reef:frame", ({ deployId, name, step, status }) => {
    if (step === "validate" && status === "running") order.push(`${name} begins ${deployId}`);
  });
  harness.events.on("module:added", ({ name }) => order.push(`${name} is live`));
  harness.events.on("module:updated", ({ name }) => order.push(`${name} is live`));
  await write("one", { "index.ts": source("one", { name: "one" }) });
  await write("other", { "index.ts": source("other", { name: "other" }) });
  const [first, second, other] = await Promise.all(["one", "one", "other"].map((name) => deploy(name)));
  expect([first, second, other].map((answer) => answer?.data.deployed)).toEqual([true, true, true]);
  expect(second?.data.previousHash).toBe(first?.data.hash);
  const ofOne = order.filter((line) => line.startsWith("one"));
  const [begun, live, begunNext] = ofOne.map((line) => line.replace(/(begins|is live).*/, "$1"));
  expect([begun, live, begunNext]).toEqual(["one begins", "one is live", "one begins"]);
  expect(order.indexOf(`other begins ${other?.data.id}`)).toBeLessThan(
    order.indexOf(`one begins ${second?.data.id}`),
  );
});

describe("the deploys that there were", () => {
  test("are listed newest first, by name and in pages (spec §2.7, §6.1)", async () => {
    for (const name of ["a", "b", "a", "nowhere", "a"]) {
      if (name !== "nowhere") await write(name, { "index.ts": source(name, { name }) });
      await deploy(name);
    }
    const all = (await ask("/services/deploys")).data;
    expect(all.count).toBe(5);
    expect(all.nextCursor).toBeUndefined();
    expect(all.deploys.map(({ name }: { name: string }) => name)).toEqual(["a", "nowhere", "a", "b", "a"]);
    const first = (await ask("/services/deploys?name=a&limit=2")).data;
    expect(first.count).toBe(2);
    await deploy("a");
    const rest = (await ask(`/services/deploys?name=a&limit=2&cursor=${first.nextCursor}`)).data;
    expect(rest.nextCursor).toBeUndefined();
    const ids = [...first.deploys, ...rest.deploys].map(({ id }: { id: string }) => id);
    const ofA = all.deploys.filter(({ name }: { name: string }) => name === "a");
    expect(ids).toEqual(ofA.map(({ id }: { id: string }) => id));
    expect((await ask(`/services/deploys?cursor=${first.nextCursor}`)).status).toBe(400);
    expect((await ask("/services/deploys?name=c")).data).toEqual({ deploys: [], count: 0 });
  });

  test("survive a restart (spec §6.1)", async () => {
    await write("hello", { "index.ts": source("one") });
    const { data } = await deploy("hello");
    const next = await createTestHarness({ services: [services], dataDir: harness.dataDir });
    try {
      const answer = await next.json(`/services/deploys/${data.id}`, { auth: true });
      expect([answer.status, answer.data]).toEqual([200, data]);
    } finally {
      await next.cleanup();
    }
  });

  test("of an unknown id there is none (spec §6.1)", async () => {
    expect(await ask("/services/deploys/absent")).toMatchObject({
      status: 404,
      data: { error: 'Deploy "absent" not found', code: "not_found" },
    });
  });
});
