// A service in a process answers what it would answer in the server: the same requests go to both, and the answers are
// compared.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type IsolatedWorld, openIsolatedWorld } from "./world.js";

const SOURCE = (name: string) => `
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { Type } from "@sinclair/typebox";
import { ReefError } from "#core/errors.js";
import { readBody } from "#core/http.js";

const routes = new Hono();
routes.all("/", (c) => c.json({ path: c.req.path, query: c.req.query("q") ?? null, url: new URL(c.req.url).search, method: c.req.method }));
routes.get("/deep/:id", (c) => c.json({ path: c.req.path, id: c.req.param("id"), raw: new URL(c.req.url).pathname.slice("/${name}".length) }));
routes.get("/headers", (c) => c.json({ own: c.req.header("x-own"), host: c.req.header("host") ?? null, cookie: c.req.header("cookie") }));
routes.get("/throw", () => { throw new Error("secret detail"); });
routes.get("/reject", () => Promise.reject(new Error("secret detail")));
routes.get("/throw-text", () => { throw "text"; });
routes.get("/reject-nothing", () => Promise.reject());
routes.get("/no-response", () => ({ not: "a response" }));
routes.get("/nothing", () => undefined);
routes.get("/reef-error", () => { throw new ReefError("conflict", "taken", { by: "x" }); });
routes.get("/limited", () => { throw new ReefError("rate_limited", "slow down", { retryAfter: 7 }); });
routes.get("/http-exception", () => { throw new HTTPException(418, { message: "teapot" }); });
routes.get("/http-exception-own", () => { throw new HTTPException(401, { res: new Response("own", { headers: { "X-Own": "1" } }) }); });
routes.get("/text-500", (c) => c.text("stack trace", 500));
routes.get("/html-503", (c) => c.html("<b>trace</b>", 503));
routes.get("/json-502", (c) => c.json({ error: "upstream", detail: 1 }, 502));
routes.get("/problem-500", () => new Response('{"title":"x"}', { status: 500, headers: { "Content-Type": "application/problem+json" } }));
routes.get("/text-404", (c) => c.text("not here", 404));
routes.get("/not-found", (c) => c.notFound());
routes.get("/bytes", () => new Response(new Uint8Array([0, 255, 128, 10]), { headers: { "Content-Type": "image/x-test" } }));
routes.get("/plain", () => new Response("plain"));
routes.get("/empty", (c) => c.body(null, 204));
routes.get("/empty-text", (c) => c.text(""));
routes.get("/redirect", (c) => c.redirect("/elsewhere", 302));
routes.get("/cookies", (c) => { c.header("Set-Cookie", "a=1; Path=/"); c.header("Set-Cookie", "b=2", { append: true }); return c.text("ok"); });
routes.get("/status-text", () => new Response("x", { status: 299, statusText: "Own Words" }));
routes.get("/umlaut", (c) => c.json({ text: "äöü €" }));
routes.get("/stream-text", () => new Response(new ReadableStream({ start(c) { c.enqueue("a"); c.enqueue(new TextEncoder().encode("b")); c.close(); } })));
routes.get("/form", () => { const form = new FormData(); form.set("a", "1"); return new Response(new URLSearchParams({ a: "1 2" })); });
const kept = new Response("kept");
routes.get("/kept", () => kept);
routes.post("/json", async (c) => c.json(await c.req.json()));
routes.post("/raw-json", async (c) => c.json(await c.req.raw.json()));
routes.post("/parse-text", async (c) => c.json(JSON.parse(await c.req.text())));
routes.post("/own-json", async (c) => { await c.req.json(); return c.json(JSON.parse("{nope")); });
routes.post("/schema", async (c) => c.json(await readBody(c, Type.Object({ name: Type.String() }))));
routes.post("/form", async (c) => c.json(await c.req.parseBody()));
routes.post("/length", async (c) => c.json({ bytes: (await c.req.arrayBuffer()).byteLength }));
routes.post("/swallow", async (c) => { try { await c.req.text(); } catch {} return c.text("swallowed"); });
routes.post("/unread", (c) => c.text("unread"));
routes.use("/mw/*", async (c, next) => { await next(); c.header("X-Middleware", "ran"); });
routes.get("/mw/throw", () => { throw new Error("inside"); });
routes.use("/mended/*", async (c, next) => { await next(); if (c.res.status === 500) c.res = c.json({ mended: true }, 503); });
routes.get("/mended/throw", () => { throw new Error("mended"); });
const own = new Hono();
own.onError((_error, c) => c.json({ mine: true }, 409));
own.get("/throw", () => { throw new Error("handled"); });
own.notFound((c) => c.text("own 404", 404));
routes.route("/own", own);
routes.put("/put/:a/:b{[0-9]+}", (c) => c.json(c.req.param()));
routes.delete("/gone", (c) => c.body(null, 204));
routes.get("/open/:id", (c) => c.text("open"));
export default {
  name: "${name}", description: "Says what it was asked", routes, maxBodyBytes: 100, publicRoutes: ["GET /open/:id"],
  routeDocs: { "GET /": { summary: "Says" } }, dependencies: [], capabilities: ["echo.say"], panelUses: ["feed"],
};
`;

let world: IsolatedWorld;
beforeAll(async () => {
  world = await openIsolatedWorld();
  await world.isolated("apart", SOURCE("apart"));
  await world.inServer("inside", SOURCE("inside"));
});
afterAll(() => world.close());

async function answerOf(name: string, path: string, init?: RequestInit) {
  const answer = await world.server.ask(`/${name}${path}`, init);
  const { status, statusText, headers } = answer;
  return { status, statusText, headers: [...headers].sort(), body: await answer.text() };
}

async function failuresOf(name: string): Promise<string | undefined> {
  return world.server.registry.list().find((one) => one.name === name)?.lastError?.message;
}

/** Asks both, and expects one answer. */
async function same(path: string, init?: () => RequestInit) {
  const [apart, inside] = [await answerOf("apart", path, init?.()), await answerOf("inside", path, init?.())];
  expect(apart).toEqual(inside);
  expect(await failuresOf("apart")).toBe(await failuresOf("inside"));
  return apart;
}

const streamed = (...parts: string[]) => ({
  method: "POST",
  body: new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(new TextEncoder().encode(part));
      controller.close();
    },
  }),
});

describe("what a handler answers (spec §2.6, §5.8)", () => {
  test.each([
    ["throw", 500],
    ["reject", 500],
    ["throw-text", 500],
    ["reject-nothing", 500],
    ["no-response", 500],
    ["nothing", 404],
    ["reef-error", 409],
    ["limited", 429],
    ["http-exception", 418],
    ["http-exception-own", 401],
    ["text-500", 500],
    ["html-503", 503],
    ["json-502", 502],
    ["problem-500", 500],
    ["text-404", 404],
    ["not-found", 404],
    ["none", 404],
    ["bytes", 200],
    ["plain", 200],
    ["empty", 204],
    ["empty-text", 200],
    ["redirect", 302],
    ["cookies", 200],
    ["status-text", 299],
    ["umlaut", 200],
    ["stream-text", 200],
    ["form", 200],
    ["mw/throw", 500],
    ["mended/throw", 503],
    ["own/throw", 409],
    ["own/none", 404],
    ["put/a/b", 404],
  ])(
    "%s is the same %d in a process and in the server, and counts as the same failure",
    async (path, status) => {
      expect((await same(`/${path}`)).status).toBe(status);
    },
  );

  test("a Response that was sent before is refused the second time", async () => {
    expect((await same("/kept")).body).toBe("kept");
    expect((await same("/kept")).status).toBe(500);
  });

  test("a thrown error is in the log with the stack of the service's own file", async () => {
    await same("/throw");
    expect(world.server.lines).toContain("error a request failed: secret detail");
  });
});

describe("what a handler is asked", () => {
  test.each([
    "",
    "/",
    "?q=1",
    "/deep/a%2Fb%20c?x=%20",
    "?q=%2F%26",
    "/deep/%E2%82%AC",
    "/deep/..%2f..",
    "/put/1/2",
  ])("GET %p", async (path) => {
    await same(path);
  });

  test.each(["PUT", "PATCH", "DELETE", "OPTIONS", "POST"])(
    "%s reaches the handler as it is",
    async (method) => {
      const { body } = await same("/", () => ({ method, body: "x" }));
      expect(JSON.parse(body)).toMatchObject({ method });
      await same("/put/1/2", () => ({ method }));
      await same("/gone", () => ({ method }));
    },
  );

  test("HEAD is GET without a body, and ends streams", async () => {
    for (const path of ["/", "/bytes", "/throw", "/none", "/stream-text", "/empty"]) {
      const { body } = await same(path, () => ({ method: "HEAD" }));
      expect(body).toBe("");
    }
  });

  test("headers reach it, those of two lines too", async () => {
    const headers = new Headers([
      ["x-own", "one"],
      ["x-own", "two"],
      ["cookie", "a=1; b=2"],
    ]);
    expect(JSON.parse((await same("/headers", () => ({ headers }))).body)).toMatchObject({ own: "one, two" });
  });

  test("public routes are open, and no others", async () => {
    const open = () => ({ headers: { Authorization: "" } });
    expect((await same("/open/1", open)).status).toBe(200);
    expect((await same("/open/1", () => ({ ...open(), method: "POST" }))).status).toBe(401);
    expect((await same("/bytes", open)).status).toBe(401);
  });
});

describe("bodies", () => {
  test.each([
    ["json", '{"a":1}', 200],
    ["json", "{nope", 400],
    ["json", "", 400],
    ["raw-json", "{nope", 400],
    ["parse-text", "{nope", 400],
    ["own-json", "{}", 500],
    ["schema", "[]", 400],
    ["schema", '{"name":1}', 400],
    ["schema", '{"name":"x"}', 200],
    ["unread", "x".repeat(50), 200],
    ["length", "x".repeat(100), 200],
    ["length", "x".repeat(101), 413],
    ["json", "x".repeat(101), 413],
  ])("POST /%s with %p is %d", async (path, body, status) => {
    const length = { "content-length": String(body.length) };
    expect((await same(`/${path}`, () => ({ method: "POST", body, headers: length }))).status).toBe(status);
    expect((await same(`/${path}`, () => ({ method: "POST", body }))).status).toBe(status);
    expect((await same(`/${path}`, () => streamed(...body.slice(0, 60), body.slice(60)))).status).toBe(
      status,
    );
  });

  test("a body over its limit is 413 whatever the handler makes of it (spec §2.7)", async () => {
    const answer = await same("/swallow", () => streamed("x".repeat(90), "y".repeat(90)));
    expect(JSON.parse(answer.body)).toEqual({ error: "body too large", code: "too_large", limit: 100 });
  });

  test("a form is read", async () => {
    const form = () => ({ method: "POST", body: new URLSearchParams({ a: "1 2", b: "ä" }) });
    expect(JSON.parse((await same("/form", form)).body)).toEqual({ a: "1 2", b: "ä" });
  });
});

test("the module that stands in the server looks like the real one", async () => {
  const { liveModules } = world.server;
  const [apart, inside] = [liveModules.get("apart"), liveModules.get("inside")];
  const { routes: _a, init: _b, name: _c, ...rest } = { ...apart };
  const { routes: _d, init: _e, name: _f, ...expected } = { ...inside };
  expect(rest).toEqual(expected);
  const { routesOf } = await import("../../../src/core/module-routes.js");
  const relative = (module: typeof apart) =>
    module && routesOf(module).map(({ method, relativePath, docs }) => ({ method, relativePath, docs }));
  expect(relative(apart)).toEqual(relative(inside));
});
