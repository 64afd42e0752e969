// The names that cost most in a window, without a look at every name: they come in the order of all that they ever cost,
// which is never less than what they cost in the window, and so one may stop early.
import type { Database } from "bun:sqlite";
import { type Sum, type SumColumns, sumOf } from "./amounts.js";
import type { Kind } from "./rollups.js";

/** With more days than this, the names are taken from one list of all of them. */
const DAYS_MERGED_MAX = 62;

export interface Costly extends Sum {
  name: string;
}

export interface Candidate extends Costly {
  /** Nothing of it ended before. */
  firstAt: number;
}

interface NameRow extends SumColumns {
  name: string;
  first_at: number;
}

const SELECT = "SELECT name, first_at, tokens_high, tokens_low, cost_high, cost_low, sessions FROM names";
const BY_COST = "ORDER BY cost_high DESC, cost_low DESC, name DESC";

/** `candidates` with what they ever cost, highest first; `inWindow` says what of that lies in the window. */
export function costliest(
  candidates: Iterable<Candidate>,
  countMax: number,
  inWindow: (candidate: Candidate) => Sum,
): Costly[] {
  const found: Costly[] = [];
  for (const candidate of candidates) {
    const last = found[countMax - 1];
    if (last && last.cost >= candidate.cost) break;
    const { tokens, cost, sessions } = inWindow(candidate);
    if (sessions === 0) continue;
    const place = found.findIndex((one) => one.cost < cost);
    found.splice(place < 0 ? found.length : place, 0, { name: candidate.name, tokens, cost, sessions });
    found.length = Math.min(found.length, countMax);
  }
  return found;
}

/** Names of which something ended on `fromDay` or later (undefined: all), by what they ever cost. */
export function* namesByCost(db: Database, kind: Kind, fromDay?: number): Generator<Candidate> {
  const days = fromDay === undefined ? undefined : daysSince(db, kind, fromDay);
  if (days === undefined) yield* allNames(db, kind, fromDay ?? Number.MIN_SAFE_INTEGER);
  else yield* merged(days.map((day) => namesOf(db, kind, day)));
}

/** Undefined when they are too many. */
function daysSince(db: Database, kind: Kind, fromDay: number): number[] | undefined {
  const next = db.query<{ day: number | null }, [string, number]>(
    "SELECT min(last_day) AS day FROM names WHERE kind = ? AND last_day >= ?",
  );
  const days: number[] = [];
  for (let day = next.get(kind, fromDay)?.day; typeof day === "number"; day = next.get(kind, day + 1)?.day) {
    if (days.length === DAYS_MERGED_MAX) return undefined;
    days.push(day);
  }
  return days;
}

function allNames(db: Database, kind: Kind, fromDay: number): Generator<Candidate> {
  const sql = `${SELECT} INDEXED BY names_by_cost WHERE kind = ? AND last_day >= ? ${BY_COST}`;
  return candidates(db, sql, [kind, fromDay]);
}

/** Those that were over on that day. */
function namesOf(db: Database, kind: Kind, day: number): Generator<Candidate> {
  return candidates(db, `${SELECT} WHERE kind = ? AND last_day = ? ${BY_COST}`, [kind, day]);
}

function* candidates(db: Database, sql: string, values: [string, number]): Generator<Candidate> {
  // A statement of its own: several are read at the same time, and most are left in the middle.
  const statement = db.prepare<NameRow, [string, number]>(sql);
  try {
    for (const row of statement.iterate(...values))
      yield { name: row.name, firstAt: row.first_at, ...sumOf(row) };
  } finally {
    statement.finalize();
  }
}

/** One list of several that are in order, each read as far as it is needed. */
function* merged(lists: Generator<Candidate>[]): Generator<Candidate> {
  try {
    const heads = lists.map((list) => list.next().value);
    for (;;) {
      let best: Candidate | undefined;
      for (const head of heads) if (head && (best === undefined || head.cost > best.cost)) best = head;
      if (best === undefined) return;
      const from = heads.indexOf(best);
      yield best;
      heads[from] = lists[from]?.next().value;
    }
  } finally {
    for (const list of lists) list.return(undefined);
  }
}
