// The feed over HTTP.
import { type Context, Hono } from "hono";
import { ReefError } from "#core/errors.js";
import { anyText, arrayAnswer, readFields, readFollow, readQuery, requireOperator } from "#core/http.js";
import type { ServiceContext } from "#core/types.js";
import { EVENT } from "./event.js";
import { feedPanel } from "./panel.js";
import type { Filter } from "./rows.js";
import type { Feed } from "./store.js";

const LIST_LIMITS = { limit: 50, limitMax: 1_000 };

export function createRoutes(feed: Feed, ctx: Pick<ServiceContext, "caller">): Hono {
  return new Hono()
    .post("/events", async (c) => c.json(await feed.publish(await readFields(c, EVENT)), 201))
    .get("/events", (c) => arrayAnswer(feed.list(readFollow(c, LIST_LIMITS), filterIn(c))))
    .delete("/events", async (c) => {
      requireOperator(ctx.caller());
      await feed.clear();
      return c.json({ ok: true });
    })
    .get("/events/:id", (c) => eventAnswer(feed.read(c.req.param("id"))))
    .get("/stats", (c) => c.json(feed.stats()))
    .get("/stream", (c) => feed.streams.open(c, streamFilterIn(c)))
    .get("/_panel", (c) => c.html(feedPanel()));
}

function eventAnswer(json: string | undefined): Response {
  if (json === undefined) throw new ReefError("not_found", "Event not found");
  return new Response(json, { headers: { "Content-Type": "application/json" } });
}

function filterIn(c: Context): Filter {
  return readQuery(c, { agent: anyText, type: anyText });
}

/** Clients without a filter share their frames. */
function streamFilterIn(c: Context): Filter | undefined {
  const filter = filterIn(c);
  return filter.agent === undefined && filter.type === undefined ? undefined : filter;
}
