// What `/docs` and the manifest say about the routes of the journal.
import type { RouteDocs } from "#core/types.js";

const ENTRY = "{ id, timestamp, text, author?, mood?, tags? }";

const window: RouteDocs = {
  summary: "Read entries, oldest first",
  detail:
    "Bounds are inclusive (an id as since is exclusive); without any it is the last 24 hours. since beats last. With since or cursor the page holds the oldest matches after that point, else the newest. 400 for a malformed value.",
  query: {
    since: { type: "string", description: "A time: from then on; an id: after it" },
    until: { type: "string", description: "A time or an id: up to it" },
    last: { type: "string", description: "How far back: <n>m, <n>h, <n>d or <n>w" },
    author: { type: "string", description: "Only entries of this author, in any case" },
    tag: { type: "string", description: "Only entries with this tag, in any case" },
    cursor: { type: "string", description: "The cursor of the page before" },
    before: { type: "string", description: "An id: the newest before it" },
    limit: { type: "integer", description: "At most so many; 1000 by default, 5000 at most" },
    total: { type: "boolean", description: "true: also how many match in all" },
  },
};
const LINES =
  "text/plain: [<timestamp>] (author) [mood] #tag text, an entry each, further lines indented; X-Next-Cursor is the last id";

export const routeDocs: Record<string, RouteDocs> = {
  "POST /": {
    summary: "Write an entry",
    detail: "400: text is required; tags must be an array.",
    body: {
      text: { type: "string", required: true, description: "Up to 262,144 characters" },
      author: { type: "string", description: "Who writes; the calling agent, when left out" },
      mood: { type: "string", description: "Up to 200 characters" },
      tags: {
        type: "string[]",
        description: "At most 50, of up to 100 characters; blanks and doubles are dropped",
      },
    },
    response: `201 ${ENTRY}`,
  },
  "GET /": {
    ...window,
    query: { ...window.query, raw: { type: "boolean", description: "true: as plain text" } },
    response: `{ entries: [${ENTRY}], count, cursor, total? }; cursor is the last id, null on an empty page`,
  },
  "GET /raw": { ...window, summary: "The same as plain text", response: LINES },
  "GET /_panel": { summary: "The panel of the dashboard", response: "text/html" },
};
