// Runs as rows: SQL and what it stands for.
import type { Database } from "bun:sqlite";
import type { JobType, Outcome, Run, RunStatus, Trigger } from "./job.js";

/** Of each job, and of all jobs that are gone together. */
const RUNS_KEPT = 1000;
/** Runs that wait for the tree; there are more only when it was out of order for long. */
const UNRECORDED_MAX = 1000;

interface RunRow {
  seq: number;
  id: string;
  job_id: string;
  job_name: string;
  job_type: JobType;
  status: RunStatus;
  trigger: Trigger;
  started_at: number;
  completed_at: number | null;
  output: string | null;
  error: string | null;
  missed_count: number | null;
  task_id: string | null;
  turn_id: string | null;
  node_id: string | null;
  parent_id: string | null;
  cause_id: string | null;
}

export interface RunFilter {
  jobId?: string;
  status?: RunStatus;
}

export interface RunPage extends RunFilter {
  /** Only runs before this one in the list. */
  before?: number;
  limit: number;
}

const COLUMNS = `id, job_id, job_name, job_type, status, trigger, started_at, completed_at, output, error, missed_count,
  task_id, turn_id, node_id, parent_id, cause_id`;

export function readRun(db: Database, id: string): Run | undefined {
  const row = db.query<RunRow, [string]>(`SELECT seq, ${COLUMNS} FROM runs WHERE id = ?`).get(id);
  return row ? runOf(row) : undefined;
}

/** Newest first, with what each is called in the order of the list. */
export function readRuns(
  db: Database,
  { before, limit, ...filter }: RunPage,
): { runs: Run[]; last?: number } {
  const { sql, values } = where(filter, before);
  const rows = db
    .query<RunRow, (string | number)[]>(`SELECT seq, ${COLUMNS} FROM runs ${sql} ORDER BY seq DESC LIMIT ?`)
    .all(...values, limit);
  return { runs: rows.map(runOf), last: rows.at(-1)?.seq };
}

export function countRuns(db: Database, filter: RunFilter): number {
  const { sql, values } = where(filter);
  const counting = `SELECT count(*) AS n FROM runs ${sql}`;
  return db.query<{ n: number }, (string | number)[]>(counting).get(...values)?.n ?? 0;
}

/** How many run, or wait, in one job or in all of them. */
export function countOpen(db: Database, status: "running" | "waiting", jobId?: string): number {
  const sql = "SELECT count(*) AS n FROM runs WHERE status = ? AND (?2 IS NULL OR job_id = ?2)";
  return db.query<{ n: number }, [string, string | null]>(sql).get(status, jobId ?? null)?.n ?? 0;
}

/** Those that run, oldest first. */
export function readRunning(db: Database): Run[] {
  const sql = `SELECT seq, ${COLUMNS} FROM runs WHERE status = 'running' ORDER BY seq`;
  return db.query<RunRow, []>(sql).all().map(runOf);
}

/** Those that have ended and still have no node, oldest first. */
export function readUnrecorded(db: Database): Run[] {
  const sql = `SELECT seq, ${COLUMNS} FROM runs WHERE node_id IS NULL AND status NOT IN ('waiting', 'running')
    ORDER BY seq LIMIT ?`;
  return db.query<RunRow, [number]>(sql).all(UNRECORDED_MAX).map(runOf);
}

/** The jobs that have a run waiting. */
export function readWaitingJobs(db: Database): string[] {
  const sql = "SELECT DISTINCT job_id AS id FROM runs WHERE status = 'waiting'";
  return db
    .query<{ id: string }, []>(sql)
    .all()
    .map(({ id }) => id);
}

export function newestRunId(db: Database): string | undefined {
  return db.query<{ id: string | null }, []>("SELECT max(id) AS id FROM runs").get()?.id ?? undefined;
}

export function insertRun(db: Database, run: Run): Run {
  const values = valuesOf(run);
  db.query(`INSERT INTO runs (${COLUMNS}) VALUES (${values.map(() => "?").join(", ")})`).run(...values);
  prune(db, "job_id = ?", [run.jobId]);
  return run;
}

/** The run that waits in this job begins now, and is the newest. Undefined when none waits. */
export function promoteRun(db: Database, jobId: string, now: number): Run | undefined {
  const id = db
    .query<{ id: string }, [string]>(
      "SELECT id FROM runs WHERE job_id = ? AND status = 'waiting' ORDER BY seq LIMIT 1",
    )
    .get(jobId)?.id;
  if (id === undefined) return undefined;
  db.query(
    `UPDATE runs SET status = 'running', started_at = ?, seq = (SELECT max(seq) + 1 FROM runs) WHERE id = ?`,
  ).run(now, id);
  return readRun(db, id);
}

/** These three return the run as it is now; undefined when it is kept no longer. */
export function noteNode(db: Database, id: string, nodeId: string): Run | undefined {
  db.query("UPDATE runs SET node_id = ? WHERE id = ?").run(nodeId, id);
  return readRun(db, id);
}

export function noteTask(
  db: Database,
  id: string,
  { taskId, turnId }: { taskId: string; turnId: string },
): Run | undefined {
  db.query("UPDATE runs SET task_id = ?, turn_id = ? WHERE id = ?").run(taskId, turnId, id);
  return readRun(db, id);
}

export function endRun(db: Database, id: string, outcome: Outcome, now: number): Run | undefined {
  const { output = null, error = null } = outcome;
  const status: RunStatus = error === null ? "success" : "error";
  db.query("UPDATE runs SET status = ?, completed_at = ?, output = ?, error = ? WHERE id = ?").run(
    status,
    now,
    output,
    error,
    id,
  );
  return readRun(db, id);
}

/** The runs of a job that is gone: none waits any more. Returns those that did. */
export function orphanRuns(db: Database, jobId: string, reason: string, now: number): Run[] {
  const waiting = db
    .query<{ id: string }, [string, number, string]>(
      `UPDATE runs SET status = 'skipped', error = ?, completed_at = ? WHERE job_id = ? AND status = 'waiting'
       RETURNING id`,
    )
    .all(reason, now, jobId);
  db.query("UPDATE runs SET is_orphan = 1 WHERE job_id = ?").run(jobId);
  prune(db, "is_orphan", []);
  return waiting.flatMap(({ id }) => readRun(db, id) ?? []);
}

/** Of these the newest are kept, and those that have not ended. */
function prune(db: Database, which: string, values: string[]): void {
  const newest = `SELECT seq FROM runs WHERE ${which} ORDER BY seq DESC LIMIT 1 OFFSET ${RUNS_KEPT}`;
  db.query(
    `DELETE FROM runs WHERE ${which} AND seq <= (${newest}) AND status NOT IN ('waiting', 'running')`,
  ).run(...values, ...values);
}

/** A run is shown from when its node is on disk. */
function where({ jobId, status }: RunFilter, before?: number): { sql: string; values: (string | number)[] } {
  const conditions: [string, string | number | undefined][] = [
    ["job_id = ?", jobId],
    ["status = ?", status],
    ["seq < ?", before],
  ];
  const held = conditions.filter(([, value]) => value !== undefined);
  const sql = [...held.map(([condition]) => condition), "node_id IS NOT NULL"].join(" AND ");
  return { sql: `WHERE ${sql}`, values: held.flatMap(([, value]) => value ?? []) };
}

/** In the order of COLUMNS. */
function valuesOf(run: Run): (string | number | null)[] {
  const { id, jobId, jobName, jobType, status, trigger, startedAt, completedAt = null } = run;
  const { output = null, error = null, missedCount = null, taskId = null, turnId = null } = run;
  const { nodeId = null, parentId = null, causeId = null } = run;
  return [
    ...[id, jobId, jobName, jobType, status, trigger, startedAt, completedAt],
    ...[output, error, missedCount, taskId, turnId, nodeId, parentId, causeId],
  ];
}

function runOf(row: RunRow): Run {
  return {
    id: row.id,
    jobId: row.job_id,
    jobName: row.job_name,
    jobType: row.job_type,
    status: row.status,
    trigger: row.trigger,
    startedAt: row.started_at,
    completedAt: row.completed_at ?? undefined,
    output: row.output ?? undefined,
    error: row.error ?? undefined,
    missedCount: row.missed_count ?? undefined,
    taskId: row.task_id ?? undefined,
    turnId: row.turn_id ?? undefined,
    nodeId: row.node_id ?? undefined,
    parentId: row.parent_id ?? undefined,
    causeId: row.cause_id ?? undefined,
  };
}
