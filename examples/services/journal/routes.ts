// The journal over HTTP.
import { type Context, Hono } from "hono";
import { anyText, asFlag, linesAnswer, listAnswer, readFields, readQuery, readWindow } from "#core/http.js";
import type { ServiceContext } from "#core/types.js";
import { ENTRY, lineOf } from "./entry.js";
import { journalPanel } from "./panel.js";
import type { Journal } from "./store.js";

export function createRoutes(journal: Journal, ctx: Pick<ServiceContext, "caller">): Hono {
  const asJson = (json: string) => json;
  const asLine = (json: string) => lineOf(JSON.parse(json));
  const list = (c: Context, toText: (json: string) => string) =>
    journal.list(readWindow(c), { ...readQuery(c, { author: anyText, tag: anyText }), toText });

  return new Hono()
    .post("/", async (c) => {
      const { author = ctx.caller().agentName, ...input } = await readFields(c, ENTRY);
      return c.json(await journal.write({ ...input, author }), 201);
    })
    .get("/", (c) => {
      const { raw = false } = readQuery(c, { raw: asFlag });
      return raw ? linesAnswer(list(c, asLine)) : listAnswer("entries", list(c, asJson));
    })
    .get("/raw", (c) => linesAnswer(list(c, asLine)))
    .get("/_panel", (c) => c.html(journalPanel()));
}
