// The hub's store: at its limits, behind its streams, over restarts, and the copy that tasks read.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Hono } from "hono";
import { createTestHarness, queryPlans, scansIn, type TestHarness } from "#core/testing.js";
import skills from "./index.js";
import type { Published } from "./item.js";
import { type Hub, type HubOptions, openHub } from "./store.js";

let harness: TestHarness;
let nowMs: number;
beforeEach(async () => {
  harness = await createTestHarness({ services: [] });
  nowMs = Date.UTC(2026, 0, 10);
});
afterEach(() => harness.cleanup());

const open = (options: HubOptions = {}) =>
  openHub({ ...harness.ctx, name: "skills" }, { now: () => nowMs, ...options });
const add = (hub: Hub, name: string, more: Partial<Published> = {}) =>
  hub.publish("skill", { name, description: "d", content: "c", publishedBy: "ada", ...more });
const page = { limit: 1_000, isCounted: true, cursor: () => "next" };
const report = (agentId: string) => ({ agentId, vmId: undefined, skills: [], extensions: [] });

/** What a stream sends until the frame with that text is there. */
async function heard(hub: Hub, start: string, until: string): Promise<string> {
  const routes = new Hono().get("/", (c) => hub.streams.open(c));
  const answer = await routes.request("/", { headers: { "Last-Event-ID": start } });
  const reader = answer.body?.getReader();
  let text = "";
  while (!text.includes(until)) text += new TextDecoder().decode((await reader?.read())?.value);
  await reader?.cancel();
  return text;
}

describe("limits (spec §7)", () => {
  test("the newest versions of a name are kept, over its incarnations", async () => {
    const hub = open({ versionsMax: 3 });
    for (const content of ["1", "2"]) await add(hub, "a", { content });
    await hub.remove("skill", "a");
    for (const content of ["3", "4"]) await add(hub, "a", { content });
    await add(hub, "b");
    const kept = (name: string) =>
      hub.versions("skill", name, true).map(({ incarnation, version }) => [incarnation, version]);
    expect(kept("a")).toEqual([
      [2, 2],
      [2, 1],
      [1, 2],
    ]);
    expect(kept("b")).toEqual([[1, 1]]);
    for (const content of ["5", "6"]) await add(hub, "a", { content });
    expect(kept("a")).toEqual([
      [2, 4],
      [2, 3],
      [2, 2],
    ]);
    expect(() => hub.read("skill", "a", 1)).toThrow("skill not found");
  });

  test("the newest changes are kept, and a stream that resumes before them is told so", async () => {
    const hub = open({ changesMax: 2 });
    await add(hub, "a");
    const first = hub.manifest().revision;
    for (const name of ["b", "c", "d"]) await add(hub, name);
    const text = await heard(hub, first, '"name":"d"');
    const [, oldest = ""] = /event: resync\ndata: \{"oldest":"(\w+)"\}\n\n/.exec(text) ?? [];
    expect(text).toContain(`id: ${oldest}\ndata: {"id":"${oldest}","type":"skill","name":"c","version":1,`);
    expect(text).not.toContain('"name":"b"');
    expect(await heard(open(), oldest, '"name":"d"')).not.toContain("resync");
  });

  test("agents that were not heard of for longest go", async () => {
    const hub = open({ agentsMax: 2 });
    for (const agentId of ["a", "b", "a", "c"]) {
      nowMs += 1_000;
      await hub.sync(report(agentId));
    }
    const { texts, total } = hub.agents(page);
    expect([texts.map((text) => JSON.parse(text).agentId), total]).toEqual([["c", "a"], 2]);
    expect(() => hub.agent("b")).toThrow("agent not found");
  });

  test("more names than there may be are refused, further versions are not", async () => {
    const hub = open({ itemsMax: 1 });
    await add(hub, "a");
    await expect(add(hub, "b")).rejects.toThrow("there are 1 skills already");
    expect((await add(hub, "a", { content: "2" })).version).toBe(2);
    await hub.publish("extension", { name: "b", description: "d", content: "c", publishedBy: "ada" });
    await hub.remove("skill", "a");
    await add(hub, "b");
    expect(hub.counts()).toEqual({ skills: 1, extensions: 1 });
  });
});

describe("streams (spec §1.6, §7)", () => {
  test("send what was missed once and in order, and then what comes", async () => {
    const hub = open();
    await add(hub, "a");
    const first = hub.manifest().revision;
    await add(hub, "a", { content: "2", enabled: false });
    const routes = new Hono().get("/", (c) => hub.streams.open(c));
    const reader = (await routes.request("/", { headers: { "Last-Event-ID": first } })).body?.getReader();
    await hub.remove("skill", "a");
    let text = "";
    while (!text.includes('"remove"')) text += new TextDecoder().decode((await reader?.read())?.value);
    await reader?.cancel();
    const changes = Array.from(text.matchAll(/^data: (.*)$/gm), ([, json = ""]) => JSON.parse(json));
    expect(changes.map(({ action, version }) => [action, version])).toEqual([
      ["update", 2],
      ["disable", 2],
      ["remove", 2],
    ]);
    expect(Object.keys(changes[0])).toEqual(["id", "type", "name", "version", "action", "timestamp"]);
    expect(changes.map(({ id }) => id)).toEqual(changes.map(({ id }) => id).toSorted());
  });

  test("are refused beyond their limit", async () => {
    const hub = open({ clientsMax: 1 });
    const routes = new Hono().get("/", (c) => hub.streams.open(c));
    const [first, second] = [await routes.request("/"), await routes.request("/")];
    expect([second.status, second.headers.get("retry-after"), await second.json()]).toEqual([
      503,
      "5",
      { error: "too many streams", code: "unavailable" },
    ]);
    await first.body?.cancel();
  });
});

test("ids grow after the clock went back and after a restart (spec §1.3)", async () => {
  const ids: string[] = [];
  for (const name of ["a", "b", "c"]) {
    const hub = open();
    ids.push((await add(hub, name)).id, hub.manifest().revision);
    nowMs -= 60_000;
  }
  expect(ids).toEqual([...new Set(ids)].toSorted());
});

test("hostile text is kept as it is (spec §17.10)", async () => {
  const hostile = "</script><img src=x onerror=alert(1)> '; DROP TABLE items; -- \u0000 😀";
  const more = { description: hostile, content: hostile, publishedBy: hostile, tags: [hostile] };
  const item = await add(open(), "a", more);
  expect(item).toMatchObject(more);
  const filters = { tag: hostile };
  expect(open().list("skill", { ...page, filters }).texts).toEqual([JSON.stringify(item)]);
});

test("a refused write changes nothing (spec §17.3)", async () => {
  const hub = open();
  await add(hub, "a", { tags: ["x"] });
  const before = [hub.manifest(), hub.versions("skill", "a"), hub.read("skill", "a")];
  await expect(hub.change("skill", "b", { enabled: false })).rejects.toThrow("skill not found");
  await expect(hub.remove("extension", "a")).rejects.toThrow("extension not found");
  expect([hub.manifest(), hub.versions("skill", "a"), hub.read("skill", "a")]).toEqual(before);
});

test("no list and no count scans its table or sorts (spec §17.7)", async () => {
  const plans = await queryPlans(`${harness.dataDir}/skills.sqlite`, async () => {
    const hub = open({ versionsMax: 2, changesMax: 2, agentsMax: 1 });
    for (const content of ["1", "2", "3"]) await add(hub, "a", { content, tags: ["x"] });
    for (const agentId of ["a", "b"]) await hub.sync(report(agentId));
    for (const filters of [{}, { tag: "x" }, { enabled: true }, { tag: "x", enabled: true }])
      for (const after of [undefined, ["a"]])
        hub.list("skill", { ...page, filters, ...(after && { after }) });
    hub.agents(page);
    hub.agents({ ...page, isCounted: false, after: ["2026", "a"] });
    hub.versions("skill", "a", true);
    hub.read("skill", "a", 2);
    hub.counts();
    hub.manifest();
    await hub.remove("skill", "a");
  });
  expect(plans.length).toBeGreaterThan(20);
  expect(scansIn(plans)).toEqual([]);
});

describe("the copy that tasks read (spec §7)", () => {
  const folder = () => join(harness.dataDir, "skills-hub");
  const names = () => readdirSync(folder()).toSorted();
  const file = (name: string) => join(folder(), name, "SKILL.md");

  test("has each enabled skill as it is when the change is answered, and no extension", async () => {
    const hub = open();
    await add(hub, "a", { content: "é 1" });
    await add(hub, "off", { enabled: false });
    await hub.publish("extension", { name: "x", description: "d", content: "c", publishedBy: "ada" });
    expect([names(), readFileSync(file("a"), "utf8")]).toEqual([["a"], "é 1"]);
    expect(statSync(file("a")).mode & 0o777).toBe(0o444);
    await add(hub, "a", { content: "2" });
    expect(readFileSync(file("a"), "utf8")).toBe("2");
    await hub.change("skill", "off", { enabled: true });
    await hub.change("skill", "a", { enabled: false });
    expect(names()).toEqual(["off"]);
    await hub.remove("skill", "off");
    expect(names()).toEqual([]);
  });

  test("is put right when the service starts", async () => {
    await add(open(), "a", { content: "right" });
    mkdirSync(join(folder(), "gone"));
    writeFileSync(file("gone"), "old");
    await Bun.$`rm -f ${file("a")}`.quiet();
    const hub = open();
    // Work on the copy is done in order, so this change comes after what the start does.
    await add(hub, "b");
    expect([names(), readFileSync(file("a"), "utf8")]).toEqual([["a", "b"], "right"]);
  });
});

test("a module that was undone can be started again, and goes on (spec §1.1)", async () => {
  const { dataDir } = harness;
  const versions: number[] = [];
  for (const content of ["1", "2"]) {
    const again = await createTestHarness({ services: [skills], dataDir });
    const body = { name: "a", description: "d", content, publishedBy: "ada" };
    versions.push((await again.json("/skills/items", { auth: true, body })).data.version);
    await again.cleanup();
  }
  expect(versions).toEqual([1, 2]);
});
