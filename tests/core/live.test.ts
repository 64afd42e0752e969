// Replacing a live version: the order of the steps, and that whatever fails a version serves afterwards.
import { afterEach, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createBehaviorBox } from "../../src/core/behaviors.js";
import type { LiveModule } from "../../src/core/registry.js";
import type { TriedVersion } from "../../src/core/types.js";
import { type Files, listener, noClient, openWorld, shared, type World } from "./modules.js";

const opened: World[] = [];
async function world(...args: Parameters<typeof openWorld>): Promise<World> {
  const made = await openWorld(...args);
  opened.push(made);
  return made;
}
afterEach(async () => {
  for (const made of opened.splice(0)) await made.close();
});

/** A service that writes down each step of its life. `broken` is source that runs at import, in `init` or in the mount. */
function recorded(
  version: string,
  broken: { atImport?: string; inInit?: string; tools?: string } = {},
): Files {
  return {
    "index.ts": `import { Hono } from "hono";
import { Store } from "./store.js";
const steps = globalThis.reefTest.steps;
steps.push("import ${version}");
${broken.atImport ?? ""}
const store = new Store();
const routes = new Hono();
routes.get("/", (c) => c.text("${version} " + store.read()));
export default {
  name: "it", description: "${version}", routes, store,
  init(ctx) {
    steps.push("init ${version}");
    ctx.onDispose("d", () => steps.push("undo ${version}"));
    ctx.events.on("ping", () => steps.push("ping ${version}"));
    ${broken.inInit ?? ""}
  },
  registerTools(pi) { pi.registerTool({ name: "it_${broken.tools ?? "tool"}", execute() { return "${version}"; } }); },
};`,
    "store.ts": `const t = globalThis.reefTest;
export class Store {
  value = t.disk; closed = false;
  read() { if (this.closed) throw new Error("closed"); return this.value; }
  async flush() { await Bun.sleep(1); t.steps.push("flush ${version}"); t.disk = this.value + "+${version}"; }
  close() { t.steps.push("close ${version}"); this.closed = true; }
}`,
  };
}

const answer = async ({ registry }: World) =>
  (await registry.live.get("it")?.handle?.(new Request("http://localhost/"), {}))?.text();

test("replace: hold, drain, flush, import, undo old, init new, verify, release (spec §5.3)", async () => {
  const w = await world();
  const seen = shared({ steps: [] as string[], disk: "0" });
  await w.service("it", recorded("a"));
  await w.registry.loadAll();
  await w.service("it", recorded("b"));
  const inFlight = w.registry.enter("it") as LiveModule;
  const replaced = w.registry.load("it", {
    verify: ({ module }) => void seen.steps.push(`verify ${module.description}`),
  });
  while (!(w.registry.enter("it") instanceof Promise)) {
    w.registry.leave(w.registry.live.get("it") as LiveModule);
    await new Promise(setImmediate);
  }
  const held = Promise.resolve(w.registry.enter("it")).then((version) =>
    seen.steps.push(`enter ${version?.module.description}`),
  );
  seen.steps.push("leave a");
  w.registry.leave(inFlight);
  expect(await replaced).toEqual({ name: "it", action: "updated" });
  await held;
  expect(seen.steps).toEqual([
    "import a",
    "init a",
    "leave a",
    "flush a",
    "import b",
    "undo a",
    "flush a",
    "close a",
    "init b",
    "verify b",
    "enter b",
  ]);
  expect(await answer(w)).toBe("b 0+a");
});

test("no version, held or serving, hears what the other subscribed", async () => {
  const w = await world();
  const seen = shared({ steps: [] as string[], disk: "0" });
  await w.service("it", recorded("a"));
  await w.registry.loadAll();
  await w.service("it", recorded("b"));
  await w.registry.load("it");
  seen.steps.length = 0;
  await w.events.emit("ping");
  expect(seen.steps).toEqual(["ping b"]);
});

const failures: [string, Files, RegExp][] = [
  ["does not parse", { "store.ts": "export class {" }, /^import error: store.ts:1:14/],
  ["throws at import", recorded("b", { atImport: "throw new Error('early');" }), /^import error: early$/],
  [
    "hangs at import",
    recorded("b", { atImport: "await new Promise(() => {});" }),
    /^import error: took longer/,
  ],
  ["has no name", { "index.ts": "export default {}" }, /missing 'name'/],
  [
    "misses a dependency",
    { "index.ts": "export default { name: 'it', dependencies: ['no'] }" },
    /Missing dependency "no"/,
  ],
  ["throws in init", recorded("b", { inInit: "throw new Error('late');" }), /^init\(\) failed: late$/],
  [
    "rejects in init",
    recorded("b", { inInit: "return Promise.reject(new Error('late'));" }),
    /^init\(\) failed: late$/,
  ],
  [
    "hangs in init",
    recorded("b", { inInit: "return new Promise(() => {});" }),
    /^init\(\) failed: took longer/,
  ],
];
for (const [how, files, problem] of failures) {
  test(`a new version that ${how} leaves the old one serving with its data (spec §5.3)`, async () => {
    const w = await world({ limits: { replaceImportMs: 30, initMs: 30 } });
    shared({ steps: [], disk: "0" });
    await w.service("it", recorded("a"));
    await w.registry.loadAll();
    const { hash } = w.registry.list()[0] ?? {};
    await w.service("it", files);
    await expect(w.registry.load("it")).rejects.toMatchObject({
      code: "bad_request",
      message: expect.stringMatching(problem),
    });
    expect(await answer(w)).toStartWith("a 0");
    expect(w.registry.list()).toMatchObject([{ name: "it", description: "a", hash }]);
    expect(w.registry.problems()).toMatchObject([{ dir: "it", name: "it", state: "failed" }]);
    expect(w.tools.list().map(({ name }) => name)).toEqual(["it_tool"]);
    const entered = w.registry.enter("it") as LiveModule;
    expect(entered).not.toBeInstanceOf(Promise);
    w.registry.leave(entered);
    await w.service("it", recorded("c"));
    await w.registry.load("it");
    expect(await answer(w)).toStartWith("c 0");
    expect(w.registry.problems()).toEqual([]);
  });
}

test("a version that fails before the old one is undone never undoes it", async () => {
  const w = await world();
  const seen = shared({ steps: [] as string[], disk: "0" });
  await w.service("it", recorded("a"));
  await w.registry.loadAll();
  const before = w.registry.live.get("it");
  await w.service("it", recorded("b", { atImport: "throw new Error('early');" }));
  await expect(w.registry.load("it")).rejects.toThrow("early");
  expect(w.registry.live.get("it")).toBe(before as never);
  expect(seen.steps).toEqual(["import a", "init a", "flush a", "import b"]);
});

test("a failed verification undoes the new version without flushing it, before any request comes in", async () => {
  const w = await world();
  const seen = shared({ steps: [] as string[], disk: "0" });
  await w.service("it", recorded("a"));
  await w.registry.loadAll();
  await w.service("it", recorded("b", { tools: "other" }));
  const verify = async (version: TriedVersion) => {
    expect(await (await version.fetch("/")).text()).toBe("b 0+a");
    expect(w.registry.enter("it")).toBeInstanceOf(Promise);
    throw new Error("not good enough");
  };
  await expect(w.registry.load("it", { verify })).rejects.toThrow("not good enough");
  expect(seen.steps.slice(7)).toEqual(["init b", "undo b", "close b", "import a", "init a"]);
  expect(await answer(w)).toBe("a 0+a");
  expect(w.tools.list().map(({ name }) => name)).toEqual(["it_tool"]);
});

test("a first load that fails its verification leaves no trace", async () => {
  const w = await world();
  shared({ steps: [], disk: "0" });
  await w.service("it", recorded("a"));
  const verify = () => Promise.reject(new Error("no"));
  await expect(w.registry.load("it", { verify })).rejects.toThrow("no");
  expect(w.registry.list()).toEqual([]);
  expect(w.tools.list()).toEqual([]);
  expect(await readdir(join(w.dataDir, "live", "services"))).toEqual([]);
});

test("an old version that fails in flush, undo and close can still be replaced", async () => {
  const w = await world({ limits: { storeMs: 20 } });
  shared({ steps: [], disk: "0" });
  await w.service("it", {
    "index.ts": `export default { name: "it", store: { flush: () => new Promise(() => {}), close() { throw new Error("close"); } },
  init(ctx) { ctx.onDispose("d", () => { throw new Error("undo"); }); } };`,
  });
  await w.registry.loadAll();
  await w.service("it", recorded("b"));
  await w.registry.load("it");
  expect(await answer(w)).toBe("b 0");
  expect(w.heard.lines.filter((line) => line.startsWith("error"))).toEqual([
    "error store.flush() failed: took longer than 0.02 s",
    `error undo of dispose "d" failed: undo`,
    "error store.flush() failed: took longer than 0.02 s",
    "error store.close() failed: close",
  ]);
});

test("when the old version does not start again either, its module and its dependents are out", async () => {
  const w = await world();
  shared({ steps: [], disk: "0", started: 0 });
  await w.service("it", {
    "index.ts": `export default { name: "it", init() { if (globalThis.reefTest.started++) throw new Error("only once"); } };`,
  });
  await w.service("top", { "index.ts": `export default { name: "top", dependencies: ["it"] };` });
  await w.registry.loadAll();
  await w.service("it", recorded("b", { inInit: "throw new Error('late');" }));
  await expect(w.registry.load("it")).rejects.toThrow("late");
  expect(w.registry.list()).toEqual([]);
  expect(w.registry.problems()).toMatchObject([
    { dir: "it", state: "failed" },
    { dir: "top", state: "unmet", missing: ["it"] },
  ]);
  await w.service("it", recorded("c"));
  await w.registry.load("it");
  expect([...w.registry.live.keys()]).toEqual(["it", "top"]);
});

test("a module that changes its name takes the old one's place", async () => {
  const w = await world();
  shared({ steps: [], disk: "0" });
  const heard: string[] = [];
  for (const event of ["module:added", "module:updated", "module:removed"]) {
    w.events.on(event, ({ name }) => heard.push(`${event} ${name}`));
  }
  await w.service("it", recorded("a"));
  await w.service("top", { "index.ts": `export default { name: "top", dependencies: ["it"] };` });
  await w.registry.loadAll();
  const renamed = recorded("b")["index.ts"]?.replace(`name: "it"`, `name: "new"`) ?? "";
  await w.service("it", { "index.ts": renamed });
  expect(await w.registry.load("it")).toEqual({ name: "new", action: "updated" });
  expect([...w.registry.live.keys()]).toEqual(["new"]);
  expect(heard).toEqual([
    "module:added it",
    "module:added top",
    "module:removed it",
    "module:added new",
    "module:removed top",
  ]);
});

test("work on one module is serialised, different modules do not wait for each other (spec §6.1)", async () => {
  const w = await world();
  const seen = shared({ steps: [] as string[], disk: "0", open: () => {} });
  const gate = new Promise<void>((resolve) => {
    seen.open = resolve;
  });
  Object.assign(seen, { gate });
  await w.service("slow", {
    "index.ts": `const t = globalThis.reefTest;
export default { name: "slow", async init() { t.steps.push("in"); await t.gate; t.steps.push("out"); } };`,
  });
  await w.service("quick", { "index.ts": `export default { name: "quick" };` });
  const loads = [w.registry.load("slow"), w.registry.load("slow")];
  await w.registry.load("quick");
  seen.open();
  expect((await Promise.all(loads)).map(({ action }) => action)).toEqual(["added", "updated"]);
  expect(seen.steps).toEqual(["in", "out", "in", "out"]);
});

test("two folders that take one name at the same time: one gets it", async () => {
  const w = await world();
  const slow = { "index.ts": `export default { name: "same", init: () => Bun.sleep(5) };` };
  await w.service("one", slow);
  await w.service("two", slow);
  const outcomes = await Promise.allSettled([w.registry.load("one"), w.registry.load("two")]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(w.registry.list()).toHaveLength(1);
});

test("a copy staged before can be loaded later, whatever the folder holds by then (spec §6.2)", async () => {
  const w = await world();
  shared({ steps: [], disk: "0" });
  await w.service("it", recorded("a"));
  const copy = await w.registry.stage("it");
  await w.service("it", recorded("b"));
  await w.registry.load("it", { copy });
  expect(await answer(w)).toBe("a 0");
  expect(w.registry.list()[0]?.hash).toBe(copy.hash);
});

test("behaviors move to the new version: session_shutdown for the old, session_start for the new (spec §5.5)", async () => {
  const behaviors = createBehaviorBox({ log: () => listener().log });
  const w = await world({ behaviors });
  const seen = shared({ steps: [] as string[] });
  const source = (version: string) => ({
    "index.ts": `export default { name: "it", registerBehaviors(pi) {
  for (const name of ["session_start", "turn_end", "session_shutdown"])
    pi.on(name, (event) => globalThis.reefTest.steps.push("${version} " + name + " " + (event.reason ?? "")));
} };`,
  });
  await w.service("it", source("a"));
  await w.registry.loadAll();
  const session = behaviors.openSession({
    name: "agent",
    role: "worker",
    sessionId: "s",
    client: noClient,
    withCause: (fn) => fn(),
  });
  session.emit("session_start", { type: "session_start", reason: "startup" });
  session.emit("turn_end");
  await new Promise(setImmediate);
  await w.service("it", source("b"));
  await w.registry.load("it");
  session.emit("turn_end");
  await session.close("quit");
  expect(seen.steps).toEqual([
    "a session_start startup",
    "a turn_end ",
    "a session_shutdown reload",
    "b session_start reload",
    "b turn_end ",
    "b session_shutdown quit",
  ]);
});

test("200 reloads: one subscription, one tool, one copy on disk, no entry left in the module cache", async () => {
  const w = await world();
  const seen = shared({ steps: [] as string[], disk: "0" });
  await w.service("it", recorded("a"));
  await w.registry.loadAll();
  for (let n = 0; n < 200; n++) await w.registry.load("it");
  seen.steps.length = 0;
  await w.events.emit("ping");
  expect(seen.steps).toEqual(["ping a"]);
  expect(w.registry.list()[0]?.holds.map(({ kind, count }) => [kind, count])).toEqual([
    ["dispose", 1],
    ["subscription", 1],
  ]);
  expect(w.tools.list()).toHaveLength(1);
  await new Promise((resolve) => setTimeout(resolve, 5));
  const copies = await readdir(join(w.dataDir, "live", "services"));
  expect(copies).toHaveLength(1);
  expect(Object.keys(require.cache).filter((key) => key.startsWith(join(w.dataDir, "live")))).toHaveLength(2);
}, 20_000);
