// Scheduled jobs on a real reef: they fire, their tasks run in the real pi, and nothing of them is lost or left running
// when the server dies.

import { Database } from "bun:sqlite";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { TreeNode } from "../../src/tree/node.js";
import { cleanUp, processesWith, type Reef, startReef } from "./reef.js";

const WAIT_MS = 30_000;
const NEVER = "0 0 1 1 *";

let reef: Reef;
beforeEach(async () => {
  reef = await startReef();
});
afterEach(() => reef.stop());
afterAll(cleanUp);

interface Job {
  id: string;
  nextRunAt: string | null;
  createdBy: string;
}

interface Run {
  id: string;
  status: string;
  trigger: string;
  output?: string;
  error?: string;
  taskId?: string;
  nodeId: string;
  missedCount?: number;
}

const exec = (command: string, rest = {}) => ({
  name: "job",
  schedule: NEVER,
  type: "exec",
  config: { command },
  ...rest,
});
const agent = (prompt: string, config = {}, rest = {}) => ({
  name: "job",
  schedule: NEVER,
  type: "agent",
  config: { prompt, ...config },
  ...rest,
});
const create = (body: object) => reef.api<Job>("POST", "/cron/jobs", body);
const start = (job: Job) => reef.api<Run>("POST", `/cron/jobs/${job.id}/run?wait=false`);
const run = (job: Job) => reef.api<Run>("POST", `/cron/jobs/${job.id}/run`);
const runsOf = async (job: Job): Promise<Run[]> => (await reef.api("GET", `/cron/runs?jobId=${job.id}`)).runs;

async function until<T>(look: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`it did not come to that:\n${reef.output()}`);
    await Bun.sleep(20);
  }
}

const ended = (job: Job, at = 0) =>
  until(async () => {
    const found = (await runsOf(job))[at];
    return found?.status === "running" ? undefined : found;
  });

const under = (nodes: readonly TreeNode[], id: string) => nodes.filter(({ parentId }) => parentId === id);

async function why(id: string): Promise<TreeNode[]> {
  const { chain } = await reef.api("GET", `/reef/tree/${id}/why`);
  return chain.map(({ node }: { node: TreeNode }) => node);
}

describe("schedules", () => {
  test("a job of every two seconds runs, and each run is a node under main with its end below (spec §10)", async () => {
    const job = await create(exec("echo alive", { name: "heartbeat", schedule: "*/2 * * * * *" }));
    await until(async () => (await runsOf(job)).filter(({ status }) => status === "success").length >= 2);
    await reef.api("DELETE", `/cron/jobs/${job.id}`);
    const nodes = await reef.nodes();
    const { main } = (await reef.api("GET", "/reef/refs")).refs;
    const runs = (await runsOf(job)).filter(({ status }) => status === "success");
    for (const { id, nodeId, trigger, output } of runs) {
      expect([trigger, output]).toEqual(["schedule", "alive\n"]);
      const node = nodes.find((one) => one.id === nodeId);
      const meta = { runId: id, jobId: job.id, jobName: "heartbeat", jobType: "exec" };
      expect(node).toMatchObject({ parentId: main, eventType: "cron_start", source: "cron", meta });
      expect(node?.content).toBe("heartbeat (exec)");
      const [done, ...more] = under(nodes, nodeId);
      expect(done).toMatchObject({ eventType: "cron_done", content: "alive\n", source: "cron", meta });
      expect(more).toEqual([]);
    }
    const drawing = await (await reef.fetch("/reef/tree?format=text")).text();
    expect(drawing).toContain("├─ [cron] heartbeat (exec)\n│  └─ [done] alive\n");
  });

  test("fires while a run is going on are skipped, each with a node of its own (spec §10)", async () => {
    const job = await create(exec("sleep 60", { schedule: "* * * * * *" }));
    const skipped = await until(async () => {
      const found = (await runsOf(job)).filter(({ status }) => status === "skipped");
      return found.length >= 2 && found;
    });
    const nodes = await reef.nodes();
    for (const { nodeId } of skipped) {
      expect(nodes.find(({ id }) => id === nodeId)?.eventType).toBe("cron_skipped");
      expect(under(nodes, nodeId)).toEqual([]);
    }
    expect((await runsOf(job)).filter(({ status }) => status === "running")).toHaveLength(1);
  });

  test("weekdays at nine in a time zone: the next run is when clocks there say so (spec §10, §13.17)", async () => {
    const { nextRunAt } = await create(
      exec("true", { schedule: "0 9 * * 1-5", timezone: "America/New_York" }),
    );
    const there = Temporal.Instant.from(nextRunAt ?? "").toZonedDateTimeISO("America/New_York");
    expect(there.toPlainTime().toString()).toBe("09:00:00");
    const days = Temporal.Now.zonedDateTimeISO("America/New_York").until(there, { largestUnit: "day" }).days;
    expect([there.dayOfWeek <= 5, days < 3]).toEqual([true, true]);
  });

  test("a down-time is one missed run with one node, and one run to make up for it where asked (spec §10)", async () => {
    const job = await create(exec("echo hi", { schedule: "* * * * * *", missed: "run_once" }));
    await until(async () => (await runsOf(job)).some(({ status }) => status === "success"));
    await reef.kill();
    await Bun.sleep(2500);
    reef = await reef.restart();
    const runs = await until(async () => {
      const found = await runsOf(job);
      return found.some(({ trigger, status }) => trigger === "catch_up" && status === "success") && found;
    });
    const missed = runs.filter(({ status }) => status === "missed");
    expect(missed).toHaveLength(1);
    expect(missed[0]?.missedCount).toBeGreaterThanOrEqual(2);
    expect(runs.filter(({ trigger }) => trigger === "catch_up")).toHaveLength(1);
    const nodes = (await reef.nodes()).filter(({ eventType }) => eventType === "cron_missed");
    expect(nodes.map(({ id }) => id)).toEqual([missed[0]?.nodeId ?? ""]);
  });
});

describe("agent", () => {
  test("the task hangs under its run, and the run ends with it (spec §10)", async () => {
    const job = await create(agent("What is 2+2?"));
    const submitted = await run(job);
    expect(submitted).toMatchObject({ status: "running", trigger: "manual" });
    const task = await reef.over(submitted.taskId ?? "");
    const done = await ended(job);
    expect(done).toMatchObject({ status: "success", taskId: task.name });
    expect(done.output).toBe(task.artifacts?.summary ?? "");
    expect(task.nodes.find(({ role }) => role === "user")?.parentId).toBe(done.nodeId);
    const { submittedBy } = await reef.api("GET", `/reef/tasks/${task.name}`);
    expect(submittedBy).toBe(`cron:${job.id}`);
    const reasons = (await why(task.leafId)).map(({ role, eventType }) => eventType ?? role);
    expect(reasons).toEqual(["assistant", "user", "cron_start", "system"]);
    const [end] = (await reef.nodes()).filter(({ eventType }) => eventType === "cron_done");
    expect(end).toMatchObject({ parentId: done.nodeId, content: done.output ?? "" });
  });

  test("a task that fails, is cancelled or is refused is the run's error (spec §10)", async () => {
    const failing = await create(agent("fail: auth"));
    await run(failing);
    expect(await ended(failing)).toMatchObject({ status: "error", error: expect.stringContaining("401") });
    const slow = await create(agent("Run `sleep 60`."));
    const { taskId } = await run(slow);
    await reef.api("POST", `/reef/tasks/${taskId}/cancel`, { reason: "not today" });
    expect(await ended(slow)).toMatchObject({ status: "error", error: "not today" });
    const refused = await create(agent("What is 2+2?", { parentId: "nowhere" }));
    expect(await run(refused)).toMatchObject({ status: "error", error: "Unknown parentId 'nowhere'" });
  });

  test("with its time up its task is cancelled (spec §10)", async () => {
    const job = await create(agent("Run `sleep 60`.", {}, { timeoutSeconds: 1 }));
    const { taskId } = await run(job);
    expect(await ended(job)).toMatchObject({ status: "error", error: "timed out after 1 s" });
    expect((await reef.over(taskId ?? "")).status).toBe("cancelled");
  });

  test("of a job that is deleted ends with its task (spec §10)", async () => {
    const job = await create(agent("Run `sleep 60`."));
    const { taskId = "" } = await run(job);
    await reef.until(taskId, (nodes) => nodes.some(({ role }) => role === "tool_call"));
    await reef.api("DELETE", `/cron/jobs/${job.id}`);
    expect((await reef.over(taskId)).status).toBe("cancelled");
    expect((await runsOf(job))[0]).toMatchObject({ status: "error", error: "job deleted", taskId });
  });

  test("goes on with its resumed task after kill -9, and after the service was reloaded (spec §10)", async () => {
    const job = await create(agent("Run `sleep 2; echo done`."));
    const { taskId = "" } = await run(job);
    await reef.until(taskId, (nodes) => nodes.some(({ role }) => role === "tool_call"));
    await reef.kill();
    reef = await reef.restart();
    await reef.api("POST", "/services/reload/cron");
    expect((await runsOf(job))[0]).toMatchObject({ status: "running", taskId });
    const task = await reef.over(taskId);
    expect(await ended(job)).toMatchObject({ status: "success", output: task.artifacts?.summary ?? "" });
    expect(await runsOf(job)).toHaveLength(1);
    const events = (await reef.nodes()).filter(({ source }) => source === "cron");
    expect(events.map(({ eventType }) => eventType)).toEqual(["cron_start", "cron_done"]);
  });
});

describe("an exec run in the middle of which", () => {
  // The shell puts the mark together, so that nothing but what it starts has it.
  const command = (mark: string) =>
    `M=MARK; env $M=${mark} sleep 1000 & setsid env $M=${mark} sleep 1001 & env $M=${mark} sleep 1002`;
  const alive = (mark: string) => processesWith(`MARK=${mark}`).length;

  test("the server is killed is interrupted, and its processes are ended (spec §10)", async () => {
    const mark = `kill${crypto.randomUUID()}`;
    const job = await create(exec(command(mark)));
    await start(job);
    await until(async () => alive(mark) >= 3);
    await reef.kill();
    expect(alive(mark)).toBeGreaterThanOrEqual(3);
    reef = await reef.restart();
    const [cut, ...more] = await runsOf(job);
    expect(cut).toMatchObject({ status: "error", error: "interrupted by a restart" });
    expect(more).toEqual([]);
    expect(alive(mark)).toBe(0);
    const [end] = under(await reef.nodes(), cut?.nodeId ?? "");
    expect(end).toMatchObject({ eventType: "cron_error", content: "interrupted by a restart" });
  });

  test("the server stops, or the service is reloaded, leaves nothing running (spec §1.4, §10)", async () => {
    const mark = `stop${crypto.randomUUID()}`;
    const job = await create(exec(command(mark)));
    await start(job);
    await until(async () => alive(mark) >= 3);
    await reef.api("POST", "/services/reload/cron");
    expect(alive(mark)).toBe(0);
    expect((await runsOf(job))[0]).toMatchObject({ status: "error", error: "interrupted by a restart" });
    await start(job);
    await until(async () => alive(mark) >= 3);
    await reef.stop();
    expect(alive(mark)).toBe(0);
    reef = await reef.restart();
    expect((await runsOf(job)).map(({ status }) => status)).toEqual(["error", "error"]);
    const events = (await reef.nodes()).filter(({ source }) => source === "cron");
    const [first, second] = ["cron_start", "cron_error"];
    expect(events.map(({ eventType }) => eventType)).toEqual([first, second, first, second]);
  });
});

describe("what a kill left half written", () => {
  const rewrite = (sql: string) => {
    const db = new Database(join(reef.dataDir, "cron.sqlite"));
    db.run(sql);
    db.close();
  };
  const typesOf = async () =>
    (await reef.nodes()).filter(({ source }) => source === "cron").map(({ eventType }) => eventType);

  test("is a run whose node and task are found again in the tree (spec §10)", async () => {
    const job = await create(agent("Run `sleep 2; echo done`."));
    const { taskId = "", nodeId } = await run(job);
    await reef.until(taskId, (nodes) => nodes.some(({ role }) => role === "tool_call"));
    await reef.kill();
    rewrite("UPDATE runs SET node_id = NULL, task_id = NULL, turn_id = NULL");
    reef = await reef.restart();
    expect((await runsOf(job))[0]).toMatchObject({ status: "running", taskId, nodeId });
    expect(await ended(job)).toMatchObject({ status: "success", taskId });
    expect(await typesOf()).toEqual(["cron_start", "cron_done"]);
  });

  test("is a run whose end is in the tree already, or whose node is not (spec §10)", async () => {
    const [told, untold] = [await create(exec("echo told")), await create(exec("echo untold"))];
    await run(told);
    await reef.kill();
    rewrite("UPDATE runs SET status = 'running', completed_at = NULL, output = NULL");
    rewrite(`INSERT INTO runs (id, job_id, job_name, job_type, status, trigger, started_at)
      VALUES ('UNTOLD', '${untold.id}', 'untold', 'exec', 'skipped', 'schedule', 1)`);
    reef = await reef.restart();
    expect((await runsOf(told))[0]).toMatchObject({ status: "success", output: "told\n" });
    const [skipped] = await runsOf(untold);
    const node = (await reef.nodes()).find(({ id }) => id === skipped?.nodeId);
    expect(node).toMatchObject({ eventType: "cron_skipped", meta: { runId: "UNTOLD" } });
    expect(await typesOf()).toEqual(["cron_start", "cron_done", "cron_skipped"]);
  });
});

describe("a job that a task made", () => {
  test("has the task's rights and no more, and why leads to the task's prompt (spec §2.4, §10)", async () => {
    const body = (path: string) => ({
      name: "job",
      schedule: NEVER,
      type: "http",
      config: { method: "POST", path },
    });
    const calls = ["/services/reload", "/store/x"].map(
      (path) => `call cron_create_job ${JSON.stringify(body(path))}`,
    );
    await reef.submit({ task: calls.join("\nand "), taskId: "maker" });
    const maker = await reef.over("maker");
    const { jobs } = await reef.api<{ jobs: Job[] }>("GET", "/cron/jobs");
    expect(jobs.map(({ createdBy }) => createdBy)).toEqual(["task:maker", "task:maker"]);
    const errors: (string | undefined)[] = [];
    for (const job of jobs) {
      const done = await run(job);
      errors.push(done.error);
      const chain = await why(done.nodeId);
      expect(chain[1]).toMatchObject({ role: "tool_call", toolName: "cron_create_job" });
      expect(chain.map(({ id }) => id)).toContain(maker.nodeId);
    }
    expect(errors).toEqual(["HTTP 403", "HTTP 404"]);
  });

  test("submits tasks with the task's scopes, again and again under one name (spec §2.4)", async () => {
    const job = {
      name: "daily",
      schedule: NEVER,
      type: "agent",
      config: { prompt: "What is 2+2?", taskId: "daily" },
    };
    const scopes = ["modules", "submit"];
    await reef.submit({ task: `call cron_create_job ${JSON.stringify(job)}`, taskId: "maker", scopes });
    await reef.over("maker");
    const [made] = (await reef.api<{ jobs: Job[] }>("GET", "/cron/jobs")).jobs;
    if (!made) throw new Error("The task has made no job.");
    for (let fire = 0; fire < 2; fire++) {
      expect((await run(made)).taskId).toBe("daily");
      expect(await ended(made)).toMatchObject({ status: "success" });
    }
    const task = await reef.api("GET", "/reef/tasks/daily");
    expect([task.scopes, task.submittedBy]).toEqual([scopes, `cron:${made.id}`]);
    await reef.submit({ task: "What is 2+2?", taskId: "other" });
    await reef.over("other");
    await reef.api("PATCH", `/cron/jobs/${made.id}`, { config: { ...job.config, taskId: "other" } });
    expect(await run(made)).toMatchObject({ status: "error", error: "Task 'other' belongs to another task" });
  });
});

describe("what a run causes", () => {
  test("hangs under the run, whoever calls whom (spec §10)", async () => {
    const inner = await create(exec("echo inner", { name: "inner" }));
    const config = { method: "POST", path: `/cron/jobs/${inner.id}/run` };
    const outer = await create({ name: "outer", schedule: NEVER, type: "http", config });
    const done = await run(outer);
    expect(done.status).toBe("success");
    const { nodeId } = JSON.parse(done.output ?? "{}");
    const chain = (await why(nodeId)).map(({ content }) => content);
    expect(chain.slice(0, 2)).toEqual(["inner (exec)", "outer (http)"]);
    const { effects } = await reef.api("GET", `/reef/tree/${done.nodeId}/effects`);
    expect(effects.map(({ eventType }: TreeNode) => eventType)).toEqual([
      "cron_start",
      "cron_done",
      "cron_done",
    ]);
  });

  test("a command gets what a task would get, without keys and tokens (spec §10, §1.2)", async () => {
    await reef.stop();
    const secrets = {
      ANTHROPIC_API_KEY: "sk-secret-1234",
      VERS_AUTH_TOKEN: "server-token-1234",
      GH_TOKEN: "gh-secret-1234",
    };
    const env = { ...secrets, PLACE: "home", REEF_OFFLINE: "1", REEF_TASK_ENV: "GH_TOKEN,PLACE" };
    reef = await startReef({ token: secrets.VERS_AUTH_TOKEN, env });
    const { output = "" } = await run(await create(exec("env; cat /proc/self/environ")));
    for (const secret of Object.values(secrets)) expect(output).not.toContain(secret);
    expect(output).toContain("PLACE=home");
    expect(output).toContain(`VERS_INFRA_URL=${reef.url}`);
    expect(output).toContain(`PATH=${process.env.PATH}`);
  });
});
