// The tables of the ledger. Sessions and VM records are kept as the very JSON that goes out, beside the columns by which
// they are found and added up.

export const MIGRATIONS = [
  `CREATE TABLE sessions (
     id TEXT NOT NULL UNIQUE,
     session_id TEXT NOT NULL,
     agent TEXT NOT NULL,
     model TEXT NOT NULL,
     task_id TEXT,
     started_at INTEGER NOT NULL,
     ended_at INTEGER NOT NULL,
     -- How many bits the milliseconds from start to end take: what is shorter than 2^width.
     width INTEGER NOT NULL,
     tokens INTEGER NOT NULL,
     cost INTEGER NOT NULL,
     -- [[model, tokens, cost], …] of a session that changed its model.
     split TEXT,
     json TEXT NOT NULL
   ) STRICT;
   CREATE INDEX sessions_by_start ON sessions (started_at, id);
   CREATE INDEX sessions_by_agent ON sessions (agent, started_at, id);
   CREATE INDEX sessions_by_model ON sessions (model, started_at, id);
   CREATE INDEX sessions_by_task ON sessions (task_id, started_at, id) WHERE task_id IS NOT NULL;
   CREATE INDEX sessions_by_session ON sessions (session_id, started_at, id);
   CREATE INDEX sessions_by_owner ON sessions (session_id, agent, id);
   CREATE INDEX sessions_by_width ON sessions (width, started_at, id);
   CREATE INDEX sessions_by_end ON sessions (ended_at, agent, task_id, model, tokens, cost, split);

   CREATE TABLE vms (
     id TEXT NOT NULL UNIQUE,
     vm_id TEXT NOT NULL,
     role TEXT NOT NULL,
     agent TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     is_destroyed INTEGER NOT NULL,
     json TEXT NOT NULL
   ) STRICT;
   CREATE INDEX vms_by_time ON vms (created_at, id);
   CREATE INDEX vms_by_role ON vms (role, created_at, id);
   CREATE INDEX vms_by_agent ON vms (agent, created_at, id);
   CREATE INDEX vms_alive ON vms (vm_id, created_at, id) WHERE is_destroyed = 0;
   -- Each vmId, when it was last created.
   CREATE TABLE vm_ids (
     vm_id TEXT PRIMARY KEY,
     created_at INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX vm_ids_by_time ON vm_ids (created_at);

   -- What was used in an hour, by what ended in it: in all, and by each agent, model and task.
   CREATE TABLE hours (
     kind TEXT NOT NULL,
     name TEXT NOT NULL,
     hour INTEGER NOT NULL,
     tokens_high INTEGER NOT NULL,
     tokens_low INTEGER NOT NULL,
     cost_high INTEGER NOT NULL,
     cost_low INTEGER NOT NULL,
     sessions INTEGER NOT NULL,
     PRIMARY KEY (kind, name, hour)
   ) STRICT, WITHOUT ROWID;
   -- The same since ever. Nothing ended before first_at, nor after last_day.
   CREATE TABLE names (
     kind TEXT NOT NULL,
     name TEXT NOT NULL,
     first_at INTEGER NOT NULL,
     last_day INTEGER NOT NULL,
     tokens_high INTEGER NOT NULL,
     tokens_low INTEGER NOT NULL,
     cost_high INTEGER NOT NULL,
     cost_low INTEGER NOT NULL,
     sessions INTEGER NOT NULL,
     PRIMARY KEY (kind, name)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX names_by_cost ON names (kind, cost_high, cost_low, name);
   CREATE INDEX names_by_day ON names (kind, last_day, cost_high, cost_low, name);`,
];
