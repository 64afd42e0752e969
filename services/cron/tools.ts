// Cron as agents use it: jobs that they set up, look after and take away. Texts are for a model: plain and short, and on
// failure with the next useful step.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { Type } from "typebox";
import { jsonAnswer, listToolAnswer, toolAnswer } from "#core/http.js";
import type { FleetClient } from "#core/types.js";

const ID = Type.String({ description: "Id of the job, as cron_list_jobs shows it" });
const RUNS_SHOWN = 20;

/** Spread in, for pi's own type of a tool does not know annotations. */
const READ_ONLY = { annotations: { readOnly: true } };

const CHANGES = {
  name: Type.String({ description: "What it is called" }),
  schedule: Type.String({
    description:
      "Cron expression of 5 fields, or 6 with seconds first (0 9 * * MON-FRI); @hourly, @daily, @weekly, @monthly, @yearly; or an interval (30s, 5m, 2h, 1d)",
  }),
  type: Type.String({ description: "agent, http or exec" }),
  config: Type.Unknown({
    description:
      "agent: {prompt, taskId?, parentId?, model?, cwd?}; http: {method, path, body?, headers?}, a call of this reef; exec: {command, cwd?}",
  }),
};
const SETTINGS = {
  enabled: Type.Optional(Type.Boolean({ description: "Whether it fires (default true)" })),
  timezone: Type.Optional(
    Type.String({ description: "IANA name such as Europe/Berlin; default the server's" }),
  ),
  timeoutSeconds: Type.Optional(
    Type.Number({ description: "Time for one run, 0 = no limit; default exec 300, http 60, agent 3600" }),
  ),
  overlap: Type.Optional(
    Type.String({ description: "While a run is going on: skip (default), queue or allow" }),
  ),
  missed: Type.Optional(
    Type.String({ description: "After a down-time: record what was missed (default), or run_once" }),
  ),
};

interface JobInfo {
  id: string;
  name: string;
  nextRunAt: string | null;
}

interface RunInfo {
  id: string;
  status: string;
}

export function registerTools(pi: ExtensionAPI, client: FleetClient): void {
  const api = client.api.bind(client);
  pi.registerTool({
    name: "cron_list_jobs",
    label: "Cron: list jobs",
    description: "Lists the scheduled jobs of this reef, with when each runs next.",
    ...READ_ONLY,
    parameters: Type.Object({}),
    execute: () => answer(client, async () => listJobs(client)),
  });
  pi.registerTool({
    name: "cron_create_job",
    label: "Cron: create a job",
    description:
      "Sets up work that this reef does again and again, also after this task is over: a task for an agent, a call of one of its services, or a shell command.",
    parameters: Type.Object({ ...CHANGES, ...SETTINGS }),
    execute: (_id, params) =>
      answer(client, async () => jsonAnswer(client, "job", await api("POST", "/cron/jobs", params))),
  });
  pi.registerTool({
    name: "cron_update_job",
    label: "Cron: change a job",
    description: "Changes a scheduled job, or disables it for a while. What is left out stays as it is.",
    parameters: Type.Object({ id: ID, ...Type.Partial(Type.Object(CHANGES)).properties, ...SETTINGS }),
    execute: (_id, { id, ...changes }) =>
      answer(client, async () => jsonAnswer(client, "job", await api("PATCH", pathOf(id), changes))),
  });
  pi.registerTool({
    name: "cron_delete_job",
    label: "Cron: delete a job",
    description: "Deletes a scheduled job and ends what it is doing now.",
    parameters: Type.Object({ id: ID }),
    execute: (_id, { id }) =>
      answer(client, async () => {
        await api("DELETE", pathOf(id));
        return client.ok(`Deleted job ${id}.`, { id });
      }),
  });
  pi.registerTool({
    name: "cron_run_job",
    label: "Cron: run a job now",
    description: "Runs a scheduled job now, whenever it is due, and returns how it ended and what it said.",
    parameters: Type.Object({
      id: ID,
      wait: Type.Optional(Type.Boolean({ description: "Wait for its end (default true)" })),
    }),
    execute: (_id, { id, wait = true }) =>
      answer(client, async () =>
        jsonAnswer(client, "run", await api("POST", `${pathOf(id)}/run?wait=${wait}`)),
      ),
  });
  pi.registerTool({
    name: "cron_list_runs",
    label: "Cron: list runs",
    description: "Lists the newest runs of scheduled jobs, with how each ended and what it said.",
    ...READ_ONLY,
    parameters: Type.Object({
      jobId: Type.Optional(ID),
      status: Type.Optional(
        Type.String({ description: "Only running, success, error, skipped or missed ones" }),
      ),
      limit: Type.Optional(
        Type.Integer({ minimum: 1, description: `At most so many (default ${RUNS_SHOWN})` }),
      ),
    }),
    execute: (_id, query) => answer(client, async () => listRuns(client, query)),
  });
}

async function listJobs(client: FleetClient) {
  const { jobs } = await client.api<{ jobs: JobInfo[] }>("GET", "/cron/jobs");
  if (jobs.length === 0) return client.ok("No jobs. Set one up with cron_create_job.", { jobs });
  return listToolAnswer(client, "jobs", { items: jobs, more: () => "GET /cron/jobs has them all" });
}

async function listRuns(client: FleetClient, query: { jobId?: string; status?: string; limit?: number }) {
  const { jobId, status, limit = RUNS_SHOWN } = query;
  const asked = new URLSearchParams({ limit: String(limit) });
  if (jobId !== undefined) asked.set("jobId", jobId);
  if (status !== undefined) asked.set("status", status);
  const { runs, count } = await client.api<{ runs: RunInfo[]; count: number }>("GET", `/cron/runs?${asked}`);
  if (runs.length === 0) return client.ok("No runs.", { runs });
  return listToolAnswer(client, "runs", { items: runs, total: count, more: () => "limit, jobId or status" });
}

function pathOf(id: string): string {
  return `/cron/jobs/${encodeURIComponent(id)}`;
}

function answer(client: FleetClient, work: Parameters<typeof toolAnswer>[1]) {
  return toolAnswer(client, work, { advice: ({ status }) => adviceFor(status) });
}

function adviceFor(status: number | undefined): string | undefined {
  if (status === 400) return "correct that and try again";
  if (status === 403) return "this task may not change jobs; say in your reply what should be set up";
  if (status === 404) return "see cron_list_jobs";
  if (status === 409) return "wait for that run, or see cron_list_runs";
  if (status === 507) return "delete jobs that nobody needs with cron_delete_job";
  return undefined;
}
