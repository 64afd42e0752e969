// The tables of the store. `key` is a blob, so that the order is that of its bytes; `value` comes last, so that a list
// does not read the pages of values.

export const MIGRATIONS = [
  `CREATE TABLE entries (
     id INTEGER PRIMARY KEY,
     key BLOB NOT NULL UNIQUE,
     created_at INTEGER NOT NULL,
     updated_at INTEGER NOT NULL,
     expires_at INTEGER,
     version INTEGER NOT NULL,
     bytes INTEGER NOT NULL,
     value TEXT NOT NULL
   ) STRICT;
   CREATE INDEX entries_expiring ON entries (expires_at) WHERE expires_at IS NOT NULL;
   CREATE TABLE totals (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     version INTEGER NOT NULL,
     keys INTEGER NOT NULL,
     bytes INTEGER NOT NULL
   ) STRICT;
   INSERT INTO totals VALUES (1, 0, 0, 0);`,
];
