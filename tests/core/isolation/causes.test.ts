// On whose behalf a service in a process acts: causes and callers that come in, go through awaits and timers, and go back
// into the server, so that nothing waits for itself.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { currentCause } from "../../../src/core/cause.js";
import { ReefError } from "../../../src/core/errors.js";
import type { Caller, ServiceContext } from "../../../src/core/types.js";
import { type IsolatedWorld, openIsolatedWorld, until } from "./world.js";

const TASK: Caller = {
  kind: "task",
  taskId: "t1",
  agentName: "ünï",
  agentRole: "worker",
  nodeId: "u1",
  scopes: ["modules"],
};

const SOURCE = `
import { Hono } from "hono";
let ctx;
const now = () => ({ cause: ctx.cause(), caller: ctx.caller() });
const routes = new Hono();
routes.get("/now", (c) => c.json(now()));
routes.get("/later", async (c) => {
  await Bun.sleep(1);
  await new Promise((resolve) => setImmediate(resolve));
  const inTimer = await new Promise((resolve) => ctx.setTimeout(() => resolve(now()), 1));
  return c.json({ awaited: now(), inTimer });
});
routes.get("/within", (c) => ctx.withCause("n9", async () => { await Bun.sleep(1); return c.json(now()); }));
routes.get("/call", async (c) => c.json(await (await ctx.fetch(c.req.query("path"))).json()));
routes.get("/call-as", async (c) => c.json(await (await ctx.fetch("/mirror", { as: { kind: "panel", panel: "board" } })).json()));
routes.get("/call-within", (c) => ctx.withCause("n9", async () => c.json(await (await ctx.fetch("/mirror")).json())));
routes.post("/record", async (c) => c.json(await ctx.record(await c.req.json())));
routes.get("/record-odd", async (c) => {
  const ring = {}; ring.self = ring;
  await ctx.record({ type: "odd", content: 1n, ring, number: 5 });
  return c.text("ok");
});
routes.get("/refused", async (c) => c.json(await ctx.record({ type: "refused" })));
routes.get("/self", async (c) => c.json(await (await ctx.fetch("/apart/now")).json()));
export default { name: "apart", routes, requiresAuth: false, init(given) {
  ctx = given;
  ctx.setTimeout(() => void ctx.record({ type: "by itself" }), 1);
} };
`;

let world: IsolatedWorld;
let inServer: ServiceContext;
beforeAll(async () => {
  world = await openIsolatedWorld({
    resolveToken: (token) => (token === "rt_good" ? TASK : undefined),
    resolveCause: (header, caller) => (caller.kind === "task" && header === null ? "own-node" : header),
    record: async (event) => {
      if (event.type === "refused") throw new ReefError("insufficient_storage", "storage unavailable");
      const now = currentCause();
      world.recorded.push({ type: "", ...event, cause: now?.causeId ?? null, module: now?.module });
      return { nodeId: "n1", parentId: "p1", seq: world.recorded.length };
    },
  });
  const mirror = new Hono();
  mirror.get("/", (c) => {
    const now = currentCause();
    const inFlight = now?.inFlight.map((key) => key.split("@")[0]);
    return c.json({ cause: now?.causeId, caller: now?.caller, inFlight });
  });
  await world.server.registry.addObject({
    name: "mirror",
    routes: mirror,
    init: (ctx) => {
      inServer = ctx;
    },
  });
  await world.isolated("apart", SOURCE);
});
afterAll(() => world.close());

const json = async (path: string, init?: RequestInit) =>
  (await world.server.ask(`/apart${path}`, init)).json();
const asTask = { headers: { Authorization: "Bearer rt_good", "X-Reef-Cause": "n7" } };

describe("what comes in", () => {
  test("the cause and the caller of the request (spec §2.3)", async () => {
    expect(await json("/now", asTask)).toEqual({ cause: "n7", caller: TASK });
    expect(await json("/now", { headers: { Authorization: "Bearer rt_good" } })).toMatchObject({
      cause: "own-node",
    });
    expect(await json("/now", { headers: { Authorization: "" } })).toEqual({
      cause: null,
      caller: { kind: "anonymous" },
    });
    expect(await json("/now")).toEqual({ cause: null, caller: { kind: "server" } });
  });

  test("they stay after awaits and in timers", async () => {
    const now = { cause: "n7", caller: TASK };
    expect(await json("/later", asTask)).toEqual({ awaited: now, inTimer: now });
  });

  test("withCause takes the place of the cause and leaves the caller", async () => {
    expect(await json("/within", asTask)).toEqual({ cause: "n9", caller: TASK });
  });

  test("requests at the same time do not mix", async () => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, async (_, n) => {
        const headers = { Authorization: "Bearer rt_good", "X-Reef-Cause": `n${n}` };
        return (await json("/later", { headers })).inTimer.cause;
      }),
    );
    expect(answers).toEqual(Array.from({ length: 30 }, (_, n) => `n${n}`));
  });

  test("what the service does by itself has no cause", async () => {
    await until(() => world.recorded.some(({ type }) => type === "by itself"));
    const [own] = world.recorded.filter(({ type }) => type === "by itself");
    expect(own).toMatchObject({ cause: null, module: "apart" });
  });
});

describe("what goes back into the server", () => {
  test("a call keeps the cause and acts as the server unless told (spec §5.8)", async () => {
    expect(await json("/call?path=/mirror", asTask)).toMatchObject({
      cause: "n7",
      caller: { kind: "server" },
      inFlight: ["apart", "mirror"],
    });
    expect(await json("/call-as", asTask)).toMatchObject({
      cause: "n7",
      caller: { kind: "panel", panel: "board" },
    });
    expect(await json("/call-within", asTask)).toMatchObject({ cause: "n9", inFlight: ["apart", "mirror"] });
  });

  test("a node is recorded under the cause, as the service's, and its id comes back", async () => {
    const event = { type: "noted", content: "x", more: { a: [1] } };
    const answer = await json("/record", { ...asTask, method: "POST", body: JSON.stringify(event) });
    expect(answer).toMatchObject({ nodeId: "n1", parentId: "p1" });
    expect(world.recorded.at(-1)).toMatchObject({ ...event, cause: "n7", module: "apart" });
  });

  test("an event with what JSON cannot hold loses its further fields, as in the server (spec §4.10)", async () => {
    await world.server.ask("/apart/record-odd");
    const { type, content, dropped, number } = world.recorded.at(-1) ?? { type: "" };
    expect({ type, content, dropped, number }).toEqual({
      type: "odd",
      content: undefined,
      dropped: true,
      number: undefined,
    });
  });

  test("what the server throws arrives as what it is", async () => {
    const answer = await world.server.ask("/apart/refused");
    expect([answer.status, await answer.json()]).toEqual([
      507,
      { error: "storage unavailable", code: "insufficient_storage" },
    ]);
  });

  test("a service may call itself", async () => {
    expect(await json("/self", asTask)).toMatchObject({ cause: "n7", caller: { kind: "server" } });
  });
});

test("a call from inside the server to a service and on to another names all that it descends from (spec §2.1)", async () => {
  const answer = await inServer.withCause("n3", () => inServer.fetch("/apart/call?path=/mirror"));
  expect(await answer.json()).toMatchObject({ cause: "n3", inFlight: ["apart", "mirror"] });
});
