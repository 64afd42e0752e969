// The kernel's own routes.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { Hono } from "hono";
import packageJson from "../../package.json" with { type: "json" };
import type { Readiness } from "../../src/core/health.js";
import { shown, startServer, type TestServer } from "./servers.js";

const good: Readiness = { checks: { tree: { ok: true }, agent: { ok: true, detail: "compiled" } } };
let readiness: Readiness = good;
let server: TestServer;
beforeAll(async () => {
  const routes = new Hono().get("/", (c) => c.text(""));
  server = await startServer({
    modules: [{ name: "zoo", routes }, { name: "ant", routes }, { name: "no-routes" }],
    ready: () => readiness,
    version: () => ({ version: "0.73.1", path: "/pi" }),
  });
});
afterAll(() => server.end());

test("/health is open and names the live modules with routes (spec §3)", async () => {
  for (const path of ["/health", "/health/"]) {
    const answer = await server.app.request(path);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({
      status: "ok",
      uptime: expect.any(Number),
      services: ["ant", "zoo"],
    });
  }
  expect((await server.app.request("/health", { method: "HEAD" })).status).toBe(200);
});

test("only the whole path is the kernel's, and only to read", async () => {
  expect((await server.app.request("/health/x")).status).toBe(404);
  expect((await server.app.request("/health", { method: "POST" })).status).toBe(404);
});

test("/ready tells the status to everybody and the checks to callers (spec §3)", async () => {
  readiness = good;
  expect(await shown(server.app.request("/ready"))).toEqual([200, '{"status":"ready"}', null]);
  expect(
    await (await server.app.request("/ready", { headers: { Authorization: "Bearer wrong" } })).json(),
  ).toEqual({ status: "ready" });
  expect(await (await server.ask("/ready")).json()).toEqual({
    status: "ready",
    checks: { ...good.checks, modules: { ok: true } },
  });
});

test("/ready is 503 when the tree or the agent fails and once a stop has begun (spec §3)", async () => {
  readiness = { checks: { ...good.checks, agent: { ok: false, detail: "no pi" } } };
  expect(await shown(server.app.request("/ready"))).toEqual([503, '{"status":"not_ready"}', null]);
  readiness = { ...good, stopping: true };
  expect((await server.ask("/ready")).status).toBe(503);
});

test("a broken module is listed in /ready and does not make it 503 (spec §3)", async () => {
  const broken = await startServer({
    modules: [
      {
        name: "x",
        registerTools: () => {
          throw new Error("no");
        },
      },
    ],
  });
  const answer = await broken.ask("/ready");
  expect(answer.status).toBe(200);
  expect((await answer.json()).checks.modules).toEqual({ ok: false, detail: expect.stringContaining("x: ") });
  await broken.end();
});

test("/version needs a token (spec §3)", async () => {
  expect((await server.app.request("/version")).status).toBe(401);
  expect(await (await server.ask("/version")).json()).toEqual({
    name: "reef",
    version: packageJson.version,
    bun: Bun.version,
    pi: { version: "0.73.1", path: "/pi" },
    startedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
  });
});
