// Live modules: what loads, what does not and why, and what happens to those that depend on it.
import { afterEach, expect, test } from "bun:test";
import { mkdir, readdir, readFile, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { moduleSource, openWorld, shared, temporaryDir, type World, write } from "./modules.js";

const opened: World[] = [];
async function world(...args: Parameters<typeof openWorld>): Promise<World> {
  const made = await openWorld(...args);
  opened.push(made);
  return made;
}
afterEach(async () => {
  for (const made of opened.splice(0)) await made.close();
});

const plain = (name: string, fields: Record<string, string> = {}) => ({
  "index.ts": moduleSource({ name: JSON.stringify(name), ...fields }),
});
const problemsOf = ({ registry }: World) =>
  Object.fromEntries(registry.problems().map(({ dir, state, error }) => [dir, `${state}: ${error}`]));
const namesOf = ({ registry }: World) => [...registry.live.keys()];

test("one bad candidate never stops the others, and each has its problem (spec §5.2)", async () => {
  const w = await world({ limits: { importMs: 50, initMs: 50 } });
  await w.service("good", plain("good"));
  await w.service("syntax", { "index.ts": "export default {" });
  await w.service("throws", { "index.ts": "throw new Error('boom')" });
  await w.service("hangs", { "index.ts": "await new Promise(() => {}); export default { name: 'hangs' };" });
  await w.service("shape", { "index.ts": "export default 5" });
  await w.service("named", plain("No Name"));
  await w.service("reserved", plain("metrics"));
  await w.service("again", plain("again"));
  await w.service("again2", plain("again"));
  await w.service("init-throws", plain("init-throws", { init: "() => { throw new Error('no') }" }));
  await w.service("init-rejects", plain("init-rejects", { init: "async () => { throw 'text' }" }));
  await w.service("init-hangs", plain("init-hangs", { init: "() => new Promise(() => {})" }));
  await w.service("x-a", plain("x-a", { dependencies: `["x-b"]` }));
  await w.service("x-b", plain("x-b", { dependencies: `["x-a"]` }));
  await w.service("y", plain("y", { dependencies: `["x-a", "init-throws", "good"]` }));
  await symlink(join(w.servicesDir, "nowhere"), join(w.servicesDir, "broken"));
  await w.registry.loadAll();
  expect(namesOf(w)).toEqual(["again", "good"]);
  expect(problemsOf(w)).toEqual({
    again2: `failed: duplicate name "again" (already in folder again)`,
    broken: "failed: broken link",
    hangs: "failed: import error: took longer than 0.05 s",
    "init-hangs": "failed: init() failed: took longer than 0.05 s",
    "init-rejects": "failed: init() failed: text",
    "init-throws": "failed: init() failed: no",
    named: `failed: invalid name "No Name": must match ^[a-z][a-z0-9-]{0,63}$`,
    reserved: `failed: "metrics" is a reserved service name`,
    shape: "failed: default export missing 'name' property",
    syntax: "failed: import error: index.ts:1:16: Expected identifier but found end of file",
    throws: "failed: import error: boom",
    "x-a": "failed: Dependency cycle: x-a -> x-b -> x-a",
    "x-b": "failed: Dependency cycle: x-a -> x-b -> x-a",
    y: `unmet: Missing dependency "x-a", Missing dependency "init-throws"`,
  });
  expect(w.registry.problems().find(({ dir }) => dir === "y")?.missing).toEqual(["x-a", "init-throws"]);
});

test("a failed init leaves nothing of what it had started (spec §5.2)", async () => {
  const w = await world({ limits: { initMs: 30 } });
  const seen = shared({ ticks: 0, heard: 0, closed: 0, flushed: 0, late: 0 });
  await w.service("half", {
    "index.ts": `const t = globalThis.reefTest;
export default { name: "half", store: { flush() { t.flushed++; }, close() { t.closed++; } },
  async init(ctx) {
    ctx.setInterval(() => t.ticks++, 1);
    ctx.events.on("ping", () => t.heard++);
    if (t.hang) { await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
      ctx.onDispose("late", () => t.late++); }
    else throw new Error("half way");
  } };`,
  });
  await expect(w.registry.load("half")).rejects.toThrow("init() failed: half way");
  Object.assign(seen, { hang: true });
  await expect(w.registry.load("half")).rejects.toThrow("init() failed: took longer");
  await w.events.emit("ping");
  const { ticks } = seen;
  await Bun.sleep(10);
  expect(seen).toMatchObject({ heard: 0, ticks, closed: 2, flushed: 0, late: 1 });
});

test("routes that cannot be mounted are the module's problem, after its init is undone", async () => {
  const w = await world({
    mount: () => {
      throw new Error("no such route");
    },
  });
  const seen = shared({ undone: 0 });
  await w.service(
    "odd",
    plain("odd", { init: "(ctx) => ctx.onDispose('x', () => globalThis.reefTest.undone++)" }),
  );
  await expect(w.registry.load("odd")).rejects.toThrow("mounting the routes failed: no such route");
  expect(seen.undone).toBe(1);
});

test("a module loads by itself when the last of its dependencies appears (spec §5.2)", async () => {
  const w = await world();
  await w.service("top", plain("top", { dependencies: `["left", "right"]` }));
  await w.service("over", plain("over", { dependencies: `["top"]` }));
  await w.registry.loadAll();
  expect(namesOf(w)).toEqual([]);
  await w.service("left", plain("left"));
  await w.service("right", plain("right"));
  expect(await w.registry.load("left")).toEqual({ name: "left", action: "added" });
  expect(namesOf(w)).toEqual(["left"]);
  await w.registry.load("right");
  expect(namesOf(w)).toEqual(["left", "right", "top", "over"]);
  expect(w.registry.problems()).toEqual([]);
});

test("a cycle whose one member is repaired starts as a whole", async () => {
  const w = await world();
  await w.service("a", plain("a", { dependencies: `["b"]` }));
  await w.service("b", plain("b", { dependencies: `["a"]` }));
  await w.registry.loadAll();
  await w.service("b", plain("b"));
  await w.registry.load("b");
  expect(namesOf(w)).toEqual(["b", "a"]);
});

test("a replace that would close a cycle among live modules is refused", async () => {
  const w = await world();
  await w.service("a", plain("a"));
  await w.service("b", plain("b", { dependencies: `["a"]` }));
  await w.registry.loadAll();
  await w.service("a", plain("a", { dependencies: `["b"]` }));
  await expect(w.registry.load("a")).rejects.toThrow("Dependency cycle: a -> b -> a");
  expect(namesOf(w)).toEqual(["a", "b"]);
});

test("load of a folder that is not there is 404, whatever its name (spec §6.1)", async () => {
  const w = await world();
  await write(join(w.servicesDir, "..", "outside"), plain("outside"));
  for (const name of ["nope", "../outside", ".", "..", ""]) {
    const text = `No service directory "${name}" with index.ts found`;
    await expect(w.registry.load(name)).rejects.toMatchObject({ code: "not_found", message: text });
  }
});

test("folder and module name may differ; both reach the module", async () => {
  const w = await world();
  await w.service("my-folder", plain("inside"));
  await w.registry.loadAll();
  expect(w.registry.list()[0]).toMatchObject({
    name: "inside",
    dir: "my-folder",
    isolation: "none",
    holds: [],
  });
  expect(await w.registry.replace("inside")).toEqual({ name: "inside", action: "updated" });
  expect(await w.registry.replace("my-folder")).toEqual({ name: "inside", action: "updated" });
  await w.registry.unload("my-folder");
  expect(namesOf(w)).toEqual([]);
});

test("a folder that is a link to another place loads and reloads", async () => {
  const w = await world();
  const elsewhere = join(w.dataDir, "elsewhere");
  await write(elsewhere, plain("linked", { description: "'one'" }));
  await symlink(elsewhere, join(w.servicesDir, "linked"));
  await w.registry.loadAll();
  await write(elsewhere, plain("linked", { description: "'two'" }));
  await w.registry.load("linked");
  expect(w.registry.list()[0]?.description).toBe("two");
});

test("unload persists: the module stays out over restarts and reload all (spec §6.1)", async () => {
  const w = await world();
  await w.service("gone", plain("gone"));
  await w.registry.loadAll();
  await w.registry.unload("gone");
  expect(w.registry.problems()).toEqual([{ dir: "gone", name: "gone", state: "disabled" }]);
  expect((await w.registry.reloadAll({ force: true })).results).toEqual([]);
  const again = await world({ servicesDir: w.servicesDir, dataDir: w.dataDir });
  await again.registry.loadAll();
  expect(namesOf(again)).toEqual([]);
  expect(await again.registry.load("gone")).toEqual({ name: "gone", action: "added" });
  expect(again.registry.problems()).toEqual([]);
  expect(await readFile(join(w.dataDir, "modules.json"), "utf8")).toBe("{}");
});

test("an unloaded module comes back when its folder goes and appears again (spec §6.1)", async () => {
  const w = await world();
  await w.service("cycled", plain("cycled"));
  await w.registry.loadAll();
  await w.registry.unload("cycled");
  await rm(join(w.servicesDir, "cycled"), { recursive: true });
  await w.registry.reloadAll();
  await w.service("cycled", plain("cycled"));
  expect((await w.registry.reloadAll()).results).toEqual([{ name: "cycled", action: "added" }]);
});

test("what must not be unloaded is refused (spec §6.1)", async () => {
  const w = await world();
  await w.registry.addObject({ name: "reef" });
  await w.service("services", plain("services"));
  await w.service("base", plain("base"));
  await w.service("one", plain("one", { dependencies: `["base"]` }));
  await w.service("two", plain("two", { dependencies: `["base"]` }));
  await w.registry.loadAll();
  const refusals: [string, object][] = [
    ["nope", { code: "not_found", message: `Module "nope" not found` }],
    ["services", { code: "bad_request", message: "Cannot unload the services manager" }],
    ["reef", { code: "bad_request", message: "Cannot unload a built-in module" }],
    [
      "base",
      {
        code: "conflict",
        message: `Cannot unload "base": required by one, two`,
        details: { dependents: ["one", "two"] },
      },
    ],
  ];
  for (const [name, error] of refusals) await expect(w.registry.unload(name)).rejects.toMatchObject(error);
});

test("when a dependency goes its dependents wait and return with it (spec §5.3)", async () => {
  const w = await world();
  const seen = shared({ order: [] as string[] });
  const noisy = (name: string, dependencies: string[]) =>
    plain(name, {
      dependencies: JSON.stringify(dependencies),
      init: `(ctx) => ctx.onDispose("x", () => globalThis.reefTest.order.push(ctx.name))`,
    });
  await w.service("base", noisy("base", []));
  await w.service("mid", noisy("mid", ["base"]));
  await w.service("top", noisy("top", ["mid"]));
  await w.registry.loadAll();
  await w.registry.unload("base", { force: true });
  expect(seen.order).toEqual(["top", "mid", "base"]);
  expect(problemsOf(w)).toEqual({
    base: "disabled: undefined",
    mid: `unmet: Missing dependency "base"`,
    top: `unmet: Missing dependency "mid"`,
  });
  await w.registry.load("base");
  expect(namesOf(w)).toEqual(["base", "mid", "top"]);
});

test("stock services load from their own folder, and a user folder cannot take their name (spec §5.2)", async () => {
  const stockDir = await temporaryDir();
  await write(stockDir, { "docs/index.ts": moduleSource({ name: `"docs"`, description: `"stock"` }) });
  const w = await world({ stockDir });
  await w.service("docs", plain("docs"));
  await w.service("other", plain("docs"));
  await w.registry.loadAll();
  expect(w.registry.list().map(({ name, description }) => [name, description])).toEqual([["docs", "stock"]]);
  expect(problemsOf(w)).toEqual({
    docs: `failed: "docs" is a stock service`,
    other: `failed: "docs" is a stock service`,
  });
  await rm(stockDir, { recursive: true });
});

test("in a clone stock and user folder are one, and each module loads once", async () => {
  const w = await world();
  const link = join(w.dataDir, "link");
  await symlink(w.servicesDir, link);
  const clone = await world({ servicesDir: w.servicesDir, stockDir: link });
  await clone.service("docs", plain("docs"));
  await clone.service("mine", plain("mine"));
  await clone.registry.loadAll({ hold: "not started: 3 starts in a row ended early" });
  expect(namesOf(clone)).toEqual(["docs"]);
  expect(clone.registry.problems()).toEqual([
    { dir: "mine", state: "held", error: "not started: 3 starts in a row ended early" },
  ]);
  expect((await clone.registry.reloadAll()).results).toEqual([
    { name: "docs", action: "unchanged" },
    { name: "mine", action: "added" },
  ]);
  expect(clone.registry.problems()).toEqual([]);
});

test("reload all takes up what is new, changed and gone, by content (spec §6.1)", async () => {
  const w = await world();
  for (const name of ["same", "edited", "gone", "breaks", "services"]) await w.service(name, plain(name));
  await w.registry.addObject({ name: "object" });
  await w.registry.loadAll();
  await w.service("edited", { "inner.ts": "export const x = 1;" });
  await w.service("breaks", { "index.ts": "export default {" });
  await w.service("fresh", plain("fresh", { dependencies: `["later"]` }));
  await w.service("later", plain("later"));
  for (const name of ["gone", "services"]) await rm(join(w.servicesDir, name), { recursive: true });
  expect(await w.registry.reloadAll()).toEqual({
    results: [
      { name: "edited", action: "updated" },
      { name: "fresh", action: "added" },
      { name: "later", action: "added" },
      { name: "same", action: "unchanged" },
      { name: "gone", action: "removed" },
    ],
    errors: [
      { dir: "breaks", error: "import error: index.ts:1:16: Expected identifier but found end of file" },
    ],
  });
  expect(namesOf(w).sort()).toEqual(["breaks", "edited", "fresh", "later", "object", "same", "services"]);
  const forced = await w.registry.reloadAll({ force: true });
  expect(forced.results.map(({ action }) => action)).toEqual(["updated", "updated", "updated", "updated"]);
});

test("root modules are listed in load order, and come and go at run time (spec §5.3)", async () => {
  const w = await world();
  const root = (name: string) => ({
    "index.ts": `import { Hono } from "hono";
export default { name: "${name}", mountAtRoot: true, routes: new Hono() };`,
  });
  await w.service("b", root("b"));
  await w.service("c", root("c"));
  await w.registry.loadAll();
  await w.service("a", root("a"));
  await w.registry.load("a");
  await w.registry.load("b");
  expect(w.registry.rootMounted.map(({ name }) => name)).toEqual(["b", "c", "a"]);
  await w.registry.unload("c");
  expect(w.registry.rootMounted.map(({ name }) => name)).toEqual(["b", "a"]);
});

test("a stack trace is attributed to the module whose copy is in it (spec §5.3)", async () => {
  const w = await world();
  await w.service("folder", plain("thrower", { description: "new Error('x').stack" }));
  await w.registry.loadAll();
  const fault = Object.assign(new Error("boom"), { stack: w.registry.list()[0]?.description });
  expect(w.registry.fault(fault)).toBe("thrower");
  expect(w.registry.fault(new Error("x"))).toBe("unknown");
  expect(w.registry.list()[0]?.lastError?.message).toBe("boom");
  expect(w.registry.traffic("thrower")?.faults).toBe(1);
  await w.registry.load("folder");
  expect(w.registry.fault(fault)).toBe("thrower");
  expect(w.registry.traffic("thrower")?.faults).toBe(0);
});

test("tool problems are the module's, which is live all the same (spec §5.4)", async () => {
  const w = await world();
  await w.service(
    "tooled",
    plain("tooled", { registerTools: "(pi) => pi.registerTool({ name: 'bash', execute() {} })" }),
  );
  await w.service("broken", plain("broken", { registerTools: "() => { throw new Error('no') }" }));
  await w.registry.loadAll();
  expect(namesOf(w)).toEqual(["broken", "tooled"]);
  expect(problemsOf(w)).toEqual({
    broken: "failed: registerTools() failed: no",
    tooled: `failed: tool "bash" is built into pi`,
  });
});

test("the last error is shown until the next version", async () => {
  const w = await world();
  await w.service("x", plain("x"));
  await w.registry.loadAll();
  const told: unknown[] = [];
  w.events.on("module:failed", (failure) => told.push(failure));
  w.registry.failed("x", new Error("boom"), "request");
  w.registry.failed("nobody", new Error("boom"), "request");
  const { hash } = w.registry.list()[0] ?? {};
  expect(told).toEqual([{ name: "x", hash, kind: "request", message: "boom" }]);
  expect(w.registry.traffic("x")).toEqual({ requests: 0, failures: 1, faults: 0 });
  expect(w.registry.list()[0]?.lastError?.message).toBe("boom");
  await w.registry.load("x");
  expect(w.registry.list()[0]?.lastError).toBeUndefined();
});

test("objects: any name, dependencies live first, and a failure is the caller's", async () => {
  const w = await world();
  await w.registry.addObject({ name: "reef" });
  await expect(w.registry.addObject({ name: "reef" })).rejects.toThrow(`duplicate name "reef"`);
  await expect(w.registry.addObject({ name: "x", dependencies: ["y"] })).rejects.toThrow(
    `Missing dependency "y"`,
  );
  const init = () => {
    throw new Error("no");
  };
  await expect(w.registry.addObject({ name: "z", init })).rejects.toThrow("init() failed: no");
  expect(w.registry.list()).toMatchObject([{ name: "reef", dir: null, hash: null }]);
});

test("close undoes in reverse dependency order, flush and close awaited, whatever fails (spec §1.4)", async () => {
  const w = await world({ limits: { storeMs: 30 } });
  const seen = shared({ done: [] as string[] });
  const source = (name: string, dependencies: string[], flush: string) => ({
    "index.ts": `const done = globalThis.reefTest.done;
export default { name: "${name}", dependencies: ${JSON.stringify(dependencies)},
  store: { flush: ${flush}, close() { done.push("close ${name}"); throw new Error("no"); } },
  init(ctx) { ctx.onDispose("x", () => { throw new Error("no"); }); ctx.signal.addEventListener("abort", () => done.push("abort ${name}")); } };`,
  });
  await w.service("a", source("a", ["b"], "() => new Promise(() => {})"));
  await w.service("b", source("b", [], "async () => { await Bun.sleep(1); done.push('flush b'); }"));
  await w.registry.loadAll();
  await w.registry.close();
  expect(seen.done).toEqual(["abort a", "close a", "abort b", "flush b", "close b"]);
  expect(w.heard.lines.filter((line) => line.startsWith("error"))).toEqual([
    `error undo of dispose "x" failed: no`,
    "error store.flush() failed: took longer than 0.03 s",
    "error store.close() failed: no",
    `error undo of dispose "x" failed: no`,
    "error store.close() failed: no",
  ]);
  await expect(w.registry.load("a")).rejects.toMatchObject({ code: "unavailable" });
});

test("a folder that cannot be read is a problem like any other", async () => {
  const w = await world();
  await mkdir(join(w.servicesDir, "odd", "index.ts"), { recursive: true });
  await w.registry.loadAll();
  expect(problemsOf(w).odd).toStartWith("failed: import error:");
});

test("an unload that cannot be written down does not happen", async () => {
  const w = await world();
  await w.service("x", plain("x"));
  await w.registry.loadAll();
  await mkdir(join(w.dataDir, "modules.json.next"));
  await expect(w.registry.unload("x")).rejects.toThrow("EISDIR");
  expect(namesOf(w)).toEqual(["x"]);
  await rm(join(w.dataDir, "modules.json.next"), { recursive: true });
  await w.registry.unload("x");
  expect(namesOf(w)).toEqual([]);
});

test("a list of disabled modules that cannot be read counts as empty, with a warning", async () => {
  const w = await world();
  await write(w.dataDir, { "modules.json": "{" });
  await w.service("x", plain("x"));
  await w.registry.loadAll();
  expect(namesOf(w)).toEqual(["x"]);
  expect(w.heard.lines[0]).toContain("counts as empty");
});

test("of two folders with one name the earlier one has it", async () => {
  const w = await world();
  const slow = "await Bun.sleep(30);";
  await w.service("a", { "index.ts": `${slow} export default { name: "same" };` });
  await w.service("b", { "index.ts": `export default { name: "same" };` });
  await w.registry.loadAll();
  expect(w.registry.list()[0]?.dir).toBe("a");
  expect(problemsOf(w)).toEqual({ b: `failed: duplicate name "same" (already in folder a)` });
});

test("a copy that is not loaded is dropped, and can be used only once", async () => {
  const w = await world();
  await w.service("x", plain("x"));
  await w.registry.loadAll();
  const copy = await w.registry.stage("x");
  await w.registry.drop(copy);
  expect(await readdir(join(w.dataDir, "live", "services"))).toHaveLength(1);
  await expect(w.registry.load("x", { copy })).rejects.toThrow("not staged here");
  expect(namesOf(w)).toEqual(["x"]);
});
