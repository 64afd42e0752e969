// The updater over HTTP.
import { Hono } from "hono";
import { noTimeout, requireOperator } from "#core/http.js";
import type { ServiceContext } from "#core/types.js";
import { updaterPanel } from "./panel.js";
import type { Updater } from "./updater.js";

export function createRoutes(updater: Updater, ctx: Pick<ServiceContext, "caller">): Hono {
  return new Hono()
    .get("/status", (c) => c.json(updater.status()))
    .post("/check", async (c) => c.json(await updater.check()))
    .post("/apply", async (c) => {
      requireOperator(ctx.caller());
      noTimeout(c);
      return c.json(await updater.apply());
    })
    .get("/_panel", (c) => c.html(updaterPanel()));
}
