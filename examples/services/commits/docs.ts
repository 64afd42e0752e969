// What `/docs` and the manifest say about the routes of the ledger.
import type { ParamDoc, RouteDocs } from "#core/types.js";

const COMMIT = "{ id, commitId, vmId, timestamp, label?, agent?, tags?, metadata?, createdAt, recordedAt }";

const id: Record<string, ParamDoc> = {
  id: { type: "string", required: true, description: "A commitId, else the id of an entry" },
};

export const routeDocs: Record<string, RouteDocs> = {
  "POST /": {
    summary: "Record a snapshot",
    detail:
      "400: commitId is required; vmId is required; tags must be an array. 409: commit already recorded; with upsert it is replaced and keeps its id and its timestamp.",
    query: { upsert: { type: "boolean", description: "true: replace what is recorded of this commitId" } },
    body: {
      commitId: { type: "string", required: true, description: "Up to 200 characters" },
      vmId: { type: "string", required: true, description: "Up to 200 characters" },
      label: { type: "string", description: "What it is; up to 200 characters" },
      agent: { type: "string", description: "Who took it; up to 200 characters" },
      tags: { type: "string[]", description: "Up to 50 of up to 100 characters" },
      metadata: { type: "object", description: "Any object of up to 65,536 bytes of JSON" },
      createdAt: { type: "string", description: "When it was taken; now, when left out" },
    },
    response: `201 ${COMMIT}`,
  },
  "GET /": {
    summary: "List snapshots, newest first",
    detail:
      "With since, a page holds the oldest from that time on and its cursor leads to newer ones, so that a poller which goes on from the newest timestamp skips nothing. 400 for a malformed value.",
    query: {
      tag: { type: "string", description: "Only with this tag; repeated: with all of them" },
      agent: { type: "string", description: "Only of this agent" },
      label: { type: "string", description: "Only with exactly this label" },
      vmId: { type: "string", description: "Only of this VM" },
      since: { type: "string", description: "A time: recorded then or later" },
      before: { type: "string", description: "The id of an entry: only older ones" },
      cursor: { type: "string", description: "The cursor of the page before" },
      limit: { type: "integer", description: "At most so many; 1000 by default, 5000 at most" },
      total: { type: "boolean", description: "true: also how many match in all" },
    },
    response: `{ commits: [${COMMIT}], count, cursor, total? }; cursor is null at the end`,
  },
  "GET /:id": { summary: "One snapshot", detail: "404: Commit not found.", params: id, response: COMMIT },
  "DELETE /:id": {
    summary: "Remove a snapshot from the ledger",
    detail: "The snapshot itself stays. 404: Commit not found.",
    params: id,
    response: "{ deleted: true }",
  },
  "GET /_panel": { summary: "The panel of the dashboard", response: "text/html" },
};
