// What the updater knows over restarts: how updates went, newest first, and what the last look at the registry gave.
import { isoTime } from "#core/http.js";
import { openStorage } from "#core/storage.js";
import type { ServiceContext } from "#core/types.js";

export const HISTORY_MAX = 200;

const MIGRATIONS = [
  `CREATE TABLE history (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     json TEXT NOT NULL
   ) STRICT;
   CREATE TABLE looks (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     latest TEXT,
     checked_at INTEGER
   ) STRICT;
   INSERT INTO looks VALUES (1, NULL, NULL);`,
];

export interface HistoryEntry {
  from: string;
  to: string;
  /** ISO 8601. */
  at: string;
  status: "applied" | "rolled_back" | "failed";
  error?: string;
}

export interface Look {
  latest: string | null;
  /** ISO 8601. */
  lastChecked: string | null;
}

export interface History {
  list(): HistoryEntry[];
  add(entry: HistoryEntry): Promise<void>;
  look(): Look;
  looked(latest: string, atMs: number): Promise<void>;
}

export function openHistory(ctx: ServiceContext): History {
  const { read, write } = openStorage(ctx, { migrations: MIGRATIONS });
  return {
    list() {
      const sql = "SELECT json FROM history WHERE seq > 0 ORDER BY seq DESC LIMIT ?";
      return read
        .query<{ json: string }, [number]>(sql)
        .all(HISTORY_MAX)
        .map(({ json }) => JSON.parse(json));
    },
    add: (entry) =>
      write((db) => {
        const { lastInsertRowid } = db
          .query("INSERT INTO history (json) VALUES (?)")
          .run(JSON.stringify(entry));
        db.query("DELETE FROM history WHERE seq <= ?").run(Number(lastInsertRowid) - HISTORY_MAX);
      }),
    look() {
      const sql = "SELECT latest, checked_at FROM looks WHERE one = 1";
      const row = read.query<{ latest: string | null; checked_at: number | null }, []>(sql).get();
      const at = row?.checked_at ?? null;
      return { latest: row?.latest ?? null, lastChecked: at === null ? null : isoTime(at) };
    },
    looked: (latest, atMs) =>
      write((db) => {
        db.query("UPDATE looks SET latest = ?, checked_at = ? WHERE one = 1").run(latest, atMs);
      }),
  };
}
