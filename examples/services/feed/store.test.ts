// The feed's store: on a clock that the test sets, at its limits, and behind its streams.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { createTestHarness, queryPlans, scansIn, type TestHarness } from "#core/testing.js";
import type { EventInput } from "./event.js";
import feed from "./index.js";
import { type Feed, type FeedOptions, openFeed } from "./store.js";

let harness: TestHarness;
let nowMs: number;
beforeEach(async () => {
  harness = await createTestHarness({ services: [] });
  nowMs = Date.UTC(2026, 0, 10);
});
afterEach(() => harness.cleanup());

const open = (options: FeedOptions = {}) =>
  openFeed({ ...harness.ctx, name: "feed" }, { now: () => nowMs, ...options });
const add = (store: Feed, summary: string, more: Partial<EventInput> = {}) =>
  store.publish({ agent: "ada", type: "custom", summary, ...more });
const newest = { after: "", below: "~", end: "newest", limit: 1_000 } as const;
const kept = (store: Feed) => store.list(newest, {}).texts.map((json) => JSON.parse(json).summary);

describe("ids (spec §1.3)", () => {
  test("grow within a millisecond, after the clock went back, and after a restart", async () => {
    const first = open();
    const ids = [(await add(first, "1")).id, (await add(first, "2")).id];
    nowMs -= 60_000;
    ids.push((await add(first, "3")).id);
    const second = open();
    ids.push((await add(second, "4")).id);
    await second.clear();
    ids.push((await add(open(), "5")).id);
    expect(ids).toEqual([...new Set(ids)].toSorted());
  });

  test("and the time in them is the timestamp", async () => {
    const store = open();
    expect((await add(store, "1")).timestamp).toBe("2026-01-10T00:00:00.000Z");
    nowMs -= 60_000;
    expect((await add(store, "2")).timestamp).toBe("2026-01-10T00:00:00.000Z");
  });

  test("grow in the order of the commits, however many are published at once", async () => {
    const store = open();
    const events = await Promise.all(Array.from({ length: 2_500 }, (_, n) => add(store, `${n}`)));
    const ids = events.map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted());
    const { texts } = store.list({ ...newest, end: "oldest", limit: 5_000 }, {});
    expect(texts.map((json) => JSON.parse(json).id)).toEqual(ids);
  });
});

describe("a full feed (spec §3)", () => {
  test("keeps the newest events, and its counts are those of what is kept", async () => {
    const store = open({ eventsMax: 5, pruneRows: 3 });
    await add(store, "1", { agent: "gone" });
    for (const summary of ["2", "3", "4", "5", "6", "7"]) await add(store, summary);
    expect(kept(store)).toHaveLength(7);
    await add(store, "8", { agent: "bob", type: "finding" });
    expect(kept(store)).toEqual(["4", "5", "6", "7", "8"]);
    expect(store.stats()).toMatchObject({
      total: 5,
      byAgent: { ada: 4, bob: 1 },
      byType: { custom: 4, finding: 1 },
      latestPerAgent: { ada: { summary: "7" }, bob: { summary: "8" } },
    });
    expect(Object.keys(store.stats().byAgent)).toEqual(["ada", "bob"]);
    expect(store.count()).toBe(5);
  });

  test("tells a stream that resumes from what is gone where it goes on", async () => {
    const store = open({ eventsMax: 1, pruneRows: 2 });
    const first = await add(store, "1");
    const second = await add(store, "2");
    const third = await add(store, "3");
    const routes = new Hono().get("/", (c) => store.streams.open(c));
    const answer = await routes.request("/", { headers: { "Last-Event-ID": first.id } });
    const reader = answer.body?.getReader();
    let text = "";
    while (!text.includes(`id: ${third.id}`)) text += new TextDecoder().decode((await reader?.read())?.value);
    expect(text).toContain(`event: resync\ndata: {"oldest":"${third.id}"}\n\n`);
    expect(text).not.toContain(second.id);
    await reader?.cancel();
  });

  test("shows the agents that did most", async () => {
    const store = open();
    const agents = Array.from({ length: 1_005 }, (_, n) => `agent-${n}`);
    await Promise.all(agents.map((agent) => add(store, "x", { agent })));
    await add(store, "again", { agent: "agent-7" });
    const { total, byAgent, latestPerAgent } = store.stats();
    expect([total, Object.keys(byAgent).length, Object.keys(byAgent)[0]]).toEqual([1_006, 1_000, "agent-7"]);
    expect(latestPerAgent["agent-7"]).toMatchObject({ summary: "again" });
  });
});

test("what stands after a restart is what was published before (spec §17.4)", async () => {
  const sent: EventInput = {
    agent: "Ünï\u0000code 😀",
    type: "custom",
    summary: "'; DROP TABLE events; --",
    detail: "<img src=x onerror=alert(1)>",
    metadata: JSON.parse('{"__proto__": {"a": 1}, "n": [1e300, null]}'),
  };
  const event = await open().publish(sent);
  expect(open().read(event.id)).toBe(JSON.stringify(event));
  expect(JSON.stringify(event)).toContain('"metadata":{"__proto__":{"a":1},"n":[1e+300,null]}');
});

test("no list, no count and no stream scans its table or sorts (spec §17.7)", async () => {
  const plans = await queryPlans(`${harness.dataDir}/feed.sqlite`, async () => {
    const store = open({ eventsMax: 3, pruneRows: 2 });
    const events = await Promise.all(["1", "2", "3", "4", "5", "6"].map((one) => add(store, one)));
    const range = { ...newest, total: { after: "", below: "~" } };
    for (const filter of [{}, { agent: "ada" }, { type: "custom" }, { agent: "ada", type: "custom" }])
      for (const end of ["newest", "oldest"] as const) store.list({ ...range, end }, filter);
    store.read(events[0]?.id ?? "");
    store.stats();
  });
  expect(plans.length).toBeGreaterThan(20);
  expect(scansIn(plans)).toEqual([]);
});

test("a module that was undone can be started again, and goes on (spec §1.1)", async () => {
  const dataDir = harness.dataDir;
  const body = { agent: "ada", type: "custom", summary: "1" };
  const counts: number[] = [];
  for (let n = 0; n < 2; n++) {
    const again = await createTestHarness({ services: [feed], dataDir });
    await again.json("/feed/events", { auth: true, body });
    counts.push((await again.json("/feed/stats", { auth: true })).data.total);
    await again.cleanup();
  }
  expect(counts).toEqual([1, 2]);
});
