// The store over HTTP, in process and with a file of its own in each test.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createTestHarness, type RequestOptions, type TestHarness } from "#core/testing.js";
import store from "./index.js";
import type { Change } from "./rows.js";

let harness: TestHarness;
beforeEach(async () => {
  harness = await createTestHarness({ services: [store] });
});
afterEach(() => harness.cleanup());

const ask = (path: string, options: RequestOptions = {}) => harness.json(path, { auth: true, ...options });
const fetched = (path: string, options: RequestOptions = {}) =>
  harness.fetch(path, { auth: true, ...options });
const put = (key: string, body: object | string, headers: Record<string, string> = {}) =>
  ask(`/store/${key}`, { method: "PUT", body, headers });
const get = (key: string, headers: Record<string, string> = {}) => ask(`/store/${key}`, { headers });
const remove = (key: string, headers: Record<string, string> = {}) =>
  ask(`/store/${key}`, { method: "DELETE", headers });
const keysOf = async (query = ""): Promise<string[]> => {
  const { data } = await ask(`/store${query}`);
  return data.keys.map(({ key }: { key: string }) => key);
};

/** Resolves with the next change that fits. */
function nextChange(fits: (change: Change) => boolean): Promise<Change> {
  const { promise, resolve } = Promise.withResolvers<Change>();
  const off = harness.events.on("store:changed", (change: Change) => {
    if (!fits(change)) return;
    off();
    resolve(change);
  });
  return promise;
}

describe("reading and writing", () => {
  test("a put answers with the whole entry and its ETag (spec §9)", async () => {
    const { status, data, headers } = await put("greeting", { value: "hello" });
    expect(status).toBe(200);
    expect(data).toEqual({
      key: "greeting",
      value: "hello",
      createdAt: expect.any(Number),
      updatedAt: data.createdAt,
      version: 1,
    });
    expect(headers.get("etag")).toBe('"1"');
    const read = await get("greeting");
    expect(read.data).toEqual(data);
    expect(read.headers.get("etag")).toBe('"1"');
    expect(read.headers.get("content-type")).toStartWith("application/json");
  });

  test("the panel is for who asks for a page; `_panel` is a key like any other for everybody else (spec §5.7, §9)", async () => {
    const panel = await fetched("/store/_panel", { headers: { accept: "text/html,*/*" } });
    expect(panel.headers.get("content-type")).toStartWith("text/html");
    const text = await panel.text();
    for (const part of [".panel-store {", '<div class="panel-store">', "PANEL_API"])
      expect(text).toContain(part);
    expect((await get("_panel")).status).toBe(404);
    await put("_panel", { value: "mine" });
    expect((await get("_panel")).data.value).toBe("mine");
    expect((await get("_panel", { accept: "*/*" })).data.value).toBe("mine");
  });

  test.each([
    [null],
    [false],
    [0],
    [-1.5e300],
    [""],
    ["  "],
    ["\u0000 \ud800 \u2028 日本"],
    [[]],
    [{}],
    [{ a: [{ b: null }] }],
    [JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}')],
  ])("the value %j comes back as it was put (spec §9)", async (value) => {
    expect((await put("value", { value })).status).toBe(200);
    const text = await (await fetched("/store/value")).text();
    expect(JSON.stringify(JSON.parse(text).value)).toBe(JSON.stringify(value));
  });

  test("a deletion names the key, and a second one is 404 (spec §9)", async () => {
    await put("k", { value: 1 });
    expect(await remove("k")).toMatchObject({ status: 200, data: { deleted: "k" } });
    expect(await remove("k")).toMatchObject({ status: 404, data: { error: "not found", code: "not_found" } });
    expect((await get("k")).status).toBe(404);
  });

  test("HEAD answers as GET without a body (spec §2.1)", async () => {
    await put("k", { value: 1 });
    const head = await fetched("/store/k", { method: "HEAD" });
    expect([head.status, head.headers.get("etag"), await head.text()]).toEqual([200, '"1"', ""]);
  });

  test("what was put is there after a restart, and versions go on (spec §9)", async () => {
    await put("k", { value: "kept" });
    await remove("gone");
    await put("gone", { value: 1 });
    const last = (await remove("gone")).status;
    expect(last).toBe(200);
    const again = await createTestHarness({ services: [store], dataDir: harness.dataDir });
    try {
      expect((await again.json("/store/k", { auth: true })).data.value).toBe("kept");
      const { data } = await again.json("/store/new", { auth: true, method: "PUT", body: { value: 1 } });
      expect(data.version).toBe(4);
    } finally {
      await again.cleanup();
    }
  });

  test("two servers with the same module do not see each other's keys (spec §5.6)", async () => {
    const other = await createTestHarness({ services: [store] });
    try {
      await put("mine", { value: 1 });
      expect((await other.json("/store/mine", { auth: true })).status).toBe(404);
      expect((await get("mine")).status).toBe(200);
    } finally {
      await other.cleanup();
    }
    expect((await get("mine")).status).toBe(200);
  });
});

describe("keys", () => {
  test.each([
    ["a/b", "a/b"],
    ["a%2Fb", "a/b"],
    ["a/", "a/"],
    ["/a", "/a"],
    ["%2541", "%41"],
    ["%25", "%"],
    ["a%20b+c", "a b+c"],
    ["%00", "\u0000"],
    ["line%0Abreak", "line\nbreak"],
    ["%E6%97%A5%E6%9C%AC", "日本"],
    ["..%2Fx", "../x"],
    ["constructor", "constructor"],
    ["__proto__", "__proto__"],
    ["a%3Fb%23c", "a?b#c"],
    ["%3Akey", ":key"],
  ])("/store/%s is the key %j (spec §9)", async (path, key) => {
    expect((await get(path)).status).toBe(404);
    expect((await put(path, { value: 1 })).data.key).toBe(key);
    expect((await get(path)).data.key).toBe(key);
    expect(await keysOf()).toEqual([key]);
    expect((await remove(path)).data).toEqual({ deleted: key });
  });

  test("a key has at most 512 bytes, counted in UTF-8 (spec §9)", async () => {
    expect((await put("k".repeat(512), { value: 1 })).status).toBe(200);
    expect((await put("k".repeat(513), { value: 1 })).status).toBe(400);
    expect((await put(encodeURIComponent("日".repeat(170)), { value: 1 })).status).toBe(200);
    expect((await put(encodeURIComponent("日".repeat(171)), { value: 1 })).status).toBe(400);
  });

  test("keys are listed in the byte order of UTF-8 (spec §9)", async () => {
    const keys = ["b", "a", "a\u0000", "B", "é", "\u{1f600}", "\uffee", "aa"];
    for (const key of keys) await put(encodeURIComponent(key), { value: 1 });
    const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(await keysOf()).toEqual(sorted);
    const { data } = await ask("/store/");
    expect(data.count).toBe(keys.length);
    expect(data.keys[0]).toEqual({
      key: "B",
      createdAt: expect.any(Number),
      updatedAt: expect.any(Number),
      version: 4,
    });
  });

  test("a prefix is bytes, not a pattern (spec §9)", async () => {
    for (const key of ["a%", "a_", "ab", "b", "a\u{10ffff}z"])
      await put(encodeURIComponent(key), { value: 1 });
    expect(await keysOf("?prefix=a")).toEqual(["a%", "a_", "ab", "a\u{10ffff}z"]);
    expect(await keysOf("?prefix=a%25")).toEqual(["a%"]);
    expect(await keysOf(`?prefix=${encodeURIComponent("a\u{10ffff}")}`)).toEqual(["a\u{10ffff}z"]);
    expect(await keysOf("?prefix=nothing")).toEqual([]);
  });

  test("paging repeats and skips nothing while keys come and go (spec §2.7)", async () => {
    for (const key of ["a", "c", "e", "g"]) await put(key, { value: 1 });
    const first = (await ask("/store?limit=2")).data;
    expect(first.count).toBe(2);
    await put("b", { value: 1 });
    await put("f", { value: 1 });
    await remove("c");
    const rest = (await ask(`/store?limit=3&cursor=${first.nextCursor}`)).data;
    expect(rest.keys.map(({ key }: { key: string }) => key)).toEqual(["e", "f", "g"]);
    expect(rest.nextCursor).toBeUndefined();
  });

  test("a cursor of another list is foreign (spec §2.7)", async () => {
    for (const key of ["a1", "a2", "b1"]) await put(key, { value: 1 });
    const { nextCursor } = (await ask("/store?prefix=a&limit=1")).data;
    expect((await ask(`/store?prefix=b&cursor=${nextCursor}`)).data.error).toBe("invalid cursor");
  });
});

describe("conditions", () => {
  test("of twenty writers with one ETag one wins (spec §9, §13.16)", async () => {
    const { version } = (await put("k", { value: 0 })).data;
    const writers = Array.from({ length: 20 }, (_, n) =>
      put("k", { value: n }, { "If-Match": `"${version}"` }),
    );
    const answers = await Promise.all(writers);
    const winners = answers.filter(({ status }) => status === 200);
    expect(winners).toHaveLength(1);
    for (const { status, data } of answers.filter((answer) => answer !== winners[0])) {
      expect(status).toBe(412);
      expect(data).toMatchObject({ code: "precondition_failed", version: winners[0]?.data.version });
    }
    expect((await get("k")).data.value).toBe(winners[0]?.data.value);
  });

  test("of twenty writers of a new key with If-None-Match: * one wins (spec §9)", async () => {
    const writers = Array.from({ length: 20 }, (_, n) => put("k", { value: n }, { "If-None-Match": "*" }));
    const statuses = (await Promise.all(writers)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 412)).toHaveLength(19);
  });

  // The key is at version 2 when it exists.
  test.each([
    ["there", { "If-Match": "*" }, 200],
    ["there", { "If-Match": '"2"' }, 200],
    ["there", { "If-Match": '"7", "2"' }, 200],
    ["there", { "If-Match": "2" }, 200],
    ["there", { "If-Match": 'W/"2"' }, 412],
    ["there", { "If-Match": '"1"' }, 412],
    ["there", { "If-Match": "nonsense" }, 412],
    ["there", { "If-None-Match": "*" }, 412],
    ["there", { "If-None-Match": '"2"' }, 412],
    ["there", { "If-None-Match": '"1"' }, 200],
    ["absent", { "If-Match": "*" }, 412],
    ["absent", { "If-Match": '"2"' }, 412],
    ["absent", { "If-Match": '"0"' }, 412],
    ["absent", { "If-None-Match": "*" }, 200],
  ])("a put of a key that is %s with %j answers %i (spec §9)", async (key, headers, status) => {
    await put("other", { value: 0 });
    await put("there", { value: 0 });
    const answer = await put(key, { value: 1 }, headers);
    expect(answer.status).toBe(status);
    if (status === 412) expect(answer.data.version).toBe(key === "there" ? 2 : null);
  });

  test("a deletion heeds If-Match (spec §9)", async () => {
    await put("k", { value: 1 });
    expect(await remove("k", { "If-Match": '"9"' })).toMatchObject({ status: 412, data: { version: 1 } });
    expect((await remove("k", { "If-Match": '"1"' })).status).toBe(200);
    expect((await remove("k", { "If-Match": '"1"' })).status).toBe(404);
  });

  test("a version is never reused, not even after deletions (spec §9)", async () => {
    const versions: number[] = [];
    for (const key of ["a", "b", "a"]) versions.push((await put(key, { value: 1 })).data.version);
    await remove("a");
    await remove("b");
    versions.push((await put("a", { value: 1 })).data.version);
    expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b));
  });

  test.each([['"1"'], ['W/"1"'], ['"5", "1"'], ["*"], ["1"]])(
    "a reader who has If-None-Match: %s gets 304 and no body (spec §9)",
    async (tag) => {
      await put("k", { value: 1 });
      const answer = await fetched("/store/k", { headers: { "If-None-Match": tag } });
      expect([answer.status, answer.headers.get("etag"), await answer.text()]).toEqual([304, '"1"', ""]);
    },
  );

  test("a reader who has another version gets the value (spec §9)", async () => {
    await put("k", { value: 1 });
    expect((await get("k", { "If-None-Match": '"2"' })).status).toBe(200);
    expect((await get("k?version=2")).status).toBe(200);
    expect((await get("k?version=1")).status).toBe(304);
    expect((await get("absent", { "If-None-Match": "*" })).status).toBe(404);
  });
});

describe("lifetimes", () => {
  test("a key whose time is over is gone, and the bus says so (spec §9)", async () => {
    const expired = nextChange(({ deleted }) => deleted === true);
    const { data } = await put("k", { value: 1, ttl: 0.03 });
    expect(data.expiresAt - data.updatedAt).toBe(30);
    expect(await expired).toEqual({ key: "k", version: 2, deleted: true });
    expect((await get("k")).status).toBe(404);
    expect(await keysOf()).toEqual([]);
  });

  test("a put without ttl removes the expiry (spec §9)", async () => {
    expect((await put("k", { value: 1, ttl: 3600 })).data.expiresAt).toBeNumber();
    expect((await put("k", { value: 1 })).data.expiresAt).toBeUndefined();
    expect((await get("k")).data.expiresAt).toBeUndefined();
  });

  test.each([0.0001, 1, 10 * 365 * 86_400])("a ttl of %d seconds is taken (spec §9)", async (ttl) => {
    const { status, data } = await put("k", { value: 1, ttl });
    expect(status).toBe(200);
    expect(data.expiresAt - data.updatedAt).toBe(Math.max(1, ttl * 1000));
  });
});

describe("waiting", () => {
  test("a reader who waits gets the next change (spec §9)", async () => {
    await put("k", { value: "old" });
    const waiting = get("k?wait=30");
    await fetched("/store");
    await put("k", { value: "new" });
    expect(await waiting).toMatchObject({ status: 200, data: { value: "new", version: 2 } });
  });

  test("a reader with an old version is answered at once, one with the newest waits (spec §9)", async () => {
    await put("k", { value: 1 });
    await put("k", { value: 2 });
    expect((await get("k?wait=30&version=1")).data.version).toBe(2);
    expect((await get("k?wait=30", { "If-None-Match": '"1"' })).data.version).toBe(2);
    const waiting = [get("k?wait=30&version=2"), get("k?wait=30", { "If-None-Match": '"2"' })];
    await fetched("/store");
    await put("k", { value: 3 });
    for (const { data } of await Promise.all(waiting)) expect(data.version).toBe(3);
  });

  test("waiting ends with 304 when the time is over, with 404 when there is no key (spec §9)", async () => {
    await put("k", { value: 1 });
    const over = await fetched("/store/k?wait=0.02");
    expect([over.status, over.headers.get("etag")]).toEqual([304, '"1"']);
    expect((await get("absent?wait=0.02")).status).toBe(404);
    expect((await get("absent?wait=0.02&version=0")).status).toBe(404);
    expect((await get("absent?wait=30&version=5")).status).toBe(404);
  });

  test("a wait ends early when a new version of the store is to take over, and no other module's does it (spec §5.3)", async () => {
    await put("k", { value: 1 });
    const waiting = fetched("/store/k?wait=30&version=1");
    await harness.events.emit("module:draining", { name: "another" });
    await harness.events.emit("module:draining", { name: "store" });
    expect((await waiting).status).toBe(304);
    const later = get("k?wait=30&version=1");
    await put("k", { value: 2 });
    expect((await later).data.version).toBe(2);
  });

  test("a reader can wait for a key to appear (spec §9)", async () => {
    const waiting = [get("new?wait=30"), get("new?wait=30&version=0")];
    await fetched("/store");
    await put("new", { value: 1 });
    for (const { status } of await Promise.all(waiting)) expect(status).toBe(200);
  });

  test("a deletion and an expiry end the waiting with 404 (spec §9)", async () => {
    await put("deleted", { value: 1 });
    await put("expiring", { value: 1, ttl: 0.05 });
    const waiting = [get("deleted?wait=30"), get("expiring?wait=30")];
    await fetched("/store");
    await remove("deleted");
    for (const { status } of await Promise.all(waiting)) expect(status).toBe(404);
  });
});

test("each change is told on the bus after its commit (spec §9)", async () => {
  const changes: Change[] = [];
  harness.events.on("store:changed", (change: Change) => changes.push(change));
  await put("k", { value: 1 });
  await put("k", { value: 2 }, { "If-Match": '"9"' });
  await remove("k");
  expect(changes).toEqual([
    { key: "k", version: 1 },
    { key: "k", version: 2, deleted: true },
  ]);
});

test("every route is documented, and every documented route exists", () => {
  const existing = harness.ctx
    .getModule("store")
    ?.routes?.routes.map(({ method, path }) => `${method} ${path}`);
  expect(existing?.toSorted()).toEqual(Object.keys(store.routeDocs).toSorted());
});
