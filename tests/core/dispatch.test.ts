// From a request to its module: which one, under which path, with which cause, and what comes out when it fails.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { currentCause } from "../../src/core/cause.js";
import { ReefError } from "../../src/core/errors.js";
import { noTimeout, readBody } from "../../src/core/http.js";
import type { Caller, ServiceContext, ServiceModule } from "../../src/core/types.js";
import { shown, startServer, type TestServer, TOKEN } from "./servers.js";

const task: Caller = { kind: "task", taskId: "t1", agentName: "t1", scopes: ["modules"] };
const NOT_FOUND = [404, '{"error":"not found"}', "not_found"] as const;
const INTERNAL = [500, '{"error":"internal service error"}', "internal"] as const;

function echo(): Hono {
  const routes = new Hono();
  routes.all("/", (c) =>
    c.json({ path: c.req.path, query: c.req.query("q") ?? null, url: c.req.url, method: c.req.method }),
  );
  routes.get("/deep/:id", (c) =>
    c.json({ path: c.req.path, id: c.req.param("id"), raw: new URL(c.req.url).pathname }),
  );
  routes.get("/open/:id", (c) => c.text("open"));
  routes.post("/open/:id", (c) => c.text("written"));
  routes.get("/cause", (c) =>
    c.json({ ...currentCause(), inFlight: currentCause()?.inFlight.map((key) => key.split("@")[0]) }),
  );
  return routes;
}

let server: TestServer;
beforeAll(async () => {
  const closedRoot = new Hono().get("/ui", (c) => c.text("ui")).get("/auth/x", (c) => c.text("auth"));
  closedRoot.use("*", async (_c, next) => next());
  server = await startServer({
    resolveToken: (token) => (token === "rt_good" ? task : undefined),
    resolveCause(header, caller) {
      if (header === "unknown") throw new ReefError("bad_request", 'Unknown cause "unknown"');
      return caller.kind === "task" && header === null ? Promise.resolve("own-node") : header;
    },
    modules: [
      { name: "echo", routes: echo(), publicRoutes: ["GET /open/:id"] },
      { name: "free", routes: echo(), requiresAuth: false },
      { name: "toolsonly" },
      { name: "root-one", routes: closedRoot, mountAtRoot: true },
      {
        name: "root-two",
        routes: new Hono()
          .get("/ui", (c) => c.text("never"))
          .get("/echo/own", (c) => c.text("never"))
          .get("/late", (c) => c.text("two")),
        mountAtRoot: true,
        requiresAuth: false,
      },
    ],
  });
});
afterAll(() => server.end());

const body = async (path: string, init?: RequestInit) => (await server.ask(path, init)).json();

describe("which module, and what it sees (spec §2.1)", () => {
  test("/x and /x/ reach the route / of module x", async () => {
    expect(await body("/echo")).toMatchObject({ path: "/" });
    expect(await body("/echo/")).toMatchObject({ path: "/" });
    expect(await body("/echo?q=1")).toMatchObject({ path: "/", query: "1" });
  });

  test("the query and the percent-encoding stay as they came", async () => {
    expect(await body("/echo/deep/a%2Fb%20c?x=%20")).toEqual({
      path: "/deep/a%2Fb c",
      id: "a/b c",
      raw: "/echo/deep/a%2Fb%20c",
    });
    expect(await body("/echo?q=%2F%26")).toMatchObject({
      query: "/&",
      url: "http://localhost/echo?q=%2F%26",
    });
  });

  test("HEAD is GET without a body, and the handler sees that it is HEAD", async () => {
    const answer = await server.ask("/echo", { method: "HEAD" });
    expect([answer.status, await answer.text(), answer.headers.get("content-type")]).toEqual([
      200,
      "",
      "application/json",
    ]);
    expect(
      (await server.ask("/echo/open/1", { method: "HEAD", headers: { Authorization: "" } })).status,
    ).toBe(200);
  });

  test("a module without routes, an unknown one and a longer name are 404, without asking for a token", async () => {
    for (const path of [
      "/",
      "/toolsonly",
      "/nothing",
      "/echoes",
      "/ECHO",
      "/%65cho",
      "//echo",
      "/constructor",
      "/__proto__",
    ]) {
      expect(await shown(server.app.request(path))).toEqual([...NOT_FOUND]);
    }
  });

  test("a path of the module that has no route is 404 behind the gate", async () => {
    expect(await shown(server.ask("/echo/none"))).toEqual([...NOT_FOUND]);
    expect((await server.app.request("/echo/none")).status).toBe(401);
  });

  test("modules at the root come last, the first with a route of its own for method and path", async () => {
    expect(await (await server.ask("/ui")).text()).toBe("ui");
    expect(await (await server.ask("/late")).text()).toBe("two");
    expect(await shown(server.ask("/echo/own"))).toEqual([...NOT_FOUND]);
    expect(await shown(server.app.request("/ui", { method: "POST" }))).toEqual([...NOT_FOUND]);
  });

  test("the gate of a module at the root is its own", async () => {
    expect((await server.app.request("/ui")).status).toBe(401);
    expect((await server.app.request("/late")).status).toBe(200);
  });
});

describe("the gate (spec §2.2)", () => {
  test("no header and a bad one get the exact bodies", async () => {
    const missing = await server.app.request("/echo");
    expect(missing.headers.get("WWW-Authenticate")).toBe("Bearer");
    expect(await shown(missing)).toEqual([
      401,
      '{"error":"Unauthorized — missing Authorization header"}',
      "unauthorized",
    ]);
    for (const header of ["Basic x", "Bearer", "Bearer wrong", "Bearer rt_old"]) {
      const invalid = await server.ask("/echo", { headers: { Authorization: header } });
      expect(invalid.headers.get("WWW-Authenticate")).toBe("Bearer");
      expect(await shown(invalid)).toEqual([401, '{"error":"Unauthorized — invalid token"}', "unauthorized"]);
    }
  });

  test("under /reef and /mcp the gate comes before 404", async () => {
    for (const path of ["/reef", "/reef/none", "/mcp"]) {
      expect((await server.app.request(path)).status).toBe(401);
      expect(await shown(server.ask(path))).toEqual([...NOT_FOUND]);
    }
  });

  test("a token in the URL is never read", async () => {
    expect((await server.app.request(`/echo?token=${TOKEN}`)).status).toBe(401);
  });

  test("public routes and open modules need no token; a valid one still names the caller, a bad one is ignored", async () => {
    expect(await (await server.app.request("/echo/open/1")).text()).toBe("open");
    expect((await server.app.request("/echo/open/1", { method: "POST" })).status).toBe(401);
    const callerWith = async (authorization?: string) =>
      (
        await (
          await server.app.request("/free/cause", { headers: authorization ? { authorization } : {} })
        ).json()
      ).caller;
    expect(await callerWith()).toEqual({ kind: "anonymous" });
    expect(await callerWith("Bearer wrong")).toEqual({ kind: "anonymous" });
    expect(await callerWith(`Bearer ${TOKEN}`)).toEqual({ kind: "server" });
    expect(await callerWith("Bearer rt_good")).toEqual(task);
  });

  test("a task needs the scope for what it changes (spec §2.4)", async () => {
    const asTask = { Authorization: "Bearer rt_good" };
    expect((await server.ask("/echo", { method: "POST", headers: asTask })).status).toBe(200);
    expect(await shown(server.ask("/reef/refs/x", { method: "PUT", headers: asTask }))).toEqual([
      403,
      '{"error":"Forbidden — scope \\"admin\\" is required","code":"forbidden"}',
      "forbidden",
    ]);
  });
});

describe("the cause (spec §2.3)", () => {
  test("without a header a server caller has none, with one it is the header's", async () => {
    expect(await body("/echo/cause")).toMatchObject({ causeId: null, module: "echo", inFlight: ["echo"] });
    expect(await body("/echo/cause", { headers: { "X-Reef-Cause": "n1" } })).toMatchObject({ causeId: "n1" });
  });

  test("a task's cause is looked up, and awaited", async () => {
    expect(await body("/echo/cause", { headers: { Authorization: "Bearer rt_good" } })).toMatchObject({
      causeId: "own-node",
      caller: task,
    });
  });

  test("an unknown cause is refused", async () => {
    expect(await shown(server.ask("/echo/cause", { headers: { "X-Reef-Cause": "unknown" } }))).toEqual([
      400,
      '{"error":"Unknown cause \\"unknown\\"","code":"bad_request"}',
      "bad_request",
    ]);
  });

  test("an in-process call keeps the cause and acts as it is told", async () => {
    const call = () => server.ctx.fetch("/echo/cause", { as: { kind: "panel", panel: "board" } });
    const answer = await server.ctx.withCause("n7", call);
    expect(await answer.json()).toMatchObject({ causeId: "n7", caller: { kind: "panel", panel: "board" } });
    expect(await (await server.ctx.fetch("/echo/cause")).json()).toMatchObject({
      causeId: null,
      caller: { kind: "server" },
    });
  });

  test("an in-process call by nobody is refused where a token is needed", async () => {
    expect((await server.ctx.fetch("/echo", { as: { kind: "anonymous" } })).status).toBe(401);
  });
});

describe("what a module may do wrong (spec §2.6)", () => {
  const hostile = new Hono();
  hostile.get("/throw", () => {
    throw new Error("secret detail");
  });
  hostile.get("/reject", () => Promise.reject(new Error("secret detail")));
  hostile.get("/throw-text", () => {
    throw "text";
  });
  hostile.get("/reject-nothing", () => Promise.reject());
  hostile.get("/no-response", () => ({ not: "a response" }) as never);
  hostile.get("/nothing", () => undefined as never);
  hostile.get("/reef-error", () => {
    throw new ReefError("conflict", "taken", { by: "x" });
  });
  hostile.get("/limited", () => {
    throw new ReefError("rate_limited", "slow down", { retryAfter: 7 });
  });
  hostile.get("/http-exception", () => {
    throw new HTTPException(418, { message: "teapot" });
  });
  hostile.get("/http-exception-own", () => {
    throw new HTTPException(401, { res: new Response("own", { headers: { "X-Own": "1" } }) });
  });
  hostile.get("/text-500", (c) => c.text("stack trace", 500));
  hostile.get("/html-503", (c) => c.html("<b>trace</b>", 503));
  hostile.get("/json-502", (c) => c.json({ error: "upstream", detail: 1 }, 502));
  hostile.get(
    "/problem-500",
    () =>
      new Response('{"title":"x"}', { status: 500, headers: { "Content-Type": "application/problem+json" } }),
  );
  hostile.get("/text-404", (c) => c.text("not here", 404));
  hostile.get("/not-found", (c) => c.notFound());
  hostile.get(
    "/bytes",
    () => new Response(new Uint8Array([0, 255, 128, 10]), { headers: { "Content-Type": "image/x-test" } }),
  );
  const kept = new Response("kept");
  hostile.get("/kept", () => kept);
  hostile.post("/json", async (c) => c.json(await c.req.json()));
  hostile.post("/raw-json", async (c) => c.json(await c.req.raw.json()));
  hostile.post("/parse-text", async (c) => c.json(JSON.parse(await c.req.text())));
  hostile.post("/own-json", async (c) => {
    await c.req.json();
    return c.json(JSON.parse("{nope"));
  });
  hostile.use("/mw/*", async (c, next) => {
    await next();
    c.header("X-Middleware", "ran");
  });
  hostile.get("/mw/throw", () => {
    throw new Error("inside");
  });
  const own = new Hono();
  own.onError((_error, c) => c.json({ mine: true }, 409));
  own.get("/throw", () => {
    throw new Error("handled by the module");
  });

  let bad: TestServer;
  beforeAll(async () => {
    bad = await startServer({
      modules: [
        { name: "bad", routes: hostile },
        { name: "own", routes: own },
      ],
    });
  });
  afterAll(() => bad.end());

  test.each(["throw", "reject", "throw-text", "reject-nothing", "no-response"])(
    "%s is the exact 500, and the server goes on",
    async (path) => {
      expect(await shown(bad.ask(`/bad/${path}`))).toEqual([...INTERNAL]);
      expect((await bad.ask("/health")).status).toBe(200);
    },
  );

  test("a failure is in the log and is the module's last error", async () => {
    await bad.ask("/bad/throw");
    expect(bad.lines).toContain("error a request failed: secret detail");
    expect(bad.ctx.registry.list()[0]?.lastError).toMatchObject({ message: "secret detail" });
  });

  test("middleware around a handler that throws still runs", async () => {
    const answer = await bad.ask("/bad/mw/throw");
    expect(answer.headers.get("X-Middleware")).toBe("ran");
    expect(await shown(answer)).toEqual([...INTERNAL]);
  });

  test("a handler that answers nothing, and one that finds nothing, are 404", async () => {
    expect(await shown(bad.ask("/bad/nothing"))).toEqual([...NOT_FOUND]);
    expect(await shown(bad.ask("/bad/not-found"))).toEqual([...NOT_FOUND]);
  });

  test("ReefError and HTTPException have their status and message", async () => {
    expect(await shown(bad.ask("/bad/reef-error"))).toEqual([
      409,
      '{"by":"x","error":"taken","code":"conflict"}',
      "conflict",
    ]);
    expect(await shown(bad.ask("/bad/http-exception"))).toEqual([
      418,
      '{"error":"teapot","code":"bad_request"}',
      "bad_request",
    ]);
    const limited = await bad.ask("/bad/limited");
    expect([limited.status, limited.headers.get("Retry-After")]).toEqual([429, "7"]);
  });

  test("an HTTPException with a response of its own answers with that", async () => {
    const answer = await bad.ask("/bad/http-exception-own");
    expect([answer.status, await answer.text(), answer.headers.get("X-Own")]).toEqual([401, "own", "1"]);
  });

  test("a Response that was sent before is the module's failure, not the server's", async () => {
    expect(await shown(bad.ask("/bad/kept"))).toEqual([200, "kept", null]);
    expect(await shown(bad.ask("/bad/kept"))).toEqual([...INTERNAL]);
  });

  test("a module's own error handler decides", async () => {
    expect(await shown(bad.ask("/own/throw"))).toEqual([409, '{"mine":true}', null]);
  });

  test("a 5xx whose body is not JSON keeps its status and loses its body", async () => {
    expect(await shown(bad.ask("/bad/text-500"))).toEqual([...INTERNAL]);
    expect(await shown(bad.ask("/bad/html-503"))).toEqual([503, INTERNAL[1], "internal"]);
  });

  test("a 4xx, and a 5xx with a JSON body, are passed on unchanged", async () => {
    expect(await shown(bad.ask("/bad/text-404"))).toEqual([404, "not here", null]);
    expect(await shown(bad.ask("/bad/json-502"))).toEqual([502, '{"error":"upstream","detail":1}', null]);
    expect(await shown(bad.ask("/bad/problem-500"))).toEqual([500, '{"title":"x"}', null]);
  });

  test("binary bodies and content types go out as they are", async () => {
    const answer = await bad.ask("/bad/bytes");
    expect(answer.headers.get("content-type")).toBe("image/x-test");
    expect([...(await answer.bytes())]).toEqual([0, 255, 128, 10]);
  });

  test.each(["json", "raw-json", "parse-text"])(
    "a body that is not JSON is 400 in %s, however it is read",
    async (path) => {
      for (const text of ["{nope", "", "undefined"]) {
        expect(await shown(bad.ask(`/bad/${path}`, { method: "POST", body: text }))).toEqual([
          400,
          '{"error":"Invalid JSON body","code":"bad_request"}',
          "bad_request",
        ]);
      }
    },
  );

  test("some other text that is not JSON is the module's own failure", async () => {
    expect(await shown(bad.ask("/bad/own-json", { method: "POST", body: "{}" }))).toEqual([...INTERNAL]);
  });
});

describe("body limits (spec §2.7)", () => {
  const TOO_LARGE = (limit: number) => [
    413,
    `{"limit":${limit},"error":"body too large","code":"too_large"}`,
    "too_large",
  ];
  const routes = new Hono();
  routes.post("/json", async (c) => c.json({ got: JSON.stringify(await c.req.json()).length }));
  routes.post("/read", async (c) =>
    c.json(await readBody(c, Type.Object({ a: Type.Optional(Type.String()) }))),
  );
  routes.post("/swallow", async (c) =>
    c.json({
      length: await c.req.text().then(
        (text) => text.length,
        () => "swallowed",
      ),
    }),
  );
  routes.post("/ignore", (c) => c.text("unread"));
  routes.post("/headers", async (c) =>
    c.json({
      type: c.req.header("content-type"),
      custom: c.req.header("x-custom"),
      text: await c.req.text(),
    }),
  );

  let limited: TestServer;
  let pulled = 0;
  beforeAll(async () => {
    const modules: ServiceModule[] = [
      { name: "small", routes, maxBodyBytes: 100 },
      { name: "normal", routes },
    ];
    limited = await startServer({ modules, config: { maxBodyBytes: 1000 } });
  });
  afterAll(() => limited.end());

  function endless(): ReadableStream<Uint8Array> {
    pulled = 0;
    return new ReadableStream({
      pull(controller) {
        pulled += 10;
        controller.enqueue(new Uint8Array(10).fill(48));
      },
    });
  }

  test("an announced length over the limit is refused before anything is read", async () => {
    const init = { method: "POST", body: "0".repeat(101), headers: { "Content-Length": "101" } };
    expect(await shown(limited.ask("/small/json", init))).toEqual(TOO_LARGE(100));
    expect(await shown(limited.ask("/small/ignore", init))).toEqual(TOO_LARGE(100));
    expect((await limited.ask("/normal/ignore", init)).status).toBe(200);
  });

  test.each(["json", "read", "swallow"])(
    "a body of unknown length is cut off at the limit (%s)",
    async (path) => {
      expect(await shown(limited.ask(`/small/${path}`, { method: "POST", body: endless() }))).toEqual(
        TOO_LARGE(100),
      );
      expect(pulled).toBeLessThan(200);
    },
  );

  test("a body of unknown length within the limit arrives whole, headers included", async () => {
    const body = new Blob(["0".repeat(50), "1".repeat(50)]).stream();
    const init = { method: "POST", body, headers: { "Content-Type": "text/x", "X-Custom": "c" } };
    const answer = await limited.ask("/small/headers", init);
    expect(await answer.json()).toEqual({
      type: "text/x",
      custom: "c",
      text: "0".repeat(50) + "1".repeat(50),
    });
  });

  test("the same holds over a socket, chunked or not", async () => {
    const socket = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request, bun) => limited.app.fetch(request, bun),
    });
    const post = (path: string, body: BodyInit) =>
      fetch(new URL(path, socket.url), {
        method: "POST",
        body,
        headers: { Authorization: `Bearer ${TOKEN}` },
      });
    try {
      expect(await (await post("/small/json", '{"a":1}')).json()).toEqual({ got: 7 });
      expect(await shown(post("/small/json", `"${"0".repeat(200)}"`))).toEqual(TOO_LARGE(100));
      expect(await shown(post("/small/read", new Blob(["0".repeat(300)]).stream()))).toEqual(TOO_LARGE(100));
      expect((await post("/small/swallow", new Blob(["0".repeat(90)]).stream())).status).toBe(200);
    } finally {
      await socket.stop(true);
    }
  });
});

describe("the socket", () => {
  test("is known by the request that came, also when the body was counted on the way", async () => {
    const seen: unknown[] = [];
    const connection = {
      timeout: (request: Request, seconds: number) => seen.push([request === came, seconds]),
      requestIP: (request: Request) => (request === came ? { address: "10.1.2.3" } : null),
    };
    let ctx: ServiceContext | undefined;
    const module: ServiceModule = {
      name: "x",
      init: (given) => {
        ctx = given;
      },
      routes: new Hono().all("/", async (c) => {
        noTimeout(c);
        return c.json([ctx?.caller(), await c.req.text()]);
      }),
    };
    const one = await startServer({ modules: [module] });
    const headers = { Authorization: `Bearer ${TOKEN}` };
    let came = new Request("http://localhost/x", { headers });
    const caller = { kind: "server", address: "10.1.2.3" };
    expect(await (await one.app.fetch(came, connection)).json()).toEqual([caller, ""]);
    came = new Request("http://localhost/x", { method: "POST", headers, body: "counted" });
    expect(await (await one.app.fetch(came, connection)).json()).toEqual([caller, "counted"]);
    expect(seen).toEqual([
      [true, 0],
      [true, 0],
    ]);
    await one.end();
  });
});

describe("requests and versions", () => {
  test("a request counts as in flight until its handler has answered", async () => {
    const gate = Promise.withResolvers<void>();
    const routes = new Hono().get("/", async (c) => {
      await gate.promise;
      return c.text("done");
    });
    const one = await startServer({ modules: [{ name: "slow", routes }] });
    const answer = one.ask("/slow");
    await Bun.sleep(0);
    expect(one.registry.live.get("slow")?.inFlight).toBe(1);
    gate.resolve();
    await answer;
    expect(one.registry.live.get("slow")?.inFlight).toBe(0);
    await one.end();
  });

  test("what descends from a request names its flights: in process by itself, from outside by its cause", async () => {
    const seen: unknown[] = [];
    let inner: ServiceContext | undefined;
    const names = () => currentCause()?.inFlight.map((key) => key.split("@")[0]);
    const outer: ServiceModule = {
      name: "outer",
      init: (ctx) => {
        inner = ctx;
      },
      routes: new Hono().get("/", async (c) => {
        await inner?.fetch("/inner");
        await one.ask("/inner", { headers: { "X-Reef-Cause": "n1" } });
        await one.ask("/inner", { headers: { "X-Reef-Cause": "n2" } });
        return c.text("done");
      }),
    };
    const innerModule: ServiceModule = {
      name: "inner",
      routes: new Hono().get("/", (c) => {
        seen.push(names());
        return c.text("");
      }),
    };
    const one = await startServer({ modules: [outer, innerModule] });
    await one.ask("/outer", { headers: { "X-Reef-Cause": "n1" } });
    expect(seen).toEqual([["outer", "inner"], ["outer", "inner"], ["inner"]]);
    await one.end();
  });
});
