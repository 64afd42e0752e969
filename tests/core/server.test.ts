// The whole kernel: modules as objects and as folders, built-ins, and its end.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { createServer } from "../../src/core/server.js";
import type { ServiceModule } from "../../src/core/types.js";
import { shared, write } from "./modules.js";
import { shown, startServer } from "./servers.js";

const folder = mkdtempSync(join(tmpdir(), "reef-folders-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PING = (answer: string) => `
import { Hono } from "hono";
import type { ServiceModule } from "../../src/core/types.js";
import { ReefError } from "#core/errors.js";
import { text } from "./text.js";
const routes = new Hono();
routes.get("/", (c) => c.json({ ping: text, from: "${answer}" }));
routes.get("/gone", () => { throw new ReefError("not_found", "No such ping"); });
export default { name: "ping", description: "Pings", routes } satisfies ServiceModule;
`;

test("a services folder becomes live modules, and one bad folder keeps no other out (spec §5.2)", async () => {
  const servicesDir = join(folder, "services");
  await write(servicesDir, {
    "ping/index.ts": PING("one"),
    "ping/text.ts": 'export const text = "pong";',
    "broken/index.ts": "this is not typescript",
    "nameless/index.ts": "export default {};",
  });
  const server = await startServer({ servicesDir });
  expect([...server.liveModules.keys()]).toEqual(["ping"]);
  expect(await (await server.ask("/ping")).json()).toEqual({ ping: "pong", from: "one" });
  expect(await shown(server.ask("/ping/gone"))).toEqual([
    404,
    '{"error":"No such ping","code":"not_found"}',
    "not_found",
  ]);
  expect(server.registry.problems().map(({ dir }) => dir)).toEqual(["broken", "nameless"]);
  await server.end();
});

test("an edit in any file is live after a reload, and requests meanwhile are answered (spec §5.3)", async () => {
  const servicesDir = join(folder, "reload");
  await write(servicesDir, { "ping/index.ts": PING("one"), "ping/text.ts": 'export const text = "old";' });
  const server = await startServer({ servicesDir });
  await write(servicesDir, { "ping/text.ts": 'export const text = "new";' });
  const asked = Array.from({ length: 5 }, () => server.ask("/ping"));
  const reload = server.ctx.loadModule("ping");
  const during = Array.from({ length: 5 }, () => server.ask("/ping"));
  expect(await reload).toEqual({ name: "ping", action: "updated" });
  for (const answer of await Promise.all([...asked, ...during])) expect(answer.status).toBe(200);
  expect(await (await server.ask("/ping")).json()).toMatchObject({ ping: "new" });
  await server.end();
});

test("a module that reloads itself in a request does not wait for itself (spec §2.1)", async () => {
  const servicesDir = join(folder, "self");
  await write(servicesDir, {
    "self/index.ts": `
import { Hono } from "hono";
let ctx;
const routes = new Hono();
routes.get("/", (c) => c.text("here"));
routes.post("/", async (c) => {
  const change = await ctx.loadModule("self");
  const inner = await ctx.fetch("/self");
  return c.json({ ...change, inner: await inner.text() });
});
export default { name: "self", routes, init(given) { ctx = given; } };
`,
  });
  const server = await startServer({ servicesDir });
  const answer = await server.ask("/self", { method: "POST" });
  expect(await answer.json()).toEqual({ name: "self", action: "updated", inner: "here" });
  await server.end();
});

test("a request that was held passes the gate of the version that came (spec §5.3)", async () => {
  const servicesDir = join(folder, "gates");
  const source = (requiresAuth: boolean) => `
import { Hono } from "hono";
const routes = new Hono().get("/", (c) => c.text("open")).get("/slow", async (c) => { await globalThis.reefTest.answer; return c.text("old"); });
export default { name: "door", requiresAuth: ${requiresAuth}, routes };
`;
  const { promise: answer, resolve } = Promise.withResolvers<void>();
  shared({ answer });
  await write(servicesDir, { "door/index.ts": source(false) });
  const server = await startServer({ servicesDir });
  await write(servicesDir, { "door/index.ts": source(true) });
  const slow = server.app.request("/door/slow");
  const reload = server.ctx.loadModule("door");
  const held = (async () => {
    while (server.registry.live.get("door")?.inFlight !== 1) await Bun.sleep(0);
    // Until the copy is staged nobody is held; a request that is not answered at once is.
    for (;;) {
      const asked = server.app.request("/door");
      const answered = await Promise.race([asked, Bun.sleep(20)]);
      if (answered) {
        await Bun.sleep(1);
        continue;
      }
      resolve();
      return asked;
    }
  })();
  expect(await (await slow).text()).toBe("old");
  await reload;
  expect((await held).status).toBe(401);
  await server.end();
});

test("a root module loads and unloads while running (spec §13.11)", async () => {
  const servicesDir = join(folder, "roots");
  await write(servicesDir, {
    "rooted/index.ts": `
import { Hono } from "hono";
export default { name: "rooted", mountAtRoot: true, requiresAuth: false, routes: new Hono().get("/page", (c) => c.text("page")) };
`,
  });
  const server = await startServer({ servicesDir });
  expect(await (await server.app.request("/page")).text()).toBe("page");
  await server.ctx.unloadModule("rooted");
  expect((await server.app.request("/page")).status).toBe(404);
  await server.ctx.loadModule("rooted");
  expect(await (await server.app.request("/page")).text()).toBe("page");
  await server.end();
});

test("modules given as objects start in order of their dependencies; a bad one is named and the rest serve", async () => {
  const routes = new Hono().get("/", (c) => c.text("up"));
  const server = await startServer({
    modules: [
      { name: "late", routes, dependencies: ["early"] },
      { name: "early", routes },
      {
        name: "bad",
        init: () => {
          throw new Error("no");
        },
      },
      { name: "a", dependencies: ["b"] },
      { name: "b", dependencies: ["a"] },
    ],
  });
  expect([...server.liveModules.keys()]).toEqual(["early", "late"]);
  expect(server.failures.map(({ name, error }) => `${name}: ${(error as Error).message}`)).toEqual([
    "a: Dependency cycle: a -> b -> a",
    "b: Dependency cycle: a -> b -> a",
    "bad: init() failed: no",
  ]);
  expect(server.lines).toContain("error not started: init() failed: no");
  expect((await server.ask("/late")).status).toBe(200);
  await server.end();
});

test("liveModules always shows what is live, and cannot be changed", async () => {
  const server = await startServer({ modules: [{ name: "one" }] });
  const { liveModules } = server;
  expect([liveModules.size, liveModules.has("one"), liveModules.get("one")?.name]).toEqual([1, true, "one"]);
  await server.registry.addObject({ name: "two" });
  expect([...liveModules].map(([name]) => name)).toEqual(["one", "two"]);
  expect(liveModules instanceof Map).toBe(true);
  expect(() => liveModules.set("x", { name: "x" })).toThrow(TypeError);
  await server.end();
});

test("built-ins may have a reserved name, come first and are made from the kernel's parts", async () => {
  const server = await startServer({
    builtIns: (kernel) => [
      {
        name: "reef",
        routes: new Hono().get("/state", (c) =>
          c.json({ live: [...kernel.registry.live.keys()], url: kernel.baseUrl() }),
        ),
      },
    ],
    modules: [{ name: "x" }],
    port: 4321,
  });
  expect((await server.app.request("/reef/state")).status).toBe(401);
  expect(await (await server.ask("/reef/state")).json()).toEqual({
    live: ["reef", "x"],
    url: "http://127.0.0.1:4321",
  });
  server.listening("http://127.0.0.1:5555");
  expect(await (await server.ask("/reef/state")).json()).toMatchObject({ url: "http://127.0.0.1:5555" });
  await server.end();
});

test("a built-in that does not start fails the server", async () => {
  const builtIns = (): ServiceModule[] => [
    {
      name: "reef",
      init: () => {
        throw new Error("no tree");
      },
    },
  ];
  await expect(startServer({ builtIns })).rejects.toThrow("init() failed: no tree");
});

test("without a config the environment is read at the call (spec §5.6)", async () => {
  const before = { ...process.env };
  Object.assign(process.env, {
    VERS_AUTH_TOKEN: "from-env",
    DATA_DIR: join(folder, "env-data"),
    SERVICES_DIR: join(folder, "env"),
    REEF_LOG: "error",
  });
  const server = await createServer({
    modules: [{ name: "x", routes: new Hono().get("/", (c) => c.text("in")) }],
  });
  for (const name of ["VERS_AUTH_TOKEN", "DATA_DIR", "SERVICES_DIR", "REEF_LOG"]) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
  expect(server.config).toMatchObject({ token: "from-env", dataDir: join(folder, "env-data") });
  expect((await server.app.request("/x", { headers: { Authorization: "Bearer from-env" } })).status).toBe(
    200,
  );
  await server.close();
});

test("a tool of an object module runs as its caller, counted as a request of its module", async () => {
  let during: number | undefined;
  const server = await startServer({
    modules: [
      {
        name: "tooled",
        registerTools(pi, client) {
          pi.registerTool({
            name: "who",
            label: "Who",
            description: "Who calls.",
            parameters: { type: "object", properties: {} } as never,
            async execute() {
              during = server.registry.live.get("tooled")?.inFlight;
              return client.ok(client.agentName);
            },
          });
        },
      },
    ],
  });
  const call = { toolCallId: "c1", signal: new AbortController().signal, ctx: { cwd: "/", agentName: "x" } };
  expect((await server.runTool("who", call)).content).toEqual([{ type: "text", text: "server" }]);
  expect([during, server.registry.live.get("tooled")?.inFlight]).toEqual([1, 0]);
  await expect(server.runTool("none", call)).rejects.toMatchObject({ code: "not_found" });
  await server.end();
});

test("close undoes what depends on others first, and may be called twice (spec §1.4)", async () => {
  const ended: string[] = [];
  const module = (name: string, dependencies: string[] = []): ServiceModule => ({
    name,
    dependencies,
    store: { flush: () => void ended.push(`${name} flush`), close: () => void ended.push(`${name} close`) },
  });
  const server = await startServer({ modules: [module("base"), module("upper", ["base"])] });
  await server.close();
  await server.end();
  expect(ended).toEqual(["upper flush", "upper close", "base flush", "base close"]);
});

test("a HEAD request ends the stream that the handler made", async () => {
  let cancelled = false;
  const cancel = () => {
    cancelled = true;
  };
  const routes = new Hono().get("/", () => new Response(new ReadableStream({ cancel })));
  const server = await startServer({ modules: [{ name: "x", routes }] });
  const answer = await server.ask("/x", { method: "HEAD" });
  expect([answer.status, await answer.text(), cancelled]).toEqual([200, "", true]);
  await server.end();
});
