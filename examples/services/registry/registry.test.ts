// The registry over HTTP, in process and with a file of its own in each test.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createTestHarness, type RequestOptions, type TestHarness } from "#core/testing.js";
import registry from "./index.js";
import { ROLES, STATUSES, type Vm } from "./vm.js";

let harness: TestHarness;
let told: { type: string; [field: string]: unknown }[];
beforeEach(async () => {
  harness = await createTestHarness({ services: [registry] });
  told = [];
  harness.events.on("reef:event", (event) => told.push(event));
  for (const what of ["registered", "updated", "removed", "stale"])
    harness.events.on(`registry:vm_${what}`, (event) => told.push({ type: `bus ${what}`, ...event }));
});
afterEach(() => harness.cleanup());

const ask = (path: string, options: RequestOptions = {}) =>
  harness.json(`/registry${path}`, { auth: true, ...options });
const VALID = { id: "vm-1", name: "one", role: "worker", address: "one.example", registeredBy: "ada" };
const register = (more: object = {}, query = "") => ask(`/vms${query}`, { body: { ...VALID, ...more } });
const patch = (id: string, body: unknown) => ask(`/vms/${id}`, { method: "PATCH", body });
const beat = (id: string, body?: unknown) => ask(`/vms/${id}/heartbeat`, { method: "POST", body });
const vms = async (query = ""): Promise<string[]> =>
  (await ask(`/vms${query}`)).data.vms.map(({ id }: Vm) => id);
const types = () => told.map(({ type }) => type);

describe("POST /registry/vms (spec §6)", () => {
  test("answers 201 with the VM, as lists and single reads show it", async () => {
    const sent = {
      id: " vm-1 ",
      name: " one ",
      role: "lieutenant",
      status: "paused",
      address: " one.example ",
      registeredBy: " ada ",
      services: [
        { name: "http", port: 80 },
        { name: "db", port: 65_535, protocol: "tcp" },
      ],
      metadata: { a: { b: null } },
      unknown: 1,
    };
    const { status, data } = await ask("/vms", { body: sent });
    expect(status).toBe(201);
    expect(data).toEqual({
      id: "vm-1",
      name: "one",
      role: "lieutenant",
      status: "paused",
      address: "one.example",
      services: sent.services,
      metadata: sent.metadata,
      registeredBy: "ada",
      registeredAt: expect.any(String),
      lastSeen: data.registeredAt,
      stale: false,
    });
    expect(new Date(data.registeredAt).toISOString()).toBe(data.registeredAt);
    expect((await ask("/vms/vm-1")).data).toEqual(data);
    expect((await ask("/vms")).data).toEqual({ vms: [data], count: 1, cursor: null });
  });

  test("leaves out what was not sent, and takes running for its status", async () => {
    const { data } = await register({ services: null, metadata: " ", status: "" });
    expect(Object.keys(data)).toEqual([
      "id",
      "name",
      "role",
      "status",
      "address",
      "registeredBy",
      "registeredAt",
      "lastSeen",
      "stale",
    ]);
    expect(data.status).toBe("running");
  });

  test.each([...ROLES])("takes the role %s", async (role) => {
    expect((await register({ role })).data).toMatchObject({ role });
  });

  test.each([...STATUSES])("takes the status %s", async (status) => {
    expect((await register({ status })).data).toMatchObject({ status });
  });

  const long = (chars: number) => "x".repeat(chars);
  test.each([
    ["", "Invalid JSON body"],
    ["[]", "Invalid JSON body"],
    ["null", "Invalid JSON body"],
    [{ ...VALID, id: undefined, name: undefined }, "id is required"],
    [{ ...VALID, id: " " }, "id is required"],
    [{ ...VALID, id: 5 }, "id must be a string"],
    [{ ...VALID, name: null, role: "x" }, "name is required"],
    [{ ...VALID, role: "boss", status: "odd" }, "invalid role: boss"],
    [{ ...VALID, role: undefined }, "role is required"],
    [{ ...VALID, role: "Worker" }, "invalid role: Worker"],
    [{ ...VALID, status: "odd", address: "" }, "invalid status: odd"],
    [{ ...VALID, address: " ", registeredBy: "" }, "address is required"],
    [{ ...VALID, registeredBy: undefined }, "registeredBy is required"],
    [{ ...VALID, services: {} }, "services must be an array"],
    [{ ...VALID, services: ["x"] }, "services must contain only objects"],
    [{ ...VALID, services: [{ port: 1 }] }, "services[0].name is required"],
    [{ ...VALID, services: [{ name: "a" }] }, "services[0].port is required"],
    [{ ...VALID, services: [{ name: "a", port: "80" }] }, "services[0].port must be a number"],
    [
      { ...VALID, services: [{ name: "a", port: 0 }] },
      "services[0].port must be a whole number from 1 to 65535",
    ],
    [{ ...VALID, services: [{ name: "a", port: 1, protocol: 5 }] }, "services[0].protocol must be a string"],
    [{ ...VALID, services: Array(1_001).fill({ name: "a", port: 1 }) }, "services has more than 1000 items"],
    [{ ...VALID, metadata: [] }, "metadata must be an object"],
    [{ ...VALID, metadata: { x: long(65_536) } }, "metadata is longer than 65536 bytes"],
    [{ ...VALID, id: long(201) }, "id is longer than 200 characters"],
    [{ ...VALID, name: long(201) }, "name is longer than 200 characters"],
    [{ ...VALID, address: long(2_049) }, "address is longer than 2048 characters"],
    [{ ...VALID, registeredBy: long(201) }, "registeredBy is longer than 200 characters"],
  ])("refuses %.60j", async (body, error) => {
    expect(await ask("/vms", { method: "POST", body })).toMatchObject({
      status: 400,
      data: { error, code: "bad_request" },
    });
    expect(await vms()).toEqual([]);
  });

  test("refuses a malformed upsert, and takes fields as long as their limits", async () => {
    expect((await register({}, "?upsert=yes")).data.error).toBe("invalid upsert: yes");
    const largest = { id: long(200), name: long(200), address: long(2_048), registeredBy: long(200) };
    const services = Array(1_000).fill({ name: "a", port: 1 });
    expect(await register({ ...largest, services })).toMatchObject({ status: 201, data: largest });
  });
});

describe("registering an id that exists (spec §6)", () => {
  const CONFLICT = { status: 409, data: { error: "VM already registered", code: "conflict" } };

  test("is refused while it runs, whoever asks, and changes nothing", async () => {
    const { data } = await register();
    expect(await register({ name: "two" })).toMatchObject(CONFLICT);
    expect(await register({ name: "two", registeredBy: "bob" })).toMatchObject(CONFLICT);
    expect(await register({ name: "two", registeredBy: "bob" }, "?upsert=true")).toMatchObject(CONFLICT);
    expect((await ask("/vms/vm-1")).data).toEqual(data);
  });

  test("with upsert=true replaces one's own: registeredAt stays, every other field is the body's", async () => {
    const { data } = await register({ services: [], metadata: { a: 1 } });
    const again = await register({ name: "two", role: "golden" }, "?upsert=true");
    expect(again).toMatchObject({ status: 201, data: { name: "two", role: "golden" } });
    expect(again.data.registeredAt).toBe(data.registeredAt);
    expect([again.data.services, again.data.metadata]).toEqual([undefined, undefined]);
  });

  test.each(["paused", "stopped"])(
    "replaces one that is %s, whoever asks, with upsert or without",
    async (status) => {
      await register();
      for (const [query, registeredBy] of [
        ["", "ada"],
        ["", "bob"],
        ["?upsert=true", "eve"],
      ]) {
        await patch("vm-1", { status, statusReason: "why" });
        const { status: code, data } = await register({ registeredBy }, query);
        expect([code, data.status, data.registeredBy, data.statusReason]).toEqual([
          201,
          "running",
          registeredBy,
          undefined,
        ]);
      }
    },
  );

  test("of two that register one id at once, one is refused", async () => {
    const answers = await Promise.all([register({ registeredBy: "a" }), register({ registeredBy: "b" })]);
    expect(answers.map(({ status }) => status)).toEqual([201, 409]);
  });
});

describe("GET /registry/vms (spec §6)", () => {
  test("lists the newest registration first, filters, and pages", async () => {
    for (const [id, role, status] of [
      ["a", "worker", "running"],
      ["b", "infra", "running"],
      ["c", "worker", "stopped"],
      ["d", "worker", "running"],
    ])
      await register({ id, role, status });
    expect(await vms()).toEqual(["d", "c", "b", "a"]);
    expect(await vms("?role=worker")).toEqual(["d", "c", "a"]);
    expect(await vms("?status=running")).toEqual(["d", "b", "a"]);
    expect(await vms("?role=worker&status=stopped")).toEqual(["c"]);
    expect(await vms("?role=nobody")).toEqual([]);
    expect(await vms("?status=odd")).toEqual([]);
    const { data } = await ask("/vms?role=worker&limit=2&total=true");
    expect([data.count, data.total]).toEqual([2, 3]);
    expect(await vms(`?limit=2&cursor=${data.cursor}`)).toEqual(["a"]);
  });

  test.each(["limit=0", "cursor=x", "total=x"])("refuses ?%s", async (query) => {
    const [name, value] = query.split("=");
    const error = name === "cursor" ? "invalid cursor" : `invalid ${name}: ${value}`;
    expect(await ask(`/vms?${query}`)).toMatchObject({ status: 400, data: { error, code: "bad_request" } });
  });
});

describe("PATCH /registry/vms/:id (spec §6)", () => {
  test("changes what is sent, whole, and nothing that is not the caller's to change", async () => {
    const { data } = await register({ services: [{ name: "a", port: 1 }], metadata: { a: 1, b: 2 } });
    const change = { name: "uno", address: "uno.example", services: [], metadata: { c: 3 } };
    const changed = await patch("vm-1", { ...change, role: "golden", id: "x", registeredBy: "eve" });
    expect(changed.status).toBe(200);
    expect({ ...changed.data, lastSeen: "" }).toEqual({ ...data, ...change, lastSeen: "" });
    expect(changed.data.lastSeen >= data.lastSeen).toBe(true);
  });

  test("of nothing says that it was seen", async () => {
    const { data } = await register();
    for (const body of ["", "{}", { services: null, metadata: null, status: " ", statusReason: " " }])
      expect({ ...(await patch("vm-1", body)).data, lastSeen: "" }).toEqual({ ...data, lastSeen: "" });
  });

  test("a status that is said clears its reason unless it brings one", async () => {
    await register();
    const reason = async (body: object) => (await patch("vm-1", body)).data.statusReason;
    expect(await reason({ status: "stopped", statusReason: " why " })).toBe("why");
    expect(await reason({ name: "other" })).toBe("why");
    expect(await reason({ status: "stopped" })).toBeUndefined();
    expect(await reason({ statusReason: "later" })).toBe("later");
    expect(await reason({ status: "running" })).toBeUndefined();
  });

  test.each([
    ["[]", "Invalid JSON body"],
    [{ name: " " }, "name cannot be empty"],
    [{ name: null }, "name cannot be empty"],
    [{ name: 5 }, "name must be a string"],
    [{ status: "odd", address: "" }, "invalid status: odd"],
    [{ address: "" }, "address cannot be empty"],
    [{ name: "x", address: null }, "address cannot be empty"],
    [{ services: "x" }, "services must be an array"],
    [{ metadata: "x" }, "metadata must be an object"],
    [{ statusReason: "x".repeat(65_537) }, "statusReason is longer than 65536 characters"],
  ])("refuses %.60j, also of one that does not exist", async (body, error) => {
    const { data } = await register();
    for (const id of ["vm-1", "none"])
      expect(await patch(id, body)).toMatchObject({ status: 400, data: { error, code: "bad_request" } });
    expect((await ask("/vms/vm-1")).data).toEqual(data);
  });
});

describe("POST /registry/vms/:id/heartbeat (spec §6)", () => {
  test("moves lastSeen, answers with two keys, and ignores a body", async () => {
    await register();
    for (const body of [undefined, "", "{", "[]", { status: "stopped" }]) {
      const { status, data } = await beat("vm-1", body);
      expect([status, Object.keys(data), data.id]).toEqual([200, ["id", "lastSeen"], "vm-1"]);
      expect((await ask("/vms/vm-1")).data).toMatchObject({ lastSeen: data.lastSeen, status: "running" });
    }
  });

  test("brings an agent that had finished back, and nobody else", async () => {
    await register();
    const after = async (change: object) => {
      await patch("vm-1", change);
      await beat("vm-1");
      const { status, statusReason } = (await ask("/vms/vm-1")).data;
      return [status, statusReason];
    };
    expect(await after({ status: "stopped", statusReason: "agent_end" })).toEqual(["running", undefined]);
    expect(await after({ status: "stopped" })).toEqual(["stopped", undefined]);
    expect(await after({ status: "stopped", statusReason: "session_shutdown" })).toEqual([
      "stopped",
      "session_shutdown",
    ]);
    expect(await after({ status: "paused", statusReason: "agent_end" })).toEqual(["paused", "agent_end"]);
  });
});

test.each(["x", "__proto__", "%00", "..%2f", "%zz", "%ff"])("a VM %s is not found (spec §6)", async (id) => {
  const missing = { status: 404, data: { error: "VM not found", code: "not_found" } };
  expect(await ask(`/vms/${id}`)).toMatchObject(missing);
  expect(await patch(id, { name: "x" })).toMatchObject(missing);
  expect(await beat(id)).toMatchObject(missing);
  expect(await ask(`/vms/${id}`, { method: "DELETE" })).toMatchObject(missing);
});

test("DELETE /registry/vms/:id removes it (spec §6)", async () => {
  await register({ id: "vm/1 ü" });
  const path = `/vms/${encodeURIComponent("vm/1 ü")}`;
  expect((await ask(path)).data.id).toBe("vm/1 ü");
  expect(await ask(path, { method: "DELETE" })).toMatchObject({ status: 200, data: { deleted: true } });
  expect((await ask(path)).status).toBe(404);
});

test("GET /registry/discover/:role gives who runs, oldest registration first (spec §6)", async () => {
  for (const [id, status] of [
    ["a", "running"],
    ["b", "stopped"],
    ["c", "running"],
    ["d", "paused"],
  ])
    await register({ id, status });
  await register({ id: "e", role: "infra" });
  const { data } = await ask("/discover/worker");
  expect(Object.keys(data)).toEqual(["vms", "count"]);
  expect([data.vms.map(({ id }: Vm) => id), data.count]).toEqual([["a", "c"], 2]);
  expect((await ask("/discover/nobody")).data).toEqual({ vms: [], count: 0 });
});

test("GET /registry/stats counts by status (spec §6)", async () => {
  for (const status of ["running", "running", "paused", "stopped"])
    await register({ id: crypto.randomUUID(), status });
  expect((await ask("/stats")).data).toEqual({ total: 4, running: 2, paused: 1, stopped: 1, stale: 0 });
});

describe("what happens (spec §6, §1.8)", () => {
  test("is told on the bus with the VM, and in the tree as a line", async () => {
    const { data } = await register({ name: "o\nne" });
    expect(told).toEqual([
      { type: "bus registered", vm: data },
      {
        type: "registry_vm_registered",
        source: "registry",
        content: "o ne (worker) is running at one.example",
        vmId: "vm-1",
      },
    ]);
    told.length = 0;
    const { data: stopped } = await patch("vm-1", { status: "stopped", statusReason: "done" });
    await ask("/vms/vm-1", { method: "DELETE" });
    expect(told).toEqual([
      { type: "bus updated", vm: stopped },
      {
        type: "registry_vm_updated",
        source: "registry",
        content: "o ne (worker) went from running to stopped (done)",
        vmId: "vm-1",
      },
      { type: "bus removed", vm: stopped },
      { type: "registry_vm_removed", source: "registry", content: "o ne (worker) was removed", vmId: "vm-1" },
    ]);
  });

  test("is no news for people when nothing changes for them", async () => {
    await register();
    told.length = 0;
    await register({}, "?upsert=true");
    await patch("vm-1", { name: "other" });
    await beat("vm-1");
    await register({ registeredBy: "eve" });
    expect(types()).toEqual(["bus registered", "bus updated"]);
    await patch("vm-1", { status: "stopped", statusReason: "agent_end" });
    told.length = 0;
    await beat("vm-1");
    expect(types()).toEqual(["bus updated", "registry_vm_updated"]);
    await patch("vm-1", { status: "stopped" });
    told.length = 0;
    await register({ registeredBy: "eve" });
    expect(types()).toEqual(["bus registered", "registry_vm_registered"]);
  });
});
