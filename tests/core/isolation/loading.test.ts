// Folders that are to run in a process: loaded, replaced, unloaded and refused as any others, through the registry.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import type { ServerOptions } from "../../../src/core/server.js";
import type { ServiceContext } from "../../../src/core/types.js";
import { write } from "../modules.js";
import { startServer, type TestServer } from "../servers.js";
import { isAlive, leftOf, until } from "./world.js";

const IN_PROCESS = { "package.json": JSON.stringify({ reef: { isolation: "process" } }) };

const SOURCE = (version: number, more = "", init = "") => `
import { Hono } from "hono";
import { version } from "./version.js";
let ctx;
const routes = new Hono();
routes.get("/", (c) => c.json({ version, pid: process.pid }));
routes.get("/slow", async (c) => { await ctx.fetch("/gate"); return c.text("slow " + version); });
routes.get("/reload", async (c) => {
  const answer = await ctx.fetch("/manage/reload/fresh");
  return c.json({ version, answer: await answer.json(), after: (await (await ctx.fetch("/fresh")).json()).version });
});
routes.get("/descend", async (c) => { await ctx.fetch("/gate"); return c.json({ own: version, called: (await (await ctx.fetch("/fresh")).json()).version }); });
${more}
export default { name: "fresh", description: "v${version}", routes, init(given) { ctx = given; ${init} } };
`;
const files = (version: number, more?: string, init?: string) => ({
  ...IN_PROCESS,
  "index.ts": SOURCE(version, more, init),
  "version.ts": `export const version = ${version};\n`,
});

let dataDir: string;
let server: TestServer;
let gate: PromiseWithResolvers<void>;
let atGate: PromiseWithResolvers<void>;
const running: string[] = [];

async function start(options: ServerOptions = {}): Promise<TestServer> {
  server = await startServer({ servicesDir: join(dataDir, "services"), ...options, config: { dataDir } });
  await server.registry.addObject({
    name: "gate",
    routes: new Hono().get("/", async (c) => {
      atGate.resolve();
      await gate.promise;
      return c.text("open");
    }),
  });
  let ctx: ServiceContext;
  await server.registry.addObject({
    name: "manage",
    routes: new Hono().get("/reload/:name", async (c) =>
      c.json(await ctx.registry.replace(c.req.param("name"))),
    ),
    init: (given) => {
      ctx = given;
    },
  });
  return server;
}

const service = (contents: Record<string, string>, folder = "fresh") =>
  write(join(dataDir, "services", folder), contents);
const ask = async (path = "/fresh") => (await server.ask(path)).json();
const problems = () => server.registry.problems().map(({ dir, error }) => [dir, error]);

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "reef-isolated-"));
  gate = Promise.withResolvers();
  atGate = Promise.withResolvers();
});
afterEach(async () => {
  gate.resolve();
  await server.end();
  expect((await leftOf(dataDir)).processes).toEqual([]);
  await rm(dataDir, { recursive: true, force: true });
});

describe("a folder whose package.json asks for a process", () => {
  test("runs in one, and GET /services says so (spec §5.8, §6.1)", async () => {
    await service(files(1));
    await start();
    const { pid } = await ask();
    expect(pid).not.toBe(process.pid);
    const [status] = server.registry.list().filter(({ name }) => name === "fresh");
    expect(status).toMatchObject({ isolation: "process", description: "v1", hasRoutes: true, dir: "fresh" });
    expect(status?.hash).toStartWith("sha256:");
  });

  test("is replaced with all of its files fresh, and the old process goes", async () => {
    await service(files(1));
    await start();
    const before = await ask();
    await service({ "version.ts": "export const version = 2;\n" });
    await server.registry.replace("fresh");
    const after = await ask();
    expect([before.version, after.version]).toEqual([1, 2]);
    await until(() => !isAlive(before.pid));
    expect(isAlive(after.pid)).toBe(true);
  });

  test("leaves nothing of its old versions, however often it is replaced", async () => {
    await service(files(1));
    await start();
    for (let n = 0; n < 4; n++) await server.registry.replace("fresh");
    const { pid } = await ask();
    await until(async () => (await leftOf(dataDir)).processes.length === 1);
    expect((await leftOf(dataDir)).processes).toEqual([pid]);
    await until(async () => (await readdir(join(dataDir, "isolated"))).length === 1);
  });

  test("is unloaded with its process", async () => {
    await service(files(1));
    await start();
    const { pid } = await ask();
    await server.registry.unload("fresh");
    expect((await server.ask("/fresh")).status).toBe(404);
    await until(() => !isAlive(pid));
  });

  test("REEF_ISOLATE=none runs it in the server", async () => {
    await service(files(1));
    server = await startServer({
      servicesDir: join(dataDir, "services"),
      config: { dataDir, isolate: "none" },
    });
    expect((await ask()).pid).toBe(process.pid);
  });
});

describe("a replace while requests run", () => {
  test("lets those in flight finish on the version on which they began (spec §2.1)", async () => {
    await service(files(1));
    await start();
    const slow = server.ask("/fresh/slow");
    await atGate.promise;
    await service({ "version.ts": "export const version = 2;\n" });
    const replaced = server.registry.replace("fresh");
    gate.resolve();
    expect(await (await slow).text()).toBe("slow 1");
    await replaced;
    expect((await ask()).version).toBe(2);
  });

  test("answers every request, by the old version or the new one", async () => {
    await service(files(1));
    await start();
    await service({ "version.ts": "export const version = 2;\n" });
    let isReplaced = false;
    const replaced = server.registry.replace("fresh").then(() => {
      isReplaced = true;
    });
    const versions: number[] = [];
    while (!isReplaced || versions.at(-1) !== 2) versions.push((await ask()).version);
    await replaced;
    expect(versions).toEqual(versions.toSorted());
    expect(new Set(versions).difference(new Set([1, 2])).size).toBe(0);
  });

  test("does not hold what descends from a request in flight, so that nothing waits for itself", async () => {
    await service(files(1));
    await start();
    const descend = ask("/fresh/descend");
    await atGate.promise;
    await service({ "version.ts": "export const version = 2;\n" });
    const replaced = server.registry.replace("fresh");
    gate.resolve();
    expect(await descend).toEqual({ own: 1, called: 1 });
    await replaced;
    expect((await ask()).version).toBe(2);
  });

  test("that a request of the service itself has asked for does not wait for that request", async () => {
    await service(files(1));
    await start();
    await service({ "version.ts": "export const version = 2;\n" });
    const answer = await ask("/fresh/reload");
    expect(answer).toMatchObject({ version: 1, answer: { name: "fresh", action: "updated" } });
    expect((await ask()).version).toBe(2);
  });
});

describe("what does not load leaves the old version serving, and no process", () => {
  test.each([
    [
      "a throw at import",
      { "version.ts": `export const version = 2; throw new Error("no way");` },
      "import error: no way",
    ],
    ["a syntax error", { "version.ts": "export const = ;" }, /^import error: version.ts:1:14: /],
    ["no name", { "index.ts": "export default {};" }, "default export missing 'name' property"],
    [
      "a wrong field",
      { "index.ts": "export default { name: 'fresh', init: 5 };" },
      '"init" must be a function. Received: number',
    ],
    [
      "an exit at import",
      { "version.ts": "export const version = 2; process.exit(7);" },
      "import error: its process ended with exit code 7",
    ],
    ["an init that throws", files(2, "", `throw new Error("not today");`), "init() failed: not today"],
    [
      "an exit in init",
      files(2, "", "process.exit(9);"),
      "init() failed: its process ended with exit code 9",
    ],
    [
      "a getPath of its own",
      {
        "index.ts": `import { Hono } from "hono"; export default { name: "fresh", routes: new Hono({ getPath: () => "/x" }) };`,
      },
      `"routes" with a getPath() of their own cannot run in a process`,
    ],
  ])("%s", async (_what, changes, message) => {
    await service(files(1));
    await start();
    const before = await ask();
    await service(changes);
    const error = await server.registry.replace("fresh").catch((error) => error);
    expect(error).toMatchObject({ code: "bad_request" });
    if (message instanceof RegExp) expect(error.message).toMatch(message);
    else expect(error.message).toBe(message);
    expect(problems()).toEqual([["fresh", error.message]]);
    expect(await ask()).toMatchObject({ version: 1 });
    const own = (await leftOf(dataDir)).processes;
    expect(own).toEqual([(await ask()).pid]);
    expect(before.version).toBe(1);
  });

  test("an import that never ends is ended after its limit (spec §5.2)", async () => {
    await service({ ...files(1), "version.ts": "export const version = 1;\nwhile (true);\n" });
    server = await startServer({ servicesDir: join(dataDir, "nothing"), config: { dataDir } });
    const { openStage } = await import("../../../src/core/stage.js");
    const { createIsolation } = await import("../../../src/core/isolation/isolate.js");
    const isolation = createIsolation({ ...server, failed: () => running.push("failed") });
    const copy = await (await openStage(join(dataDir, "live"))).copy(join(dataDir, "services/fresh"));
    const error = await isolation.importModule(copy, 1_000).catch((error) => error);
    expect(error).toMatchObject({
      code: "bad_request",
      message: expect.stringMatching(/^import error: took longer/),
    });
    expect(running).toEqual([]);
    expect((await leftOf(dataDir)).processes).toEqual([]);
  });
});

test("what it needs is not live yet: it waits, and its process goes until then (spec §5.2)", async () => {
  await service(
    {
      ...IN_PROCESS,
      "index.ts": `import { Hono } from "hono"; export default { name: "needs", dependencies: ["gate"], routes: new Hono().get("/", (c) => c.text("met")) };`,
    },
    "needs",
  );
  server = await startServer({ servicesDir: join(dataDir, "services"), config: { dataDir } });
  expect(server.registry.problems()).toMatchObject([{ dir: "needs", state: "unmet", missing: ["gate"] }]);
  expect((await leftOf(dataDir)).processes).toEqual([]);
  await server.registry.addObject({ name: "gate" });
  await until(() => server.liveModules.has("needs"));
  expect(await (await server.ask("/needs")).text()).toBe("met");
});

test("a module at the root is asked for its own paths only (spec §2.1)", async () => {
  await service(
    {
      ...IN_PROCESS,
      "index.ts": `import { Hono } from "hono";
const routes = new Hono().use("*", async (c, next) => { await next(); c.header("X-Root", "1"); }).get("/ui", (c) => c.text("ui " + c.req.path)).get("/auth/:x", (c) => c.text(c.req.param("x")));
export default { name: "root", mountAtRoot: true, routes };`,
    },
    "root",
  );
  await start();
  const ui = await server.ask("/ui");
  expect([await ui.text(), ui.headers.get("X-Root")]).toEqual(["ui /ui", "1"]);
  expect(await (await server.ask("/auth/a%20b")).text()).toBe("a b");
  expect((await server.ask("/nothing")).status).toBe(404);
  expect((await server.app.request("/ui")).status).toBe(401);
});

test("a service that gets its routes in init has them (as the store does)", async () => {
  await service(
    {
      ...IN_PROCESS,
      "index.ts": `import { Hono } from "hono";
export default { name: "late", init() { this.routes = new Hono().get("/", (c) => c.text("late")); this.store = { flush() {} }; } };`,
    },
    "late",
  );
  await start();
  expect(await (await server.ask("/late")).text()).toBe("late");
  expect(server.liveModules.get("late")?.store).toEqual({ flush: expect.any(Function) });
});
