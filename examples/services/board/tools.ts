// The board as agents use it. Each write says that it is made by who holds the task, so that one who lost it is refused.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { Type } from "typebox";
import { cut, jsonAnswer, type ToolAnswer, type ToolFailure, toolAnswer } from "#core/http.js";
import type { FleetClient } from "#core/types.js";
import { listTasks } from "./list-tool.js";
import { ARTIFACT_TYPES, LEASE_SECONDS, type Lease, NOTE_TYPES, STATUSES, type Task } from "./task.js";

/** Spread in, for pi's own type of a tool does not know annotations. */
const READ_ONLY = { annotations: { readOnly: true } };

const taskId = Type.String({ description: "The task's id" });
const status = Type.Union(STATUSES.map((one) => Type.Literal(one)));
const artifacts = Type.Array(
  Type.Object({
    type: Type.Union(ARTIFACT_TYPES.map((type) => Type.Literal(type))),
    url: Type.String({ description: "Where it is: an address, a branch or a path" }),
    label: Type.String({ description: "What it is" }),
  }),
);
const tags = Type.Optional(Type.Array(Type.String()));

export function registerTools(pi: ExtensionAPI, client: FleetClient): void {
  registerTaskTools(pi, client);
  registerReviewTools(pi, client);
  registerLeaseTools(pi, client);
}

function registerTaskTools(pi: ExtensionAPI, client: FleetClient): void {
  pi.registerTool({
    name: "board_create_task",
    label: "Board: create a task",
    description:
      "Puts a piece of work on the shared board, for yourself or others. Say in the description what is wanted and how one sees that it is done; name tasks that have to be done first as dependencies.",
    parameters: Type.Object({
      title: Type.String({ description: "The work in one line" }),
      description: Type.Optional(Type.String({ description: "Goal, inputs, and when it is done" })),
      assignee: Type.Optional(
        Type.String({ description: "Who is to do it; left out, anybody may claim it" }),
      ),
      tags,
      createdBy: Type.Optional(Type.String({ description: "Who wants it; you, when left out" })),
      dependencies: Type.Optional(Type.Array(Type.String(), { description: "Ids of tasks" })),
    }),
    execute: (_id, { createdBy = client.agentName, ...task }) =>
      taskTool(client, () => client.api("POST", "/board/tasks", { createdBy, ...task })),
  });
  pi.registerTool({
    name: "board_list_tasks",
    label: "Board: list tasks",
    description:
      "Lists tasks of the shared board with their notes, newest first. Use it to find work, to read a task again, and to see what others do.",
    ...READ_ONLY,
    parameters: Type.Object({
      status: Type.Optional(status),
      assignee: Type.Optional(Type.String({ description: "Only tasks of this agent" })),
      tag: Type.Optional(Type.String({ description: "Only tasks with this tag" })),
      limit: Type.Optional(Type.Integer({ minimum: 1, description: "At most so many" })),
      cursor: Type.Optional(Type.String({ description: "To go on where the list before ended" })),
    }),
    execute: (_id, query) => toolAnswer(client, () => listTasks(client, query), { advice }),
  });
  pi.registerTool({
    name: "board_update_task",
    label: "Board: update a task",
    description:
      "Changes status, assignee, title or tags of a task; an empty assignee takes it from whoever has it. To work on a task claim it, to give it back release it, to finish it submit it for review.",
    parameters: Type.Object({
      id: taskId,
      status: Type.Optional(status),
      assignee: Type.Optional(Type.String()),
      title: Type.Optional(Type.String()),
      tags,
    }),
    execute: (_id, { id, ...changes }) =>
      taskTool(client, () =>
        client.api("PATCH", `/board/tasks/${encodeURIComponent(id)}${AS_HOLDER}`, changes),
      ),
  });
  pi.registerTool({
    name: "board_add_note",
    label: "Board: add a note",
    description:
      "Writes a note on a task: a finding, a blocker, a question, or an update. Note what the next one needs to go on where you stopped.",
    parameters: Type.Object({
      taskId,
      content: Type.String(),
      type: Type.Union(NOTE_TYPES.map((type) => Type.Literal(type))),
      author: Type.Optional(Type.String({ description: "Who says it; you, when left out" })),
    }),
    execute: (_id, { taskId, author = client.agentName, ...note }) =>
      toolAnswer(
        client,
        async () => jsonAnswer(client, "note", await post(client, taskId, "notes", { author, ...note })),
        { advice },
      ),
  });
}

function registerReviewTools(pi: ExtensionAPI, client: FleetClient): void {
  pi.registerTool({
    name: "board_submit_for_review",
    label: "Board: submit for review",
    description:
      "Hands a finished task in: say what was done and how it was checked, and where the results are. Somebody else approves or rejects it; your lease ends.",
    parameters: Type.Object({
      taskId,
      summary: Type.String({ description: "What was done, and how it was checked" }),
      artifacts: Type.Optional(artifacts),
    }),
    execute: (_id, { taskId, ...review }) =>
      taskTool(client, () => post(client, taskId, "review", { reviewedBy: client.agentName, ...review })),
  });
  pi.registerTool({
    name: "board_add_artifact",
    label: "Board: add artifacts",
    description: "Attaches results to a task: branches, reports, deployments, diffs, files, addresses.",
    parameters: Type.Object({ taskId, artifacts }),
    execute: (_id, { taskId, artifacts }) =>
      taskTool(client, () => {
        const added = artifacts.map((artifact) => ({ ...artifact, addedBy: client.agentName }));
        return post(client, taskId, "artifacts", { artifacts: added });
      }),
  });
  pi.registerTool({
    name: "board_bump",
    label: "Board: bump",
    description: "Raises a task's score by one: it is more urgent than it seemed.",
    parameters: Type.Object({ taskId }),
    execute: (_id, { taskId }) => taskTool(client, () => post(client, taskId, "bump")),
  });
}

function registerLeaseTools(pi: ExtensionAPI, client: FleetClient): void {
  pi.registerTool({
    name: "board_claim",
    label: "Board: claim a task",
    description:
      "Takes an open task for you alone. Claim before you begin: of several agents one gets it. It stays yours while your session is open; if you go away, others may take it over.",
    parameters: Type.Object({
      taskId,
      leaseSeconds: Type.Optional(
        Type.Integer({
          minimum: LEASE_SECONDS.min,
          maximum: LEASE_SECONDS.max,
          description: `How long it is yours without a sign of life; ${LEASE_SECONDS.default} when left out`,
        }),
      ),
    }),
    execute: (_id, { taskId, leaseSeconds }) =>
      toolAnswer(
        client,
        async () => {
          const path = `/board/tasks/${encodeURIComponent(taskId)}/claim`;
          const body = { agent: client.agentName, leaseSeconds };
          const { lease, task } = await client.api<{ lease: Lease; task: Task }>("POST", path, body);
          return client.ok(cut(JSON.stringify({ lease, task }, null, 2)), { lease, task });
        },
        { advice },
      ),
  });
  pi.registerTool({
    name: "board_release",
    label: "Board: release a task",
    description:
      "Gives a task that you claimed back: open for others, unless you name another status. Leave a note first that says how far you came.",
    parameters: Type.Object({ taskId, status: Type.Optional(status) }),
    execute: (_id, { taskId, status }) => taskTool(client, () => post(client, taskId, "release", { status })),
  });
}

/** What a model may do about a refusal. */
function advice({ message }: ToolFailure): string | undefined {
  switch (message) {
    case "lease lost":
      return "read the task again and claim it if it is open";
    case "task not found":
      return "find it with board_list_tasks";
    case "task is claimed":
      return "choose another task";
    default:
      return undefined;
  }
}

/** The board knows which token the calling session was given last. */
const AS_HOLDER = "?ownLease=true";

function post(client: FleetClient, taskId: string, action: string, body?: object): Promise<unknown> {
  return client.api("POST", `/board/tasks/${encodeURIComponent(taskId)}/${action}${AS_HOLDER}`, body);
}

function taskTool(client: FleetClient, work: () => Promise<unknown>): Promise<ToolAnswer> {
  return toolAnswer(client, async () => jsonAnswer(client, "task", await work()), { advice });
}
