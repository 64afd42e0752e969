// Cron over HTTP: what each route answers, what runs do and how they end.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Hono } from "hono";
import type { ServiceModule } from "#core/types.js";
import { type CronHarness, NEVER, openHarness, processesWith, until } from "./harness.js";
import cron from "./index.js";

const TOOLS = ["list_jobs", "create_job", "update_job", "delete_job", "run_job", "list_runs"];
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** What it was asked, and answers of every kind. */
function echo(): ServiceModule {
  const routes = new Hono()
    .all("/say", async (c) =>
      c.json({
        method: c.req.method,
        body: await c.req.text(),
        type: c.req.header("content-type") ?? null,
        x: c.req.header("x-mine") ?? null,
      }),
    )
    .get("/fail", (c) => c.json({ error: "no" }, 418))
    .get(
      "/endless",
      () => new Response(new ReadableStream({ pull: (out) => out.enqueue(new Uint8Array(1000).fill(65)) })),
    )
    .get("/hang", () => new Promise<Response>(() => {}))
    .get("/throw", () => {
      throw new Error("secret reason");
    });
  return { name: "echo", routes };
}

let harness: CronHarness;
beforeEach(async () => {
  harness = await openHarness({ services: [echo()] });
});
afterEach(() => harness.cleanup());

const http = (config: object, rest = {}) =>
  harness.create({ name: "call", schedule: NEVER, type: "http", config, ...rest });

describe("jobs", () => {
  test("one that is created has every field, and answers 201 (spec §10)", async () => {
    const body = {
      name: " nightly ",
      schedule: " @daily ",
      type: "exec",
      config: { command: "true", more: 1 },
    };
    const { status, data } = await harness.ask("/jobs", { body });
    expect(status).toBe(201);
    expect(data).toEqual({
      id: expect.stringMatching(/^[0-9A-Z]{26}$/),
      name: "nightly",
      schedule: "@daily",
      type: "exec",
      config: { command: "true" },
      enabled: true,
      timeoutSeconds: 300,
      overlap: "skip",
      missed: "record",
      createdBy: "server",
      createdAt: expect.stringMatching(ISO),
      updatedAt: expect.stringMatching(ISO),
      nextRunAt: expect.stringMatching(ISO),
    });
  });

  test.each([
    ["agent", { prompt: "hello" }, 3600],
    ["http", { method: "get", path: "/echo/say" }, 60],
    ["exec", { command: "true" }, 300],
  ])("%s has its own time limit unless one is given (spec §10)", async (type, config, seconds) => {
    const job = { name: "job", schedule: NEVER, type, config };
    expect((await harness.create(job)).timeoutSeconds).toBe(seconds);
    expect((await harness.create({ ...job, timeoutSeconds: 0 })).timeoutSeconds).toBe(0);
    expect((await harness.create({ ...job, timeoutSeconds: 1.5 })).timeoutSeconds).toBe(1.5);
  });

  test("are listed in the order of their creation, with the count (spec §10)", async () => {
    for (const name of ["b", "a"]) await harness.exec("true", { name });
    const { data } = await harness.ask("/jobs");
    expect([data.count, data.jobs.map(({ name }: { name: string }) => name)]).toEqual([2, ["b", "a"]]);
  });

  test("who made one is told (spec §10)", async () => {
    const body = { name: "job", schedule: NEVER, type: "exec", config: { command: "true" } };
    const { data } = await harness.ask("/jobs", { body, headers: { "X-Agent-Name": "ann" } });
    expect(data.createdBy).toBe("agent:ann");
  });

  test("one is read with its newest 20 runs; an unknown one is 404 everywhere (spec §10)", async () => {
    const job = await harness.exec("true");
    for (let count = 0; count < 22; count++) await harness.run(job);
    const { data } = await harness.ask(`/jobs/${job.id}`);
    expect(data).toMatchObject({ id: job.id, name: "job" });
    const ids = (await harness.runs()).map(({ id }: { id: string }) => id);
    expect(data.runs.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 20));
    const ghost = { id: "ghost" };
    for (const answer of [
      await harness.ask("/jobs/ghost"),
      await harness.change(ghost, { name: "x" }),
      await harness.remove(ghost),
      await harness.run(ghost),
    ]) {
      expect([answer.status, answer.data]).toEqual([404, { error: "Job not found", code: "not_found" }]);
    }
  });

  test("a change replaces what it names and leaves the rest (spec §10)", async () => {
    const job = await harness.exec("true", { schedule: "1h", timezone: "Europe/Berlin", timeoutSeconds: 5 });
    const { status, data } = await harness.change(job, {
      name: "renamed",
      overlap: "queue",
      missed: "run_once",
    });
    expect(status).toBe(200);
    const { updatedAt: _, ...rest } = data;
    const { updatedAt: __, ...before } = job;
    expect(rest).toEqual({ ...before, name: "renamed", overlap: "queue", missed: "run_once" });
    expect((await harness.change(job, { timezone: null })).data.timezone).toBeUndefined();
    expect((await harness.change(job, {})).data.name).toBe("renamed");
  });

  test("a change of the type takes its own config and time limit along (spec §10)", async () => {
    const job = await harness.exec("true");
    const { data } = await harness.change(job, {
      type: "http",
      config: { method: "POST", path: "/echo/say" },
    });
    expect(data).toMatchObject({
      type: "http",
      config: { method: "POST", path: "/echo/say" },
      timeoutSeconds: 60,
    });
    expect((await harness.run(job)).data.status).toBe("success");
    expect((await harness.change(job, { type: "exec" })).data.error).toBe(
      "config.command is required for exec jobs",
    );
  });

  test("a disabled one has no next run, does not fire, and can be run by hand (spec §10)", async () => {
    const job = await harness.exec("echo hi", { schedule: "* * * * * *", enabled: false });
    expect(job.nextRunAt).toBeNull();
    expect((await harness.run(job)).data).toMatchObject({ status: "success", trigger: "manual" });
    const enabled = await harness.change(job, { enabled: true });
    expect(enabled.data.nextRunAt).toMatch(ISO);
    await harness.ended(job, 2);
    expect((await harness.change(job, { enabled: false })).data.nextRunAt).toBeNull();
    expect((await harness.runs()).some(({ trigger }: { trigger: string }) => trigger === "schedule")).toBe(
      true,
    );
  });

  test("a change that is not about the schedule leaves an interval where it is (spec §10)", async () => {
    const job = await harness.exec("true", { schedule: "1h" });
    await Bun.sleep(5);
    expect((await harness.change(job, { name: "x" })).data.nextRunAt).toBe(job.nextRunAt);
    const changed = await harness.change(job, { schedule: "2h" });
    // The two are read from the clock one after the other.
    const waitMs = Date.parse(changed.data.nextRunAt) - Date.parse(changed.data.updatedAt);
    expect(Math.abs(waitMs - 7_200_000)).toBeLessThan(60_000);
  });

  test("one whose folder is gone can still be changed, and disabled (spec §10)", async () => {
    const folder = join(harness.dataDir, "gone");
    await Bun.write(join(folder, "file"), "");
    const job = await harness.exec("true", { config: { command: "pwd", cwd: folder } });
    expect((await harness.run(job)).data.output).toBe(`${folder}\n`);
    await Bun.$`rm -r ${folder}`.quiet();
    expect((await harness.run(job)).data).toMatchObject({
      status: "error",
      error: expect.stringContaining("could not be started"),
    });
    expect((await harness.change(job, { enabled: false })).status).toBe(200);
  });
});

describe("an exec run", () => {
  test("has both streams in their order as output, and its exit code as error (spec §10)", async () => {
    const good = await harness.exec("echo one; echo two >&2; echo three");
    expect((await harness.run(good)).data).toEqual({
      id: expect.stringMatching(/^[0-9A-Z]{26}$/),
      jobId: good.id,
      jobName: "job",
      startedAt: expect.stringMatching(ISO),
      completedAt: expect.stringMatching(ISO),
      status: "success",
      trigger: "manual",
      output: "one\ntwo\nthree\n",
      nodeId: "",
    });
    const bad = await harness.exec("echo oh; exit 3");
    expect((await harness.run(bad)).data).toMatchObject({
      status: "error",
      error: "exit code 3",
      output: "oh\n",
    });
    const killed = await harness.exec("kill -9 $$");
    expect((await harness.run(killed)).data.error).toBe("exit code 137");
    const syntax = await harness.exec("if");
    expect((await harness.run(syntax)).data).toMatchObject({
      error: "exit code 2",
      output: expect.stringContaining("sh:"),
    });
  });

  test("keeps the last 10000 characters, cut at a whole one (spec §10)", async () => {
    const job = await harness.exec(`i=0; while [ $i -lt 3000 ]; do echo "$i 日本😀"; i=$((i+1)); done`);
    const { output } = (await harness.run(job)).data;
    expect(output.length).toBeGreaterThan(9_990);
    expect(output.length).toBeLessThanOrEqual(10_000);
    expect(output).toEndWith("2999 日本😀\n");
    expect(output.isWellFormed()).toBe(true);
    expect(output).not.toContain("\ufffd");
  });

  test("runs in REEF_DIR unless the job names a folder (spec §10)", async () => {
    const job = await harness.exec("pwd");
    expect((await harness.run(job)).data.output).toBe(`${harness.ctx.config.dir}\n`);
    await harness.change(job, { config: { command: "pwd", cwd: harness.dataDir } });
    expect((await harness.run(job)).data.output).toBe(`${harness.dataDir}\n`);
  });

  test("with its time up ends with its whole process tree, also what left its session (spec §10)", async () => {
    const mark = `MARK=${crypto.randomUUID()}`;
    const hidden = `env -i ${mark} sleep 1000 & setsid env -i ${mark} sh -c 'sleep 1001; true' & (setsid env ${mark} sleep 1002 &)`;
    const job = await harness.exec(`${hidden}; trap '' TERM; ${mark} sleep 1003; ${mark} sleep 1004`, {
      timeoutSeconds: 0.5,
    });
    const running = harness.run(job);
    await until(() => processesWith(mark).length >= 5);
    expect((await running).data).toMatchObject({ status: "error", error: "timed out after 0.5 s" });
    expect(processesWith(mark)).toEqual([]);
  });

  test("takes what it left in the background along (spec §1.4)", async () => {
    const mark = `MARK=${crypto.randomUUID()}`;
    const job = await harness.exec(
      `env -i ${mark} sleep 1000 & ${mark} nohup setsid sleep 1001 & echo started`,
    );
    const { data } = await harness.run(job);
    expect(data).toMatchObject({ status: "success", output: "started\n" });
    expect(processesWith(mark)).toEqual([]);
  });

  test("that never stops talking leaves the server its time (spec §10)", async () => {
    const job = await harness.exec("yes", { timeoutSeconds: 1 });
    const running = harness.run(job);
    let longest = 0;
    for (
      let last = performance.now();
      (await Promise.race([running, Bun.sleep(5)])) === undefined;
      last = performance.now()
    ) {
      longest = Math.max(longest, performance.now() - last);
    }
    expect((await running).data.error).toBe("timed out after 1 s");
    expect((await running).data.output).toHaveLength(10_000);
    expect(longest).toBeLessThan(1_000);
  });
});

describe("an http run", () => {
  test("calls this server in process, and its answer is the output (spec §10)", async () => {
    const job = await http({
      method: "post",
      path: "/echo/say?x=1",
      body: { a: [1] },
      headers: { "X-Mine": "yes" },
    });
    const { data } = await harness.run(job);
    expect(data.status).toBe("success");
    expect(JSON.parse(data.output)).toEqual({
      method: "POST",
      body: '{"a":[1]}',
      type: "application/json",
      x: "yes",
    });
    const text = await http({
      method: "PUT",
      path: "/echo/say",
      body: "plain",
      headers: { "content-type": "text/x" },
    });
    expect(JSON.parse((await harness.run(text)).data.output)).toMatchObject({
      body: "plain",
      type: "text/x",
    });
  });

  test.each([
    ["/echo/fail", "HTTP 418"],
    ["/echo/nothing", "HTTP 404"],
    ["/nowhere", "HTTP 404"],
    ["/echo/throw", "HTTP 500"],
    ["//evil.example/x", "HTTP 404"],
    ["/cron/../echo/fail", "HTTP 418"],
  ])("%s is %s (spec §10)", async (path, error) => {
    const { data } = await harness.run(await http({ method: "GET", path }));
    expect(data).toMatchObject({ status: "error", error });
    expect(data.output).not.toContain("secret reason");
  });

  test.each(["/echo/endless", "/echo/hang"])("with its time up is over: %s (spec §10)", async (path) => {
    const { data } = await harness.run(await http({ method: "GET", path }, { timeoutSeconds: 0.5 }));
    expect(data).toMatchObject({ status: "error", error: "timed out after 0.5 s" });
  });

  test("of a job that runs itself is refused, and ends (spec §10)", async () => {
    const job = await http({ method: "GET", path: "/echo/say" });
    await harness.change(job, { config: { method: "POST", path: `/cron/jobs/${job.id}/run` } });
    expect((await harness.run(job)).data).toMatchObject({ status: "error", error: "HTTP 409" });
  });

  test("of a job that deletes itself ends with it (spec §10)", async () => {
    const job = await http({ method: "GET", path: "/echo/say" });
    await harness.change(job, { config: { method: "DELETE", path: `/cron/jobs/${job.id}` } });
    expect((await harness.run(job)).data).toMatchObject({ status: "error", error: "job deleted" });
    expect((await harness.ask(`/jobs/${job.id}`)).status).toBe(404);
  });
});

describe("an agent's run", () => {
  test("without a server of tasks is an error (spec §10)", async () => {
    const job = await harness.create({
      name: "ask",
      schedule: NEVER,
      type: "agent",
      config: { prompt: "hello" },
    });
    expect((await harness.run(job)).data).toMatchObject({ status: "error", error: "not found" });
  });
});

describe("by hand", () => {
  test("wait=false answers 202 at once with the run as it is (spec §10)", async () => {
    const job = await harness.exec("sleep 0.3; echo late");
    const { status, data } = await harness.run(job, false);
    expect(status).toBe(202);
    expect(data).toMatchObject({ status: "running", trigger: "manual", jobId: job.id });
    expect((await harness.runs("&status=running")).map(({ id }: { id: string }) => id)).toEqual([data.id]);
    const [over] = await harness.ended(job);
    expect(over).toMatchObject({ id: data.id, status: "success", output: "late\n" });
  });
});

describe("overlap", () => {
  const gate = () => join(harness.dataDir, `gate-${crypto.randomUUID()}`);
  const held = (path: string) => `while [ ! -e ${path} ]; do sleep 0.02; done; echo through`;
  const open = (path: string) => Bun.write(path, "");
  const statuses = async () => (await harness.runs()).map(({ status }: { status: string }) => status);

  test("skip: a second run by hand is 409 and leaves nothing, of many at once one runs (spec §10)", async () => {
    const path = gate();
    const job = await harness.exec(held(path));
    const answers = await Promise.all(Array.from({ length: 10 }, () => harness.run(job, false)));
    expect(answers.map(({ status }) => status).sort()).toEqual([202, ...Array(9).fill(409)]);
    expect(answers.find(({ status }) => status === 409)?.data).toEqual({
      error: "a run of this job is still going on",
      code: "conflict",
    });
    expect(await statuses()).toEqual(["running"]);
    await open(path);
    await harness.ended(job);
    expect((await harness.run(job)).status).toBe(200);
  });

  test("skip: a fire meanwhile is a skipped run (spec §10)", async () => {
    const path = gate();
    const job = await harness.exec(held(path), { schedule: "* * * * * *" });
    const [skipped] = await until(async () => {
      const found = await harness.runs("&status=skipped");
      return found.length > 0 && found;
    });
    expect(skipped).toMatchObject({ trigger: "schedule", error: "a run of this job is still going on" });
    await harness.remove(job);
  });

  test("queue: one more runs after, and no more than one waits (spec §10)", async () => {
    const path = gate();
    const job = await harness.exec(held(path), { overlap: "queue" });
    await harness.run(job, false);
    const second = harness.run(job);
    await until(async () => (await harness.run(job, false)).status === 409);
    expect(await statuses()).toEqual(["running"]);
    await open(path);
    expect((await second).data).toMatchObject({ status: "success", output: "through\n" });
    const [later, earlier] = await harness.ended(job, 2);
    expect(Date.parse(later.startedAt)).toBeGreaterThanOrEqual(Date.parse(earlier.completedAt));
    expect(await statuses()).toEqual(["success", "success"]);
  });

  test("queue: a fire waits too, and those after it are skipped (spec §10)", async () => {
    const path = gate();
    const job = await harness.exec(held(path), { overlap: "queue", schedule: "* * * * * *" });
    await until(async () => (await harness.runs("&status=skipped")).length > 0);
    await harness.change(job, { enabled: false });
    await open(path);
    const over = await harness.ended(job, 3);
    expect(over.filter(({ status }: { status: string }) => status === "success")).toHaveLength(2);
    await Bun.sleep(50);
    expect(await harness.runs("&status=running")).toEqual([]);
  });

  test("allow: runs go on beside each other (spec §10)", async () => {
    const path = gate();
    const job = await harness.exec(held(path), { overlap: "allow" });
    for (let count = 0; count < 3; count++) expect((await harness.run(job, false)).status).toBe(202);
    expect(await statuses()).toEqual(["running", "running", "running"]);
    await open(path);
    await harness.ended(job, 3);
  });
});

describe("deleting a job", () => {
  test("ends the run that is going on, and what waits for it (spec §10)", async () => {
    const mark = `MARK=${crypto.randomUUID()}`;
    const job = await harness.exec(`${mark} sleep 1000`, { overlap: "queue" });
    const first = harness.run(job);
    await until(() => processesWith(mark).length > 0);
    const second = harness.run(job);
    await until(async () => (await harness.run(job)).status === 409);
    const { status, data } = await harness.remove(job);
    expect([status, data]).toEqual([200, { id: job.id, deleted: true }]);
    expect(processesWith(mark)).toEqual([]);
    expect((await first).data).toMatchObject({ status: "error", error: "job deleted" });
    expect((await second).data).toMatchObject({ status: "skipped", error: "job deleted" });
    expect((await harness.ask(`/jobs/${job.id}`)).status).toBe(404);
    expect((await harness.runs(`&jobId=${job.id}`)).map((run: { status: string }) => run.status)).toEqual([
      "skipped",
      "error",
    ]);
  });
});

describe("the list of runs", () => {
  beforeEach(async () => {
    const jobs = [await harness.exec("true", { name: "good" }), await harness.exec("false", { name: "bad" })];
    for (let count = 0; count < 5; count++) for (const job of jobs) await harness.run(job);
  });

  const names = (runs: { jobName: string }[]) => runs.map(({ jobName }) => jobName);

  test("is newest first, with the count of all that match (spec §10)", async () => {
    const { data } = await harness.ask("/runs?limit=3");
    expect([data.count, names(data.runs)]).toEqual([10, ["bad", "good", "bad"]]);
    const { jobs } = (await harness.ask("/jobs")).data;
    expect((await harness.ask(`/runs?jobId=${jobs[0].id}`)).data).toMatchObject({ count: 5 });
    expect(names((await harness.ask("/runs?status=error&limit=2")).data.runs)).toEqual(["bad", "bad"]);
    expect((await harness.ask(`/runs?jobId=${jobs[0].id}&status=error`)).data).toEqual({
      runs: [],
      count: 0,
    });
    expect((await harness.ask("/runs?jobId=ghost")).data).toEqual({ runs: [], count: 0 });
  });

  test("pages without missing or repeating one, whatever comes in between (spec §2.7)", async () => {
    const all = (await harness.runs()).map(({ id }: { id: string }) => id);
    const { jobs } = (await harness.ask("/jobs")).data;
    const seen: string[] = [];
    for (let cursor = ""; ; ) {
      const { data } = await harness.ask(`/runs?limit=3${cursor}`);
      seen.push(...data.runs.map(({ id }: { id: string }) => id));
      if (data.nextCursor === undefined) break;
      cursor = `&cursor=${data.nextCursor}`;
      await harness.run(jobs[0]);
    }
    expect(seen).toEqual(all);
  });
});

describe("the module", () => {
  test("offers what the manifest tells others (spec §10)", () => {
    expect(cron.capabilities).toEqual(["cron.schedule", "cron.execute"]);
  });

  test("documents every route, and the README has a curl line for each", async () => {
    const routes = (cron.routes?.routes ?? []).map(({ method, path }) => `${method} ${path}`);
    expect(routes.toSorted()).toEqual(Object.keys(cron.routeDocs ?? {}).toSorted());
    const readme = await Bun.file(join(import.meta.dir, "README.md")).text();
    const lines = readme.split("\n").filter((line) => line.startsWith("curl "));
    for (const route of routes) {
      const [method = "", path = ""] = route.split(" ");
      const shown = new RegExp(`\\$REEF/cron${path.replaceAll("/", "\\/").replace(":id", "\\$ID")}[" ?]`);
      const methods = method === "GET" ? /^(?!.*-X)/ : new RegExp(`-X ${method} `);
      expect({ route, isShown: lines.some((line) => shown.test(`${line} `) && methods.test(line)) }).toEqual({
        route,
        isShown: true,
      });
    }
    for (const name of TOOLS) expect(readme).toContain(`\`cron_${name}\``);
  });

  test("has a panel with a style, an element and a script of its own (spec §5.7)", async () => {
    const { status, data, headers } = await harness.ask("/_panel");
    expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=UTF-8"]);
    for (const part of [".panel-cron {", '<div class="panel-cron">', "PANEL_API"])
      expect(data).toContain(part);
    const script = /<script>([\s\S]*)<\/script>/.exec(data)?.[1] ?? "";
    expect(() => new Function(script)).not.toThrow();
  });
});
