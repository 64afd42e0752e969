// What a restart keeps, ends, tells and makes up for. The same folder is opened again, after a clean end or with rows as
// a killed server leaves them.
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CronHarness, NEVER, openHarness, processesWith, until } from "./harness.js";

let dataDir: string;
let harness: CronHarness;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "reef-cron-"));
  harness = await openHarness({ dataDir });
});
afterEach(async () => {
  await harness.cleanup();
  await rm(dataDir, { recursive: true });
});

/** Ends the service and starts it again; in between `change` may do to its file what a kill would have. */
async function restart(change?: (db: Database) => unknown): Promise<void> {
  await harness.cleanup();
  if (change) {
    const db = new Database(join(dataDir, "cron.sqlite"));
    await change(db);
    db.close();
  }
  harness = await openHarness({ dataDir });
}

const setDue = (secondsAgo: number) => (db: Database) => {
  db.query("UPDATE jobs SET due_at = ?").run(Date.now() - secondsAgo * 1000);
};

describe("a restart", () => {
  test("keeps jobs and runs as they were (spec §10)", async () => {
    const job = await harness.exec("echo hi", { schedule: "60d" });
    await harness.run(job);
    const before = (await harness.ask(`/jobs/${job.id}`)).data;
    expect(before.runs).toHaveLength(1);
    await restart();
    expect((await harness.ask(`/jobs/${job.id}`)).data).toEqual(before);
    const [old, fresh] = [before.runs[0].id, (await harness.run(job)).data.id];
    expect(fresh > old).toBe(true);
  });

  test("tells fires of a down-time in one missed run, and goes on from the last start (spec §10)", async () => {
    const job = await harness.exec("true", { schedule: "10m" });
    const due = Date.now() - 25 * 60_000;
    await restart((db) => db.query("UPDATE jobs SET due_at = ?").run(due));
    const runs = await harness.runs();
    expect(runs).toHaveLength(1);
    expect(runs[0]).toMatchObject({ jobId: job.id, status: "missed", trigger: "schedule", missedCount: 3 });
    const { nextRunAt } = (await harness.ask(`/jobs/${job.id}`)).data;
    expect(Date.parse(nextRunAt)).toBe(due + 30 * 60_000);
    await restart();
    expect(await harness.runs()).toEqual(runs);
  });

  test("misses no fire of a disabled job (spec §10)", async () => {
    const job = await harness.exec("true", { schedule: "* * * * * *" });
    await harness.change(job, { enabled: false });
    const before = await harness.runs();
    await restart();
    expect(await harness.runs()).toEqual(before);
  });

  test("with run_once makes up for them once (spec §10)", async () => {
    const job = await harness.exec("echo late", { schedule: "1h", missed: "run_once" });
    await restart(setDue(5 * 3600));
    const [caughtUp, missed, ...more] = await harness.ended(job, 2);
    expect(missed).toMatchObject({ status: "missed", missedCount: 6 });
    expect(caughtUp).toMatchObject({ status: "success", trigger: "catch_up", output: "late\n" });
    expect(more).toEqual([]);
  });

  test("fires what comes due afterwards (spec §10)", async () => {
    const job = await harness.exec("echo hi", { schedule: "* * * * * *" });
    await restart();
    const found = await until(async () => (await harness.runs("&status=success")).at(-1));
    expect(found).toMatchObject({ jobId: job.id, trigger: "schedule" });
  });
});

describe("a run that was cut", () => {
  test("by a clean end is an error, with nothing left of it (spec §10)", async () => {
    const mark = `MARK=${crypto.randomUUID()}`;
    const job = await harness.exec(`echo begun; ${mark} setsid sleep 1000`);
    await harness.run(job, false);
    await until(() => processesWith(mark).length > 0);
    await restart();
    expect(processesWith(mark)).toEqual([]);
    const [run] = await harness.runs();
    expect(run).toMatchObject({ status: "error", error: "interrupted by a restart", output: "begun\n" });
    expect((await harness.run(job, false)).status).toBe(202);
  });

  test("by a kill is an error, and its processes are ended before anything else runs (spec §10, §1.4)", async () => {
    const mark = `MARK=${crypto.randomUUID()}`;
    const job = await harness.exec("true");
    const { id } = (await harness.run(job)).data;
    const left: Bun.Subprocess[] = [];
    await restart(async (db) => {
      db.query("UPDATE runs SET status = 'running', completed_at = NULL, output = NULL").run();
      const env = { PATH: process.env.PATH, REEF_CRON_RUN: id };
      const script = `env -i ${mark} sleep 1000 & setsid env ${mark} sleep 1001 & wait`;
      left.push(Bun.spawn(["sh", "-c", script], { env, detached: true }));
      left.push(Bun.spawn(["sleep", "1002"], { env: { ...env, REEF_CRON_RUN: `${id}X` } }));
      await until(() => processesWith(mark).length >= 2);
    });
    expect(processesWith(mark)).toEqual([]);
    const [run] = await harness.runs();
    expect(run).toMatchObject({ id, status: "error", error: "interrupted by a restart" });
    // Another run's process is none of its business.
    const [ended, other] = left;
    expect([ended?.killed, other?.exitCode]).toEqual([true, null]);
    other?.kill();
  });

  test("of a job that is gone is ended too", async () => {
    const job = await harness.exec("true");
    await harness.run(job);
    await restart((db) => {
      db.run("UPDATE runs SET status = 'running'");
      db.run("DELETE FROM jobs");
    });
    expect((await harness.runs())[0]).toMatchObject({ status: "error", error: "interrupted by a restart" });
  });

  test("lets the one that waited for it run (spec §10)", async () => {
    const job = await harness.exec("echo hi", { overlap: "queue" });
    await harness.run(job);
    await harness.run(job);
    await restart((db) => {
      db.run("UPDATE runs SET status = 'running' WHERE seq = 1");
      db.run("UPDATE runs SET status = 'waiting' WHERE seq = 2");
    });
    const [after, cut] = await harness.ended(job, 2);
    expect(cut).toMatchObject({ status: "error", error: "interrupted by a restart" });
    expect(after).toMatchObject({ status: "success", output: "hi\n" });
  });

  test("while the service ends is not begun any more, and told at the next start", async () => {
    const job = await harness.create({
      name: "job",
      schedule: NEVER,
      type: "http",
      config: { method: "GET", path: "/cron/jobs" },
    });
    const running = harness.run(job);
    await restart();
    await running;
    const runs = await harness.runs();
    expect(runs.every(({ status }: { status: string }) => status !== "running")).toBe(true);
  });
});
