// What a service in a process is given: the bus, timers, storage, its own folder; and what it is not given.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Hono } from "hono";
import { createScope, LoadFailed } from "../../../src/core/scope.js";
import { contextOf, listener } from "../modules.js";
import { type IsolatedWorld, openIsolatedWorld, until } from "./world.js";

const service = (body: string, before = "") => `
import { Hono } from "hono";
${before}
let ctx;
const routes = new Hono();
const heard = [];
routes.get("/heard", (c) => c.json(heard));
${body}
`;

let world: IsolatedWorld;
beforeEach(async () => {
  world = await openIsolatedWorld({
    config: { baseEnv: { PATH: "/usr/bin:/bin", DEPLOY_TOKEN: "secret-value" } },
  });
});
afterEach(() => world.close());

const json = async (path: string, init?: RequestInit) => (await world.server.ask(path, init)).json();

describe("the bus", () => {
  const EARS = service(
    `
routes.post("/emit/:event", async (c) => { await ctx.events.emit(c.req.param("event"), await c.req.json()); return c.json(heard); });
routes.post("/fire/:event", async (c) => { ctx.events.fire(c.req.param("event"), await c.req.json()); return c.text("ok"); });
routes.get("/emit-ring", async (c) => { const ring = {}; ring.ring = ring; ctx.events.fire("a", ring); try { await ctx.events.emit("a", ring); } catch (error) { return c.text(error.name); } });
routes.get("/off", (c) => { off(); return c.text("ok"); });
let off;
export default { name: "ears", routes, init(given) {
  ctx = given;
  off = ctx.events.on("a", async (data) => { await Bun.sleep(5); heard.push({ first: data, cause: ctx.cause() }); });
  ctx.events.on("a", (data) => { heard.push({ second: data }); });
  ctx.events.on("bad", () => { throw new Error("handler failed"); });
  ctx.events.on("bad", () => { heard.push("after bad"); });
} };`,
  );

  test("carries payloads as JSON from the server to a service, awaited and in order, with the cause (spec §5.1)", async () => {
    await world.isolated("ears", EARS);
    const { ctx, events } = world.server;
    await ctx.withCause("n5", () => ctx.events.emit("a", { n: 1, gone: undefined, at: new Date(0) }));
    const payload = { n: 1, at: "1970-01-01T00:00:00.000Z" };
    expect(await json("/ears/heard")).toEqual([{ first: payload, cause: "n5" }, { second: payload }]);
    await events.emit("a");
    expect(await json("/ears/heard")).toHaveLength(4);
  });

  test("carries what a service emits to everyone, itself once included, awaited", async () => {
    await world.isolated("ears", EARS);
    const seen: unknown[] = [];
    world.server.events.on("a", (data) => void seen.push(data));
    const answer = await json("/ears/emit/a", { method: "POST", body: '{"n":2}' });
    expect(answer).toEqual([{ first: { n: 2 }, cause: null }, { second: { n: 2 } }]);
    expect(seen).toEqual([{ n: 2 }]);
    await world.server.ask("/ears/fire/a", { method: "POST", body: '{"n":3}' });
    await until(async () => (await json("/ears/heard")).length === 4);
    expect(seen).toEqual([{ n: 2 }, { n: 3 }]);
  });

  test("handlers run in the order of registration, whichever process they are in", async () => {
    const order: string[] = [];
    world.server.events.on("tick", () => void order.push("server first"));
    const ears = (name: string) =>
      service(
        `export default { name: "${name}", routes, init(ctx) { ctx.events.on("tick", async () => { await ctx.record({ type: "${name}" }); }); } };`,
      );
    await world.isolated("one", ears("one"));
    world.server.events.on("tick", () => void order.push("server second"));
    await world.isolated("two", ears("two"));
    world.server.events.on("tick", () => void order.push(...world.recorded.map(({ type }) => type)));
    await world.server.events.emit("tick");
    expect(order).toEqual(["server first", "server second", "one", "two"]);
  });

  test("a handler that throws is logged, keeps no other back and never reaches the emitter", async () => {
    await world.isolated("ears", EARS);
    await world.server.events.emit("bad");
    expect(await json("/ears/heard")).toEqual(["after bad"]);
    expect(world.server.lines).toContain('error a handler of "bad" failed: handler failed');
  });

  test("a payload that is no JSON is refused where it is emitted, and logged where it is fired", async () => {
    await world.isolated("ears", EARS);
    expect(await (await world.server.ask("/ears/emit-ring")).text()).toBe("TypeError");
    await until(() => world.server.lines.some((line) => line.startsWith('error "a" was not sent:')));
    expect(await json("/ears/heard")).toEqual([]);
  });

  test("a subscription can be undone, and shows among what the module holds", async () => {
    await world.isolated("ears", EARS);
    const holds = () => world.server.registry.list()[0]?.holds.filter(({ kind }) => kind === "subscription");
    expect(holds()).toEqual([
      { kind: "subscription", label: "a", count: 2 },
      { kind: "subscription", label: "bad", count: 2 },
    ]);
    await world.server.ask("/ears/off");
    await until(() => holds()?.[0]?.count === 1);
    await world.server.events.emit("a", 1);
    expect(await json("/ears/heard")).toEqual([{ second: 1 }]);
  });
});

describe("the place", () => {
  test("is a folder with a link `data` to DATA_DIR, with an environment without keys and tokens (spec §5.8)", async () => {
    await world.isolated(
      "place",
      service(
        `import { realpathSync, writeFileSync } from "node:fs";
routes.get("/", (c) => {
  writeFileSync("data/from-place", "written");
  const { name, dir, servicesDir, dataDir } = ctx;
  return c.json({ data: realpathSync("data"), env: process.env, context: { name, dir, servicesDir, dataDir }, isFrozen: Object.isFrozen(ctx.config.baseEnv), port: ctx.config.port });
});
export default { name: "place", routes, init(given) { ctx = given; } };`,
      ),
    );
    const { servicesDir } = world.server.config;
    const { env, context, ...rest } = await json("/place");
    expect(rest).toEqual({ data: world.dataDir, isFrozen: true, port: world.server.config.port });
    expect(env).toMatchObject({ PATH: "/usr/bin:/bin", DATA_DIR: world.dataDir, SERVICES_DIR: servicesDir });
    expect(Object.keys(env).filter((name) => /TOKEN|KEY/.test(name))).toEqual([]);
    // Added to the registry as an object, it has the folder that an object has.
    expect(context).toEqual({
      name: "place",
      dir: join(servicesDir, "place"),
      servicesDir,
      dataDir: world.dataDir,
    });
    expect(await Bun.file(join(world.dataDir, "from-place")).text()).toBe("written");
  });
});

describe("the other modules", () => {
  test("are out of reach, and so is their management (spec §5.8)", async () => {
    await world.server.registry.addObject({ name: "other", routes: new Hono(), store: { flush() {} } });
    await world.isolated(
      "alone",
      service(
        `
const text = async (work) => { try { return await work(); } catch (error) { return error.code + ": " + error.message; } };
const own = { name: "alone", routes, store: { mark: 7, flush() {} }, init(given) { ctx = given; } };
routes.get("/", async (c) => c.json({
  others: [ctx.getStore("other") ?? null, ctx.getModule("other") ?? null],
  own: [ctx.getStore("alone").mark, ctx.getModule("alone") === own, ctx.getModules().length],
  refused: [
    await text(() => ctx.loadModule("other")), await text(() => ctx.unloadModule("other")),
    await text(() => ctx.registry.list()), await text(() => ctx.registry.reloadAll()), await text(() => ctx.registry.stage("x")),
  ],
  rejects: ctx.loadModule("other").catch(() => {}) instanceof Promise,
}));
export default own;`,
      ),
    );
    const refusal = "forbidden: a service in a process of its own cannot manage services";
    expect(await json("/alone")).toEqual({
      others: [null, null],
      own: [7, true, 1],
      refused: Array(5).fill(refusal),
      rejects: true,
    });
    expect(world.server.liveModules.has("other")).toBe(true);
  });
});

describe("what a version starts", () => {
  const BUSY = service(
    `
import { appendFileSync } from "node:fs";
const note = (text) => appendFileSync("data/notes", text + "\\n");
export default { name: "busy", routes, store: { async flush() { await Bun.sleep(1); note("flush"); }, close() { note("close"); } }, async init(given) {
  ctx = given;
  ctx.signal.addEventListener("abort", () => note("signal " + (ctx.signal.reason?.name ?? "")));
  ctx.onDispose("first", () => note("first"));
  ctx.events.on("late", () => note("heard late"));
  ctx.setInterval(() => { heard.push("tick"); }, 5);
  ctx.setTimeout(() => { throw new Error("timer failed"); }, 1);
  ctx.onDispose("second", async () => { await Bun.sleep(5); note("second"); });
  ctx.log.debug("unheard"); ctx.log.info("up", { a: 1 }); ctx.log.warn(new Error("careful")); ctx.log.error("x".repeat(100_000));
} };`,
  );
  const notes = () => Bun.file(join(world.dataDir, "notes")).text();

  test("is undone in reverse order, signal first, flush and close last (spec §5.3)", async () => {
    await world.isolated("busy", BUSY);
    await until(async () => (await json("/busy/heard")).length > 1);
    await world.server.registry.unload("busy");
    expect(await notes()).toBe("signal AbortError\nsecond\nfirst\nflush\nclose\n");
    await world.server.events.emit("late");
    expect(await notes()).not.toContain("heard");
  });

  test("logs under the module's name, cut to what is good", async () => {
    await world.isolated("busy", BUSY);
    await until(() => world.server.lines.some((line) => line.startsWith("error timeout 1 ms failed:")));
    const cut = world.server.lines.map((line) => line.slice(0, 30).split("\n")[0]);
    expect(cut.slice(0, 3)).toEqual(["info up { a: 1 }", "warn Error: careful", `error ${"x".repeat(24)}`]);
    expect(world.server.lines.every((line) => line.length < 70_000)).toBe(true);
  });

  test("can be started again after it was undone", async () => {
    const module = await world.isolated("busy", BUSY);
    await world.server.registry.unload("busy");
    await world.server.registry.addObject(module);
    expect(await json("/busy/heard")).toBeArray();
    await world.server.registry.unload("busy");
    expect((await notes()).match(/first/g)).toHaveLength(2);
  });
});

describe("storage", () => {
  const counter = (migrations: string[], init = "") =>
    service(
      `
routes.post("/", async (c) => { await storage.write((db) => db.run("INSERT INTO hits DEFAULT VALUES")); return c.json(count()); });
routes.get("/", (c) => c.json(count()));
const count = () => storage.read.query("SELECT count(*) AS n FROM hits").get().n;
let storage;
export default { name: "counter", routes, async init(given) {
  ctx = given;
  storage = openStorage(ctx, { migrations: ${JSON.stringify(migrations)} });
  ${init}
} };`,
      `import { openStorage } from "#core/storage.js";`,
    );
  const FIRST = "CREATE TABLE hits (id INTEGER PRIMARY KEY)";
  const SECOND = "ALTER TABLE hits ADD COLUMN more TEXT";
  const backup = () => existsSync(join(world.dataDir, "counter.sqlite.before-migration"));
  const columns = () => {
    const { Database } = require("bun:sqlite");
    const db = new Database(join(world.dataDir, "counter.sqlite"), { readonly: true });
    const names = db
      .query("PRAGMA table_info(hits)")
      .all()
      .map((row: { name: string }) => row.name);
    db.close();
    return names;
  };

  test("is the service's own file, survives the end of its process, and is closed with the module", async () => {
    await world.isolated("counter", counter([FIRST]));
    expect(await json("/counter", { method: "POST" })).toBe(1);
    await world.server.registry.unload("counter");
    expect(existsSync(join(world.dataDir, "counter.sqlite-wal"))).toBe(false);
    await world.isolated("counter", counter([FIRST]));
    expect(await json("/counter")).toBe(1);
  });

  test("a version that comes up drops the copy from before its migrations", async () => {
    await world.isolated("counter", counter([FIRST]));
    await world.server.registry.unload("counter");
    await world.isolated("counter", counter([FIRST, SECOND]));
    await until(() => !backup());
    expect(columns()).toEqual(["id", "more"]);
  });

  test("an init that hangs is ended when nobody waits for it any more, and leaves the file as it was", async () => {
    await world.close();
    world = await openIsolatedWorld({ limits: { undoMs: 300 } });
    await world.isolated("counter", counter([FIRST]));
    await world.server.registry.unload("counter");
    const copy = await world.copy("counter", counter([FIRST, SECOND], "for (;;);"));
    const module = await world.isolation.importModule(copy, 30_000);
    const { log } = listener();
    const scope = createScope(log);
    const { servicesDir } = world.server.config;
    const parts = { name: "counter", dir: servicesDir, servicesDir, dataDir: world.dataDir };
    const failed = Promise.try(() =>
      module.init?.(contextOf({ ...parts, scope, events: world.server.events, log })),
    ).catch(String);
    await until(() => columns().length === 2);
    await scope.undo(new LoadFailed("init()"));
    expect(await failed).toBe("Error: its process was ended: it did not undo what it had begun");
    expect(columns()).toEqual(["id"]);
    expect(backup()).toBe(false);
  });

  test.each([
    ["throws", `throw new Error("no");`, "init() failed: no"],
    ["ends its process", "process.exit(4);", "init() failed: its process ended with exit code 4"],
    [
      "is killed",
      `process.kill(process.pid, "SIGKILL"); await new Promise(() => {});`,
      "was ended by SIGKILL",
    ],
  ])(
    "an init that %s after a migration leaves the file as it was (spec §5.3)",
    async (_how, init, message) => {
      await world.isolated("counter", counter([FIRST]));
      await world.server.ask("/counter", { method: "POST" });
      await world.server.registry.unload("counter");
      const failed = await world.isolated("counter", counter([FIRST, SECOND], init)).catch(String);
      expect(failed).toContain(message);
      expect(columns()).toEqual(["id"]);
      expect(backup()).toBe(false);
      await world.isolated("counter", counter([FIRST]));
      expect(await json("/counter")).toBe(1);
    },
  );
});
