// The tables of the tree's file, and the version by which a file made by a newer reef is recognised.
import type { Database } from "bun:sqlite";

export const SCHEMA_VERSION = 1;

/**
 * Why the rows look like this. `parent` and `cause` are the integers of `parentId` and `causeId`: a step up is one
 * rowid lookup and a step down one covering index entry, where the texts would need two lookups and an index four
 * times the size. The texts are kept as well, so that no read needs a join. What is filtered or summed in SQL has a
 * column; the rest (`more`: source, meta, toolName, toolParams, toolCallId, result) is one JSON text, written and
 * parsed as cheaply as separate columns (measured: within noise). `raw` stands last: a row is read from the left, so
 * a page of nodes never touches the overflow pages of pi's own messages.
 *
 * `nodes` has no further index: each of these three grows at its right edge, which keeps an append as fast at a
 * million rows as at none. Counts live in `statuses`, so that nothing has to be counted.
 */
const TABLES = [
  `CREATE TABLE nodes (
    seq INTEGER PRIMARY KEY,
    parent INTEGER,
    cause INTEGER,
    role TEXT NOT NULL,
    eventType TEXT,
    isError INTEGER,
    timestamp INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE,
    parentId TEXT,
    causeId TEXT,
    taskId TEXT,
    content TEXT NOT NULL,
    more TEXT,
    raw TEXT
  ) STRICT`,
  "CREATE INDEX nodes_parent ON nodes (parent)",
  "CREATE INDEX nodes_cause ON nodes (cause) WHERE cause IS NOT NULL",
  "CREATE TABLE refs (name TEXT PRIMARY KEY, id TEXT NOT NULL) STRICT",
  `CREATE TABLE tasks (
    created INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    head INTEGER NOT NULL,
    state TEXT NOT NULL
  ) STRICT`,
  "CREATE INDEX tasks_status ON tasks (status, created)",
  "CREATE TABLE statuses (status TEXT PRIMARY KEY, tasks INTEGER NOT NULL) STRICT, WITHOUT ROWID",
  "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
];

export function createTables(db: Database): void {
  const create = db.transaction(() => {
    for (const table of TABLES) db.run(table);
    db.run(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  });
  create.immediate();
}
