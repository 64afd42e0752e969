// The registry's store on a clock that the test sets: who is stale, who goes, and what the server says of itself.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createServer } from "#core/server.js";
import { createTestHarness, queryPlans, scansIn, type TestHarness } from "#core/testing.js";
import service from "./index.js";
import { openRegistry, type Registry, type RegistryOptions } from "./store.js";
import type { Registration } from "./vm.js";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

let harness: TestHarness;
let nowMs: number;
let stale: string[];
beforeEach(async () => {
  harness = await createTestHarness({ services: [] });
  nowMs = Date.UTC(2026, 0, 10);
  stale = [];
  harness.events.on("registry:vm_stale", ({ vm }) => stale.push(vm.id));
});
afterEach(() => harness.cleanup());

const open = (options: RegistryOptions = {}) =>
  openRegistry({ ...harness.ctx, name: "registry" }, { now: () => nowMs, ...options });
const add = (registry: Registry, id: string, more: Partial<Registration> = {}, isUpsert = false) =>
  registry.register(
    { id, name: id, role: "worker", status: "running", address: "a", registeredBy: "ada", ...more },
    { isUpsert },
  );
const page = { limit: 1_000, isCounted: false, cursor: () => "" };
const listed = (registry: Registry, filters: object) =>
  registry.list({ ...page, filters }).texts.map((json) => JSON.parse(json).id);

describe("a VM that is not heard of (spec §6)", () => {
  test("is stale after five minutes, not before, and is back with the next heartbeat", async () => {
    const registry = open();
    await add(registry, "vm");
    nowMs += 5 * MINUTE_MS;
    expect(registry.read("vm")?.stale).toBe(false);
    nowMs += 1;
    expect(registry.read("vm")).toMatchObject({ stale: true, status: "running" });
    await registry.beat("vm");
    expect(registry.read("vm")?.stale).toBe(false);
  });

  test("runs for nobody, and is still listed", async () => {
    const registry = open();
    await add(registry, "old");
    await add(registry, "stopped", { status: "stopped" });
    nowMs += 6 * MINUTE_MS;
    await add(registry, "new");
    for (const isSwept of [false, true]) {
      if (isSwept) await registry.sweep();
      expect(listed(registry, { status: "running" })).toEqual(["new"]);
      expect(listed(registry, { role: "worker", status: "running" })).toEqual(["new"]);
      expect(registry.discover("worker").map(({ id }) => id)).toEqual(["new"]);
      expect(listed(registry, {})).toEqual(["new", "stopped", "old"]);
      expect(listed(registry, { status: "stopped" })).toEqual(["stopped"]);
      expect(registry.stats()).toEqual({ total: 3, running: 1, paused: 0, stopped: 0, stale: 2 });
    }
  });

  test("may be replaced by anybody, and keeps its time of registration", async () => {
    const registry = open();
    const { registeredAt } = await add(registry, "vm");
    nowMs += 6 * MINUTE_MS;
    const vm = await add(registry, "vm", { registeredBy: "bob" });
    expect(vm).toMatchObject({ registeredBy: "bob", stale: false, registeredAt });
    await expect(add(registry, "vm", { registeredBy: "eve" }, true)).rejects.toThrow("VM already registered");
    expect(registry.read("vm")).toEqual(vm);
  });

  test("is told once, each time that it falls silent, also over a restart", async () => {
    const registry = open();
    await add(registry, "vm");
    await registry.sweep();
    expect(stale).toEqual([]);
    nowMs += 6 * MINUTE_MS;
    await registry.sweep();
    await registry.sweep();
    await open().sweep();
    expect(stale).toEqual(["vm"]);
    await registry.beat("vm");
    nowMs += 6 * MINUTE_MS;
    await registry.sweep();
    expect(stale).toEqual(["vm", "vm"]);
  });

  test("goes after seven days", async () => {
    const removed: string[] = [];
    harness.events.on("registry:vm_removed", ({ vm }) => removed.push(vm.id));
    const registry = open();
    await add(registry, "vm");
    await add(registry, "seen");
    nowMs += 6 * DAY_MS;
    await registry.beat("seen");
    await registry.sweep();
    nowMs += DAY_MS;
    await registry.sweep();
    expect([registry.read("vm")?.id, removed]).toEqual(["vm", []]);
    nowMs += 1;
    await registry.sweep();
    expect([registry.read("vm"), registry.read("seen")?.id, removed]).toEqual([undefined, "seen", ["vm"]]);
  });

  test("is one of many that are swept a part at a time, all of them", async () => {
    const registry = open({ sweptMax: 3 });
    await Promise.all(Array.from({ length: 10 }, (_, n) => add(registry, `${n}`)));
    nowMs += 6 * MINUTE_MS;
    await registry.sweep();
    expect(stale.toSorted()).toEqual(Array.from({ length: 10 }, (_, n) => `${n}`));
    nowMs += 8 * DAY_MS;
    await registry.sweep();
    expect(registry.stats().total).toBe(0);
  });
});

test("the sweep comes by itself, every minute (spec §6)", async () => {
  const timers: { fn: () => unknown; ms: number }[] = [];
  const setInterval = (fn: () => unknown, ms: number) => {
    timers.push({ fn, ms });
    return () => {};
  };
  const registry = openRegistry({ ...harness.ctx, name: "registry", setInterval }, { now: () => nowMs });
  await add(registry, "vm");
  nowMs += 6 * MINUTE_MS;
  expect(timers.map(({ ms }) => ms)).toEqual([MINUTE_MS]);
  await timers[0]?.fn();
  expect(stale).toEqual(["vm"]);
});

test("VMs registered in one millisecond, or after the clock went back, keep their order over pages", async () => {
  const registry = open();
  for (const id of ["a", "b", "c"]) await add(registry, id);
  nowMs -= DAY_MS;
  await add(registry, "early");
  expect(listed(registry, {})).toEqual(["c", "b", "a", "early"]);
  const positions: (readonly unknown[])[] = [];
  const cursor = (position: readonly unknown[]) => {
    positions.push(position);
    return "next";
  };
  registry.list({ ...page, limit: 2, cursor, filters: {} });
  const after = positions[0]?.map(Number);
  expect(registry.list({ ...page, after, filters: {} }).texts.map((json) => JSON.parse(json).id)).toEqual([
    "a",
    "early",
  ]);
});

test("what stands after a restart is what was registered before (spec §17.4)", async () => {
  const vm = await add(open(), "Ünï\u0000code 😀", {
    name: "'; DROP TABLE vms; --",
    services: [{ name: "<img>", port: 1, protocol: undefined }],
    metadata: JSON.parse('{"__proto__": {"a": 1}, "n": [1e300, null]}'),
  });
  const again = open().read(vm.id);
  expect(JSON.stringify(again)).toBe(JSON.stringify(vm));
  expect(JSON.stringify(again)).toContain('"metadata":{"__proto__":{"a":1},"n":[1e+300,null]}');
});

test("no list and no count scans its table or sorts (spec §17.7)", async () => {
  const plans = await queryPlans(`${harness.dataDir}/registry.sqlite`, async () => {
    const registry = open();
    for (const id of ["a", "b", "c"]) await add(registry, id);
    const filters = [{}, { role: "worker" }, { status: "stopped" }, { status: "running" }];
    for (const filter of [...filters, { role: "worker", status: "running" }])
      for (const after of [undefined, [nowMs, 2]])
        registry.list({ ...page, isCounted: true, ...(after && { after }), filters: filter });
    registry.discover("worker");
    registry.stats();
    await registry.update("a", { name: "b" });
    await registry.beat("a");
    await registry.remove("a");
    await registry.sweep();
  });
  expect(plans.length).toBeGreaterThan(15);
  expect(scansIn(plans)).toEqual([]);
});

describe("the server's own entry (spec §6)", () => {
  const start = (config: object) =>
    createServer({ modules: [service], config: { dataDir: harness.dataDir, token: "t", ...config } });
  const read = async (server: Awaited<ReturnType<typeof start>>, id: string) =>
    (await server.ctx.fetch(`/registry/vms/${id}`)).json();

  test("is there once the server has its machine's id, and stopped when it goes", async () => {
    const first = await start({ vmId: "own-1" });
    const { registeredAt, ...vm } = await read(first, "own-1");
    expect(vm).toEqual({
      id: "own-1",
      name: "reef",
      role: "infra",
      status: "running",
      address: "own-1.vm.vers.sh",
      registeredBy: "reef",
      lastSeen: registeredAt,
      stale: false,
    });
    await first.close();
    const registry = open();
    expect(registry.read("own-1")?.status).toBe("stopped");
    const second = await start({ vmId: "own-1", agentName: "flagship" });
    expect(await read(second, "own-1")).toMatchObject({ name: "flagship", status: "running", registeredAt });
    await second.close();
  });

  test("goes on while the registry is replaced, and is taken back from whoever took it", async () => {
    const first = await start({ vmId: "own-1" });
    first.events.fire("module:draining", { name: "registry" });
    await first.close();
    const registry = open();
    expect(registry.read("own-1")?.status).toBe("running");
    await registry.remove("own-1");
    await registry.register({
      id: "own-1",
      name: "thief",
      role: "worker",
      status: "running",
      address: "a",
      registeredBy: "eve",
    });
    const second = await start({ vmId: "own-1" });
    expect(await read(second, "own-1")).toMatchObject({ name: "reef", registeredBy: "reef" });
    second.events.fire("module:draining", { name: "registry" });
    second.events.fire("reef:stopping");
    await second.close();
    expect(open().read("own-1")?.status).toBe("stopped");
  });

  test("beats every minute, and comes back when somebody removed it", async () => {
    const timers: { fn: () => unknown; ms: number }[] = [];
    const { keepOwnEntry } = await import("./own.js");
    const ctx = {
      ...harness.ctx,
      name: "registry",
      config: { ...harness.ctx.config, vmId: "own-1" },
      setInterval: (fn: () => unknown, ms: number) => {
        timers.push({ fn, ms });
        return () => {};
      },
    };
    const registry = openRegistry({ ...ctx, setInterval: () => () => {} }, { now: () => nowMs });
    await keepOwnEntry(ctx, registry);
    expect(timers.map(({ ms }) => ms)).toEqual([MINUTE_MS]);
    nowMs += MINUTE_MS;
    await timers[0]?.fn();
    expect(registry.read("own-1")?.lastSeen).toBe(new Date(nowMs).toISOString());
    await registry.remove("own-1");
    await timers[0]?.fn();
    expect(registry.read("own-1")?.status).toBe("running");
  });

  test("is none without the machine's id", async () => {
    const server = await start({});
    expect((await (await server.ctx.fetch("/registry/vms")).json()).vms).toEqual([]);
    await server.close();
  });
});
