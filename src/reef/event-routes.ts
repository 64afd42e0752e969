// The route of the event stream: cursor and filters read, the rest is the stream's.
import type { Context, Hono } from "hono";
import { noTimeout } from "../core/http.js";
import type { ReefParts } from "./parts.js";
import { list } from "./query.js";
import type { StreamFilter } from "./stream.js";

/** The seq after which to begin; undefined when none is given, null for what is no number. */
export type Cursor = number | null | undefined;

export function addEventRoutes(routes: Hono, parts: ReefParts): void {
  routes.get("/events", (c) => streamed(c, parts, cursorOf(c), filterOf(c)));
}

export function streamed(c: Context, parts: ReefParts, cursor: Cursor, filter: StreamFilter): Response {
  noTimeout(c);
  return c.body(parts.stream.open(cursor, filter), 200, {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache",
    Connection: "keep-alive",
    "X-Accel-Buffering": "no",
  });
}

export function cursorOf(c: Context): Cursor {
  const text = c.req.header("Last-Event-ID") ?? c.req.query("since");
  if (text === undefined || text === "") return undefined;
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}

export function filterOf(c: Context): StreamFilter {
  const query = (name: string) => c.req.query(name);
  const taskIds = list(query, "taskId");
  const types = list(query, "types");
  return {
    ...(taskIds && { taskIds: new Set(taskIds) }),
    ...(types && { types: new Set(types) }),
    live: query("live") !== "0",
  };
}
