// Sums that are kept while sessions and VMs come in, so that nobody has to add up a million of them: for each hour, and
// since ever.
import type { Database } from "bun:sqlite";
import { columnsOf, LOW, negative, plus, type Sum } from "./amounts.js";

export const HOUR_MS = 3_600_000;
export const HOURS_PER_DAY = 24;

/** What sums are kept by. Of `all` and `vm` there is one, without a name. */
export type Kind = "all" | "agent" | "model" | "task" | "vm";

/** One thing's share in what was used. */
export interface Part extends Sum {
  kind: Kind;
  name: string;
  /** When it was over. */
  at: number;
}

/** The columns of a session that sums are made of. */
export interface Used {
  agent: string;
  task_id: string | null;
  model: string;
  ended_at: number;
  tokens: number;
  /** Billionths of a dollar. */
  cost: number;
  split: string | null;
}

const KINDS: readonly Kind[] = ["all", "agent", "task", "model"];

export type Share = [name: string, tokens: number, cost: number];

/** A session's shares in the sums of one kind: of several models, if it changed its model. */
export function sharesOf({ agent, task_id: task, model, tokens, cost, split }: Used, kind: Kind): Share[] {
  switch (kind) {
    case "all":
      return [["", tokens, cost]];
    case "agent":
      return [[agent, tokens, cost]];
    case "task":
      return task === null ? [] : [[task, tokens, cost]];
    case "model":
      return split === null ? [[model, tokens, cost]] : JSON.parse(split);
    case "vm":
      return [];
  }
}

export function partsOf(session: Used): Part[] {
  return KINDS.flatMap((kind) =>
    sharesOf(session, kind).map(([name, tokens, cost]) => {
      return { kind, name, at: session.ended_at, tokens: BigInt(tokens), cost: BigInt(cost), sessions: 1 };
    }),
  );
}

/** Corrects the sums: `gone` is not there any more, and `come` is. In the caller's transaction. */
export function correct(db: Database, { gone = [], come }: { gone?: Part[]; come: Part[] }): void {
  const changes = [...gone.map((part) => ({ ...part, ...negative(part) })), ...come];
  for (const part of merged(changes, hourOf)) addToHour(db, part);
  for (const part of merged(changes, () => 0)) addToName(db, part, changes);
}

function hourOf(ms: number): number {
  return Math.floor(ms / HOUR_MS);
}

export function dayOf(ms: number): number {
  return Math.floor(ms / (HOURS_PER_DAY * HOUR_MS));
}

/** One change for each row that is concerned. */
function merged(parts: readonly Part[], place: (ms: number) => number): Part[] {
  const rows = new Map<string, Part>();
  for (const part of parts) {
    const key = JSON.stringify([part.kind, part.name, place(part.at)]);
    const row = rows.get(key);
    rows.set(key, row === undefined ? part : { ...row, ...plus(row, part) });
  }
  return [...rows.values()];
}

/** The carry from the low part to the high one: what was there and what comes are each at least 0 and below one unit. */
const SUMS = `tokens_high = tokens_high + excluded.tokens_high + (tokens_low + excluded.tokens_low) / ${LOW},
  tokens_low = (tokens_low + excluded.tokens_low) % ${LOW},
  cost_high = cost_high + excluded.cost_high + (cost_low + excluded.cost_low) / ${LOW},
  cost_low = (cost_low + excluded.cost_low) % ${LOW},
  sessions = sessions + excluded.sessions`;

function addToHour(db: Database, part: Part): void {
  const { kind, name, at, tokens, cost, sessions } = part;
  if (tokens === 0n && cost === 0n && sessions === 0) return;
  const hour = hourOf(at);
  db.query(
    `INSERT INTO hours (kind, name, hour, tokens_high, tokens_low, cost_high, cost_low, sessions)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET ${SUMS}`,
  ).run(kind, name, hour, ...sumValues(part));
  if (sessions >= 0) return;
  const sql = "DELETE FROM hours WHERE kind = ? AND name = ? AND hour = ? AND sessions = 0";
  db.query(sql).run(kind, name, hour);
}

function addToName(db: Database, part: Part, changes: readonly Part[]): void {
  const { kind, name } = part;
  const times = changes.filter((one) => one.kind === kind && one.name === name).map(({ at }) => at);
  db.query(
    `INSERT INTO names (kind, name, first_at, last_day, tokens_high, tokens_low, cost_high, cost_low, sessions)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET ${SUMS},
     first_at = min(first_at, excluded.first_at), last_day = max(last_day, excluded.last_day)`,
  ).run(kind, name, Math.min(...times), dayOf(Math.max(...times)), ...sumValues(part));
  if (part.sessions >= 0) return;
  db.query("DELETE FROM names WHERE kind = ? AND name = ? AND sessions = 0").run(kind, name);
}

function sumValues(sum: Sum): [number, number, number, number, number] {
  const { tokens_high, tokens_low, cost_high, cost_low, sessions } = columnsOf(sum);
  return [tokens_high, tokens_low, cost_high, cost_low, sessions];
}
