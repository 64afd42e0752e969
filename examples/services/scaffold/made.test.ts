// A service that the scaffold made, with each kind of store: what its routes do, and what is left of it on disk.
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTestHarness, type RequestOptions, type TestHarness } from "#core/testing.js";
import scaffold from "./index.js";

let harness: TestHarness;
beforeEach(async () => {
  harness = await createTestHarness({ services: [scaffold] });
});
afterEach(() => harness.cleanup());

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
describe("a generated service", () => {
  const create = async (request: object) => {
    const { status, data } = await harness.json("/scaffold/create", {
      auth: true,
      body: { name: "gauge", routes: ROUTES, ...request },
    });
    expect([status, data.loaded, data.loadError]).toEqual([201, true, undefined]);
  };
  const gauge = (path: string, options: RequestOptions = {}) =>
    harness.json(`/gauge${path}`, { auth: true, ...options });
  const file = () => join(harness.dataDir, "gauge.json");
  const record = async (value: number) => (await gauge("/record", { body: { value } })).data;

  test.each([true, "sqlite"])("does what its routes say (store: %j)", async (store) => {
    await create({ store });
    const [one, two] = [await record(1), await record(2)];
    expect(Object.keys(one).sort()).toEqual(["createdAt", "id", "value"]);
    expect((await gauge("/")).data).toEqual({ items: [two, one], count: 2 });
    const changed = await gauge(`/${one.id}`, { method: "PATCH", body: { note: "n", id: "x", value: 5 } });
    expect(changed.data).toEqual({ ...one, note: "n", updatedAt: changed.data.updatedAt });
    expect((await gauge(`/${one.id}`)).data).toEqual(changed.data);
    expect((await gauge(`/${two.id}`, { method: "DELETE" })).data).toEqual({ ok: true });
    expect((await gauge(`/${two.id}`)).data).toEqual({ error: "item not found", code: "not_found" });
    expect((await gauge("/")).data.count).toBe(1);
  });

  test.each([true, "sqlite", false])("refuses bodies that do not fit (store: %j)", async (store) => {
    await create({ store });
    const bodies: [body: unknown, error: string][] = [
      [{}, "value is required"],
      [{ value: "x" }, 'value must be a number. Received: "x"'],
      [{ value: 1, note: 5 }, "note must be a string. Received: 5"],
      ["[]", "Invalid JSON body"],
    ];
    for (const [body, error] of bodies)
      expect(await gauge("/record", { method: "POST", body })).toMatchObject({
        status: 400,
        data: { error },
      });
  });

  test.each([true, "sqlite"])("keeps its data over a reload (store: %j)", async (store) => {
    await create({ store });
    const item = await record(1);
    expect(await harness.ctx.loadModule("gauge")).toEqual({ name: "gauge", action: "updated" });
    expect((await gauge("/")).data.items).toEqual([item]);
    expect((await record(2)).id).not.toBe(item.id);
  });

  test("with SQLite has on disk what it answered", async () => {
    await create({ store: "sqlite" });
    const item = await record(1);
    const db = new Database(join(harness.dataDir, "gauge.sqlite"), { readonly: true });
    expect(db.query("SELECT item FROM items").all()).toEqual([{ item: JSON.stringify(item) }]);
    db.close();
  });

  test("with a JSON file writes it by itself, whole and beside the old one first", async () => {
    await create({ store: true });
    const item = await record(1);
    while (!existsSync(file())) await Bun.sleep(5);
    expect(JSON.parse(readFileSync(file(), "utf8"))).toEqual({ items: [item] });
    expect(existsSync(`${file()}.next`)).toBe(false);
  });

  test.each(["{", "[]", "null", '{"items":[{}]}', ""])(
    "puts a JSON file aside that it cannot read: %j",
    async (content) => {
      writeFileSync(file(), content);
      await create({ store: true });
      expect((await gauge("/")).data).toEqual({ items: [], count: 0 });
      const [aside = ""] = readdirSync(harness.dataDir).filter((name) => name.includes("unreadable"));
      expect(aside).toStartWith("gauge.json.unreadable-");
      expect(readFileSync(join(harness.dataDir, aside), "utf8")).toBe(content);
    },
  );

  test("answers a plain path by its own route, wherever in the list that stands", async () => {
    const routes = [
      { method: "GET", path: "/:id" },
      { method: "GET", path: "/:id/x" },
      { method: "GET", path: "/a/:key" },
      { method: "GET", path: "/stats" },
    ];
    await create({ store: true, routes, panel: true });
    expect((await gauge("/stats")).data).toEqual({ items: [], count: 0 });
    expect((await gauge("/_panel")).status).toBe(200);
    expect((await gauge("/other")).data.error).toBe("item not found");
  });

  test.each([
    [true, 401],
    [false, 200],
  ])("with requiresAuth: %j answers a stranger %d", async (requiresAuth, status) => {
    await create({ requiresAuth });
    expect((await harness.json("/gauge")).status).toBe(status);
  });
});
