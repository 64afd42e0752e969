// The services manager over HTTP, with service folders that each test writes.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "#core/server.js";
import services from "./index.js";

const TOKEN = "test-token";

let server: Awaited<ReturnType<typeof createServer>>;
let folder: string;
let recorded: Record<string, unknown>[];
// A server and no harness, for what is recorded matters here, and a harness has no tree.
beforeEach(async () => {
  recorded = [];
  folder = await mkdtemp(join(tmpdir(), "reef-services-"));
  const dataDir = join(folder, "data");
  const servicesDir = join(folder, "services");
  for (const dir of [dataDir, servicesDir]) await mkdir(dir);
  server = await createServer({
    modules: [services],
    servicesDir,
    config: { dataDir, token: TOKEN, log: "error" },
    record: async (event) => {
      recorded.push(event);
      return null;
    },
  });
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

async function fetched(path: string, { method = "GET", token = TOKEN } = {}): Promise<Response> {
  const headers = token ? { Authorization: `Bearer ${token}` } : undefined;
  return server.app.fetch(new Request(`http://localhost${path}`, { method, headers }));
}

async function ask(path: string, options: { method?: string } = {}) {
  const response = await fetched(path, options);
  return { status: response.status, data: await response.json() };
}

const post = (path: string) => ask(`/services${path}`, { method: "POST" });
const unload = (name: string) => ask(`/services/${name}`, { method: "DELETE" });
const list = async () => (await ask("/services")).data;
const namesOf = async (): Promise<string[]> =>
  (await list()).modules.map(({ name }: { name: string }) => name);

/** Writes a service folder; `fields` go into the module as they are. */
async function write(folder: string, { name = folder, says = "hello", fields = "" } = {}): Promise<void> {
  const dir = join(server.config.servicesDir, folder);
  await mkdir(dir, { recursive: true });
  const source = `import { Hono } from "hono";
const routes = new Hono().get("/", (c) => c.text(${JSON.stringify(says)}));
export default { name: ${JSON.stringify(name)}, routes, ${fields} };
`;
  await writeFile(join(dir, "index.ts"), source);
}

async function breakIt(folder: string): Promise<void> {
  await writeFile(
    join(server.config.servicesDir, folder, "index.ts"),
    'throw new Error("broken on purpose");\n',
  );
}

const said = async (name: string) => (await fetched(`/${name}`)).text();

describe("GET /services", () => {
  test("shows each live module with where it comes from (spec §6.1)", async () => {
    await write("hello", { fields: 'description: "Says hello"' });
    await post("/reload");
    const { modules, count, problems } = await list();
    expect(count).toBe(2);
    expect(problems).toEqual([]);
    expect(modules.find(({ name }: { name: string }) => name === "hello")).toEqual({
      name: "hello",
      description: "Says hello",
      hasRoutes: true,
      hasTools: false,
      hasBehaviors: false,
      hasWidget: false,
      mountAtRoot: false,
      dependencies: [],
      dir: "hello",
      hash: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      loadedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      loadMs: expect.any(Number),
      isolation: "none",
      holds: [],
    });
  });

  test("shows why a folder has no live module (spec §6.1)", async () => {
    await write("waits", { fields: 'dependencies: ["absent"]' });
    await write("broken");
    await breakIt("broken");
    await post("/reload");
    const { problems } = await list();
    expect(problems).toMatchObject([
      { dir: "broken", state: "failed", error: "import error: broken on purpose" },
      {
        dir: "waits",
        name: "waits",
        state: "unmet",
        missing: ["absent"],
        error: 'Missing dependency "absent"',
      },
    ]);
  });
});

describe("POST /services/reload", () => {
  test("takes up what is new, changed and gone, and leaves the rest (spec §6.1)", async () => {
    for (const folder of ["same", "edited", "deleted"]) await write(folder);
    await post("/reload");
    await write("edited", { says: "edited" });
    await write("fresh");
    await rm(join(server.config.servicesDir, "deleted"), { recursive: true });
    const { status, data } = await post("/reload");
    expect(status).toBe(200);
    const actions = Object.fromEntries(
      data.results.map(({ name, action }: Record<string, string>) => [name, action]),
    );
    expect(actions).toEqual({ same: "unchanged", edited: "updated", fresh: "added", deleted: "removed" });
    expect(data.errors).toEqual([]);
    expect(await said("edited")).toBe("edited");
    expect((await fetched("/deleted")).status).toBe(404);
  });

  test("with force replaces what is unchanged too (spec §6.1)", async () => {
    await write("same");
    await post("/reload");
    expect((await post("/reload?force=true")).data.results).toContainEqual({
      name: "same",
      action: "updated",
    });
  });

  test("a folder that fails is an error of its own, and the others load (spec §6.1)", async () => {
    await write("broken");
    await post("/reload");
    await breakIt("broken");
    await write("good");
    const { status, data } = await post("/reload");
    expect(status).toBe(200);
    expect(data.results).toContainEqual({ name: "good", action: "added" });
    expect(data.errors).toEqual([{ dir: "broken", error: "import error: broken on purpose" }]);
    expect(await said("broken")).toBe("hello");
  });

  test("each change is an event, and what stays is none (spec §6.1)", async () => {
    for (const folder of ["same", "edited", "deleted"]) await write(folder);
    await post("/reload");
    const hashes = new Map(recorded.map(({ name, hash }) => [name, hash]));
    expect(recorded.map(({ content }) => content).toSorted()).toEqual([
      "service loaded: deleted",
      "service loaded: edited",
      "service loaded: same",
    ]);
    recorded = [];
    await write("edited", { says: "edited" });
    await rm(join(server.config.servicesDir, "deleted"), { recursive: true });
    await post("/reload");
    expect(recorded).toEqual([
      {
        type: "service_reload",
        source: "services",
        content: "service reloaded: edited",
        name: "edited",
        hash: expect.stringMatching(/^sha256:/),
        previousHash: hashes.get("edited"),
      },
      {
        type: "service_unload",
        source: "services",
        content: "service unloaded: deleted",
        name: "deleted",
        hash: hashes.get("deleted"),
      },
    ]);
    expect(recorded[0]?.hash).not.toBe(hashes.get("edited"));
  });
});

describe("POST /services/reload/:name", () => {
  test("loads a folder, and then replaces its version (spec §6.1)", async () => {
    await write("hello");
    expect(await post("/reload/hello")).toMatchObject({
      status: 200,
      data: { name: "hello", action: "added" },
    });
    await write("hello", { says: "again" });
    expect((await post("/reload/hello")).data).toEqual({ name: "hello", action: "updated" });
    expect(await said("hello")).toBe("again");
    expect(recorded.map(({ type }) => type)).toEqual(["service_load", "service_reload"]);
  });

  test("takes the module's name and the folder's, the module's first (spec §5.2)", async () => {
    await write("folder", { name: "module" });
    expect((await post("/reload/folder")).data).toEqual({ name: "module", action: "added" });
    expect((await post("/reload/module")).data).toEqual({ name: "module", action: "updated" });
    expect((await post("/reload/folder")).data).toEqual({ name: "module", action: "updated" });
  });

  test("a version that does not load is 400, and the old one goes on (spec §6.1)", async () => {
    await write("hello");
    await post("/reload/hello");
    await breakIt("hello");
    recorded = [];
    expect(await post("/reload/hello")).toMatchObject({
      status: 400,
      data: { error: "import error: broken on purpose", code: "bad_request" },
    });
    expect(await said("hello")).toBe("hello");
    expect(recorded).toEqual([]);
  });

  test("a module that misses a dependency waits and then comes by itself (spec §6.1)", async () => {
    await write("waits", { fields: 'dependencies: ["needed"]' });
    expect(await post("/reload/waits")).toMatchObject({
      status: 400,
      data: { error: 'Missing dependency "needed"' },
    });
    expect((await list()).problems).toMatchObject([{ dir: "waits", state: "unmet" }]);
    await write("needed");
    await post("/reload/needed");
    expect(await namesOf()).toContain("waits");
  });

  test("a module that was given as an object has no folder to load from (spec §6.1)", async () => {
    expect(await post("/reload/services")).toMatchObject({
      status: 404,
      data: { error: 'No service directory "services" with index.ts found' },
    });
  });
});

describe("DELETE /services/:name", () => {
  test("unloads, and the module stays out until it is loaded by name (spec §6.1)", async () => {
    await write("folder", { name: "module" });
    await post("/reload");
    recorded = [];
    expect(await unload("module")).toMatchObject({
      status: 200,
      data: { name: "module", action: "removed" },
    });
    expect(recorded).toMatchObject([
      { type: "service_unload", content: "service unloaded: module", name: "module" },
    ]);
    expect((await fetched("/module")).status).toBe(404);
    await post("/reload?force=true");
    expect(await namesOf()).toEqual(["services"]);
    expect((await list()).problems).toEqual([{ dir: "folder", name: "module", state: "disabled" }]);
    expect((await post("/reload/module")).data).toEqual({ name: "module", action: "added" });
  });

  test("takes the folder's name too (spec §5.2)", async () => {
    await write("folder", { name: "module" });
    await post("/reload");
    expect((await unload("folder")).data).toEqual({ name: "module", action: "removed" });
  });

  test("what others require stays, unless forced; then they wait for it (spec §6.1)", async () => {
    await write("base");
    await write("user-a", { fields: 'dependencies: ["base"]' });
    await write("user-b", { fields: 'dependencies: ["base"]' });
    await post("/reload");
    expect(await unload("base")).toMatchObject({
      status: 409,
      data: {
        error: 'Cannot unload "base": required by user-a, user-b',
        code: "conflict",
        dependents: ["user-a", "user-b"],
      },
    });
    expect((await unload("base?force=true")).status).toBe(200);
    expect(await namesOf()).toEqual(["services"]);
    await post("/reload/base");
    expect((await namesOf()).toSorted()).toEqual(["base", "services", "user-a", "user-b"]);
  });

  test("the services manager itself stays (spec §6.1)", async () => {
    for (const path of ["services", "services?force=true"]) {
      expect(await unload(path)).toMatchObject({
        status: 400,
        data: { error: "Cannot unload the services manager" },
      });
    }
  });
});

describe("bad input", () => {
  test.each([
    ["POST", "/reload/absent", 404, 'No service directory "absent" with index.ts found'],
    ["POST", "/reload/..%2Foutside", 404, 'No service directory "../outside" with index.ts found'],
    ["POST", "/reload/%2E%2E%2Foutside%2F", 404, 'No service directory "../outside/" with index.ts found'],
    ["POST", "/reload/good%2F..%2F..%2Foutside", 404, "No service directory"],
    ["POST", "/reload/.hidden", 404, "No service directory"],
    ["POST", "/reload/%00", 404, "No service directory"],
    ["POST", `/reload/${"x".repeat(5000)}`, 404, "No service directory"],
    ["POST", "/reload/%zz", 404, "No service directory"],
    ["POST", "/reload/__proto__", 404, "No service directory"],
    ["POST", "/reload?force=yes", 400, 'force must be true or false. Received: "yes"'],
    ["DELETE", "/absent", 404, 'Module "absent" not found'],
    ["DELETE", "/..%2Foutside", 404, 'Module "../outside" not found'],
    ["DELETE", "/constructor", 404, 'Module "constructor" not found'],
    ["DELETE", "/good?force=1", 400, "force must be true or false"],
    ["DELETE", "/good/more", 404, "not found"],
    ["PUT", "/good", 404, "not found"],
  ])("%s /services%s is %i and changes nothing (spec §6.1)", async (method, path, status, error) => {
    await write("good");
    await write("../outside", { name: "outside" });
    await write(".hidden", { name: "hidden" });
    await post("/reload");
    const before = await list();
    recorded = [];
    const answer = await ask(`/services${path}`, { method });
    expect([answer.status, answer.data.error]).toEqual([status, expect.stringContaining(error)]);
    expect(await list()).toEqual(before);
    expect(recorded).toEqual([]);
    await rm(join(server.config.servicesDir, "../outside"), { recursive: true });
  });

  test("nobody without a token changes anything (spec §2.2)", async () => {
    for (const [method, path] of [
      ["GET", ""],
      ["POST", "/reload"],
      ["DELETE", "/services"],
    ] as const) {
      expect((await fetched(`/services${path}`, { method, token: "" })).status).toBe(401);
    }
  });
});

describe("the documents", () => {
  test("every route is documented, and every documented route exists", () => {
    const live = server.liveModules.get("services");
    const existing = live?.routes?.routes.map(({ method, path }) => `${method} ${path}`);
    expect(existing?.toSorted()).toEqual(Object.keys(services.routeDocs).toSorted());
  });

  test("the README calls every route", async () => {
    const readme = await Bun.file(join(import.meta.dir, "README.md")).text();
    const calls = Array.from(readme.matchAll(/^curl (.*)$/gm), ([, call = ""]) => call);
    const called = (route: string) => {
      const [method = "", path = ""] = route.split(" ");
      const pattern = path === "/" ? "" : path.replace(/:\w+/g, "[^/ ]+");
      const url = new RegExp(`\\$REEF/services${pattern}([?"]\\S*|) `);
      return calls.some((call) => url.test(call) && (/-X (\w+)/.exec(call)?.[1] ?? "GET") === method);
    };
    expect(Object.keys(services.routeDocs).filter((route) => !called(route))).toEqual([]);
  });
});
