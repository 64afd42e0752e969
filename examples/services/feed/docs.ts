// What `/docs` and the manifest say about the routes of the feed.
import type { ParamDoc, RouteDocs } from "#core/types.js";
import { TYPES } from "./event.js";

const EVENT = "{ id, agent, type, summary, timestamp, detail?, metadata? }";

const FILTERS: Record<string, ParamDoc> = {
  agent: { type: "string", description: "Only events of this agent" },
  type: { type: "string", description: "Only events of this type" },
};

export const routeDocs: Record<string, RouteDocs> = {
  "POST /events": {
    summary: "Publish an event",
    detail:
      "400: Missing or invalid 'agent' field; Invalid 'type'. Must be one of: …; Missing or invalid 'summary' field; detail must be a string; metadata must be an object.",
    body: {
      agent: { type: "string", required: true, description: "Who reports; up to 200 characters" },
      type: { type: "string", required: true, description: `One of ${TYPES.join(", ")}` },
      summary: { type: "string", required: true, description: "One sentence; up to 2,000 characters" },
      detail: { type: "string", description: "What else there is to know; up to 65,536 characters" },
      metadata: { type: "object", description: "Any object of up to 65,536 bytes of JSON" },
    },
    response: `201 ${EVENT}`,
  },
  "GET /events": {
    summary: "List events, oldest first",
    detail:
      "Without since, cursor or before: the newest. With since or cursor: the oldest after that point, so that a poller which goes on from the last id skips nothing. X-Next-Cursor is the last id of the page. 400 for a malformed value.",
    query: {
      ...FILTERS,
      since: { type: "string", description: "An id: after it; a time: strictly later" },
      cursor: { type: "string", description: "X-Next-Cursor of the page before" },
      before: { type: "string", description: "An id: the newest before it" },
      limit: { type: "integer", description: "At most so many; 50 by default, 1000 at most" },
      total: { type: "boolean", description: "true: X-Total-Count says how many match" },
    },
    response: `[${EVENT}]`,
  },
  "DELETE /events": {
    summary: "Remove all events",
    detail: "For the server token, a session, or a task with scope admin; else 403. Ids go on increasing.",
    response: "{ ok: true }",
  },
  "GET /events/:id": {
    summary: "One event",
    detail: "404: Event not found.",
    params: { id: { type: "string", required: true, description: "The event's id, in either case" } },
    response: EVENT,
  },
  "GET /stats": {
    summary: "Count the events that are kept",
    detail: "Of the 1,000 agents that did most.",
    response: "{ total, byAgent: {agent: n}, byType: {type: n}, latestPerAgent: {agent: event} }",
  },
  "GET /stream": {
    summary: "Follow the feed as server-sent events",
    detail:
      "Goes on after the header Last-Event-ID, else after since, else with what is new. Each frame has the event's id and the event as data. Control frames have a name and no id: resync (events after that point are not kept any more), cleared, bye. 503 beyond 1,000 streams.",
    query: { ...FILTERS, since: { type: "string", description: "An id or a time" } },
    response: "text/event-stream",
  },
  "GET /_panel": { summary: "The panel of the dashboard", response: "text/html" },
};
