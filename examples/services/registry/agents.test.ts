// The registry as agents meet it: its tools, its line in the widget, and what it learns of them by itself, on a clock that
// the test sets.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { createClient, createFleetClient } from "#core/client.js";
import { createTestHarness, type TestHarness } from "#core/testing.js";
import type { FleetClient, ServiceModule, ToolResult } from "#core/types.js";
import { registerBehaviors } from "./behaviors.js";
import service from "./index.js";
import { createRoutes } from "./routes.js";
import { openRegistry, type Registry } from "./store.js";
import type { Registration } from "./vm.js";

const MINUTE_MS = 60_000;

let harness: TestHarness;
afterEach(() => harness.cleanup());

const textOf = ({ content }: ToolResult) =>
  content.map((part) => (part.type === "text" ? part.text : "")).join("");

describe("the tools (spec §6)", () => {
  beforeEach(async () => {
    harness = await createTestHarness({ services: [service] });
  });
  const VM = { id: "vm-1", name: "one", role: "worker", address: "one.example" };
  const register = (more: object = {}) => harness.tool("registry_register", { ...VM, ...more });

  test("registry_register registers as the agent that calls, and renews what it registered", async () => {
    const result = await register({ services: [{ name: "http", port: 80 }] });
    const { data: vm } = await harness.json("/registry/vms/vm-1", { auth: true });
    expect(vm).toMatchObject({ ...VM, registeredBy: "test-agent", services: [{ name: "http", port: 80 }] });
    expect(result).toEqual({
      content: [{ type: "text", text: JSON.stringify(vm, null, 2) }],
      details: { vm },
    });
    expect((await register({ name: "two" })).details).toMatchObject({ vm: { name: "two" } });
  });

  test("registry_register says what to do when somebody else is there", async () => {
    await register({ registeredBy: "bob" });
    const result = await register();
    expect([result.isError, textOf(result)]).toEqual([
      true,
      "Error: VM already registered: somebody else registered this id and is still there; take another id, or wait until it is stopped or stale",
    ]);
    await expect(register({ role: "boss" })).rejects.toThrow();
  });

  test("registry_list lists what fits, newest first, and says how many are left", async () => {
    for (const id of ["a", "b", "c"]) await register({ id });
    const two = await harness.tool("registry_list", { limit: 2 });
    const [json = "", rest] = textOf(two).split("\n… ");
    expect(JSON.parse(json).map(({ id }: { id: string }) => id)).toEqual(["c", "b"]);
    expect(rest).toBe("1 more: pass limit, role or status");
    expect(two.details).toMatchObject({ result: { vms: JSON.parse(json), count: 2 } });
    const none = await harness.tool("registry_list", { role: "infra", status: "running" });
    expect(none.details).toEqual({ result: { vms: [], count: 0, cursor: null } });
    for (let n = 0; n < 40; n++) await register({ id: `long-${n}`, address: "x".repeat(1_000) });
    expect(textOf(await harness.tool("registry_list")).length).toBeLessThanOrEqual(8_000);
  });

  test("registry_discover finds who runs", async () => {
    await register();
    await register({ id: "vm-2", role: "golden" });
    const result = await harness.tool("registry_discover", { role: "golden" });
    expect(result.details).toMatchObject({ result: { vms: [{ id: "vm-2" }], count: 1 } });
  });

  test("registry_heartbeat beats, and says what to do about a VM that is not there", async () => {
    await register();
    const result = await harness.tool("registry_heartbeat", { id: "vm-1" });
    expect(result.details).toEqual({ result: { id: "vm-1", lastSeen: expect.any(String) } });
    const missing = await harness.tool("registry_heartbeat", { id: "a/b" });
    expect(textOf(missing)).toBe("Error: VM not found: register it with registry_register");
  });

  test("the widget counts machines, and those that run", async () => {
    await register();
    await register({ id: "vm-2" });
    await harness.json("/registry/vms/vm-2", { auth: true, method: "PATCH", body: { status: "paused" } });
    const { widget }: ServiceModule = service;
    expect(await widget?.getLines(createFleetClient())).toEqual(["Registry: 2 VMs (1 running)"]);
  });
});

/** One agent's session: what its behaviors registered, and the timers that they set. */
interface Session {
  hear(event: string, payload?: object): Promise<void>;
  /** Lets time pass, in steps of a minute, with what it sets off. */
  pass(minutes: number): Promise<void>;
  beating(): number;
}

describe("what it learns by itself (spec §15)", () => {
  let nowMs: number;
  let registry: Registry;
  let requests: string[];
  let isAway: boolean;
  beforeEach(async () => {
    harness = await createTestHarness({ services: [] });
    nowMs = Date.UTC(2026, 0, 10);
    registry = openRegistry({ ...harness.ctx, name: "registry" }, { now: () => nowMs });
    requests = [];
    isAway = false;
  });

  function clientOf(identity: { agentName: string; agentRole?: string; vmId?: string }): FleetClient {
    const routes = createRoutes(registry);
    return createClient(
      { agentRole: "worker", ...identity },
      {
        baseUrl: () => "http://localhost",
        async send(path, init) {
          requests.push(`${init.method} ${path}`);
          if (isAway) return Response.json({ error: "away" }, { status: 503 });
          return routes.onError(asAnswer).request(path.slice("/registry".length), init);
        },
      },
    );
  }

  function open(
    identity: { agentName: string; agentRole?: string; vmId?: string },
    ownVmId?: string,
  ): Session {
    const handlers = new Map<string, ((payload: unknown) => unknown)[]>();
    const timers = new Set<() => Promise<unknown>>();
    const on = (event: string, handler: (payload: unknown) => unknown) => {
      handlers.set(event, [...(handlers.get(event) ?? []), handler]);
      return () => {};
    };
    const every = (fn: () => Promise<unknown>, ms: number) => {
      expect(ms).toBe(MINUTE_MS);
      timers.add(fn);
      return () => timers.delete(fn);
    };
    const pi = { on, events: { on, emit: () => {} } } as unknown as ExtensionAPI;
    registerBehaviors(pi, clientOf(identity), { ownVmId, every });
    return {
      async hear(event, payload = { type: event }) {
        for (const handler of handlers.get(event) ?? []) await handler(payload);
      },
      async pass(minutes) {
        for (let n = 0; n < minutes; n++) {
          nowMs += MINUTE_MS;
          for (const fn of [...timers]) await fn();
        }
      },
      beating: () => timers.size,
    };
  }

  const scout = { agentName: "scout", vmId: "vm-7" };
  const shown = (id = "vm-7") => {
    const { status, statusReason, stale } = registry.read(id) ?? {};
    return [status, statusReason, stale];
  };

  test("an agent registers with each prompt, with its process and its role", async () => {
    const session = open({ ...scout, agentRole: "lieutenant" });
    const process = { pid: 4_711, startedAt: "2026-01-09T00:00:00.000Z" };
    await session.hear("session_start", { type: "session_start", process });
    expect(requests).toEqual([]);
    await session.hear("agent_start");
    expect(requests).toEqual(["POST /registry/vms?upsert=true"]);
    expect(registry.read("vm-7")).toEqual({
      id: "vm-7",
      name: "scout",
      role: "lieutenant",
      status: "running",
      address: "vm-7.vm.vers.sh",
      metadata: process,
      registeredBy: "scout",
      registeredAt: new Date(nowMs).toISOString(),
      lastSeen: new Date(nowMs).toISOString(),
      stale: false,
    });
    await session.hear("agent_start", { type: "agent_start", process: { ...process, pid: 4_712 } });
    expect(registry.read("vm-7")?.metadata).toMatchObject({ pid: 4_712 });
  });

  test("a role that the registry does not know is custom", async () => {
    await open({ ...scout, agentRole: "orchestrator" }).hear("agent_start");
    expect(registry.read("vm-7")?.role).toBe("custom");
  });

  test("an agent that has finished is found again with the next heartbeat of its open session", async () => {
    const session = open(scout);
    await session.hear("session_start");
    await session.hear("agent_start");
    await session.hear("agent_end");
    expect(shown()).toEqual(["stopped", "agent_end", false]);
    await session.pass(1);
    expect(shown()).toEqual(["running", undefined, false]);
    await session.pass(60);
    expect(shown()).toEqual(["running", undefined, false]);
    expect(registry.discover("worker").map(({ id }) => id)).toEqual(["vm-7"]);
  });

  test("one whose heartbeats end is stale after five minutes, and told as that", async () => {
    const stale: string[] = [];
    harness.events.on("registry:vm_stale", ({ vm }) => stale.push(vm.id));
    const session = open(scout);
    await session.hear("session_start");
    await session.hear("agent_start");
    await session.pass(10);
    const { lastSeen } = registry.read("vm-7") ?? {};
    nowMs += 5 * MINUTE_MS;
    await registry.sweep();
    expect([shown(), stale]).toEqual([["running", undefined, false], []]);
    nowMs += 1;
    await registry.sweep();
    expect([shown(), stale]).toEqual([["running", undefined, true], ["vm-7"]]);
    expect(registry.read("vm-7")?.lastSeen).toBe(String(lastSeen));
    expect(registry.discover("worker")).toEqual([]);
  });

  test.each([["quit"], [undefined]])(
    "a session that ends with reason %p is stopped, and stays so",
    async (reason) => {
      const session = open(scout);
      await session.hear("session_start");
      await session.hear("agent_start");
      await session.hear("session_shutdown", { type: "session_shutdown", ...(reason && { reason }) });
      expect(session.beating()).toBe(0);
      expect(shown()).toEqual(["stopped", "session_shutdown", false]);
      await registry.beat("vm-7");
      expect(shown()).toEqual(["stopped", "session_shutdown", false]);
    },
  );

  test.each(["new", "resume", "fork", "reload"])(
    "a session that ends with reason %s goes on in another",
    async (reason) => {
      const session = open(scout);
      await session.hear("session_start");
      await session.hear("agent_start");
      await session.hear("session_shutdown", { type: "session_shutdown", reason });
      expect([session.beating(), shown()]).toEqual([0, ["running", undefined, false]]);
    },
  );

  test("a heartbeat of a VM that is not there registers it", async () => {
    const session = open(scout);
    await session.hear("session_start");
    await session.pass(1);
    expect(shown()).toEqual(["running", undefined, false]);
    await registry.remove("vm-7");
    await session.pass(1);
    expect(shown()).toEqual(["running", undefined, false]);
    expect(requests.filter((request) => request === "POST /registry/vms?upsert=true")).toHaveLength(2);
  });

  test("a session that starts twice beats once", async () => {
    const session = open(scout);
    await session.hear("session_start");
    await session.hear("session_start");
    expect(session.beating()).toBe(1);
  });

  test("an agent whose machine somebody else registered leaves that entry as it is, and beats", async () => {
    await registry.register({ ...vm("vm-7"), name: "child", registeredBy: "parent" });
    const session = open(scout);
    await session.hear("session_start");
    await session.hear("agent_start");
    expect(registry.read("vm-7")).toMatchObject({ name: "child", registeredBy: "parent" });
    await session.pass(10);
    expect(shown()).toEqual(["running", undefined, false]);
  });

  test.each([[undefined], ["own-1"]])("an agent with the vmId %p is left out", async (vmId) => {
    const session = open({ agentName: "task", vmId }, "own-1");
    for (const event of ["session_start", "agent_start", "agent_end", "session_shutdown"])
      await session.hear(event);
    await session.pass(2);
    expect([requests, session.beating()]).toEqual([[], 0]);
  });

  test("a server that is away fails a session once, and is asked again", async () => {
    const session = open(scout);
    await session.hear("session_start");
    isAway = true;
    await expect(session.hear("agent_start")).rejects.toThrow("away");
    await session.pass(2);
    await session.hear("agent_end");
    isAway = false;
    await session.pass(1);
    expect(shown()).toEqual(["running", undefined, false]);
  });

  test("what an agent starts and ends is registered and removed", async () => {
    const session = open({ agentName: "boss" }, "own-1");
    await session.hear("vers:agent_spawned", {
      vmId: "vm-1",
      name: "drone",
      label: "l",
      address: "10.0.0.1",
    });
    await session.hear("vers:lt_created", { vmId: "vm-2", label: "second" });
    await session.hear("vers:agent_spawned", { vmId: "vm-3" });
    await registry.register({ ...vm("vm-4"), name: "itself" });
    await session.hear("vers:agent_spawned", { vmId: "vm-4", name: "drone" });
    expect(registry.read("vm-4")?.name).toBe("itself");
    expect(registry.read("vm-1")).toMatchObject({
      name: "drone",
      role: "worker",
      address: "10.0.0.1",
      registeredBy: "boss",
      metadata: { registeredVia: "vers:agent_spawned" },
    });
    expect(registry.read("vm-2")).toMatchObject({
      name: "second",
      role: "lieutenant",
      address: "vm-2.vm.vers.sh",
      metadata: { registeredVia: "vers:lt_created" },
    });
    expect(registry.read("vm-3")?.name).toBe("vm-3");
    await session.hear("vers:agent_destroyed", { vmId: "vm-1" });
    await session.hear("vers:agent_destroyed", { vmId: "vm-1" });
    await session.hear("vers:lt_destroyed", { vmId: "vm-2" });
    expect([registry.read("vm-1"), registry.read("vm-2"), registry.read("vm-3")?.status]).toEqual([
      undefined,
      undefined,
      "running",
    ]);
  });

  test("of what is no child nothing is kept", async () => {
    const session = open({ agentName: "boss" }, "own-1");
    for (const event of ["vers:agent_spawned", "vers:lt_destroyed"])
      for (const payload of [undefined, null, 5, {}, { vmId: "" }, { vmId: 5 }, { vmId: "own-1" }])
        await session.hear(event, Object(payload));
    expect(requests).toEqual([]);
  });

  const vm = (id: string): Registration => ({
    id,
    name: id,
    role: "worker",
    status: "running",
    address: "a",
    registeredBy: "ada",
  });
});

/** As the server answers what a handler throws. */
function asAnswer(error: Error): Response {
  const status = { not_found: 404, conflict: 409 }["code" in error ? String(error.code) : ""] ?? 500;
  return Response.json({ error: error.message }, { status });
}
