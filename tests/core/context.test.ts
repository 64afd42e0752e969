// What a module is given: everything started through it ends with its version, under the cause of the moment.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { Hono } from "hono";
import { currentCause } from "../../src/core/cause.js";
import type { Caller, ServiceContext, ServiceModule } from "../../src/core/types.js";
import { startServer, type TestServer } from "./servers.js";

let server: TestServer;
let ctx: ServiceContext;
const records: unknown[] = [];
const store = { items: [1] };

beforeEach(async () => {
  records.length = 0;
  const module: ServiceModule = {
    name: "mine",
    store: store as ServiceModule["store"],
    routes: new Hono()
      .get("/caller", (c) => c.json(ctx.caller()))
      .get(
        "/slow",
        (c) =>
          new Promise<Response>((resolve) =>
            c.req.raw.signal.addEventListener("abort", () => resolve(c.text("aborted"))),
          ),
      ),
    init(given) {
      ctx = given;
    },
  };
  server = await startServer({
    modules: [module],
    record: async (event) => {
      const cause = currentCause();
      records.push([event, cause?.causeId, cause?.module]);
      return { nodeId: "n", parentId: "p", seq: 1 };
    },
  });
});
afterEach(() => server.end());

function soon(start: (done: () => void) => void): Promise<void> {
  return new Promise(start);
}

test("a module knows its name, its folders, its config and the other modules", () => {
  expect(ctx).toMatchObject({
    name: "mine",
    servicesDir: server.config.servicesDir,
    dataDir: server.config.dataDir,
  });
  expect(ctx.config.token).toBe("server-token");
  expect(Object.isFrozen(ctx.config)).toBe(true);
  expect(ctx.getStore<typeof store>("mine")).toBe(store);
  expect(ctx.getStore("none")).toBeUndefined();
  expect(ctx.getModule("mine")?.name).toBe("mine");
  expect(ctx.getModules().map(({ name }) => name)).toEqual(["mine"]);
});

test("a timer runs once under the cause under which it was set, and its undo stops it", async () => {
  const seen: unknown[] = [];
  let undo = () => {};
  await soon((done) => {
    ctx.withCause("n1", () => {
      undo = ctx.setTimeout(() => seen.push("never"), 1);
      ctx.setTimeout(() => {
        seen.push([ctx.cause(), currentCause()?.module]);
        done();
      }, 2);
    });
    undo();
  });
  expect(seen).toEqual([["n1", "mine"]]);
  expect(server.registry.list()[0]?.holds).toEqual([]);
});

test("a timer that throws or rejects is logged with the module's name and goes on", async () => {
  let calls = 0;
  await soon((done) => {
    const undo = ctx.setInterval(async () => {
      calls++;
      if (calls === 1) throw new Error("once");
      undo();
      done();
    }, 1);
  });
  expect(server.lines).toContain("error interval 1 ms failed: once");
});

test("timers, subscriptions and undos end with the version, newest first (spec §5.3)", async () => {
  const ended: string[] = [];
  ctx.signal.addEventListener("abort", () => ended.push("signal"));
  ctx.onDispose("first", () => void ended.push("first"));
  ctx.onDispose("second", async () => void ended.push("second"));
  ctx.setInterval(() => ended.push("tick"), 1);
  ctx.events.on("e", () => ended.push("heard"));
  expect(server.registry.list()[0]?.holds).toEqual([
    { kind: "dispose", label: "first", count: 1 },
    { kind: "dispose", label: "second", count: 1 },
    { kind: "timer", label: "interval 1 ms", count: 1 },
    { kind: "subscription", label: "e", count: 1 },
  ]);
  await server.close();
  await server.events.emit("e");
  await Bun.sleep(3);
  expect(ended.filter((what) => what !== "tick")).toEqual(["signal", "second", "first"]);
});

test("an event is recorded for the module under the cause of the moment, and null without a tree (spec §5.1)", async () => {
  expect(await ctx.withCause("n2", () => ctx.record({ type: "x" }))).toEqual({
    nodeId: "n",
    parentId: "p",
    seq: 1,
  });
  expect(records).toEqual([[{ type: "x" }, "n2", "mine"]]);
  const bare = await startServer({ modules: [{ name: "bare" }] });
  expect(await bare.ctx.record({ type: "x" })).toBeNull();
  await bare.end();
});

test("an in-process call is the server's unless it is told otherwise", async () => {
  expect(await (await ctx.fetch("/mine/caller")).json()).toEqual({ kind: "server" });
  const as: Caller = { kind: "session", agentName: "ada" };
  expect(await (await ctx.fetch("/mine/caller", { as })).json()).toEqual(as);
});

test("an in-process call that is aborted rejects, and the handler hears it", async () => {
  const stop = new AbortController();
  const call = ctx.fetch("/mine/slow", { signal: stop.signal });
  stop.abort(new Error("gone"));
  await expect(call).rejects.toThrow("gone");
});

test("outside of any request the caller is the server and there is no cause", () => {
  expect(ctx.caller()).toEqual({ kind: "server" });
  expect(ctx.cause()).toBeNull();
});
