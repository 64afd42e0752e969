// The store on a clock that the test sets, and at its limits: what HTTP alone cannot show.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createTestHarness, type TestHarness } from "#core/testing.js";
import type { Change } from "./rows.js";
import { type KeyValueStore, openStore, type StoreOptions } from "./store.js";

const anything = () => true;

let harness: TestHarness;
let ended: AbortController;
let nowMs: number;
beforeEach(async () => {
  harness = await createTestHarness({ services: [] });
  ended = new AbortController();
  nowMs = 1_000_000;
});
afterEach(() => harness.cleanup());

/** A store whose timers never fire, so that nothing is swept. */
function open(options: StoreOptions = {}): KeyValueStore {
  const ctx = { ...harness.ctx, signal: ended.signal, setTimeout: () => () => {} };
  return openStore(ctx, { now: () => nowMs, ...options });
}

/** A store whose one timer the test fires. */
function openWithTimer(): { store: KeyValueStore; timer: { fn: () => unknown; ms: number } } {
  const timer = { fn: (): unknown => undefined, ms: -1 };
  const ctx = {
    ...harness.ctx,
    signal: ended.signal,
    setTimeout: (fn: () => unknown, ms: number) => {
      Object.assign(timer, { fn, ms });
      return () => {};
    },
  };
  return { store: openStore(ctx, { now: () => nowMs }), timer };
}

const signal = AbortSignal.timeout(60_000);

describe("a key whose time is over, before any sweep", () => {
  test("is there until expiresAt and gone from then on for reads and lists (spec §9)", async () => {
    const store = open();
    await store.put("k", { json: "1", ttlMs: 1000 }, anything);
    nowMs += 999;
    expect(store.look("k").entry).toMatchObject({ key: "k", expiresAt: 1_001_000 });
    expect(store.list({ prefix: "", limit: 10 }).keys).toHaveLength(1);
    nowMs += 1;
    expect(store.look("k").entry).toBeUndefined();
    expect(store.list({ prefix: "", limit: 10 })).toEqual({ keys: [], more: false });
  });

  test("counts as absent for conditions, deletions and waits (spec §9)", async () => {
    const store = open();
    await store.put("k", { json: "1", ttlMs: 1000 }, anything);
    nowMs += 1000;
    const seen: (number | null)[] = [];
    const refuse = (version: number | null) => {
      seen.push(version);
      return false;
    };
    await expect(store.put("k", { json: "2" }, refuse)).rejects.toMatchObject({ details: { version: null } });
    await expect(store.delete("k", anything)).rejects.toMatchObject({ code: "not_found" });
    expect(seen).toEqual([null]);
    const isKnown = (version: number) => version === 1;
    expect(await store.wait("k", { isKnown, ms: 60_000, signal })).toEqual({
      entry: undefined,
      isNews: true,
    });
  });

  test("is a new key when it is put again (spec §9)", async () => {
    const store = open();
    await store.put("k", { json: "1", ttlMs: 1000 }, anything);
    nowMs += 5000;
    const again = await store.put("k", { json: "2" }, (version) => version === null);
    expect(again).toEqual({ key: "k", json: "2", createdAt: 1_005_000, updatedAt: 1_005_000, version: 2 });
  });
});

test("createdAt survives an overwrite but not a deletion (spec §9)", async () => {
  const store = open();
  await store.put("k", { json: "1" }, anything);
  nowMs += 5;
  expect(await store.put("k", { json: "2" }, anything)).toMatchObject({
    createdAt: 1_000_000,
    updatedAt: 1_000_005,
  });
  await store.delete("k", anything);
  expect((await store.put("k", { json: "3" }, anything)).createdAt).toBe(1_000_005);
});

describe("the sweep", () => {
  test("waits for the key that expires first, and tells what it took out", async () => {
    const { store, timer } = openWithTimer();
    const changes: Change[] = [];
    await store.put("later", { json: "1", ttlMs: 5000 }, anything);
    expect(timer.ms).toBe(5000);
    await store.put("sooner", { json: "1", ttlMs: 2000 }, anything);
    expect(timer.ms).toBe(2000);
    harness.events.on("store:changed", (change: Change) => changes.push(change));
    nowMs += 2000;
    await timer.fn();
    expect(changes).toEqual([{ key: "sooner", version: 3, deleted: true }]);
    expect(timer.ms).toBe(3000);
  });

  test("looks every hour at least, whatever the ttl", async () => {
    const { store, timer } = openWithTimer();
    await store.put("k", { json: "1", ttlMs: 10 * 365 * 86_400_000 }, anything);
    expect(timer.ms).toBe(3_600_000);
    nowMs += 3_600_000;
    await timer.fn();
    expect(timer.ms).toBe(3_600_000);
    expect(store.look("k").entry).toBeDefined();
  });

  test("takes many keys out a part at a time", async () => {
    const { store, timer } = openWithTimer();
    const puts = Array.from({ length: 1200 }, (_, n) =>
      store.put(`k${n}`, { json: "1", ttlMs: 10 }, anything),
    );
    await Promise.all(puts);
    const changes: Change[] = [];
    harness.events.on("store:changed", (change: Change) => changes.push(change));
    nowMs += 10;
    for (const swept of [500, 1000, 1200]) {
      await timer.fn();
      expect(changes).toHaveLength(swept);
    }
  });

  test("a store that is opened again sweeps what has expired meanwhile", async () => {
    await open().put("k", { json: "1", ttlMs: 1000 }, anything);
    nowMs += 9000;
    expect(openWithTimer().timer.ms).toBe(0);
  });
});

describe("waiting", () => {
  test("leaves nothing behind, whichever way it ends (spec §9)", async () => {
    const store = open();
    await store.put("k", { json: "1" }, anything);
    const gone = new AbortController();
    const waits = [
      store.wait("k", { ms: 1, signal }),
      store.wait("k", { ms: 60_000, signal: gone.signal }),
      store.wait("k", { ms: 60_000, signal }),
    ];
    expect(store.waiting()).toBe(3);
    await waits[0];
    expect(store.waiting()).toBe(2);
    gone.abort();
    await waits[1];
    expect(store.waiting()).toBe(1);
    await store.put("k", { json: "2" }, anything);
    expect((await waits[2])?.entry?.json).toBe("2");
    expect(store.waiting()).toBe(0);
  });

  test("ends as if the time were over when the module is undone", async () => {
    const store = open();
    await store.put("k", { json: "1" }, anything);
    const waiting = store.wait("k", { ms: 60_000, signal });
    ended.abort();
    expect(await waiting).toMatchObject({ entry: { version: 1 }, isNews: false });
    expect(store.waiting()).toBe(0);
  });

  test("a change of another key wakes nobody", async () => {
    const store = open();
    const waiting = store.wait("k", { ms: 60_000, signal });
    await store.put("other", { json: "1" }, anything);
    expect(store.waiting()).toBe(1);
    await store.put("k", { json: "1" }, anything);
    expect((await waiting).isNews).toBe(true);
  });

  test("more than 5,000 readers at once are refused", async () => {
    const store = open();
    const gone = new AbortController();
    const waits = Array.from({ length: 5000 }, () => store.wait("k", { ms: 60_000, signal: gone.signal }));
    await expect(store.wait("k", { ms: 60_000, signal })).rejects.toMatchObject({ code: "unavailable" });
    gone.abort();
    await Promise.all(waits);
    expect(store.waiting()).toBe(0);
  });
});

describe("a full store", () => {
  test("takes no new key, but new values and, after a deletion, a key again", async () => {
    const store = open({ limits: { keysMax: 2 } });
    await store.put("a", { json: "1" }, anything);
    await store.put("b", { json: "1" }, anything);
    await expect(store.put("c", { json: "1" }, anything)).rejects.toMatchObject({
      code: "insufficient_storage",
    });
    await store.put("a", { json: "2" }, anything);
    await store.delete("b", anything);
    expect((await store.put("c", { json: "1" }, anything)).version).toBe(5);
  });

  test("takes nothing that would pass its limit of bytes, and what makes it smaller", async () => {
    const store = open({ limits: { bytesMax: 10 } });
    await store.put("k", { json: '"12345"' }, anything);
    await expect(store.put("k", { json: '"12345678"' }, anything)).rejects.toMatchObject({
      code: "insufficient_storage",
    });
    expect(store.look("k").entry?.json).toBe('"12345"');
    await store.put("k", { json: "1" }, anything);
    await store.put("l", { json: '"1234"' }, anything);
  });
});
