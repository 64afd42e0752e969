// What `/docs` and the manifest say about the routes of the ledger.
import type { ParamDoc, RouteDocs } from "#core/types.js";
import { COST_MAX } from "./figures.js";
import { BREAKDOWNS } from "./summary.js";
import { ROLES } from "./vm.js";

const FIGURES = "{ input, output, cacheRead, cacheWrite, total }";
const SESSION =
  "{ id, sessionId, agent, parentAgent, model, tokens, cost, turns, toolCalls, startedAt, endedAt, recordedAt, taskId?, nodeId?, models? }";
const VM = "{ id, vmId, role, agent, commitId?, createdAt, destroyedAt?, recordedAt }";
const SHOWN = "{ tokens, cost, sessions }";

const RANGE: ParamDoc = { type: "string", description: "<n>m, <n>h, <n>d, <n>w or all" };

const PAGE: Record<string, ParamDoc> = {
  limit: { type: "integer", description: "At most so many; 1000 by default, 5000 at most" },
  cursor: { type: "string", description: "The cursor of the page before; goes on with its filters" },
  total: { type: "boolean", description: "true: how many match in all" },
};

export const routeDocs: Record<string, RouteDocs> = {
  "GET /": {
    summary: "What was used, in all and by agent, model and task",
    detail:
      "A session counts when it ended within the range, a VM when it was created within it. Money is added up exactly; cost is rounded to cents, exact is not. Highest cost first: the first 1,000 agents and models, and 100 tasks. byDay: the newest 366 UTC days, oldest first. 400: invalid range, invalid by.",
    query: {
      range: { ...RANGE, description: `${RANGE.description}; 7d by default` },
      by: { type: "string", description: `Which of ${BREAKDOWNS.join(",")}; model,task by default` },
    },
    response: `{ range, totals: { tokens, cost, sessions, vms }, byAgent: {agent: ${SHOWN}}, exact: { cost, byAgent: {agent: cost} }, byModel?: {model: ${SHOWN}}, byTask?: {taskId: ${SHOWN}}, byDay?: {date: ${SHOWN}} }`,
  },
  "POST /sessions": {
    summary: "Record what a session has used",
    detail:
      "With upsert=true the newest record of that sessionId and agent is replaced: send what the session has used in all. The id and the earlier startedAt stay. 400: sessionId, agent, model, startedAt, endedAt is required; tokens must include …; cost must include …; turns must be a non-negative number; startedAt, endedAt must be a time; endedAt must not be before startedAt; models must add up to tokens and cost.",
    query: { upsert: { type: "boolean", description: "true: replace the session's newest record" } },
    body: {
      sessionId: { type: "string", required: true, description: "Any name of the session" },
      agent: { type: "string", required: true, description: "Whose session it is" },
      model: { type: "string", required: true, description: "The model, or the last one of several" },
      parentAgent: { type: "string", description: "Which agent started this one" },
      tokens: { type: "object", required: true, description: `${FIGURES}: whole numbers` },
      cost: { type: "object", required: true, description: `${FIGURES}: dollars, up to ${COST_MAX} each` },
      turns: { type: "number", required: true, description: "Answers of the model" },
      toolCalls: { type: "object", description: "{name: count}" },
      startedAt: { type: "string", required: true, description: "A time" },
      endedAt: { type: "string", required: true, description: "A time" },
      taskId: { type: "string", description: "The task that it worked on" },
      nodeId: { type: "string", description: "The node of the tree that it belongs to" },
      models: {
        type: "object",
        description: "{model: { tokens, cost, turns? }} of several models; each as above, or its total alone",
      },
    },
    response: `201 ${SESSION}; 200 when a record was replaced`,
  },
  "GET /sessions": {
    summary: "List sessions, the one that started last first",
    detail: "range: those that ended within it. 400 for a malformed value.",
    query: {
      agent: { type: "string", description: "Only of this agent" },
      range: RANGE,
      model: { type: "string", description: "Only with this model" },
      taskId: { type: "string", description: "Only of this task" },
      sessionId: { type: "string", description: "Only of this session" },
      ...PAGE,
    },
    response: `{ sessions: [${SESSION}], count, cursor, total? }`,
  },
  "POST /vms": {
    summary: "Record that a VM was created, committed or destroyed",
    detail:
      "destroyedAt of a known VM is set on its newest record without one, which is the answer; else a record is added. 400: vmId is required; invalid role; agent is required; createdAt is required.",
    body: {
      vmId: { type: "string", required: true, description: "The machine" },
      role: { type: "string", description: `One of ${ROLES.join(", ")}; worker by default` },
      agent: { type: "string", required: true, description: "Who did it" },
      createdAt: { type: "string", required: true, description: "A time" },
      commitId: { type: "string", description: "The snapshot that was taken, or that it came from" },
      destroyedAt: { type: "string", description: "A time" },
    },
    response: `201 ${VM}`,
  },
  "GET /vms": {
    summary: "List VMs, the newest first",
    detail: "range: those that were created within it. 400 for a malformed value.",
    query: {
      role: { type: "string", description: "Only with this role" },
      agent: { type: "string", description: "Only of this agent" },
      range: RANGE,
      ...PAGE,
    },
    response: `{ vms: [${VM}], count, cursor, total? }`,
  },
  "GET /_panel": { summary: "The panel of the dashboard", response: "text/html" },
};
