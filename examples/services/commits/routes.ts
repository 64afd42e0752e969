// The ledger of commits over HTTP.
import { type Context, Hono } from "hono";
import {
  anyText,
  asFlag,
  asUlid,
  type Browse,
  LIMITS,
  listAnswer,
  readBrowse,
  readFields,
  readQuery,
  refused,
  repeated,
  timeMs,
} from "#core/http.js";
import { COMMIT } from "./commit.js";
import { commitsPanel } from "./panel.js";
import type { Filter } from "./rows.js";
import type { Ledger } from "./store.js";

const FILTERS = {
  tag: repeated(anyText),
  agent: anyText,
  label: anyText,
  vmId: anyText,
  since: timeMs,
  before: asUlid,
};

export function createRoutes(ledger: Ledger): Hono {
  return new Hono()
    .post("/", async (c) => {
      const { upsert: isReplacing = false } = readQuery(c, { upsert: asFlag });
      return c.json(await ledger.record(await readFields(c, COMMIT), { isReplacing }), 201);
    })
    .get("/", (c) => listAnswer("commits", ledger.list(pageIn(c))))
    .get("/_panel", (c) => c.html(commitsPanel()))
    .get("/:id", (c) => c.json(ledger.read(c.req.param("id"))))
    .delete("/:id", async (c) => {
      await ledger.remove(c.req.param("id"));
      return c.json({ deleted: true });
    });
}

/** An entry has no more tags than the limit, and SQLite takes no condition of any length. */
function pageIn(c: Context): Browse<Filter> {
  const page = readBrowse(c, { list: "commits", filters: FILTERS });
  if (page.filters.tag.length > LIMITS.tagsMax) throw refused(`tag has more than ${LIMITS.tagsMax} items`);
  return page;
}
