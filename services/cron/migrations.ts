// The tables of cron. A run keeps what it needs of its job, for it outlives it; `seq` is the order of lists.

export const MIGRATIONS = [
  `CREATE TABLE jobs (
     seq INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     name TEXT NOT NULL,
     schedule TEXT NOT NULL,
     timezone TEXT,
     type TEXT NOT NULL,
     config TEXT NOT NULL,
     enabled INTEGER NOT NULL,
     timeout_seconds REAL,
     overlap TEXT NOT NULL,
     missed TEXT NOT NULL,
     created_by TEXT NOT NULL,
     identity TEXT NOT NULL,
     cause_id TEXT,
     created_at INTEGER NOT NULL,
     updated_at INTEGER NOT NULL,
     due_at INTEGER
   ) STRICT;
   CREATE INDEX jobs_due ON jobs (due_at) WHERE due_at IS NOT NULL;
   CREATE TABLE runs (
     seq INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     job_id TEXT NOT NULL,
     job_name TEXT NOT NULL,
     job_type TEXT NOT NULL,
     is_orphan INTEGER NOT NULL DEFAULT 0,
     status TEXT NOT NULL,
     trigger TEXT NOT NULL,
     started_at INTEGER NOT NULL,
     completed_at INTEGER,
     output TEXT,
     error TEXT,
     missed_count INTEGER,
     task_id TEXT,
     turn_id TEXT,
     node_id TEXT,
     parent_id TEXT,
     cause_id TEXT
   ) STRICT;
   CREATE INDEX runs_of_job ON runs (job_id, status, seq);
   CREATE INDEX runs_of_status ON runs (status, seq);
   CREATE INDEX runs_of_job_in_order ON runs (job_id, seq);
   CREATE INDEX runs_orphaned ON runs (seq) WHERE is_orphan;
   CREATE INDEX runs_unrecorded ON runs (seq) WHERE node_id IS NULL;`,
];
