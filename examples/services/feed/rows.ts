// The rows of the feed: SQL and what it stands for. Each event is kept as the very JSON text that goes out, and counted
// when it comes and when it goes.
import type { Database } from "bun:sqlite";
import { type Condition, type LogRow, readRows } from "#core/http.js";

export const MIGRATIONS = [
  `CREATE TABLE events (
     id TEXT NOT NULL UNIQUE,
     agent TEXT NOT NULL,
     type TEXT NOT NULL,
     json TEXT NOT NULL
   ) STRICT;
   CREATE INDEX events_by_agent ON events (agent, id);
   CREATE INDEX events_by_type ON events (type, id);
   CREATE TABLE agents (
     name TEXT PRIMARY KEY,
     count INTEGER NOT NULL,
     latest TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX agents_by_count ON agents (count, name);
   CREATE TABLE types (
     name TEXT PRIMARY KEY,
     count INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE state (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     count INTEGER NOT NULL,
     removed TEXT NOT NULL
   ) STRICT;
   INSERT INTO state VALUES (1, 0, '');`,
];

export interface EventRow extends LogRow {
  agent: string;
  type: string;
}

export interface Filter {
  agent?: string | undefined;
  type?: string | undefined;
}

export interface Stats {
  total: number;
  byAgent: Record<string, number>;
  byType: Record<string, number>;
  latestPerAgent: Record<string, unknown>;
}

const AGENTS_SHOWN_MAX = 1_000;

/** What a list of events is made from. */
export function listing({ agent, type }: Filter) {
  const where: Condition[] = [
    ["agent = ?", agent],
    ["type = ?", type],
  ];
  return { columns: "id, agent, type, json", from: "events", where };
}

export function matches(row: EventRow, { agent, type }: Filter): boolean {
  return (agent === undefined || row.agent === agent) && (type === undefined || row.type === type);
}

export function readEvent(db: Database, id: string): string | undefined {
  return db.query<{ json: string }, [string]>("SELECT json FROM events WHERE id = ?").get(id)?.json;
}

export function insertEvent(db: Database, { id, agent, type, json }: EventRow): void {
  db.query("INSERT INTO events (id, agent, type, json) VALUES (?, ?, ?, ?)").run(id, agent, type, json);
  db.query(
    "INSERT INTO agents VALUES (?, 1, ?) ON CONFLICT (name) DO UPDATE SET count = count + 1, latest = excluded.latest",
  ).run(agent, id);
  db.query("INSERT INTO types VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET count = count + 1").run(type);
  db.query("UPDATE state SET count = count + 1 WHERE one = 1").run();
}

/** Removes the oldest events, so many of them. */
export function removeOldest(db: Database, count: number): void {
  const rows = db
    .query<Omit<EventRow, "json">, [number]>(
      "SELECT id, agent, type FROM events WHERE id > '' ORDER BY id LIMIT ?",
    )
    .all(count);
  const last = rows.at(-1);
  if (!last) return;
  db.query("DELETE FROM events WHERE id <= ?").run(last.id);
  for (const [agent, gone] of counted(rows, "agent"))
    db.query("UPDATE agents SET count = count - ? WHERE name = ?").run(gone, agent);
  for (const [type, gone] of counted(rows, "type"))
    db.query("UPDATE types SET count = count - ? WHERE name = ?").run(gone, type);
  db.query("DELETE FROM agents WHERE count <= 0").run();
  db.query("UPDATE state SET count = count - ?, removed = ? WHERE one = 1").run(rows.length, last.id);
}

export function removeAll(db: Database): void {
  const { newest } = readEnds(db);
  for (const table of ["events", "agents", "types"]) db.run(`DELETE FROM ${table}`);
  db.query("UPDATE state SET count = 0, removed = ? WHERE one = 1").run(newest);
}

export function countEvents(db: Database): number {
  return db.query<{ count: number }, []>("SELECT count FROM state WHERE one = 1").get()?.count ?? 0;
}

/** The newest id that ever was, the newest that was removed, and the oldest that is kept. */
export function readEnds(db: Database): { newest: string; removed: string; oldest: string | null } {
  const sql = `SELECT (SELECT max(id) FROM events) AS newest, (SELECT min(id) FROM events) AS oldest, removed
               FROM state WHERE one = 1`;
  const row = db.query<{ newest: string | null; oldest: string | null; removed: string }, []>(sql).get();
  const removed = row?.removed ?? "";
  return { newest: row?.newest ?? removed, removed, oldest: row?.oldest ?? null };
}

/** Of the agents that did most, as many as fit a page. */
export function readStats(db: Database): Stats {
  const stats: Stats = {
    total: countEvents(db),
    byAgent: dictionary(),
    byType: dictionary(),
    latestPerAgent: dictionary(),
  };
  const list = {
    columns: "agents.name, agents.count, events.json",
    from: "agents JOIN events ON events.id = agents.latest",
    where: [["agents.count > 0"]] as const,
    order: ["count", "name"],
    isDescending: true,
  };
  const { rows } = readRows<{ name: string; count: number; json: string }>(db, list, {
    limit: AGENTS_SHOWN_MAX,
    toText: ({ json }) => json,
  });
  for (const { name, count, json } of rows) {
    stats.byAgent[name] = count;
    stats.latestPerAgent[name] = JSON.parse(json);
  }
  for (const { name, count } of readTypes(db)) stats.byType[name] = count;
  return stats;
}

function readTypes(db: Database): { name: string; count: number }[] {
  const sql = "SELECT name, count FROM types WHERE name > '' AND count > 0";
  return db.query<{ name: string; count: number }, []>(sql).all();
}

/** An object that takes any key, `__proto__` too. */
function dictionary<T>(): Record<string, T> {
  return Object.create(null);
}

function counted(rows: readonly Omit<EventRow, "json">[], key: "agent" | "type"): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(row[key], (counts.get(row[key]) ?? 0) + 1);
  return counts;
}
