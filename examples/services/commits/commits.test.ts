// The ledger over HTTP, in process and with a file of its own in each test.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  createTestHarness,
  queryPlans,
  type RequestOptions,
  scansIn,
  type TestHarness,
} from "#core/testing.js";
import type { Commit } from "./commit.js";
import commits from "./index.js";
import { openLedger } from "./store.js";

let harness: TestHarness;
beforeEach(async () => {
  harness = await createTestHarness({ services: [commits] });
});
afterEach(() => harness.cleanup());

const ask = (path = "", options: RequestOptions = {}) =>
  harness.json(`/commits${path}`, { auth: true, ...options });
const record = async (commitId: string, more: object = {}, query = ""): Promise<Commit> =>
  (await ask(query, { body: { commitId, vmId: "vm-1", ...more } })).data;
const shown = async (query: string) =>
  (await ask(`?${query}`)).data.commits.map(({ commitId }: Commit) => commitId).join("");
const VALID = { commitId: "c", vmId: "v" };

describe("POST /commits (spec §9)", () => {
  test("answers 201 with the entry, its keys in order, and reads show the same", async () => {
    const body = {
      metadata: { nodeId: "n", __proto__: null },
      tags: [" golden", "golden ", " ", "wip"],
      agent: " ada ",
      label: " first ",
      vmId: " vm-1 ",
      commitId: " c-1 ",
      createdAt: "2026-01-31T01:00:00+01:00",
      other: 1,
    };
    const { status, data } = await ask("", { body });
    expect(status).toBe(201);
    const keys = [
      "id",
      "commitId",
      "vmId",
      "timestamp",
      "label",
      "agent",
      "tags",
      "metadata",
      "createdAt",
      "recordedAt",
    ];
    expect(Object.keys(data)).toEqual(keys);
    expect(data).toEqual({
      ...data,
      commitId: "c-1",
      vmId: "vm-1",
      label: "first",
      agent: "ada",
      tags: ["golden", "wip"],
      metadata: { nodeId: "n" },
      createdAt: "2026-01-31T00:00:00.000Z",
      recordedAt: data.timestamp,
    });
    expect((await ask()).data).toEqual({ commits: [data], count: 1, cursor: null });
    for (const key of ["c-1", data.id, data.id.toLowerCase()])
      expect((await ask(`/${key}`)).data).toEqual(data);
  });

  test("leaves out what was not sent, and takes now for when it was taken (spec §1.12)", async () => {
    const entry = await record("c-1", { label: " ", tags: [" "], metadata: null });
    expect(Object.keys(entry)).toEqual(["id", "commitId", "vmId", "timestamp", "createdAt", "recordedAt"]);
    expect([entry.createdAt, entry.recordedAt]).toEqual([entry.timestamp, entry.timestamp]);
  });

  test.each([
    ["", "Invalid JSON body"],
    ["[]", "Invalid JSON body"],
    [{}, "commitId is required"],
    [{ commitId: " ", vmId: 5 }, "commitId is required"],
    [{ commitId: 5 }, "commitId must be a string"],
    [{ commitId: "c" }, "vmId is required"],
    [{ commitId: "c", vmId: null, tags: "x" }, "vmId is required"],
    [{ ...VALID, label: 5 }, "label must be a string"],
    [{ ...VALID, agent: {} }, "agent must be a string"],
    [{ ...VALID, tags: "x" }, "tags must be an array"],
    [{ ...VALID, tags: [5] }, "tags must contain only strings"],
    [{ ...VALID, metadata: [] }, "metadata must be an object"],
    [{ ...VALID, createdAt: "yesterday" }, "createdAt must be a time"],
    [{ ...VALID, commitId: "x".repeat(201) }, "commitId is longer than 200 characters"],
    [{ ...VALID, vmId: "x".repeat(201) }, "vmId is longer than 200 characters"],
    [{ ...VALID, label: "x".repeat(201) }, "label is longer than 200 characters"],
    [{ ...VALID, agent: "x".repeat(201) }, "agent is longer than 200 characters"],
    [{ ...VALID, tags: Array.from({ length: 51 }, (_, n) => `${n}`) }, "tags has more than 50 items"],
    [{ ...VALID, tags: ["x".repeat(101)] }, "tags is longer than 100 characters"],
    [{ ...VALID, metadata: { x: "x".repeat(65_536) } }, "metadata is longer than 65536 bytes"],
  ])("refuses %.50j", async (body, error) => {
    expect(await ask("", { method: "POST", body })).toMatchObject({
      status: 400,
      data: { error, code: "bad_request" },
    });
    expect((await ask()).data.count).toBe(0);
  });

  test("takes what is as long as its limits, and refuses a body over 1 MiB (spec §1.3)", async () => {
    const name = "x".repeat(200);
    const tags = Array.from({ length: 50 }, (_, n) => `${n}`.padStart(100, "x"));
    const largest = { vmId: name, label: name, agent: name, tags };
    expect(await record(name, largest)).toMatchObject(largest);
    const answer = await ask("", { body: { ...VALID, metadata: { x: "x".repeat(1_048_576) } } });
    expect(answer).toMatchObject({ status: 413, data: { error: "body too large" } });
  });

  test("refuses a commit that is recorded, unless it is to be replaced (spec §1.12)", async () => {
    const first = await record("c-1", { label: "a", tags: ["x"], metadata: { n: 1 } });
    const again = await ask("", { body: { commitId: "c-1", vmId: "vm-2" } });
    expect(again).toMatchObject({
      status: 409,
      data: { error: "commit already recorded", code: "conflict" },
    });
    expect((await ask("/c-1")).data).toEqual(first);
    const { status, data } = await ask("?upsert=true", {
      body: { commitId: "c-1", vmId: "vm-2", tags: ["y"] },
    });
    const { id, timestamp } = first;
    expect([status, data]).toEqual([
      201,
      {
        id,
        commitId: "c-1",
        vmId: "vm-2",
        timestamp,
        tags: ["y"],
        createdAt: timestamp,
        recordedAt: timestamp,
      },
    ]);
    expect([await shown("tag=x"), await shown("tag=y"), await shown("vmId=vm-1")]).toEqual(["", "c-1", ""]);
    expect((await record("c-2", {}, "?upsert=true")).id > id).toBe(true);
    expect((await ask("?upsert=1", { body: VALID })).data.error).toBe("invalid upsert: 1");
  });

  test("at once by many for one commit is done for one", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => ask("", { body: { commitId: "c", vmId: `${n}` } })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(409)]);
  });

  test("is told on the bus, and to the tree with the commit's id (spec §9)", async () => {
    const told: unknown[] = [];
    for (const event of ["commits:recorded", "commits:deleted", "reef:event"])
      harness.events.on(event, (data) => told.push(data));
    const tree = { type: "commits_recorded", source: "commits", vmId: "vm-1" };
    const one = await record("c-1", { label: "first\nline" });
    const two = await record("c-2");
    await ask("/c-2", { method: "DELETE" });
    expect(told).toEqual([
      { commit: one },
      { ...tree, content: "first line of vm-1", commitId: "c-1", entryId: one.id },
      { commit: two },
      { ...tree, content: "c-2 of vm-1", commitId: "c-2", entryId: two.id },
      { commit: two },
    ]);
  });
});

describe("GET /commits (spec §9)", () => {
  test("filters exactly, and all have to hold", async () => {
    await record("1", { agent: "ada", label: "a", tags: ["x", "y"] });
    await record("2", { agent: "ada", label: "b", tags: ["x"], vmId: "vm-2" });
    await record("3", { label: "a", tags: ["y", "x", "z"] });
    expect(await shown("")).toBe("321");
    expect(await shown("tag=x")).toBe("321");
    expect(await shown("tag=x&tag=y")).toBe("31");
    expect(await shown("tag=x&tag=y&tag=z&tag=x")).toBe("3");
    expect(await shown("tag=x&agent=ada&vmId=vm-1")).toBe("1");
    expect(await shown("label=a")).toBe("31");
    expect(await shown("label=A")).toBe("");
    expect(await shown("tag=")).toBe("");
    expect(await shown("vmId=vm-2")).toBe("2");
    const { id } = (await ask("/3")).data;
    expect(await shown(`before=${id}&limit=1`)).toBe("2");
    expect((await ask("?tag=x&total=true&limit=1")).data).toMatchObject({ count: 1, total: 3 });
  });

  test("leafs through, newest first", async () => {
    for (const id of ["1", "2", "3", "4", "5"]) await record(id, { tags: id === "3" ? [] : ["x"] });
    const first = (await ask("?tag=x&limit=2")).data;
    expect(await shown("tag=x&limit=2")).toBe("54");
    expect(await shown(`cursor=${first.cursor}`)).toBe("21");
    expect((await ask(`?cursor=${first.cursor}&tag=x&limit=2`)).data.cursor).toBeNull();
    expect((await ask(`?cursor=${first.cursor}&tag=y`)).data.error).toBe("invalid cursor");
  });

  test("since a time it gives the oldest, newest first in each page, and its cursor goes forward", async () => {
    let nowMs = Date.UTC(2026, 0, 10);
    const ledger = openLedger({ ...harness.ctx, name: "commits" }, { now: () => nowMs });
    for (const commitId of ["1", "2", "3", "4", "5"]) {
      await ledger.record({ commitId, vmId: "v" });
      if (commitId !== "2") nowMs += 1_000;
    }
    const first = (await ask("?since=2026-01-10T00:00:01Z&limit=2")).data;
    expect(first.commits.map(({ commitId }: Commit) => commitId)).toEqual(["3", "2"]);
    const second = (await ask(`?cursor=${first.cursor}&limit=2`)).data;
    expect(second.commits.map(({ commitId }: Commit) => commitId)).toEqual(["5", "4"]);
    expect(second.cursor).toBeNull();
    expect(await shown("since=2026-01-10T00:00:03Z")).toBe("5");
    expect(await shown("since=2026-01-10T00:00:03.001Z")).toBe("");
    expect(await shown("since=2026-01-10")).toBe("54321");
  });

  test("a poller that goes on from the newest time it saw skips nothing (spec §9)", async () => {
    let nowMs = Date.UTC(2026, 0, 10);
    const ledger = openLedger({ ...harness.ctx, name: "commits" }, { now: () => nowMs });
    const seen = new Set<string>();
    let since = "2026-01-10";
    for (let n = 0; n < 60; n++) {
      await ledger.record({ commitId: `${n}`, vmId: "v" });
      if (n % 3 === 2) nowMs += 1;
      if (n % 4 !== 0) continue;
      const page = (await ask(`?since=${since}&limit=7`)).data.commits;
      for (const { commitId } of page) seen.add(commitId);
      since = page[0]?.timestamp ?? since;
    }
    for (const { commitId } of (await ask(`?since=${since}`)).data.commits) seen.add(commitId);
    expect(seen.size).toBe(60);
  });

  test.each([
    ["since=x", "invalid since: x"],
    ["before=x", "invalid before: x"],
    ["limit=0", "invalid limit: 0"],
    ["cursor=x", "invalid cursor"],
    [Array.from({ length: 51 }, (_, n) => `tag=${n}`).join("&"), "tag has more than 50 items"],
  ])("refuses ?%.20s", async (query, error) => {
    expect(await ask(`?${query}`)).toMatchObject({ status: 400, data: { error, code: "bad_request" } });
  });
});

test("a commit's id is found before an entry's (spec §9)", async () => {
  const one = await record("c-1");
  const two = await record(one.id);
  expect((await ask(`/${one.id}`)).data).toEqual(two);
  await ask(`/${one.id}`, { method: "DELETE" });
  expect((await ask(`/${one.id}`)).data).toEqual(one);
});

test("DELETE /commits/:id removes an entry, and its commit can be recorded again (spec §9)", async () => {
  const first = await record("c-1", { tags: ["x"] });
  expect(await ask(`/${first.id}`, { method: "DELETE" })).toMatchObject({
    status: 200,
    data: { deleted: true },
  });
  expect([(await ask("/c-1")).status, await shown("tag=x")]).toEqual([404, ""]);
  expect((await record("c-1")).id > first.id).toBe(true);
});

test.each(["x", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "__proto__", "%00", "..%2f"])(
  "commit %s is not found (spec §9)",
  async (id) => {
    for (const method of ["GET", "DELETE"])
      expect(await ask(`/${id}`, { method })).toMatchObject({
        status: 404,
        data: { error: "Commit not found", code: "not_found" },
      });
  },
);

test("ids grow after the clock went back, and after the newest entry is gone (spec §1.3)", async () => {
  let nowMs = Date.UTC(2026, 0, 10);
  const open = () => openLedger({ ...harness.ctx, name: "commits" }, { now: () => nowMs });
  const add = async (commitId: string) => (await open().record({ commitId, vmId: "v" })).id;
  const ids = [await add("1")];
  nowMs -= 60_000;
  ids.push(await add("2"));
  await open().remove("2");
  ids.push(await add("3"));
  await open().record({ commitId: "1", vmId: "w" }, { isReplacing: true });
  ids.push(await add("4"));
  expect(ids).toEqual([...new Set(ids)].toSorted());
});

test("no list and no count scans its table or sorts (spec §17.7)", async () => {
  const more = { agent: "ada", label: "a", tags: ["x", "y"] };
  await record("c-1", more);
  const plans = await queryPlans(`${harness.dataDir}/commits.sqlite`, async () => {
    for (const query of [
      "",
      "tag=x",
      "tag=x&tag=y",
      "agent=ada",
      "label=a",
      "vmId=vm-1",
      "agent=ada&label=a&tag=x",
    ])
      for (const window of ["", "&since=2026-01-01", "&before=7ZZZZZZZZZZZZZZZZZZZZZZZZZ"])
        expect((await ask(`?total=true&${query}${window}`)).data.total).toBe(1);
    await record("c-1", more, "?upsert=true");
    const page = (await record("c-2", more)) && (await ask("?limit=1")).data;
    expect(await shown(`cursor=${page.cursor}`)).toBe("c-1");
    await ask("/c-1", { method: "DELETE" });
  });
  expect(plans.length).toBeGreaterThan(30);
  expect(scansIn(plans)).toEqual([]);
});

test("a module that was undone can be started again, and goes on (spec §1.1)", async () => {
  const { dataDir } = harness;
  const counts: unknown[] = [];
  for (const commitId of ["1", "2"]) {
    const again = await createTestHarness({ services: [commits], dataDir });
    await again.json("/commits", { auth: true, body: { commitId, vmId: "v" } });
    counts.push((await again.json("/commits", { auth: true })).data.count);
    await again.cleanup();
  }
  expect(counts).toEqual([1, 2]);
});
