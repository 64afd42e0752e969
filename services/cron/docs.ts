// What `/docs` and the manifest say about the routes of cron.
import type { ParamDoc, RouteDocs } from "#core/types.js";

const JOB =
  "{ id, name, schedule, type, config, enabled, timezone?, timeoutSeconds, overlap, missed, createdBy, createdAt, updatedAt, nextRunAt }; nextRunAt is null while it is disabled";
const RUN =
  "{ id, jobId, jobName, startedAt, completedAt?, status, trigger, output?, error?, taskId?, nodeId, missedCount? }";
const ID: ParamDoc = { type: "string", required: true, description: "Id of the job" };

function bodyDocs(required: boolean): Record<string, ParamDoc> {
  return {
    name: { type: "string", required, description: "What it is called; up to 200 characters" },
    schedule: {
      type: "string",
      required,
      description:
        "A cron expression of 5 fields, or 6 with seconds first; @hourly, @daily, @weekly, @monthly or @yearly; or an interval such as 30s, 5m, 2h or 1d",
    },
    type: { type: "string", required, description: "agent, http or exec" },
    config: {
      type: "object",
      required,
      description:
        "agent: { prompt, taskId?, parentId?, model?, cwd? }; http: { method, path, body?, headers? }; exec: { command, cwd? }",
    },
    enabled: { type: "boolean", description: "Whether it fires; default true" },
    timezone: {
      type: "string",
      description:
        "IANA name such as Europe/Berlin; default the server's. Null in a change goes back to that",
    },
    timeoutSeconds: {
      type: "number",
      description: "0 to 2000000, 0 = no limit; default exec 300, http 60, agent 3600",
    },
    overlap: {
      type: "string",
      description:
        "While a run is going on: skip (default) the fire, queue one to run after, or allow it beside",
    },
    missed: {
      type: "string",
      description:
        "Fires that came while reef was down: record (default) one missed run, or run_once as well",
    },
  };
}

export const routeDocs: Record<string, RouteDocs> = {
  "GET /_panel": { summary: "The panel of the dashboard", response: "text/html" },
  "GET /jobs": {
    summary: "List all jobs, in the order of their creation",
    response: `{ jobs: [${JOB}], count }`,
  },
  "POST /jobs": {
    summary: "Create a job",
    detail:
      "It acts with the rights of who creates it, and no more. 400 says what is wrong with the schedule, the zone or the config.",
    body: bodyDocs(true),
    response: `201 ${JOB}`,
  },
  "GET /jobs/:id": {
    summary: "Read a job and its newest 20 runs",
    detail: "404 when there is no such job.",
    params: { id: ID },
    response: `the job and runs: [${RUN}]`,
  },
  "PATCH /jobs/:id": {
    summary: "Change a job, all or nothing",
    detail:
      "What is left out stays. A run that is going on keeps what it began with. A change by a task takes away from the job what that task may not do.",
    params: { id: ID },
    body: bodyDocs(false),
    response: JOB,
  },
  "DELETE /jobs/:id": {
    summary: "Delete a job",
    detail: "A run that is going on is ended first. Its runs can still be read.",
    params: { id: ID },
    response: "{ id, deleted: true }",
  },
  "POST /jobs/:id/run": {
    summary: "Run a job now, also a disabled one",
    detail:
      "Answers at the end of the run, for an agent's job when its task is submitted. 409 when a run is going on and the job skips, or one waits already.",
    params: { id: ID },
    query: { wait: { type: "boolean", description: "false answers 202 as soon as the run has begun" } },
    response: RUN,
  },
  "GET /runs": {
    summary: "List runs, newest first",
    query: {
      jobId: { type: "string", description: "Only runs of this job" },
      status: { type: "string", description: "Only running, success, error, skipped or missed ones" },
      limit: { type: "integer", description: "At most so many; 100 is the default, 1000 the most" },
      cursor: { type: "string", description: "nextCursor of the page before" },
    },
    response: `{ runs: [${RUN}], count: all that match, nextCursor? }`,
  },
};
