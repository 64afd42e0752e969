// What `/docs` and the manifest say about the routes of the board.
import type { ParamDoc, RouteDocs } from "#core/types.js";
import { ARTIFACT_TYPES, NOTE_TYPES, STATUSES } from "./task.js";

const TASK =
  "{ id, title, description?, status, assignee?, tags, dependencies, createdBy, createdAt, updatedAt, notes, artifacts, score, blockedBy, noteCount, artifactCount, lease?, causeId? }";
const PAGE = "{ tasks: [Task], count, cursor, total? }";
const NOTE = "{ id, author, content, type, createdAt }";
const LEASE = "{ token, agent, seconds, expiresAt }";

const ID: Record<string, ParamDoc> = {
  id: { type: "string", required: true, description: "The task's id, in either case" },
};
const OWN_LEASE: Record<string, ParamDoc> = {
  ownLease: {
    type: "boolean",
    description: "true: carries the token that the calling agent or task was given last for this task",
  },
};
const LEASE_TOKEN: ParamDoc = {
  type: "integer",
  description:
    "The token of the lease, here or as header Lease-Token: 409 lease lost when it is not the live one",
};
const PAGES: Record<string, ParamDoc> = {
  limit: { type: "integer", description: "At most so many; 1000 by default, 5000 at most" },
  cursor: { type: "string", description: "The cursor of the page before" },
  total: { type: "boolean", description: "true: also how many there are in all" },
};
const CHECKS = "With If-Match, 412 task changed since it was read when the task has another ETag.";

const name = (description: string): ParamDoc => ({ type: "string", description });
const needed = (description: string): ParamDoc => ({ type: "string", required: true, description });
const status = name(`One of ${STATUSES.join(", ")}`);
const tags: ParamDoc = { type: "string[]", description: "At most 50, of up to 100 characters" };
const dependencies: ParamDoc = { type: "string[]", description: "Ids of at most 200 tasks" };
const artifacts: ParamDoc = {
  type: "object[]",
  description: `{ type, url, label, addedBy? }, at most 100; type is one of ${ARTIFACT_TYPES.join(", ")}`,
};
const leaseSeconds: ParamDoc = { type: "integer", description: "10 to 86,400; 300 when left out" };

/** What all writes on one task have in common. */
function write(docs: RouteDocs): RouteDocs {
  const detail = [docs.detail, "404: task not found. 409: lease lost.", CHECKS].filter(Boolean).join(" ");
  return { ...docs, detail, params: ID, query: OWN_LEASE };
}

const one: RouteDocs = {
  summary: "One task",
  detail: "With its newest 1,000 notes and artifacts, and an ETag. 404: task not found.",
  params: ID,
  response: TASK,
};

export const routeDocs: Record<string, RouteDocs> = {
  "POST /tasks": {
    summary: "Create a task",
    detail:
      "400: title is required; createdBy is required; invalid status: …; dependency cycle: A -> B -> A.",
    body: {
      title: needed("Up to 500 characters"),
      createdBy: needed("Who wants it"),
      status: name(`One of ${STATUSES.join(", ")}; open when left out`),
      description: name("Up to 65,536 characters"),
      assignee: name("Who is to do it"),
      tags,
      dependencies,
    },
    response: `201 ${TASK}`,
  },
  "GET /tasks": {
    summary: "List tasks, newest first",
    detail:
      "Filters hold together. Each task with its newest 50 notes and artifacts. 400 for a malformed value.",
    query: {
      status: name("Only tasks with this status"),
      assignee: name("Only tasks of this agent"),
      tag: name("Only tasks with this tag"),
      createdBy: name("Only tasks that this agent wants"),
      ready: {
        type: "boolean",
        description: "true: open, not leased, waiting for nothing; by score, then oldest first",
      },
      blocked: { type: "boolean", description: "Whether they wait for other tasks" },
      sort: name("score: highest first, then oldest first"),
      view: name("brief: without notes and artifacts; their counts stay"),
      ...PAGES,
    },
    response: PAGE,
  },
  "GET /tasks/:id": one,
  "GET /:id": { ...one, summary: "The same, by a shorter path" },
  "PATCH /tasks/:id": write({
    summary: "Change a task",
    detail:
      "What is not sent stays; a change that changes nothing is none. 400: invalid status: …; title cannot be empty; dependency cycle: A -> B -> A.",
    body: {
      status,
      title: name("Up to 500 characters"),
      description: name("null removes it"),
      assignee: name("null or an empty text unassigns"),
      tags,
      dependencies,
      ifUpdatedAt: name("The updatedAt that was read: else 412, as with If-Match"),
      leaseToken: LEASE_TOKEN,
    },
    response: TASK,
  }),
  "DELETE /tasks/:id": write({
    summary: "Delete a task",
    detail: "With its notes and artifacts. Tasks that depended on it wait for it no more.",
    body: { leaseToken: LEASE_TOKEN },
    response: "{ deleted: true }",
  }),
  "POST /tasks/:id/notes": write({
    summary: "Add a note",
    detail:
      "400: author is required; content is required; invalid note type: …. 409: task has too many notes (10,000).",
    body: {
      author: needed("Who says it"),
      content: needed("Up to 65,536 characters"),
      type: needed(`One of ${NOTE_TYPES.join(", ")}`),
      leaseToken: LEASE_TOKEN,
    },
    response: `201 ${NOTE}`,
  }),
  "GET /tasks/:id/notes": {
    summary: "The notes of a task, oldest first",
    detail: "404: task not found.",
    params: ID,
    query: PAGES,
    response: `{ notes: [${NOTE}], count, cursor, total? }`,
  },
  "POST /tasks/:id/artifacts": write({
    summary: "Add artifacts",
    detail:
      "400: artifacts array is required and must not be empty; invalid artifact type: …; artifact url is required; artifact label is required. 409: task has too many artifacts (1,000).",
    body: { artifacts: { ...artifacts, required: true }, leaseToken: LEASE_TOKEN },
    response: `201 ${TASK}`,
  }),
  "POST /tasks/:id/review": write({
    summary: "Hand a task in for review",
    detail: "It becomes in_review, with the summary as a note; the lease ends. 400: summary is required.",
    body: {
      summary: needed("Up to 65,536 characters"),
      reviewedBy: name("Who hands it in; unknown when left out"),
      artifacts,
      leaseToken: LEASE_TOKEN,
    },
    response: TASK,
  }),
  "POST /tasks/:id/approve": write({
    summary: "Approve a task",
    detail: "It becomes done; the lease ends. The body may be empty.",
    body: {
      approvedBy: name("unknown when left out"),
      comment: name("Up to 65,536 characters"),
      leaseToken: LEASE_TOKEN,
    },
    response: TASK,
  }),
  "POST /tasks/:id/reject": write({
    summary: "Reject a task",
    detail: "It becomes open; the lease ends. 400: reason is required.",
    body: {
      reason: needed("Up to 65,536 characters"),
      rejectedBy: name("unknown when left out"),
      leaseToken: LEASE_TOKEN,
    },
    response: TASK,
  }),
  "POST /tasks/:id/bump": write({
    summary: "Raise a task's score by one",
    detail: "A body is not needed.",
    response: TASK,
  }),
  "GET /review": {
    summary: "Tasks that wait for a review, last changed first",
    query: PAGES,
    response: PAGE,
  },
  "GET /stats": {
    summary: "Count the tasks",
    detail: "blocked are those that wait for others, whatever their status.",
    response: "{ total, byStatus: {open, in_progress, in_review, blocked, done}, blocked, leased }",
  },
  "POST /tasks/:id/claim": write({
    summary: "Claim a task",
    detail:
      "Of several at once one succeeds. The token is larger than any before; who claims again gets a new one. 409: task is claimed (with lease: {agent, expiresAt}); task is assigned to …; task is blocked by: …; task is <status>.",
    body: {
      agent: needed("Who is to work on it"),
      leaseSeconds,
      force: {
        type: "boolean",
        description: "true: although it is assigned, waits for others or is blocked",
      },
      leaseToken: LEASE_TOKEN,
    },
    response: `{ task: Task, lease: ${LEASE} }`,
  }),
  "POST /tasks/:id/heartbeat": write({
    summary: "Renew a lease",
    body: {
      token: { type: "integer", required: true, description: "Of the lease; not needed with ownLease=true" },
      leaseSeconds: { ...leaseSeconds, description: "10 to 86,400; as before when left out" },
    },
    response: `{ lease: ${LEASE} }`,
  }),
  "POST /tasks/:id/release": write({
    summary: "Give a task back",
    detail: "The lease ends; an open task has no assignee.",
    body: {
      token: { type: "integer", required: true, description: "Of the lease; not needed with ownLease=true" },
      status: name(`One of ${STATUSES.join(", ")}; open when left out`),
    },
    response: TASK,
  }),
  "GET /_panel": { summary: "The panel of the dashboard", response: "text/html" },
};
