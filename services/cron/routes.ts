// The routes of cron: what each takes, and what it answers with.
import { Type } from "@sinclair/typebox";
import { type Context, Hono } from "hono";
import { noTimeout, page, readBody } from "#core/http.js";
import type { Cron } from "./cron.js";
import { ChangeBody, CreateBody, statusIn, waitIn } from "./input.js";
import { jobView, runView } from "./job.js";
import { panelHtml } from "./panel.js";

const RUNS_SHOWN = 20;
const PAGE_RUNS = 100;
const PAGE_RUNS_MAX = 1000;

export function createRoutes(cron: Cron): Hono {
  return new Hono()
    .get("/_panel", (c) => c.html(panelHtml))
    .get("/jobs", (c) => listJobs(c, cron))
    .post("/jobs", async (c) => c.json(jobView(await cron.create(await readBody(c, CreateBody))), 201))
    .get("/jobs/:id", (c) => readJob(c, cron, c.req.param("id")))
    .patch("/jobs/:id", async (c) => {
      const body = await readBody(c, ChangeBody);
      return c.json(jobView(await cron.change(c.req.param("id"), body)));
    })
    .delete("/jobs/:id", (c) => deleteJob(c, cron, c.req.param("id")))
    .post("/jobs/:id/run", (c) => runJob(c, cron, c.req.param("id")))
    .get("/runs", (c) => listRuns(c, cron));
}

function listJobs(c: Context, cron: Cron): Response {
  const jobs = cron.jobs().map(jobView);
  return c.json({ jobs, count: jobs.length });
}

function readJob(c: Context, cron: Cron, id: string): Response {
  const job = jobView(cron.job(id));
  const { runs } = cron.runs({ jobId: id, limit: RUNS_SHOWN });
  return c.json({ ...job, runs: runs.map(runView) });
}

async function deleteJob(c: Context, cron: Cron, id: string): Promise<Response> {
  noTimeout(c);
  await cron.remove(id);
  return c.json({ id, deleted: true });
}

async function runJob(c: Context, cron: Cron, id: string): Promise<Response> {
  const wait = waitIn(c.req.query("wait"));
  noTimeout(c);
  return c.json(runView(await cron.run(id, { wait })), wait ? 200 : 202);
}

function listRuns(c: Context, cron: Cron): Response {
  const filter = { jobId: c.req.query("jobId"), status: statusIn(c.req.query("status")) };
  const { limit, after, cursor } = page(c, {
    list: `runs ${filter.jobId ?? ""} ${filter.status ?? ""}`,
    limit: PAGE_RUNS,
    limitMax: PAGE_RUNS_MAX,
    position: Type.Integer(),
  });
  const { runs, last } = cron.runs({ ...filter, before: after, limit });
  const more = last !== undefined && cron.runs({ ...filter, before: last, limit: 1 }).runs.length > 0;
  const next = more ? { nextCursor: cursor(last) } : {};
  return c.json({ runs: runs.map(runView), count: cron.count(filter), ...next });
}
