// The route of the event stream: cursor and filters read, the rest is the stream's.
import type { Hono } from "hono";
import { noTimeout } from "../core/http.js";
import type { ReefParts } from "./parts.js";
import { list, type Query } from "./query.js";
import type { StreamFilter } from "./stream.js";

export function addEventRoutes(routes: Hono, parts: ReefParts): void {
  routes.get("/events", (c) => {
    noTimeout(c);
    const query = (name: string) => c.req.query(name);
    const body = parts.stream.open(
      cursorOf(c.req.header("Last-Event-ID") ?? query("since")),
      filterOf(query),
    );
    return c.body(body, 200, {
      "Content-Type": "text/event-stream",
      "Cache-Control": "no-cache",
      Connection: "keep-alive",
      "X-Accel-Buffering": "no",
    });
  });
}

/** Undefined without a cursor, null for one that is no number. */
function cursorOf(text: string | undefined): number | null | undefined {
  if (text === undefined || text === "") return undefined;
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function filterOf(query: Query): StreamFilter {
  const taskIds = list(query, "taskId");
  const types = list(query, "types");
  return {
    ...(taskIds && { taskIds: new Set(taskIds) }),
    ...(types && { types: new Set(types) }),
    live: query("live") !== "0",
  };
}
