// The harness that services test themselves with.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Type } from "@sinclair/typebox";
import { Hono } from "hono";
import { createTestHarness, type TestHarness } from "../../src/core/testing.js";
import type { ServiceContext, ServiceModule } from "../../src/core/types.js";

const NAMES = ["VERS_AUTH_TOKEN", "DATA_DIR", "SERVICES_DIR"] as const;
const environment = () => Object.fromEntries(NAMES.map((name) => [name, process.env[name]]));

function counter(): ServiceModule {
  let count = 0;
  let ctx: ServiceContext;
  return {
    name: "counter",
    init(given) {
      ctx = given;
    },
    routes: new Hono()
      .get("/", (c) => c.json({ count, dataDir: ctx.dataDir }))
      .post("/", async (c) => {
        count += (await c.req.json()).by;
        return c.json({ count }, 201);
      })
      .post("/text", async (c) => c.text(`${c.req.header("content-type")} ${await c.req.text()}`)),
    registerTools(pi, client) {
      pi.registerTool({
        name: "counter_add",
        label: "Add",
        description: "Adds.",
        parameters: Type.Object({ by: Type.Number() }),
        async execute(_id, params) {
          const answer = await client.api<{ count: number }>("POST", "/counter", params);
          return client.ok(`${client.agentName}: ${answer.count}`, answer);
        },
      });
    },
  };
}

describe("one harness (spec §5.6)", () => {
  let t: TestHarness;
  const before = environment();
  beforeAll(async () => {
    t = await createTestHarness({ services: [Promise.resolve({ default: counter() })] });
  });
  afterAll(() => t.cleanup());

  test("has a token, a data folder and an empty services folder of its own, and sets them", async () => {
    expect(t.authToken).toBe("test-token");
    expect(environment()).toEqual({
      VERS_AUTH_TOKEN: "test-token",
      DATA_DIR: t.dataDir,
      SERVICES_DIR: t.ctx.servicesDir,
    });
    expect(readdirSync(t.ctx.servicesDir)).toEqual([]);
    expect((await t.json("/counter", { auth: true })).data.dataDir).toBe(t.dataDir);
  });

  test("sends JSON, text or bytes, with its token, another or none", async () => {
    expect((await t.json("/counter")).status).toBe(401);
    expect((await t.json("/counter", { auth: "wrong" })).status).toBe(401);
    const { status, data, headers } = await t.json("/counter", {
      method: "POST",
      auth: true,
      body: { by: 2 },
    });
    expect([status, data, headers.get("content-type")]).toEqual([201, { count: 2 }, "application/json"]);
    const text = async (body: unknown) =>
      (await t.json("/counter/text", { auth: true, body, headers: { "content-type": "x/y" } })).data;
    expect(await text("plain")).toBe("x/y plain");
    expect(await text(new TextEncoder().encode("bytes"))).toBe("x/y bytes");
    expect(await text([1])).toBe("x/y [1]");
  });

  test("runs tools as an agent would, and refuses what does not fit", async () => {
    expect(await t.tool("counter_add", { by: 3 })).toEqual({
      content: [{ type: "text", text: "test-agent: 5" }],
      details: { count: 5 },
    });
    await expect(t.tool("none")).rejects.toThrow('Tool "none" not found');
    await expect(t.tool("counter_add", {})).rejects.toThrow("Invalid parameters");
  });

  test("has no /reef", async () => {
    expect((await t.fetch("/reef/state", { auth: true })).status).toBe(404);
    expect(await t.ctx.record({ type: "x" })).toBeNull();
  });

  test("cleanup removes the folders and restores the environment, unset included, and may be called twice", async () => {
    const gone = [t.dataDir, t.ctx.servicesDir];
    await t.cleanup();
    await t.cleanup();
    expect(gone.map((dir) => existsSync(dir))).toEqual([false, false]);
    expect(environment()).toEqual(before);
  });
});

test("two harnesses at once do not see each other, and whichever goes last restores the environment (spec §5.6)", async () => {
  const before = environment();
  const [a, b] = await Promise.all([
    createTestHarness({ services: [counter()], authToken: "token-a" }),
    createTestHarness({ services: [counter()], authToken: "token-b" }),
  ]);
  await a.json("/counter", { auth: true, body: { by: 1 } });
  expect((await b.json("/counter", { auth: true })).data).toEqual({ count: 0, dataDir: b.dataDir });
  expect((await a.json("/counter", { auth: "token-b" })).status).toBe(401);
  await a.cleanup();
  expect(process.env.VERS_AUTH_TOKEN).toBe("token-b");
  expect((await b.json("/counter", { auth: true })).status).toBe(200);
  await b.cleanup();
  expect(environment()).toEqual(before);
});

test("modules may be given in any order, and each init is awaited", async () => {
  const order: string[] = [];
  const module = (name: string, dependencies: string[] = []): ServiceModule => ({
    name,
    dependencies,
    init: async () => {
      await Bun.sleep(1);
      order.push(name);
    },
  });
  const t = await createTestHarness({ services: [module("c", ["b"]), module("b", ["a"]), module("a")] });
  expect(order).toEqual(["a", "b", "c"]);
  await t.cleanup();
});

test.each([
  [
    "an init that rejects",
    { name: "bad", init: () => Promise.reject(new Error("no disk")) },
    "bad: init() failed: no disk",
  ],
  ["a missing dependency", { name: "bad", dependencies: ["feed"] }, 'bad: Missing dependency "feed"'],
])(
  "%s rejects with the module's name and leaves nothing behind (spec §5.6)",
  async (_what, module, message) => {
    const before = environment();
    // A folder for temporary files of its own: other test files make theirs in the common one meanwhile.
    const temporary = await mkdtemp(join(tmpdir(), "reef-temporary-"));
    const common = process.env.TMPDIR;
    process.env.TMPDIR = temporary;
    try {
      await expect(createTestHarness({ services: [counter(), module] })).rejects.toThrow(message);
    } finally {
      if (common === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = common;
    }
    expect(environment()).toEqual(before);
    expect(readdirSync(temporary)).toEqual([]);
    await rm(temporary, { recursive: true });
  },
);

test("a data folder that was given is used and left as it is", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "reef-kept-"));
  await writeFile(join(dataDir, "mine.txt"), "kept");
  const t = await createTestHarness({ services: [counter()], dataDir });
  expect(t.dataDir).toBe(dataDir);
  await t.cleanup();
  expect(readdirSync(dataDir)).toContain("mine.txt");
  await rm(dataDir, { recursive: true });
});

test("a harness has an empty services folder: reloading brings no stock service in (spec §5.6)", async () => {
  const t = await createTestHarness({ services: [counter()] });
  expect(await t.ctx.registry.reloadAll()).toEqual({ results: [], errors: [] });
  expect(t.ctx.getModules()).toHaveLength(1);
  await t.cleanup();
});
