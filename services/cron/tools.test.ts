// The tools of cron, run as an agent runs them.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { ToolResult } from "#core/types.js";
import { type CronHarness, NEVER, openHarness } from "./harness.js";

const TEXT_CHARS_MAX = 8000;

let harness: CronHarness;
beforeEach(async () => {
  harness = await openHarness();
});
afterEach(() => harness.cleanup());

const textOf = ({ content }: ToolResult) =>
  content.map((part) => (part.type === "text" ? part.text : "")).join("");
const use = (name: string, params: object = {}) => harness.tool(`cron_${name}`, params);
const job = { name: "job", schedule: NEVER, type: "exec", config: { command: "echo hi" } };
const idOf = ({ details }: ToolResult) => {
  const { job: made } = Object(details);
  return String(made.id);
};

describe("the tools of cron", () => {
  test("set a job up, show it, change it, run it, and take it away", async () => {
    expect(textOf(await use("list_jobs"))).toBe("No jobs. Set one up with cron_create_job.");
    const made = await use("create_job", job);
    const id = idOf(made);
    expect(JSON.parse(textOf(made))).toMatchObject({ id, ...job, createdBy: "agent:test-agent" });
    expect(JSON.parse(textOf(await use("list_jobs")))).toMatchObject([{ id, name: "job" }]);
    expect(JSON.parse(textOf(await use("update_job", { id, enabled: false })))).toMatchObject({
      enabled: false,
      name: "job",
    });
    expect(JSON.parse(textOf(await use("run_job", { id })))).toMatchObject({
      status: "success",
      output: "hi\n",
    });
    expect(JSON.parse(textOf(await use("run_job", { id, wait: false })))).toMatchObject({
      status: "running",
    });
    await harness.ended({ id }, 2);
    expect(
      JSON.parse(textOf(await use("list_runs", { jobId: id, limit: 1 })).split("\n…")[0] ?? ""),
    ).toHaveLength(1);
    expect(textOf(await use("list_runs", { status: "error" }))).toBe("No runs.");
    expect(textOf(await use("delete_job", { id }))).toBe(`Deleted job ${id}.`);
    expect((await harness.ask("/jobs")).data.count).toBe(0);
  });

  test("say on failure what to do next", async () => {
    const bad = await use("create_job", { ...job, schedule: "99 * * * *" });
    expect([bad.isError, textOf(bad)]).toEqual([
      true,
      "Error: Invalid value: 99: correct that and try again",
    ]);
    for (const name of ["update_job", "run_job", "delete_job"]) {
      expect(textOf(await use(name, { id: "ghost" }))).toBe("Error: Job not found: see cron_list_jobs");
    }
    const id = idOf(await use("create_job", { ...job, config: { command: "sleep 60" } }));
    await use("run_job", { id, wait: false });
    expect(textOf(await use("run_job", { id }))).toEndWith(": wait for that run, or see cron_list_runs");
    await use("delete_job", { id });
  });

  test("stay short, with whole items, and say how many are left", async () => {
    for (let count = 0; count < 30; count++) {
      await use("create_job", {
        ...job,
        name: `job ${count}`,
        config: { command: `echo ${"x".repeat(500)}` },
      });
    }
    const text = textOf(await use("list_jobs"));
    expect(text.length).toBeLessThanOrEqual(TEXT_CHARS_MAX);
    expect(text).toMatch(/\n… \d+ more: /);
    expect(JSON.parse(text.split("\n…")[0] ?? "").length).toBeGreaterThan(3);
  });

  test("that only look say so", async () => {
    const names: string[] = [];
    const { registerTools } = harness.ctx.getModule("cron") ?? {};
    const registerTool = ({ name, annotations }: { name: string; annotations?: { readOnly?: boolean } }) => {
      if (annotations?.readOnly) names.push(name);
    };
    Reflect.apply(registerTools ?? (() => {}), {}, [{ registerTool }, { api: () => {} }]);
    expect(names).toEqual(["cron_list_jobs", "cron_list_runs"]);
  });
});
