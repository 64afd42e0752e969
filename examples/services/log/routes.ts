// The log over HTTP: entries are added and read, and no route changes or removes one.
import { type Context, Hono } from "hono";
import { anyText, linesAnswer, listAnswer, readFields, readQuery, readWindow } from "#core/http.js";
import { ENTRY, type Entry, lineOf } from "./entry.js";
import { logPanel } from "./panel.js";
import type { WorkLog } from "./store.js";

export function createRoutes(log: WorkLog): Hono {
  const list = (c: Context, toText: (entry: Entry) => string) =>
    log.list(readWindow(c), { ...readQuery(c, { agent: anyText }), toText });
  return new Hono()
    .post("/", async (c) => c.json(await log.append(await readFields(c, ENTRY)), 201))
    .get("/", (c) => listAnswer("entries", list(c, JSON.stringify)))
    .get("/raw", (c) => linesAnswer(list(c, lineOf)))
    .get("/_panel", (c) => c.html(logPanel()));
}
