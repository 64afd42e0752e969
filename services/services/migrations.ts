// The tables of the services manager. A deploy, and a seed, are kept as the JSON that is answered.

export const MIGRATIONS = [
  `CREATE TABLE deploys (
     id TEXT PRIMARY KEY,
     name TEXT NOT NULL,
     dir TEXT NOT NULL,
     hash TEXT,
     deployed INTEGER NOT NULL,
     rolled_back_at TEXT,
     operation TEXT UNIQUE,
     body TEXT NOT NULL
   ) STRICT;
   CREATE INDEX deploys_by_name ON deploys (name, id);
   CREATE INDEX deploys_by_dir ON deploys (dir, id);
   CREATE TABLE probations (
     name TEXT PRIMARY KEY,
     body TEXT NOT NULL
   ) STRICT;
   CREATE TABLE seeds (
     content_hash TEXT PRIMARY KEY,
     name TEXT NOT NULL,
     body TEXT NOT NULL
   ) STRICT;
   CREATE INDEX seeds_by_name ON seeds (name);`,
];
