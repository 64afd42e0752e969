// What `/docs` and the manifest say about the routes of the log.
import type { RouteDocs } from "#core/types.js";

const ENTRY = "{ id, timestamp, text, agent? }";

const list: RouteDocs = {
  summary: "Read entries, oldest first",
  detail:
    "Bounds are inclusive (an id as since is exclusive); without any it is the last 24 hours. since beats last. With since or cursor the page holds the oldest matches after that point, else the newest. 400 for a malformed value.",
  query: {
    since: { type: "string", description: "A time: from then on; an id: after it" },
    until: { type: "string", description: "A time or an id: up to it" },
    last: { type: "string", description: "How far back: <n>m, <n>h, <n>d or <n>w" },
    agent: { type: "string", description: "Only entries of this agent" },
    cursor: { type: "string", description: "The cursor of the page before" },
    before: { type: "string", description: "An id: the newest before it" },
    limit: { type: "integer", description: "At most so many; 1000 by default, 5000 at most" },
    total: { type: "boolean", description: "true: also how many match in all" },
  },
  response: `{ entries: [${ENTRY}], count, cursor, total? }; cursor is the last id, null on an empty page`,
};

export const routeDocs: Record<string, RouteDocs> = {
  "POST /": {
    summary: "Add an entry",
    detail: "400: text is required. No route changes or removes an entry.",
    body: {
      text: { type: "string", required: true, description: "Up to 262,144 characters" },
      agent: { type: "string", description: "Who did it; up to 200 characters" },
    },
    response: `201 ${ENTRY}`,
  },
  "GET /": list,
  "GET /raw": {
    ...list,
    summary: "The same as plain text",
    response:
      "text/plain: [<timestamp>] (agent) text, an entry each, further lines indented; X-Next-Cursor is the last id",
  },
  "GET /_panel": { summary: "The panel of the dashboard", response: "text/html" },
};
