// The routes of live agents over a stand-in for /reef, which a harness has not: what they pass on, and in whose name.
// With the real one and a real pi: tests/flow/agent.test.ts.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type Context, Hono } from "hono";
import { createTestHarness, type RequestOptions, type TestHarness } from "#core/testing.js";
import type { Caller, ServiceModule } from "#core/types.js";
import agent from "./index.js";

const RUN = { taskId: "math", nodeId: "n1", pid: 4711, status: "running" };

interface Asked {
  line: string;
  body: string;
  caller: Caller;
  lastEventId: string | undefined;
}

let harness: TestHarness;
let asked: Asked[];
let streamEnded: Promise<unknown>;

/** Answers as /reef does where one run is live, and keeps what it was asked. */
function standIn(): ServiceModule {
  const gone = Promise.withResolvers<unknown>();
  streamEnded = gone.promise;
  const routes = new Hono();
  const note = async (c: Context, caller: Caller) => {
    const { pathname, search } = new URL(c.req.url);
    const lastEventId = c.req.header("Last-Event-ID");
    asked.push({
      line: `${c.req.method} ${pathname}${search}`,
      body: await c.req.text(),
      caller,
      lastEventId,
    });
  };
  return {
    name: "reef",
    routes,
    init(ctx) {
      routes.use(async (c, next) => {
        await note(c, ctx.caller());
        await next();
      });
      routes.get("/runs", (c) => c.json({ runs: [RUN], count: 1 }));
      routes.get("/runs/math", (c) => c.json(RUN));
      routes.get("/runs/:taskId", (c) =>
        c.json({ error: `No live run for task '${c.req.param("taskId")}'`, code: "not_found" }, 404),
      );
      routes.post("/tasks/math/cancel", (c) => c.json({ id: "math", status: "cancelled", nodeId: "n9" }));
      routes.post("/tasks/math/steer", (c) =>
        c.json({ error: "message is required", code: "bad_request" }, 400),
      );
      routes.get("/runs/math/events", () => {
        const body = new ReadableStream({
          start: (controller) => controller.enqueue(new TextEncoder().encode(": connected\n\n")),
          cancel: gone.resolve,
        });
        return new Response(body, { headers: { "Content-Type": "text/event-stream", "X-Mark": "kept" } });
      });
    },
  };
}

beforeEach(async () => {
  asked = [];
  harness = await createTestHarness({ services: [agent, standIn()] });
});
afterEach(() => harness.cleanup());

const ask = (path: string, options: RequestOptions = {}) =>
  harness.json(`/agent${path}`, { auth: true, ...options });
const lines = () => asked.map(({ line }) => line);

test("the list has the runs of reef under their own name (spec §11)", async () => {
  expect(await ask("")).toMatchObject({ status: 200, data: { agents: [RUN], count: 1 } });
  expect((await ask("/math")).data).toEqual(RUN);
});

test("cancel passes the body and the answer on, whatever they are (spec §11)", async () => {
  const answer = await ask("/math/cancel", { body: { reason: "enough", children: false } });
  expect(answer).toMatchObject({ status: 200, data: { id: "math", status: "cancelled", nodeId: "n9" } });
  expect(lines()).toEqual(["GET /reef/runs/math", "POST /reef/tasks/math/cancel"]);
  expect(asked.at(-1)?.body).toBe('{"reason":"enough","children":false}');
});

test("what reef refuses is refused in the same words (spec §11)", async () => {
  const answer = await ask("/math/steer", { method: "POST", body: "{}" });
  expect(answer).toMatchObject({ status: 400, data: { error: "message is required", code: "bad_request" } });
});

test("everything is asked for in the caller's name (spec §11, §2.4)", async () => {
  const headers = { "X-Agent-Name": "lieutenant" };
  for (const [path, method] of [
    ["", "GET"],
    ["/math", "GET"],
    ["/math/cancel", "POST"],
    ["/math/steer", "POST"],
  ] as const)
    await ask(path, { method, headers });
  const events = await harness.fetch("/agent/math/events", { auth: true, headers });
  await events.body?.cancel();
  expect(asked).toHaveLength(7);
  expect(asked.map(({ caller }) => [caller.kind, caller.agentName])).toEqual(
    Array(7).fill(["server", "lieutenant"]),
  );
});

describe("events (spec §11)", () => {
  const open = (query = "", headers: Record<string, string> = {}) =>
    harness.fetch(`/agent/math/events${query}`, { auth: true, headers });

  test("come as they are, with cursor, filters and headers", async () => {
    const answer = await open("?since=4&types=a,b", { "Last-Event-ID": "7" });
    expect([answer.status, answer.headers.get("x-mark")]).toEqual([200, "kept"]);
    const { value } = (await answer.body?.getReader().read()) ?? {};
    expect(new TextDecoder().decode(value)).toBe(": connected\n\n");
    expect(asked[0]).toMatchObject({
      line: "GET /reef/runs/math/events?since=4&types=a,b",
      lastEventId: "7",
    });
  });

  test("end at the source when the client goes", async () => {
    const reader = (await open()).body?.getReader();
    await reader?.read();
    await reader?.cancel("gone");
    await streamEnded;
  });

  test("end when the service is undone, and the source with them", async () => {
    const reader = (await open()).body?.getReader();
    await reader?.read();
    const next = reader?.read();
    await harness.cleanup();
    expect(await next).toEqual({ value: undefined, done: true });
    await streamEnded;
  });
});

describe("a task without a live run", () => {
  const NAMES = [
    "nobody",
    "MATH",
    "..",
    "%2e%2e",
    "..%2Fruns",
    "%2Freef%2Fsubmit",
    "math%2F..%2Fother",
    "a%3Fb",
    "a%23b",
    "__proto__",
    "-x",
    "%00",
    "%zz",
    "%F0%9F%90%9A",
    "x".repeat(129),
    "x".repeat(5000),
  ];
  const ROUTES = [
    ["GET", ""],
    ["POST", "/cancel"],
    ["POST", "/steer"],
    ["GET", "/events"],
  ] as const;

  const shortened = NAMES.map((name) => [name.slice(0, 40), name] as const);
  test.each(shortened)(
    "%s is 404 on every route, and nothing is told to anyone (spec §11)",
    async (_, name) => {
      for (const [method, rest] of ROUTES) {
        const body = method === "POST" ? '{"message":"x"}' : undefined;
        // Not through a URL, which would resolve the dots before they are sent.
        const request = new Request("http://localhost/agent/x", { method, body });
        const raw = `http://localhost/agent/${name}${rest}`;
        Object.defineProperty(request, "url", { value: raw });
        request.headers.set("Authorization", `Bearer ${harness.authToken}`);
        const answer = await harness.app.fetch(request);
        expect([rest, answer.status]).toEqual([rest, 404]);
        expect((await answer.json()).error).toMatch(/^(No live run for task '|not found$)/);
      }
      expect(lines().filter((line) => !/^GET \/reef\/runs\/[\w.-]+(\/events)?$/.test(line))).toEqual([]);
    },
  );
});

test("nobody without a token gets an answer (spec §2.2)", async () => {
  for (const [method, path] of [
    ["GET", "/agent"],
    ["GET", "/agent/math"],
    ["POST", "/agent/math/cancel"],
    ["POST", "/agent/math/steer"],
    ["GET", "/agent/math/events"],
  ] as const) {
    expect((await harness.fetch(path, { method })).status).toBe(401);
  }
  expect(asked).toEqual([]);
});

test("without /reef there is nothing to tell, and no failure of the service (spec §5.6)", async () => {
  const alone = await createTestHarness({ services: [agent] });
  for (const path of ["/agent", "/agent/math", "/agent/math/events"])
    expect((await alone.fetch(path, { auth: true })).status).toBe(404);
  await alone.cleanup();
});

test("every route is documented, exists, and stands in the README with a call", async () => {
  const { routes }: ServiceModule = agent;
  const existing = routes?.routes.map(({ method, path }) => `${method} ${path}`);
  expect(existing?.toSorted()).toEqual(Object.keys(agent.routeDocs).toSorted());
  const readme = await Bun.file(`${import.meta.dir}/README.md`).text();
  const calls = Array.from(readme.matchAll(/^curl (?:-N |-X (\w+) )?\$REEF(\S+)/gm), ([, method, path]) =>
    `${method ?? "GET"} ${path}`.replace("/agent/math", "/:taskId").replace(/ \/agent$/, " /"),
  );
  expect([...new Set(calls)].toSorted()).toEqual(Object.keys(agent.routeDocs).toSorted());
});
