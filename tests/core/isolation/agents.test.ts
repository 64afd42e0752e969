// What a service in a process has for agents: tools, behaviors and a widget, each run there on behalf of the agent.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createCallerClient } from "../../../src/core/caller-client.js";
import { causeWith, runWithCause } from "../../../src/core/cause.js";
import type { Caller, ToolResult } from "../../../src/core/types.js";
import { type IsolatedWorld, openIsolatedWorld, until } from "./world.js";

const AGENT: Caller = {
  kind: "task",
  taskId: "t1",
  agentName: "t1",
  agentRole: "lieutenant",
  vmId: "vm-1",
  scopes: ["modules"],
};

let world: IsolatedWorld;
beforeEach(async () => {
  world = await openIsolatedWorld({
    limits: { firstMs: 50 },
    resolveCause: (header) => header,
  });
});
afterEach(() => world.close());

const json = async (path: string) => (await world.server.ask(path)).json();

describe("tools", () => {
  const SOURCE = `
import { Hono } from "hono";
import { Type } from "@sinclair/typebox";
let ctx;
const seen = [];
const routes = new Hono();
routes.get("/", (c) => c.json({ seen }));
routes.get("/who", (c) => c.json({ caller: ctx.caller(), cause: ctx.cause() }));
routes.get("/exit", () => process.exit(1));
const tool = (name, execute, more = {}) => ({ name, description: "does " + name, parameters: Type.Object({ n: Type.Optional(Type.Number()) }), execute, ...more });
export default { name: "tools", routes, init(given) { ctx = given; }, registerTools(pi, client) {
  pi.registerTool(tool("who", async (id, params, signal, onUpdate, runCtx) => {
    const { agentName, agentRole, vmId, taskId } = client;
    return client.ok("ok", { id, params, runCtx, client: { agentName, agentRole, vmId, taskId, url: client.getBaseUrl() }, own: { cause: ctx.cause(), caller: ctx.caller() }, api: await client.api("GET", "/tools/who") });
  }, { label: "Who?", promptSnippet: "ask who", promptGuidelines: ["be kind"], executionMode: "sequential", annotations: { readOnly: true } }));
  pi.registerTool(tool("count", async (_id, { n = 3 }, _signal, onUpdate) => {
    for (let i = 1; i <= n; i++) { onUpdate({ content: [{ type: "text", text: String(i) }] }); await Bun.sleep(1); }
    onUpdate("no update");
    return "counted";
  }));
  pi.registerTool(tool("wait", (_id, _params, signal) => new Promise((resolve) => signal.addEventListener("abort", () => { seen.push("aborted"); resolve(client.ok("stopped")); }))));
  pi.registerTool(tool("fails", () => { throw new Error("out of ideas"); }));
  pi.registerTool(tool("odd", () => ({ content: [{ type: "text", text: "x" }], details: { ring: 1n }, isError: true, terminate: true })));
  pi.registerTool(tool("nothing", () => undefined));
  pi.registerTool(tool("exits", () => process.exit(2)));
  pi.registerTool(tool("forever", () => { for (;;); }));
  pi.registerTool({ name: "bash", execute() {} });
  pi.registerTool({ name: "no_execute", parameters: {} });
  pi.registerTool(undefined);
  pi.registerTool({ name: "bad_schema", parameters: 5n, execute() {} });
  pi.registerTool(tool("who", () => "second"));
  pi.registerCommand("x", {});
} };
`;

  function run(
    name: string,
    params: object = {},
    more: { signal?: AbortSignal; updates?: ToolResult[] } = {},
  ) {
    const { signal = new AbortController().signal, updates } = more;
    return runWithCause({ causeId: "call-node", caller: AGENT, inFlight: [] }, () =>
      world.server.runTool(name, {
        params,
        toolCallId: "c1",
        signal,
        onUpdate: (partial) => void updates?.push(partial),
        ctx: { cwd: "/work", agentName: "t1", taskId: "t1", nodeId: "u1" },
      }),
    );
  }
  const textOf = ({ content }: ToolResult) =>
    content.map((part) => (part.type === "text" ? part.text : "")).join();

  test("are listed as a service in the server lists them, and refused for the same reasons (spec §5.4)", async () => {
    await world.inServer("twin", SOURCE.replace('name: "tools"', 'name: "twin"'));
    const inside = world.server.tools.list().map(({ service: _, ...info }) => info);
    const problems = world.server.tools.problems("twin");
    await world.server.registry.unload("twin");
    await world.isolated("tools", SOURCE);
    expect(world.server.tools.list().map(({ service: _, ...info }) => info)).toEqual(inside);
    expect(world.server.tools.problems("tools")).toEqual(problems);
    expect(problems).toHaveLength(5);
    expect(world.server.lines).toContain(
      "warn pi.registerCommand works only inside pi and does nothing here",
    );
  });

  test("run there for the calling agent, with its cause, its rights and its ctx", async () => {
    await world.isolated("tools", SOURCE);
    const { details } = await run("who", { n: "7" });
    expect(details).toEqual({
      id: "c1",
      params: { n: 7 },
      runCtx: { cwd: "/work", agentName: "t1", taskId: "t1", nodeId: "u1", hasUI: false },
      client: {
        agentName: "t1",
        agentRole: "lieutenant",
        vmId: "vm-1",
        taskId: "t1",
        url: "http://localhost",
      },
      own: { cause: "call-node", caller: AGENT },
      api: { caller: AGENT, cause: "call-node" },
    });
    world.server.listening("http://127.0.0.1:4321");
    expect((await run("who")).details).toMatchObject({ client: { url: "http://127.0.0.1:4321" } });
  });

  test("tell of their progress, in order", async () => {
    await world.isolated("tools", SOURCE);
    const updates: ToolResult[] = [];
    expect(textOf(await run("count", { n: 4 }, { updates }))).toBe("counted");
    expect(updates.map(textOf)).toEqual(["1", "2", "3", "4"]);
  });

  test("hear that nobody waits any more", async () => {
    await world.isolated("tools", SOURCE);
    const { signal, abort } = abortable();
    const result = run("wait", {}, { signal });
    abort();
    expect(textOf(await result)).toBe("stopped");
    expect(await json("/tools")).toEqual({ seen: ["aborted"] });
  });

  test("what a tool does wrong is a result, the same as in the server", async () => {
    await world.inServer("twin", SOURCE.replace('name: "tools"', 'name: "twin"'));
    const inside = [await run("fails"), await run("odd"), await run("nothing")];
    await world.server.registry.unload("twin");
    await world.isolated("tools", SOURCE);
    expect([await run("fails"), await run("odd"), await run("nothing")]).toEqual(inside);
    await expect(run("who", { n: "seven" })).rejects.toMatchObject({ code: "bad_request" });
  });

  test("a process that ends in a tool is a failed call, and the next one runs", async () => {
    await world.isolated("tools", SOURCE);
    const result = await run("exits");
    expect([result.isError, textOf(result)]).toEqual([true, 'Error: service "tools" is being started again']);
    await world.node("service_process_started");
    expect(textOf(await run("who"))).toBe("ok");
  });
});

describe("behaviors", () => {
  const SOURCE = `
import { Hono } from "hono";
let ctx;
const routes = new Hono();
const notes = [];
routes.get("/", (c) => c.json(notes));
routes.get("/exit", () => process.exit(1));
let sessions = 0;
export default { name: "watcher", routes, init(given) { ctx = given; }, registerBehaviors(pi, client) {
  const session = ++sessions;
  let turns = 0;
  const note = (what, more = {}) => notes.push({ session, what, ...more });
  pi.on("session_start", (event, hear) => note("start", { reason: event.reason, hear, client: { name: client.agentName, role: client.agentRole, taskId: client.taskId, sessionId: client.sessionId } }));
  pi.on("turn_end", async ({ n }) => { await Bun.sleep(3); turns++; note("turn", { n, turns, cause: ctx.cause() }); });
  pi.on("agent_end", async () => { note("call", await client.api("GET", "/mirror")); });
  pi.on("tool_call", () => { pi.on("tool_result", () => note("late")); });
  pi.on("message_end", () => { throw new Error("behavior failed"); });
  pi.events.on("vers:ping", (data) => note("ping", { data }));
  pi.on("session_shutdown", async ({ reason }) => { await Bun.sleep(3); note("bye", { reason, turns }); });
  pi.on("no_such_event", () => {});
} };
`;

  let node = "n0";
  function openSession(name = "alice") {
    const caller: Caller = { kind: "server", agentName: name, agentRole: "worker", taskId: `t-${name}` };
    const { fetch, baseUrl } = world.server;
    return world.server.behaviors.openSession({
      name,
      role: "worker",
      sessionId: `s-${name}`,
      taskId: `t-${name}`,
      client: createCallerClient({ fetch, baseUrl, caller: () => caller, sessionId: `s-${name}` }),
      withCause: (fn) => runWithCause(causeWith({ causeId: node, caller }), fn),
    });
  }
  const notes = () => json("/watcher");

  test("hear their session in order, one at a time, each session apart (spec §5.5)", async () => {
    await world.isolated("watcher", SOURCE);
    const [alice, bob] = [openSession("alice"), openSession("bob")];
    alice.emit("session_start", { reason: "startup" });
    for (let n = 1; n <= 3; n++) alice.emit("turn_end", { n });
    bob.emit("session_start", { reason: "startup" });
    bob.emit("turn_end", { n: 9 });
    await alice.close("quit");
    await bob.close("quit");
    const all = await notes();
    const of = (session: number) => all.filter((one: { session: number }) => one.session === session);
    expect(of(1).map(({ what, n, turns }: never) => [what, n, turns])).toEqual([
      ["start", undefined, undefined],
      ["turn", 1, 1],
      ["turn", 2, 2],
      ["turn", 3, 3],
      ["bye", undefined, 3],
    ]);
    expect(of(1)[0]).toMatchObject({
      reason: "startup",
      hear: {
        hasUI: false,
        agentName: "alice",
        agentRole: "worker",
        sessionId: "s-alice",
        taskId: "t-alice",
      },
      client: { name: "alice", role: "worker", taskId: "t-alice", sessionId: "s-alice" },
    });
    expect(of(2).map(({ what }: never) => what)).toEqual(["start", "turn", "bye"]);
    expect(world.server.lines).toContain('warn "no_such_event" is never heard in the server');
  });

  test("act as the server named after the agent, with the session's newest node as cause", async () => {
    const { Hono } = await import("hono");
    const routes = new Hono().get("/", (c) => c.json(causeWith({})));
    await world.server.registry.addObject({ name: "mirror", routes });
    await world.isolated("watcher", SOURCE);
    const session = openSession();
    session.emit("session_start");
    node = "n7";
    session.emit("turn_end", { n: 1 });
    session.emit("agent_end");
    await session.close("quit");
    const all = await notes();
    expect(all).toContainEqual({ session: 1, what: "turn", n: 1, turns: 1, cause: "n7" });
    expect(all.find((one: { what: string }) => one.what === "call")).toMatchObject({
      causeId: "n7",
      caller: { kind: "server", agentName: "alice", agentRole: "worker", taskId: "t-alice" },
    });
  });

  test("hear forwarded events by name, and what they begin to listen to later", async () => {
    await world.isolated("watcher", SOURCE);
    const session = openSession();
    session.emit("session_start");
    await until(async () => (await notes()).length === 1);
    session.emit("vers:ping", { a: 1 });
    session.emit("vers:pong", { a: 2 });
    session.emit("tool_result");
    session.emit("tool_call");
    session.emit("turn_end", { n: 1 });
    await until(async () => (await notes()).some((one: { what: string }) => one.what === "turn"));
    session.emit("tool_result");
    await session.close("quit");
    const all = await notes();
    expect(all.map(({ what }: { what: string }) => what)).toEqual(["start", "ping", "turn", "late", "bye"]);
  });

  test("what a handler throws is logged, and the session goes on", async () => {
    await world.isolated("watcher", SOURCE);
    const session = openSession();
    session.emit("message_end");
    session.emit("turn_end", { n: 1 });
    await session.close("quit");
    expect((await notes()).map(({ what }: { what: string }) => what)).toEqual(["turn", "bye"]);
    expect(
      world.server.lines.some((line) => line.startsWith('error the behavior for "message_end" failed:')),
    ).toBe(true);
  });

  test("get session_shutdown when their module goes, and open sessions begin anew with a new process", async () => {
    await world.isolated("watcher", SOURCE);
    const session = openSession();
    session.emit("session_start");
    await until(async () => (await notes()).length === 1);
    await world.server.ask("/watcher/exit");
    await world.node("service_process_started");
    await until(async () => (await notes()).length === 1);
    expect((await notes())[0]).toMatchObject({ session: 1, what: "start", reason: "reload" });
    session.emit("vers:ping", "again");
    session.emit("turn_end", { n: 5 });
    await until(async () => (await notes()).length === 3);
    expect((await notes()).map(({ what }: { what: string }) => what)).toEqual(["start", "ping", "turn"]);
    await session.close("quit");
  });
});

describe("the widget", () => {
  const SOURCE = (lines: string) => `
export default { name: "lines", widget: { getLines: async (client) => ${lines} } };
`;
  const lines = async () => {
    const module = world.server.liveModules.get("lines");
    const { fetch, baseUrl } = world.server;
    return module?.widget?.getLines(createCallerClient({ fetch, baseUrl, caller: () => AGENT }));
  };

  test("has its lines from there", async () => {
    await world.isolated("lines", SOURCE('["one", client.getBaseUrl()]'));
    expect(await lines()).toEqual(["one", "http://localhost"]);
  });

  test("that takes over 2 s, or throws, is left out", async () => {
    await world.isolated("lines", SOURCE("new Promise(() => {})"));
    expect(await lines().catch((error) => error.name)).toBe("TimeoutError");
    await world.server.registry.unload("lines");
    await world.isolated("lines", SOURCE('{ throw new Error("no lines"); }'));
    expect(await lines().catch((error) => error.message)).toBe("no lines");
  });
});

function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
