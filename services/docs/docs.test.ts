// The documentation over HTTP: what is listed, how it is joined with what modules say, and how it follows changes.
import { afterEach, describe, expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Hono } from "hono";
import { createServer } from "#core/server.js";
import { openStorage } from "#core/storage.js";
import { createTestHarness, type TestHarness } from "#core/testing.js";
import type { ServiceModule } from "#core/types.js";
import docs from "./index.js";

const harnesses: TestHarness[] = [];
afterEach(async () => {
  for (const harness of harnesses.splice(0)) await harness.cleanup();
});

async function start(...services: ServiceModule[]): Promise<TestHarness> {
  const harness = await createTestHarness({ services: [...services, docs] });
  harnesses.push(harness);
  return harness;
}

const text = () => new Response("text");

async function routesOf(module: ServiceModule) {
  const harness = await start(module);
  return (await harness.json(`/docs/${module.name}`)).data.routes;
}

describe("GET /docs", () => {
  test("lists all live modules by name without itself, and needs no token (spec §8)", async () => {
    const harness = await start({ name: "zebra" }, { name: "ant", description: "Carries things" });
    const { status, data } = await harness.json("/docs");
    expect(status).toBe(200);
    expect(data.services.map(({ name }: { name: string }) => name)).toEqual(["ant", "zebra"]);
    expect(data.services[0]).toEqual({
      name: "ant",
      description: "Carries things",
      auth: true,
      routes: [],
      capabilities: { hasTools: false, hasBehaviors: false, hasWidget: false, hasStore: false },
      dependencies: [],
    });
  });

  test("says what a module is capable of and needs (spec §8)", async () => {
    const full: ServiceModule = {
      name: "full",
      registerTools() {},
      registerBehaviors() {},
      widget: { getLines: async () => [] },
      store: {},
      dependencies: ["bare"],
      requiresAuth: false,
    };
    const harness = await start({ name: "bare" }, full);
    expect((await harness.json("/docs/full")).data).toEqual({
      name: "full",
      description: null,
      auth: false,
      routes: [],
      capabilities: { hasTools: true, hasBehaviors: true, hasWidget: true, hasStore: true },
      dependencies: ["bare"],
    });
  });

  test("a module with an open storage has a store, also when it does not hand it out", async () => {
    const keeping: ServiceModule = {
      name: "keeping",
      init: (ctx) => void openStorage(ctx, { migrations: [] }),
    };
    const harness = await start(keeping);
    expect((await harness.json("/docs/keeping")).data.capabilities.hasStore).toBe(true);
  });

  test("follows what is loaded, replaced and unloaded (spec §8)", async () => {
    const harness = await start();
    const names = async () => {
      const paths = (await harness.json("/docs/openapi.json")).data.paths;
      const page = await (await harness.fetch("/docs/ui")).text();
      const listed = (await harness.json("/docs")).data.services.map(({ name }: { name: string }) => name);
      return {
        listed,
        paths: Object.keys(paths).filter((path) => path.startsWith("/late")),
        page: page.includes("late_get"),
      };
    };
    expect(await names()).toEqual({ listed: [], paths: [], page: false });

    await writeService(harness, "late", "/one");
    await harness.ctx.loadModule("late");
    expect(await names()).toEqual({ listed: ["late"], paths: ["/late/one"], page: true });

    await writeService(harness, "late", "/two");
    await harness.ctx.loadModule("late");
    expect(await names()).toEqual({ listed: ["late"], paths: ["/late/two"], page: true });

    await harness.ctx.unloadModule("late");
    expect(await names()).toEqual({ listed: [], paths: [], page: false });
  });
});

async function writeService(harness: TestHarness, name: string, path: string): Promise<void> {
  const dir = join(harness.ctx.servicesDir, name);
  await mkdir(dir, { recursive: true });
  const routes = `new Hono().get("${path}", (c) => c.text(""))`;
  const module = `import { Hono } from "hono";\nexport default { name: "${name}", routes: ${routes} };\n`;
  await writeFile(join(dir, "index.ts"), module);
}

describe("GET /docs/:service", () => {
  test("an unknown service is 404 with its name (spec §8)", async () => {
    const harness = await start();
    const { status, data } = await harness.json("/docs/nobody");
    expect([status, data]).toEqual([404, { error: 'Service "nobody" not found', code: "not_found" }]);
  });

  test("joins each real route with what is documented of it (spec §8)", async () => {
    const docs = {
      summary: "Read",
      detail: "At length.",
      params: { id: { type: "string", required: true, description: "Which" } },
      query: { limit: { type: "integer", required: false, description: "How many" } },
      body: {},
      response: "{ id }",
    };
    const routes = new Hono()
      .use(async (_c, next) => next())
      .get("/:id", text)
      .post("/:id", text);
    expect(await routesOf({ name: "notes", routes, routeDocs: { "GET /:id": docs } })).toEqual([
      { method: "GET", path: "/notes/:id", ...docs },
      { method: "POST", path: "/notes/:id" },
    ]);
  });

  test("paths are full, as the module writes them (spec §8)", async () => {
    const routes = () =>
      new Hono().get("/", text).all("/any", text).get("/:n{[0-9]+}/*", text).get("/maybe/:id?", text);
    const paths = ["/", "/any", "/:n{[0-9]+}/*", "/maybe/:id?"];
    const named = await routesOf({ name: "named", routes: routes() });
    expect(named.map(({ path }: { path: string }) => path)).toEqual(paths.map((path) => `/named${path}`));
    expect(named[1].method).toBe("ALL");
    const atRoot = await routesOf({ name: "site", routes: routes(), mountAtRoot: true });
    expect(atRoot.map(({ path }: { path: string }) => path)).toEqual(paths);
  });

  test("a public route of a gated module says that it is open", async () => {
    const routes = new Hono()
      .get("/share/:id", text)
      .post("/share/:id", text)
      .get("/x/:id", text)
      .all("/hook", text);
    const publicRoutes = ["GET /share/:linkId", "ALL /hook", "GET /x/special"];
    const open = (await routesOf({ name: "reports", routes, publicRoutes }))
      .filter(({ auth }: { auth?: boolean }) => auth === false)
      .map(({ method, path }: { method: string; path: string }) => `${method} ${path}`);
    expect(open).toEqual(["GET /reports/share/:id", "ALL /reports/hook"]);
  });
});

describe("documented routes that do not exist", () => {
  const stale: () => ServiceModule = () => ({
    name: "stale",
    routes: new Hono().get("/real", text),
    routeDocs: {
      "GET /real": { summary: "Is there" },
      "GET /gone\n": { summary: "Is not" },
      "POST /real": { summary: "Is not, either" },
    },
  });

  test("are left out (spec §8)", async () => {
    expect(await routesOf(stale())).toEqual([{ method: "GET", path: "/stale/real", summary: "Is there" }]);
  });

  test.each(["before", "after"])(
    "are logged once for each load, %s the documentation (spec §8)",
    async (when) => {
      const lines: string[] = [];
      const log = (module = "") => {
        const write = (...args: unknown[]) => void lines.push(`${module}: ${args.join(" ")}`);
        return { debug() {}, info() {}, warn: write, error: write };
      };
      const modules = when === "before" ? [stale(), docs] : [docs, stale()];
      const server = await createServer({ modules, config: { token: "t" }, log });
      await server.app.request("/docs");
      await server.app.request("/docs/stale");
      server.events.fire("module:updated", { name: "stale" });
      await server.close();
      expect(lines).toEqual([
        'docs: "stale" documents routes that it does not have: "GET /gone\\n", "POST /real"',
      ]);
    },
  );

  test("are logged again when another version is loaded", async () => {
    const lines: string[] = [];
    const log = () => ({
      debug() {},
      info() {},
      warn: (line: unknown) => void lines.push(String(line)),
      error() {},
    });
    const server = await createServer({ modules: [docs], config: { token: "t" }, log });
    await server.registry.addObject(stale());
    await server.events.emit("seen");
    await server.registry.unload("stale");
    await server.registry.addObject(stale());
    await server.events.emit("seen");
    await server.close();
    expect(lines.filter((line) => line.startsWith('"stale"')).length).toBe(2);
  });
});

describe("what a module says in another form than documented", () => {
  const odd: [string, unknown][] = [
    ["a text for everything", "GET /x"],
    ["null", null],
    ["a list", [1]],
    ["fields of other types", { summary: 1, detail: {}, params: "id", query: [1], body: 3, response: null }],
    [
      "parameters of other types",
      { summary: "s", query: { a: null, b: "plain", c: 1, d: { type: 5 }, "": {} } },
    ],
    [
      "names that objects have anyway",
      { summary: "s", params: JSON.parse('{"__proto__":{"type":"x"},"constructor":{}}') },
    ],
    ["endless texts", { summary: "s".repeat(1e6), query: { ["n".repeat(1e5)]: { type: "[]".repeat(1e5) } } }],
    [
      "half a surrogate pair",
      { summary: "\ud800", query: { "\ud800": { type: "\ud800", description: "\ud800" } } },
    ],
    [
      "a getter that throws",
      Object.defineProperty({}, "summary", {
        enumerable: true,
        get() {
          throw new Error("no");
        },
      }),
    ],
  ];

  test.each(odd)("%s is answered all the same", async (_what, said) => {
    const routeDocs = { "GET /x/:id": said } as unknown as ServiceModule["routeDocs"];
    const harness = await start({ name: "odd", routes: new Hono().get("/x/:id", text), routeDocs });
    for (const path of ["/docs", "/docs/odd", "/docs/ui", "/docs/openapi.json"]) {
      expect((await harness.fetch(path)).status).toBe(200);
    }
    const [route] = (await harness.json("/docs/odd")).data.routes;
    expect(route).toMatchObject({ method: "GET", path: "/odd/x/:id" });
    expect(JSON.stringify(route).length).toBeLessThan(20_000);
  });
});

describe("bad input", () => {
  test.each([
    ["a name with capitals", "Nobody"],
    ["a name that objects have anyway", "constructor"],
    ["another one", "__proto__"],
    ["a NUL", "%00"],
    ["half a percent sign", "%zz"],
    ["an endless name", "x".repeat(5000)],
    ["markup", "%3Cscript%3E"],
    ["a source file", "ui/page.css"],
    ["a path out of the folder", "ui/..%2findex.ts"],
    ["a file that objects have anyway", "ui/__proto__"],
    ["more segments", "a/b"],
    ["more segments after the document", "openapi.json/x"],
  ])("%s is 404", async (_what, path) => {
    const harness = await start();
    const answer = await harness.fetch(`/docs/${path}`);
    expect(answer.status).toBe(404);
    expect(answer.headers.get("content-type")).toStartWith("application/json");
    expect(await answer.json()).toHaveProperty("error");
  });

  test.each(["POST", "PUT", "PATCH", "DELETE"])("%s is 404", async (method) => {
    const harness = await start();
    for (const path of ["/docs", "/docs/ui", "/docs/openapi.json", "/docs/docs"]) {
      expect((await harness.fetch(path, { method, auth: true })).status).toBe(404);
    }
  });
});

test("every route is documented, and the README has a curl line for each", async () => {
  const { routeDocs } = docs;
  const harness = await start();
  const { routes } = (await harness.json("/docs/docs")).data;
  const keys = routes.map(
    ({ method, path }: { method: string; path: string }) => `${method} ${path.replace("/docs", "")}`,
  );
  expect(keys.toSorted()).toEqual(Object.keys(routeDocs).toSorted());
  const readme = await Bun.file(join(import.meta.dir, "README.md")).text();
  const lines = readme.split("\n").filter((line) => line.startsWith("curl "));
  for (const { path } of routes) {
    const pattern = new RegExp(`\\$REEF${path.replace(/\/$/, "").replace(/:\w+/g, "[\\w.$-]+")}( |$)`);
    expect({ path, isShown: lines.some((line) => pattern.test(line)) }).toEqual({ path, isShown: true });
  }
});
