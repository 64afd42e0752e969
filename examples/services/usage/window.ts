// What ended from some time on, added up: whole hours from their sums, and the hour in which that time lies from the
// sessions themselves.
import type { Database } from "bun:sqlite";
import { columnsOf, LOW, NOTHING, plus, type Sum, type SumColumns, sumOf } from "./amounts.js";
import { type Costly, costliest, namesByCost } from "./costliest.js";
import { dayOf, HOUR_MS, HOURS_PER_DAY, type Kind, sharesOf, type Used } from "./rollups.js";

export interface Window {
  sum(kind: Kind, name?: string): Sum;
  /** Those that cost most, highest first, each with at least one session. */
  top(kind: Kind, countMax: number): Costly[];
  /** The UTC days on which something ended, oldest first; of the newest `countMax` days. */
  days(countMax: number): Day[];
}

export interface Day extends Sum {
  /** Since 1970. */
  day: number;
}

const SUMS = ["tokens_high", "tokens_low", "cost_high", "cost_low", "sessions"]
  .map((column) => `coalesce(sum(${column}), 0) AS ${column}`)
  .join(", ");

/** What a high column counts one for. */
const UNIT = Number(LOW);

/** Of what ended at `fromMs` or later; undefined: since ever. It has to be used before anything is written. */
export function openWindow(db: Database, fromMs: number | undefined): Window {
  if (fromMs === undefined) return sinceEver(db);
  const firstHour = Math.ceil(fromMs / HOUR_MS);
  const begun = begunHour(db, fromMs, firstHour * HOUR_MS);
  const sum = (kind: Kind, name = "") => plus(begun(kind, name), hoursFrom(db, { kind, name, firstHour }));
  return {
    sum,
    top: (kind, countMax) =>
      costliest(namesByCost(db, kind, dayOf(fromMs)), countMax, (ever) =>
        ever.firstAt >= fromMs ? ever : sum(kind, ever.name),
      ),
    days: (countMax) =>
      daysFrom(db, { firstHour, begun: { day: dayOf(fromMs), ...begun("all", "") } }, countMax),
  };
}

function sinceEver(db: Database): Window {
  const sql =
    "SELECT tokens_high, tokens_low, cost_high, cost_low, sessions FROM names WHERE kind = ? AND name = ?";
  return {
    sum(kind, name = "") {
      const row = db.query<SumColumns, [string, string]>(sql).get(kind, name);
      return row ? sumOf(row) : NOTHING;
    },
    top: (kind, countMax) => costliest(namesByCost(db, kind), countMax, (ever) => ever),
    days: (countMax) => daysFrom(db, { firstHour: Number.MIN_SAFE_INTEGER }, countMax),
  };
}

function hoursFrom(db: Database, of: { kind: Kind; name: string; firstHour: number }): Sum {
  const sql = `SELECT ${SUMS} FROM hours WHERE kind = ? AND name = ? AND hour >= ?`;
  const row = db.query<SumColumns, [string, string, number]>(sql).get(of.kind, of.name, of.firstHour);
  return row ? sumOf(row) : NOTHING;
}

/** What ended in the rest of an hour, by kind and name; read and added up when it is first asked for. */
function begunHour(db: Database, fromMs: number, toMs: number): (kind: Kind, name: string) => Sum {
  let used: Used[] | undefined;
  const sums = new Map<Kind, Map<string, SumColumns>>();
  return (kind, name) => {
    if (kind === "vm") return { ...NOTHING, sessions: vmsCreated(db, fromMs, toMs) };
    used ??= usedBetween(db, fromMs, toMs);
    const ofKind = sums.get(kind) ?? sumsByName(used, kind);
    sums.set(kind, ofKind);
    const columns = ofKind.get(name);
    return columns ? sumOf(columns) : NOTHING;
  };
}

function usedBetween(db: Database, fromMs: number, toMs: number): Used[] {
  return db
    .query<Used, [number, number]>(
      `SELECT agent, task_id, model, ended_at, tokens, cost, split FROM sessions
       WHERE ended_at >= ? AND ended_at < ?`,
    )
    .all(fromMs, toMs);
}

/** In columns, as the tables have them: there may be thousands of sessions, and adding them up this way is exact too. */
function sumsByName(used: readonly Used[], kind: Kind): Map<string, SumColumns> {
  const sums = new Map<string, SumColumns>();
  for (const session of used) {
    for (const [name, tokens, cost] of sharesOf(session, kind)) {
      const sum = sums.get(name) ?? columnsOf(NOTHING);
      sums.set(name, sum);
      sum.tokens_high += Math.floor(tokens / UNIT);
      sum.tokens_low += tokens % UNIT;
      sum.cost_high += Math.floor(cost / UNIT);
      sum.cost_low += cost % UNIT;
      sum.sessions++;
    }
  }
  return sums;
}

function vmsCreated(db: Database, fromMs: number, toMs: number): number {
  const sql = "SELECT count(*) AS count FROM vm_ids WHERE created_at >= ? AND created_at < ?";
  return db.query<{ count: number }, [number, number]>(sql).get(fromMs, toMs)?.count ?? 0;
}

function daysFrom(
  db: Database,
  { firstHour, begun }: { firstHour: number; begun?: Day },
  countMax: number,
): Day[] {
  const newest = newestDay(db, begun);
  const firstDay = newest - countMax + 1;
  const rows = db
    .query<SumColumns & { hour: number }, [number]>(
      `SELECT hour, tokens_high, tokens_low, cost_high, cost_low, sessions FROM hours
       WHERE kind = 'all' AND name = '' AND hour >= ? ORDER BY hour`,
    )
    .all(Math.max(firstHour, firstDay * HOURS_PER_DAY));
  const days = new Map<number, Sum>();
  if (begun && begun.sessions > 0 && begun.day >= firstDay) days.set(begun.day, begun);
  for (const row of rows) {
    const day = Math.floor(row.hour / HOURS_PER_DAY);
    days.set(day, plus(days.get(day) ?? NOTHING, sumOf(row)));
  }
  return Array.from(days, ([day, sum]) => ({ ...sum, day }));
}

function newestDay(db: Database, begun: Day | undefined): number {
  const sql = "SELECT max(hour) AS hour FROM hours WHERE kind = 'all' AND name = ''";
  const hour = db.query<{ hour: number | null }, []>(sql).get()?.hour;
  return Math.max(Math.floor((hour ?? 0) / HOURS_PER_DAY), begun?.day ?? 0);
}
