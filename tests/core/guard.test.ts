// Without a server token: which hosts and origins may call.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { shown, startServer, type TestServer, TOKEN } from "./servers.js";

const HOST = [403, '{"error":"Host not allowed","code":"forbidden"}', "forbidden"];
const ORIGIN = [403, '{"error":"Origin not allowed","code":"forbidden"}', "forbidden"];

let dev: TestServer;
let closed: TestServer;
beforeAll(async () => {
  const routes = new Hono().all("/", (c) => c.text("in")).all("/share/:id", (c) => c.text("shared"));
  const modules = [{ name: "x", routes, publicRoutes: ["GET /share/:id"] }];
  dev = await startServer({
    modules,
    config: { token: undefined, allowedHosts: ["Reef.Example", "fe80::1"] },
  });
  closed = await startServer({ modules });
});
afterAll(async () => {
  await dev.end();
  await closed.end();
});

const ask = (path: string, headers: Record<string, string>, method = "GET") =>
  dev.app.request(path, { headers, method });

describe("Host (spec §2.5)", () => {
  test.each([
    "localhost",
    "LOCALHOST:3000",
    "127.0.0.1",
    "127.0.0.1:80",
    "[::1]",
    "[::1]:3000",
    "reef.example",
    "reef.example:8080",
    "[fe80::1]:1",
  ])("%s may call", async (host) => expect((await ask("/x", { Host: host })).status).toBe(200));

  test.each([
    "evil.example",
    "localhost.evil.example",
    "127.0.0.2",
    "0.0.0.0:3000",
    "evil.example:localhost",
    "::1",
    "",
  ])("%j is refused everywhere, /health and unknown paths included", async (host) => {
    for (const path of ["/x", "/x/share/1", "/health", "/version", "/nothing", "/reef"]) {
      expect(await shown(ask(path, { Host: host }))).toEqual(HOST);
    }
  });

  test("without the header the URL's host counts", async () => {
    expect((await dev.app.request("http://127.0.0.1:9/x")).status).toBe(200);
    expect(await shown(dev.app.request("http://evil.example/x"))).toEqual(HOST);
  });
});

describe("Origin and Sec-Fetch-Site (spec §2.5)", () => {
  const Host = "localhost:3000";

  test.each([
    "http://evil.example",
    "null",
    "https://localhost:3000",
    "http://localhost",
    "http://127.0.0.1:3000",
    "garbage",
  ])("origin %s is refused", async (origin) => {
    for (const path of ["/x", "/health", "/nothing"])
      expect(await shown(ask(path, { Host, Origin: origin }))).toEqual(ORIGIN);
  });

  test("the request's own origin may call, a default port spelt out or not", async () => {
    expect((await ask("/x", { Host, Origin: "http://localhost:3000" }, "POST")).status).toBe(200);
    expect((await ask("/x", { Host: "localhost:80", Origin: "http://localhost" })).status).toBe(200);
  });

  test.each(["same-origin", "none"])("site %s may call", async (site) => {
    expect((await ask("/x", { Host, "Sec-Fetch-Site": site }, "POST")).status).toBe(200);
  });

  test.each(["cross-site", "same-site"])("site %s is refused unless a person goes there", async (site) => {
    const headers = { Host, "Sec-Fetch-Site": site };
    const going = { ...headers, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document" };
    expect(await shown(ask("/x", headers))).toEqual(ORIGIN);
    expect((await ask("/x", going)).status).toBe(200);
    expect(await shown(ask("/x", going, "POST"))).toEqual(ORIGIN);
    expect(await shown(ask("/x", { ...going, "Sec-Fetch-Dest": "iframe" }))).toEqual(ORIGIN);
  });

  test("public routes also take an opaque origin or none, from any site, and no other foreign origin", async () => {
    const site = { Host, "Sec-Fetch-Site": "cross-site" };
    expect((await ask("/x/share/1", { ...site, Origin: "null" })).status).toBe(200);
    expect((await ask("/x/share/1", site)).status).toBe(200);
    expect(await shown(ask("/x/share/1", { ...site, Origin: "http://evil.example" }))).toEqual(ORIGIN);
    expect(await shown(ask("/x/share/1", { ...site, Origin: "null" }, "POST"))).toEqual(ORIGIN);
  });
});

test("with a server token neither check applies", async () => {
  const headers = {
    Host: "reef.example.com",
    Origin: "http://evil.example",
    Authorization: `Bearer ${TOKEN}`,
  };
  expect((await closed.app.request("/x", { headers })).status).toBe(200);
});

test("in-process calls pass without either check", async () => {
  expect((await dev.ctx.fetch("/x", { headers: { Host: "evil.example", Origin: "null" } })).status).toBe(200);
});
