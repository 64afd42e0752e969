// Jobs and runs at their limits, and decisions that meet: what HTTP alone shows slowly.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createTestHarness, type TestHarness } from "#core/testing.js";
import { identityOf } from "./identity.js";
import { newPlan } from "./input.js";
import type { Job } from "./job.js";
import { openStore, type Store } from "./store.js";

const asking = { by: identityOf({ kind: "server" }), causeId: null };

let harness: TestHarness;
let store: Store;
let nowMs: number;
beforeEach(async () => {
  harness = await createTestHarness({ services: [] });
  nowMs = 1_000_000_000_000;
  store = openStore(harness.ctx, () => nowMs);
});
afterEach(() => harness.cleanup());

const create = (settings: object = {}): Promise<Job> =>
  store.create(
    newPlan({ name: "job", schedule: "1h", type: "exec", config: { command: "true" }, ...settings }, nowMs),
    asking,
  );
const once = { count: 1, next: 2_000_000_000_000 };

async function runs(job: Job, count: number): Promise<void> {
  for (let done = 0; done < count; done++) {
    const { run } = await store.begin(job.id, null);
    await store.end(await store.noteNode(run, ""), {});
  }
}

describe("runs", () => {
  test("of a job are kept up to a thousand, the newest (spec §10)", async () => {
    const [job, other] = [await create(), await create()];
    await runs(other, 1);
    await runs(job, 1005);
    const { runs: kept } = store.runs({ jobId: job.id, limit: 2000 });
    expect([kept.length, store.count({ jobId: job.id }), store.count({})]).toEqual([1000, 1000, 1001]);
    expect(kept.map(({ id }) => id)).toEqual(
      kept
        .map(({ id }) => id)
        .toSorted()
        .toReversed(),
    );
  }, 60_000);

  test("of deleted jobs are kept up to a thousand together", async () => {
    for (let count = 0; count < 3; count++) {
      const job = await create();
      await runs(job, 400);
      await store.remove(job.id, "gone");
    }
    expect(store.count({})).toBe(1000);
  }, 60_000);

  test("that still go on are kept, however many came after", async () => {
    const job = await create({ overlap: "allow" });
    const { run } = await store.begin(job.id, null);
    await runs(job, 1001);
    expect(store.running().map(({ id }) => id)).toEqual([run.id]);
  }, 60_000);

  test("beyond two hundred at once are skipped by schedule and refused by hand", async () => {
    const job = await create({ overlap: "allow" });
    await Promise.all(Array.from({ length: 200 }, () => store.begin(job.id, null)));
    expect(store.running()).toHaveLength(200);
    await expect(store.begin(job.id, null)).rejects.toMatchObject({
      code: "rate_limited",
      message: "200 runs are going on",
    });
    expect(await store.fire(job, once)).toMatchObject([
      { status: "skipped", error: "200 runs are going on" },
    ]);
  });
});

describe("a fire", () => {
  test("is seen to once, whoever looks at the same time", async () => {
    const job = await create({ overlap: "allow" });
    const all = await Promise.all([store.fire(job, once), store.fire(job, once), store.fire(job, once)]);
    expect(all.map((found) => found.length)).toEqual([1, 0, 0]);
    expect(store.job(job.id).dueAt).toBe(once.next);
  });

  test("of a job that was changed meanwhile is left to who looks again", async () => {
    const job = await create();
    nowMs += 1;
    await store.change(job.id, { name: "renamed" }, asking);
    expect(await store.fire(job, once)).toEqual([]);
    expect(await store.fire(store.job(job.id), once)).toMatchObject([
      { status: "running", jobName: "renamed" },
    ]);
  });

  test("that comes late tells of those before it, so that none goes without a run (spec §10)", async () => {
    const job = await create();
    const [missed, run] = await store.fire(job, { ...once, count: 4 });
    expect([missed, run]).toMatchObject([
      { status: "missed", missedCount: 3 },
      { status: "running", trigger: "schedule" },
    ]);
  });
});

describe("a change", () => {
  test("by nobody's cause leaves the cause as it was, another one takes its place (spec §4.6)", async () => {
    const job = await store.create(
      newPlan({ name: "job", schedule: "1h", type: "exec", config: { command: "true" } }, nowMs),
      { ...asking, causeId: "A" },
    );
    expect(job.causeId).toBe("A");
    expect((await store.change(job.id, { name: "b" }, asking)).causeId).toBe("A");
    expect((await store.change(job.id, { name: "c" }, { ...asking, causeId: "B" })).causeId).toBe("B");
  });

  test("by a task takes away what that task may not do (spec §2.4)", async () => {
    const job = await create();
    const task = (taskId: string, scopes: string[]) => ({
      by: identityOf({ kind: "task", taskId, scopes }),
      causeId: null,
    });
    await store.change(job.id, { name: "b" }, task("t", ["modules", "submit"]));
    expect(store.job(job.id).identity).toEqual({ kind: "task", taskId: "t", scopes: ["modules", "submit"] });
    await store.change(job.id, { name: "c" }, task("u", ["submit", "admin"]));
    expect(store.job(job.id).identity).toEqual({ kind: "task", taskId: "u", scopes: ["submit"] });
    await store.change(job.id, { name: "d" }, asking);
    expect(store.job(job.id)).toMatchObject({
      createdBy: "server",
      identity: { kind: "task", scopes: ["submit"] },
    });
  });
});
