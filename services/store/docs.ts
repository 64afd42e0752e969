// What `/docs` and the manifest say about the routes of the store.
import type { ParamDoc, RouteDocs } from "#core/types.js";

const KEY: ParamDoc = {
  type: "string",
  required: true,
  description: "Everything after /store/, percent-decoded once; 1 to 512 bytes",
};
const ENTRY = "{ key, value, createdAt, updatedAt, expiresAt?, version } and ETag";

const read: RouteDocs = {
  summary: "Read a value, or wait for it to change",
  detail:
    "304 when the caller has this version already (If-None-Match or version) or when nothing changed while it waited. 404 when there is no such key.",
  params: { key: KEY },
  query: {
    wait: { type: "number", description: "Seconds (0 to 60) to wait for a change" },
    version: {
      type: "integer",
      description: "The version that the caller has; 0 when it has found no such key",
    },
  },
  response: ENTRY,
};

const write: RouteDocs = {
  summary: "Write a value",
  detail:
    "With If-Match only over that version, with If-None-Match: * only where no key is; else 412 with the version that is there.",
  params: { key: KEY },
  body: {
    value: { type: "any JSON", required: true, description: "null is a value too; up to 1 MiB" },
    ttl: { type: "number", description: "Seconds until the key is gone; without it the key stays" },
  },
  response: ENTRY,
};

const remove: RouteDocs = {
  summary: "Delete a key",
  detail: "With If-Match only that version.",
  params: { key: KEY },
  response: "{ deleted: key }",
};

export const routeDocs: Record<string, RouteDocs> = {
  "GET /": {
    summary: "List keys in byte order",
    query: {
      prefix: { type: "string", description: "Only keys that begin with this" },
      limit: { type: "integer", description: "At most so many; 1000 is the default and the most" },
      cursor: { type: "string", description: "nextCursor of the page before" },
    },
    response: "{ keys: [{ key, createdAt, updatedAt, expiresAt?, version }], count, nextCursor? }",
  },
  "GET /_panel": {
    summary: "The panel of the dashboard",
    detail: "For who accepts text/html; for everybody else it is the key `_panel`.",
    response: "text/html",
  },
  "GET /:key": read,
  "PUT /:key": write,
  "DELETE /:key": remove,
  "GET /*": { ...read, summary: "The same, for a key written with slashes" },
  "PUT /*": { ...write, summary: "The same, for a key written with slashes" },
  "DELETE /*": { ...remove, summary: "The same, for a key written with slashes" },
};
