// The ledger over HTTP.
import { Hono } from "hono";
import {
  anyText,
  asFlag,
  durationMs,
  listAnswer,
  type Reader,
  readBrowse,
  readFields,
  readQuery,
} from "#core/http.js";
import { usagePanel } from "./panel.js";
import { SESSION } from "./session.js";
import type { Ledger, Range } from "./store.js";
import { BREAKDOWNS, type Breakdown, summaryOf } from "./summary.js";
import { VM } from "./vm.js";

/** A range as it was sent, and in milliseconds; since ever without any. */
interface SentRange {
  text: string;
  ms: Range;
}

const LAST_WEEK: SentRange = { text: "7d", ms: durationMs("7d") };
/** 10,000 years: every time that can be told lies within. */
const RANGE_MS_MAX = 10_000 * 366 * 86_400_000;

const asRange: Reader<SentRange> = (text) => {
  const ms = durationMs(text);
  if (ms === undefined && text !== "all") return undefined;
  return { text, ms: ms === undefined || ms > RANGE_MS_MAX ? undefined : ms };
};

const asBreakdowns: Reader<Set<Breakdown>> = (text) => {
  const named = text.split(",").map((name) => BREAKDOWNS.find((one) => one === name.trim()));
  return named.every((one) => one !== undefined) ? new Set(named) : undefined;
};

const MODELS_AND_TASKS: ReadonlySet<Breakdown> = new Set(["model", "task"]);

const SESSION_FILTERS = {
  agent: anyText,
  range: asRange,
  model: anyText,
  taskId: anyText,
  sessionId: anyText,
};
const VM_FILTERS = { role: anyText, agent: anyText, range: asRange };

export function createRoutes(ledger: Ledger): Hono {
  return new Hono()
    .get("/", (c) => {
      const { range = LAST_WEEK, by = MODELS_AND_TASKS } = readQuery(c, { range: asRange, by: asBreakdowns });
      return c.json(summaryOf(range.text, ledger.window(range.ms), by));
    })
    .post("/sessions", async (c) => {
      const { upsert = false } = readQuery(c, { upsert: asFlag });
      const { session, isNew } = await ledger.addSession(await readFields(c, SESSION), { upsert });
      return c.json(session, isNew ? 201 : 200);
    })
    .get("/sessions", (c) => {
      const page = readBrowse(c, { list: "sessions", filters: SESSION_FILTERS });
      return listAnswer("sessions", ledger.sessions(page.filters, { page, range: page.filters.range?.ms }));
    })
    .post("/vms", async (c) => c.json(await ledger.addVm(await readFields(c, VM)), 201))
    .get("/vms", (c) => {
      const page = readBrowse(c, { list: "vms", filters: VM_FILTERS });
      return listAnswer("vms", ledger.vms(page.filters, { page, range: page.filters.range?.ms }));
    })
    .get("/_panel", (c) => c.html(usagePanel()));
}
