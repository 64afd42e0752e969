// The reports' store: on a clock that the test sets, at its limits, over restarts, and how it reads its file.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { ulid } from "#core/http.js";
import { openStorage } from "#core/storage.js";
import { createTestHarness, queryPlans, scansIn, type TestHarness } from "#core/testing.js";
import reports from "./index.js";
import { MIGRATIONS, newestId } from "./rows.js";
import { createShares, type SharesOptions } from "./shares.js";
import { createReports, type Keeper } from "./store.js";

let harness: TestHarness;
let nowMs: number;
beforeEach(async () => {
  harness = await createTestHarness({ services: [] });
  nowMs = Date.UTC(2026, 0, 10);
});
afterEach(() => harness.cleanup());

function open(options: SharesOptions = {}) {
  const ctx = { ...harness.ctx, name: "reports" };
  const storage = openStorage(ctx, { migrations: MIGRATIONS });
  const now = () => nowMs;
  const keeper: Keeper = { storage, nextId: ulid({ after: newestId(storage.read), now }), now };
  return { storage, reports: createReports(ctx, keeper), shares: createShares(ctx, keeper, options) };
}

const INPUT = { title: "t", author: "ada", content: "c", tags: ["a"] };
const SHARE = { createdBy: "ada" };
const VISITOR = { ip: "::1", userAgent: "b", referrer: undefined };
const PAGE = { filters: {}, limit: 1_000, isCounted: true, cursor: () => "next" };

describe("ids and times (spec §1.3)", () => {
  test("grow within a millisecond, after the clock went back, and after what had the last one is gone", async () => {
    const { reports } = open();
    const ids = [(await reports.create(INPUT)).id, (await reports.create(INPUT)).id];
    nowMs -= 60_000;
    const last = await reports.create(INPUT);
    ids.push(last.id);
    await reports.remove(last.id);
    ids.push((await open().reports.create(INPUT)).id);
    expect(ids).toEqual([...new Set(ids)].toSorted());
  });

  test("grow in the order of the commits", async () => {
    const { reports } = open();
    const made = await Promise.all(Array.from({ length: 500 }, () => reports.create(INPUT)));
    const ids = made.map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted());
    const listed = reports.list(PAGE).texts.map((text) => JSON.parse(text).id);
    expect(listed).toEqual(ids.toReversed());
  });

  test("updatedAt grows with every change, also when the clock does not", async () => {
    const { reports } = open();
    const { id, updatedAt } = await reports.create(INPUT);
    nowMs -= 60_000;
    const times = [updatedAt];
    for (const title of ["1", "2"]) times.push((await reports.change(id, { title }, () => true)).updatedAt);
    expect(times).toEqual([
      "2026-01-10T00:00:00.000Z",
      "2026-01-10T00:00:00.001Z",
      "2026-01-10T00:00:00.002Z",
    ]);
  });
});

describe("links", () => {
  test("live until the moment at which they expire (spec §8)", async () => {
    const { reports, shares } = open();
    const { id } = await reports.create(INPUT);
    const linkId = await shares.share(id, { ...SHARE, expiresMs: nowMs + 1 });
    expect([shares.open(linkId)?.id, await shares.noteView(linkId, VISITOR)]).toEqual([id, true]);
    nowMs += 1;
    expect([shares.open(linkId), await shares.noteView(linkId, VISITOR)]).toEqual([undefined, false]);
    expect(shares.list(id)).toMatchObject([{ accessCount: 1 }]);
  });

  test("of one report have a limit, and those that are revoked count", async () => {
    const { reports, shares } = open({ linksMax: 2 });
    const [{ id }, other] = [await reports.create(INPUT), await reports.create(INPUT)];
    await shares.revoke(await shares.share(id, SHARE));
    await shares.share(id, SHARE);
    const refused = shares.share(id, SHARE);
    await expect(refused).rejects.toMatchObject({
      code: "conflict",
      message: "report has too many share links",
    });
    expect(shares.list(id)).toHaveLength(2);
    await shares.share(other.id, SHARE);
  });

  test("are not kept in a way in which their ids can be found by how long it takes", async () => {
    const { reports, shares, storage } = open();
    const linkId = await shares.share((await reports.create(INPUT)).id, SHARE);
    const hash = new Bun.CryptoHasher("sha256").update(linkId).digest("base64url");
    expect(storage.read.query("SELECT hash FROM links").all()).toEqual([{ hash }]);
    expect(
      storage.read.query("EXPLAIN QUERY PLAN SELECT 1 FROM links WHERE link_id = ?").all("x"),
    ).toMatchObject([{ detail: "SCAN links" }]);
  });

  test("keep the newest views, and count all (spec §8)", async () => {
    const { reports, shares } = open({ viewsMax: 3 });
    const { id } = await reports.create(INPUT);
    const [linkId, other] = [await shares.share(id, SHARE), await shares.share(id, SHARE)];
    await shares.noteView(other, VISITOR);
    for (const userAgent of ["1", "2", "3", "4", "5"])
      await shares.noteView(linkId, { ...VISITOR, userAgent });
    const kept = shares.views(linkId, PAGE).texts.map((text) => JSON.parse(text).userAgent);
    expect(kept).toEqual(["5", "4", "3"]);
    expect(shares.list(id).map(({ accessCount }) => accessCount)).toEqual([1, 5]);
    expect(shares.views(other, PAGE).texts).toHaveLength(1);
  });

  test("leave no views behind when their report goes, after a restart too (spec §8)", async () => {
    const { reports, shares, storage } = open();
    const [{ id }, other] = [await reports.create(INPUT), await reports.create(INPUT)];
    const kept = await shares.share(other.id, SHARE);
    await shares.noteView(kept, VISITOR);
    for (const linkId of [await shares.share(id, SHARE), await shares.share(id, SHARE)])
      await Promise.all(Array.from({ length: 1_500 }, () => shares.noteView(linkId, VISITOR)));
    await reports.remove(id);
    const views = () => storage.read.query<{ n: number }, []>("SELECT count(*) AS n FROM views").get()?.n;
    expect(views()).toBe(3_001);
    open().shares.sweep();
    for (let turn = 0; turn < 1_000 && views() !== 1; turn++) await Bun.sleep(5);
    expect([views(), shares.views(kept, PAGE).texts.length]).toEqual([1, 1]);
    for (let turn = 0; turn < 1_000 && storage.read.query("SELECT 1 FROM dead_links").get(); turn++)
      await Bun.sleep(5);
    expect(storage.read.query("SELECT 1 FROM dead_links").get()).toBeNull();
  });
});

test("a change that fails midway leaves the file as it was (spec §17.3)", async () => {
  const { reports, storage } = open();
  const { id } = await reports.create(INPUT);
  const content = () =>
    ["reports", "report_tags", "state"].map((table) => storage.read.query(`SELECT * FROM ${table}`).all());
  const before = content();
  await storage.write((db) =>
    db.run("CREATE TRIGGER broken BEFORE INSERT ON report_tags BEGIN SELECT raise(ABORT, 'no'); END"),
  );
  await expect(reports.change(id, { title: "new", tags: ["b"] }, () => true)).rejects.toThrow("no");
  await expect(reports.create(INPUT)).rejects.toThrow("no");
  expect(content()).toEqual(before);
});

test("no list, no count and no search for a link scans its table or sorts (spec §17.7)", async () => {
  const { reports, shares, storage } = open({ viewsMax: 1 });
  const plans = await queryPlans(`${harness.dataDir}/reports.sqlite`, async () => {
    const { id } = await reports.create(INPUT);
    for (const filters of [{}, { author: "ada" }, { tag: "a" }, { author: "ada", tag: "a" }])
      for (const after of [undefined, ["~"]]) reports.list({ ...PAGE, filters, ...(after && { after }) });
    reports.count();
    const linkId = await shares.share(id, SHARE);
    for (let n = 0; n < 3; n++) await shares.noteView(linkId, VISITOR);
    shares.open(linkId);
    shares.list(id);
    shares.views(linkId, PAGE);
    shares.views(linkId, { ...PAGE, after: ["~"] });
    await reports.change(id, { tags: [] }, () => true);
    await shares.revoke(linkId);
    await reports.remove(id);
    shares.sweep();
    for (let n = 0; n < 3; n++) await storage.write(() => n);
  });
  expect(plans.length).toBeGreaterThan(25);
  expect(scansIn(plans)).toEqual([]);
});

test("a module that was undone can be started again, and goes on (spec §1.1)", async () => {
  const { dataDir } = harness;
  const counts: unknown[] = [];
  for (let n = 0; n < 2; n++) {
    const again = await createTestHarness({ services: [reports], dataDir });
    await again.json("/reports", { auth: true, body: INPUT });
    counts.push((await again.json("/reports", { auth: true })).data.count);
    await again.cleanup();
  }
  expect(counts).toEqual([1, 2]);
});
