// What cron records of its runs, on a server whose tree the test plays. The real one is in the tests of the whole path.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type ReefServer } from "#core/server.js";
import { NEVER, until } from "./harness.js";
import cron from "./index.js";

let server: ReefServer;
let dataDir: string;
let events: Record<string, unknown>[];
let refusals: number;
beforeEach(async () => {
  [events, refusals] = [[], 0];
  dataDir = await mkdtemp(join(tmpdir(), "reef-cron-"));
  server = await open();
});
afterEach(async () => {
  await server.close();
  await rm(dataDir, { recursive: true });
});

function open(): Promise<ReefServer> {
  return createServer({
    modules: [cron],
    config: { dataDir, token: "t", log: "error", dir: dataDir },
    async record(event) {
      if (refusals-- > 0) throw new Error("the tree is full");
      events.push(event);
      return { nodeId: `N${events.length}`, parentId: "main", seq: events.length };
    },
  });
}

async function ask(path: string, method = "GET", body?: object) {
  const headers = { Authorization: "Bearer t" };
  const request = new Request(`http://localhost/cron${path}`, {
    method,
    headers,
    body: JSON.stringify(body),
  });
  return (await server.app.fetch(request)).json();
}

const exec = (command: string, rest = {}) =>
  ask("/jobs", "POST", { name: "job", schedule: NEVER, type: "exec", config: { command }, ...rest });
const run = (job: { id: string }) => ask(`/jobs/${job.id}/run`, "POST");
const typesOf = () => events.map(({ type }) => type);

describe("the nodes of a run", () => {
  test("are its start and its end, with what names it (spec §10)", async () => {
    const job = await exec("echo hello");
    const { id, nodeId } = await run(job);
    const meta = { source: "cron", runId: id, jobId: job.id, jobName: "job", jobType: "exec" };
    expect(nodeId).toBe("N1");
    expect(events).toEqual([
      { ...meta, type: "cron_start", content: "job (exec)", parentId: undefined },
      { ...meta, type: "cron_done", content: "hello\n", parentId: "N1" },
    ]);
  });

  test("show the first 500 characters of the output, and the whole error (spec §10)", async () => {
    await run(await exec(`printf '%0600d' 7`));
    expect(events.at(-1)?.content).toBe("0".repeat(500));
    await run(await exec("echo oh; exit 4"));
    expect(events.at(-1)).toMatchObject({ type: "cron_error", content: "exit code 4" });
  });

  test("are one for a skipped fire and one for a down-time (spec §10)", async () => {
    const job = await exec("sleep 60", { schedule: "* * * * * *" });
    await until(() => typesOf().includes("cron_skipped"));
    const skipped = events.find(({ type }) => type === "cron_skipped");
    expect(skipped?.content).toBe("job (exec) skipped: a run of this job is still going on");
    await server.close();
    events.length = 0;
    await Bun.sleep(1100);
    server = await open();
    await until(() => typesOf().includes("cron_missed"));
    expect(typesOf().filter((type) => type === "cron_missed")).toHaveLength(1);
    expect(events.find(({ type }) => type === "cron_missed")?.content).toMatch(
      /^job \(exec\) missed \d+ fires?$/,
    );
    await ask(`/jobs/${job.id}`, "DELETE");
  });

  test("come late when the tree takes none, and nothing runs before (spec §10)", async () => {
    refusals = 2;
    const file = join(dataDir, "ran");
    const job = await exec(`touch ${file}`);
    expect(await run(job)).toMatchObject({ status: "running", nodeId: "" });
    const [ended] = await until(async () => {
      const { runs } = await ask("/runs?status=error");
      return runs.length > 0 && runs;
    });
    expect(ended).toMatchObject({ status: "error", error: "the tree is full", nodeId: "N1" });
    expect(typesOf()).toEqual(["cron_start", "cron_error"]);
    expect(existsSync(file)).toBe(false);
    expect((await run(job)).status).toBe("success");
  });
});
