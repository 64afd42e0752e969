// What `/docs` and the manifest say about the routes of live agents.
import type { ParamDoc, RouteDocs } from "#core/types.js";

const params = {
  taskId: { type: "string", required: true, description: "Name of the task that the agent works on" },
} satisfies Record<string, ParamDoc>;

const RUN =
  "{ taskId, nodeId, pid, status: running | waiting, model, thinking, cwd, attempt, startedAt, elapsedMs, turns, toolCalls, currentTool?: { toolCallId, toolName, startedAt }, usage, pending }";

export const routeDocs: Record<string, RouteDocs> = {
  "GET /": {
    summary: "List the agents that work now, by start time",
    detail: "An agent is listed from the hand-over of its task until its pi process is gone.",
    response: `{ agents: [${RUN}], count }`,
  },
  "GET /:taskId": {
    summary: "What one agent is doing",
    detail: "404 when no agent works on the task; what came of it stands in GET /reef/tasks/:name.",
    params,
    response: RUN,
  },
  "POST /:taskId/cancel": {
    summary: "End an agent with everything that it started",
    params,
    body: {
      reason: { type: "string", description: "Why" },
      children: { type: "boolean", description: "Its sub-tasks too (default true)" },
    },
    response: '{ id, status: "cancelled", nodeId }',
  },
  "POST /:taskId/steer": {
    summary: "Say something to an agent while it works",
    params,
    body: {
      message: { type: "string", required: true, description: "What to say" },
      mode: {
        type: "string",
        description: "steer (before its next model call, the default) or follow_up (when it would stop)",
      },
    },
    response: "202 { id, nodeId }",
  },
  "GET /:taskId/events": {
    summary: "Server-sent events of the newest turn, from its prompt to its end",
    detail:
      "Frames as those of GET /reef/events, resumable by Last-Event-ID; closes after the frame with which the turn ends.",
    params,
    query: {
      since: { type: "number", description: "Begin after this seq; Last-Event-ID wins" },
      types: { type: "string", description: "Only these frame types, comma-separated" },
      live: { type: "string", description: "0 leaves frames without an id out" },
    },
    response: "text/event-stream",
  },
};
