// The scaffold over HTTP, in process, with a services folder and a data folder of its own in each test.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createFleetClient } from "#core/client.js";
import { routesOf } from "#core/http.js";
import { createTestHarness, type RequestOptions, type TestHarness } from "#core/testing.js";
import { addFolder } from "./folder.js";
import scaffold from "./index.js";
import { createScaffold } from "./scaffold.js";
import type { SkeletonFile } from "./skeleton.js";

let harness: TestHarness;
beforeEach(async () => {
  harness = await createTestHarness({ services: [scaffold] });
});
afterEach(() => harness.cleanup());

const ask = (path: string, options: RequestOptions = {}) =>
  harness.json(`/scaffold${path}`, { auth: true, ...options });
const inServices = (...path: string[]) => join(harness.ctx.servicesDir, ...path);
const created = () => readdirSync(harness.ctx.servicesDir);

const ROUTES = [
  {
    method: "POST",
    path: "/record",
    description: "Record a value",
    body: { value: { type: "number", required: true, description: "How much" }, note: { type: "string" } },
    response: "{ id, value }",
  },
  { method: "GET", path: "/:id" },
  { method: "GET", path: "/" },
  { method: "PATCH", path: "/:id", body: { note: { type: "string" } } },
  { method: "DELETE", path: "/:id" },
];
const EVERYTHING = {
  name: "my-gauge",
  description: "Measures things",
  routes: ROUTES,
  store: true,
  tools: true,
  panel: true,
  behaviors: true,
  dependencies: ["feed"],
  requiresAuth: false,
  capabilities: ["gauge.read"],
};

async function preview(request: object): Promise<Record<string, string>> {
  const { status, data } = await ask("/preview", { body: request });
  expect([status, data.error]).toEqual([200, undefined]);
  return Object.fromEntries(data.files.map(({ path, content }: SkeletonFile) => [path, content]));
}

describe("POST /scaffold/preview (spec §11)", () => {
  test("shows exactly six files when everything but the README is asked for, and writes none", async () => {
    const { status, data } = await ask("/preview", { body: EVERYTHING });
    expect(status).toBe(200);
    expect(Object.keys(data)).toEqual(["name", "files", "count"]);
    const paths = data.files.map(({ path }: SkeletonFile) => path);
    expect(paths).toEqual(
      ["index", "routes", "store", "tools", "behaviors", "my-gauge.test"].map(
        (name) => `my-gauge/${name}.ts`,
      ),
    );
    expect([data.name, data.count]).toEqual(["my-gauge", 6]);
    expect(created()).toEqual([]);
    expect(Object.keys(await preview({ ...EVERYTHING, readme: true })).at(-1)).toBe("my-gauge/README.md");
  });

  test("shows a module and its test when nothing is asked for", async () => {
    const files = await preview({ name: "gauge" });
    expect(Object.keys(files)).toEqual(["gauge/index.ts", "gauge/gauge.test.ts"]);
    expect(files["gauge/index.ts"]).not.toMatch(/routes|store|dependencies|requiresAuth|_panel/);
  });

  test("each file holds what it is for", async () => {
    const files = await preview(EVERYTHING);
    for (const [path, parts] of Object.entries(HELD))
      for (const part of parts) expect(files[path]).toContain(part);
  });

  test("a store of SQLite commits before it answers", async () => {
    const files = await preview({ ...EVERYTHING, store: "sqlite" });
    expect(files["my-gauge/store.ts"]).toContain('from "#core/storage.js"');
    expect(files["my-gauge/routes.ts"]).toContain("await store.add(body)");
  });

  test("routes without a store import no type", async () => {
    const files = await preview({ name: "gauge", routes: ROUTES });
    expect(files["gauge/routes.ts"]).toContain("createRoutes()");
    expect(files["gauge/routes.ts"]).not.toContain("import type");
  });

  test("a panel has its route also without other routes", async () => {
    const files = await preview({ name: "gauge", panel: true });
    for (const part of ["panel-gauge", "PANEL_API", '"/_panel"'])
      expect(files["gauge/index.ts"]).toContain(part);
    expect(files["gauge/routes.ts"]).toBeUndefined();
  });

  test("requiresAuth is written only when it is false", async () => {
    expect((await preview({ name: "gauge", requiresAuth: true }))["gauge/index.ts"]).not.toContain(
      "requiresAuth",
    );
  });

  test.each([
    ["Gauge", "gauge"],
    ["  My  Gauge! ", "my-gauge"],
    ["--a--b--", "a-b"],
    ["Ärger_9", "rger-9"],
    ["x".repeat(200), "x".repeat(64)],
    [`${"x".repeat(63)} yz`, "x".repeat(63)],
  ])("the name %j becomes %j", async (sent, name) => {
    expect((await ask("/preview", { body: { name: sent } })).data.name).toBe(name);
  });

  test("tools of alike paths have names of their own, as long as names may be", async () => {
    const paths = ["/a/b", "/a-b", "/a.b", `/${"x".repeat(90)}`, `/${"x".repeat(91)}`];
    const routes = paths.map((path) => ({ method: "GET", path }));
    const { "gauge/tools.ts": tools = "" } = await preview({ name: "gauge", tools: true, routes });
    const names = Array.from(tools.matchAll(/^ {4}name: "(.*)"/gm), ([, name = ""]) => name);
    expect(names.slice(0, 3)).toEqual(["gauge_get_a_b", "gauge_get_a_b_2", "gauge_get_a_b_3"]);
    expect(new Set(names).size).toBe(5);
    expect(Math.max(...names.map((name) => name.length))).toBe(64);
  });
});

const HELD: Readonly<Record<string, string[]>> = {
  "my-gauge/index.ts": [
    'name: "my-gauge"',
    'description: "Measures things"',
    'dependencies: ["feed"]',
    'capabilities: ["gauge.read"]',
    "requiresAuth: false",
    '"POST /record": {',
    'description: "How much"',
    'response: "{ id, value }"',
    "panel-my-gauge",
    "PANEL_API",
    '"/_panel"',
    "satisfies ServiceModule",
    "export default",
  ],
  "my-gauge/routes.ts": [
    "createRoutes(store: MyGaugeStore)",
    'routes.post("/record"',
    'routes.get("/:id"',
    'routes.patch("/:id"',
    'routes.delete("/:id"',
    "readBody(c, PostRecordBody)",
    '"not_found"',
  ],
  "my-gauge/store.ts": ["class MyGaugeStore", 'filePath = "data/my-gauge.json"', "scheduleSave", "flush()"],
  "my-gauge/tools.ts": [
    "registerTools(pi: ExtensionAPI, client: FleetClient)",
    "pi.registerTool",
    "Type.Object",
    '"my_gauge_post_record"',
  ],
  "my-gauge/behaviors.ts": ["registerBehaviors", '"session_start"', '"session_shutdown"', "clearInterval"],
  "my-gauge/my-gauge.test.ts": ["createTestHarness", 'test("POST /record"', 'test("DELETE /:id"', '["feed"]'],
};

describe("POST /scaffold/create (spec §11)", () => {
  test("writes what the preview shows, and it is live", async () => {
    const request = { ...EVERYTHING, dependencies: [], readme: true };
    const files = await preview(request);
    const { status, data } = await ask("/create", { body: request });
    expect([status, data]).toEqual([
      201,
      {
        name: "my-gauge",
        files: Object.keys(files),
        count: 7,
        directory: inServices("my-gauge"),
        loaded: true,
      },
    ]);
    for (const [path, content] of Object.entries(files))
      expect(readFileSync(inServices(path), "utf8")).toBe(content);
    expect(created()).toEqual(["my-gauge"]);
    const { data: item } = await harness.json("/my-gauge/record", { body: { value: 2 } });
    expect((await harness.json(`/my-gauge/${item.id}`)).data).toEqual(item);
    expect((await harness.tool("my_gauge_get")).details).toEqual({ result: { items: [item], count: 1 } });
    expect(await (await harness.fetch("/my-gauge/_panel")).text()).toContain('class="panel-my-gauge"');
  });

  test("only writes the files with load: false", async () => {
    const { status, data } = await ask("/create", { body: { name: "gauge", panel: true, load: false } });
    expect([status, Object.keys(data)]).toEqual([201, ["name", "files", "count", "directory"]]);
    expect(existsSync(inServices("gauge/index.ts"))).toBe(true);
    expect((await harness.fetch("/gauge/_panel", { auth: true })).status).toBe(404);
  });

  test("leaves the files of a service that does not load, and says why", async () => {
    const { status, data } = await ask("/create", { body: { name: "gauge", dependencies: ["nowhere"] } });
    expect([status, data.loaded, data.loadError]).toEqual([201, false, 'Missing dependency "nowhere"']);
    expect(readdirSync(data.directory).sort()).toEqual(["gauge.test.ts", "index.ts"]);
  });

  test("never touches what is there: a service, an empty folder, a file, a link that leads nowhere", async () => {
    mkdirSync(inServices("empty"));
    writeFileSync(inServices("file"), "mine");
    symlinkSync("/nowhere/at/all", inServices("link"));
    expect((await ask("/create", { body: { name: "gauge" } })).status).toBe(201);
    for (const name of ["gauge", "empty", "file", "link"]) {
      const answer = await ask("/create", { body: { name, store: true } });
      const error = `service directory "${name}" already exists`;
      expect([answer.status, answer.data]).toEqual([409, { error, code: "conflict" }]);
    }
    expect(readdirSync(inServices("gauge")).sort()).toEqual(["gauge.test.ts", "index.ts"]);
    expect(readFileSync(inServices("file"), "utf8")).toBe("mine");
    expect(created().sort()).toEqual(["empty", "file", "gauge", "link"]);
  });

  test("of several requests for one name exactly one is carried out", async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => ask("/create", { body: { name: "gauge", store: true } })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(409)]);
    expect(created()).toEqual(["gauge"]);
    expect(readdirSync(inServices("gauge"))).toHaveLength(3);
  });

  test("is for tasks with the scope deploy, and for everybody who is no task", async () => {
    const as = (name: string, caller: object) =>
      harness.ctx.fetch("/scaffold/create", {
        method: "POST",
        body: JSON.stringify({ name, load: false }),
        as: { kind: "task", ...caller },
      });
    const refused = await as("gauge", { agentName: "ada", scopes: ["modules", "submit"] });
    expect([refused.status, await refused.json()]).toEqual([
      403,
      { error: 'Forbidden — scope "deploy" is required', code: "forbidden" },
    ]);
    expect(created()).toEqual([]);
    expect((await as("gauge-a", { scopes: ["modules", "deploy"] })).status).toBe(201);
    expect((await as("gauge-b", { scopes: ["modules", "admin"] })).status).toBe(201);
    expect((await as("gauge-c", { kind: "session" })).status).toBe(201);
    expect((await as("gauge-d", { kind: "panel", panel: "scaffold" })).status).toBe(201);
  });

  test("is told on the bus and to the tree, in one line and before the answer", async () => {
    const told: unknown[] = [];
    harness.events.on("scaffold:created", (event) => told.push(event));
    harness.events.on("reef:event", (event) => told.push(event));
    const { data } = await ask("/create", { body: { name: "gauge", description: `a\n${"x".repeat(400)}` } });
    const { loaded, ...creation } = data;
    expect([loaded, told]).toEqual([
      true,
      [
        creation,
        {
          type: "scaffold_created",
          source: "scaffold",
          content: `${"service created: gauge (2 files), a ".padEnd(299, "x")}…`,
          service: "gauge",
        },
      ],
    ]);
    await ask("/create", { body: { name: "gauge" } });
    await ask("/preview", { body: { name: "gauge-two" } });
    expect(told).toHaveLength(2);
  });

  test.skipIf(!existsSync("/sys"))("a folder that takes no files is no storage (spec §1.3)", async () => {
    const adding = addFolder("/sys", "gauge", [{ path: "gauge/index.ts", content: "" }]);
    expect(await adding.catch((error) => [error.status, error.message])).toEqual([
      507,
      "storage unavailable",
    ]);
  });

  test("what a killed server has left goes at the next start, and nothing else does", async () => {
    mkdirSync(inServices(".scaffold-1234"));
    writeFileSync(inServices(".scaffold-1234/index.ts"), "");
    mkdirSync(inServices(".mine"));
    await scaffold.init(harness.ctx);
    expect(created()).toEqual([".mine"]);
  });
});

describe("the widget (spec §11)", () => {
  test("names the newest service, and is empty without one", async () => {
    const lines = () => harness.ctx.getModule("scaffold")?.widget?.getLines(createFleetClient());
    expect(await lines()).toEqual([]);
    for (const name of ["gauge", "gauge-two"]) await ask("/create", { body: { name, load: false } });
    expect((await lines())?.join()).toMatch(/^Scaffold: gauge-two created \d+s ago$/);
  });

  test.each([
    [0, "0s"],
    [59_999, "59s"],
    [60_000, "1m"],
    [3_599_999, "59m"],
    [7_200_000, "2h"],
    [200_000_000, "2d"],
    [-5_000, "0s"],
  ])("after %d ms says %s", async (ms, said) => {
    let now = 1_000_000;
    const own = createScaffold(harness.ctx, { now: () => now });
    await own.create(PLAN, { load: false });
    now += ms;
    expect(own.lines()).toEqual([`Scaffold: gauge created ${said} ago`]);
  });

  const PLAN = {
    name: "gauge",
    pascal: "Gauge",
    description: "",
    routes: [],
    store: undefined,
    hasTools: false,
    hasPanel: false,
    hasBehaviors: false,
    hasReadme: false,
    requiresAuth: true,
    dependencies: [],
    capabilities: [],
  };
});

describe("the tool scaffold_create (spec §11)", () => {
  test("creates a service, or shows one, with the answer of the route as its result", async () => {
    const shown = await harness.tool("scaffold_create", { name: "gauge", store: "sqlite", preview: true });
    expect(shown.details).toEqual({
      result: (await ask("/preview", { body: { name: "gauge", store: "sqlite" } })).data,
    });
    expect(created()).toEqual([]);
    const made = await harness.tool("scaffold_create", { ...EVERYTHING, dependencies: [] });
    expect(made.details).toMatchObject({ result: { name: "my-gauge", count: 6, loaded: true } });
    expect(created()).toEqual(["my-gauge"]);
  });

  test("says what to do about a name that is taken", async () => {
    await harness.tool("scaffold_create", { name: "gauge" });
    const { content, isError } = await harness.tool("scaffold_create", { name: "gauge" });
    const text =
      'Error: service directory "gauge" already exists: take another name, or edit the files that are there';
    expect([isError, content]).toEqual([true, [{ type: "text", text }]]);
  });
});

test("every route is documented, and every route needs a token (spec §1.9)", async () => {
  const routes = routesOf(scaffold).map(({ method, relativePath }) => `${method} ${relativePath}`);
  expect(routes.toSorted()).toEqual(Object.keys(scaffold.routeDocs).toSorted());
  for (const route of routes) {
    const [method = "", path = ""] = route.split(" ");
    expect((await harness.fetch(`/scaffold${path}`, { method })).status).toBe(401);
  }
});

test("the panel is a fragment of its own (spec §1.10)", async () => {
  const { status, data, headers } = await ask("/_panel");
  expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=UTF-8"]);
  expect(data).toMatch(/^<style>\n\.panel-scaffold \{/);
  expect(data.match(/<script>/g)).toHaveLength(1);
});
