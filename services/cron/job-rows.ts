// Jobs as rows: SQL and what it stands for.
import type { Database } from "bun:sqlite";
import { ReefError } from "#core/errors.js";
import type { Plan } from "./input.js";
import type { Job, JobType, Missed, Overlap } from "./job.js";

/** The list of jobs is one answer. */
const JOBS_MAX = 1000;
/** Of all configs together, as JSON. */
const CONFIG_CHARS_MAX = 64 * 1024 * 1024;

interface JobRow {
  id: string;
  name: string;
  schedule: string;
  timezone: string | null;
  type: JobType;
  config: string;
  enabled: number;
  timeout_seconds: number | null;
  overlap: Overlap;
  missed: Missed;
  created_by: string;
  identity: string;
  cause_id: string | null;
  created_at: number;
  updated_at: number;
  due_at: number | null;
}

/** What a job is beside its plan. */
export type Origin = Pick<Job, "id" | "createdBy" | "identity" | "causeId" | "createdAt" | "updatedAt">;

const COLUMNS = `id, created_by, identity, cause_id, created_at, updated_at, name, schedule, timezone, type, config,
  enabled, timeout_seconds, overlap, missed, due_at`;

/** In the order in which they were created. */
export function readJobs(db: Database): Job[] {
  return db.query<JobRow, []>(`SELECT ${COLUMNS} FROM jobs ORDER BY seq`).all().map(jobOf);
}

export function readJob(db: Database, id: string): Job | undefined {
  const row = db.query<JobRow, [string]>(`SELECT ${COLUMNS} FROM jobs WHERE id = ?`).get(id);
  return row ? jobOf(row) : undefined;
}

/** The jobs whose time has come, the earliest first. */
export function readDueJobs(db: Database, now: number): Job[] {
  const sql = `SELECT ${COLUMNS} FROM jobs WHERE due_at <= ? ORDER BY due_at`;
  return db.query<JobRow, [number]>(sql).all(now).map(jobOf);
}

/** When the next job fires; undefined when none does. */
export function nextDue(db: Database): number | undefined {
  const sql = "SELECT min(due_at) AS at FROM jobs WHERE due_at IS NOT NULL";
  return db.query<{ at: number | null }, []>(sql).get()?.at ?? undefined;
}

export function newestJobId(db: Database): string | undefined {
  return db.query<{ id: string | null }, []>("SELECT max(id) AS id FROM jobs").get()?.id ?? undefined;
}

export function insertJob(db: Database, origin: Origin, plan: Plan): Job {
  const values = valuesOf(origin, plan);
  db.query(`INSERT INTO jobs (${COLUMNS}) VALUES (${values.map(() => "?").join(", ")})`).run(...values);
  checkRoom(db);
  return knownJob(db, origin.id);
}

export function updateJob(db: Database, origin: Origin, plan: Plan): Job {
  const values = valuesOf(origin, plan);
  db.query(`UPDATE jobs SET (${COLUMNS}) = (${values.map(() => "?").join(", ")}) WHERE id = ?`).run(
    ...values,
    origin.id,
  );
  checkRoom(db);
  return knownJob(db, origin.id);
}

export function setDue(db: Database, id: string, dueAt: number | undefined): void {
  db.query("UPDATE jobs SET due_at = ? WHERE id = ?").run(dueAt ?? null, id);
}

export function removeJob(db: Database, id: string): void {
  db.query("DELETE FROM jobs WHERE id = ?").run(id);
}

/** Throws `not_found`. */
export function knownJob(db: Database, id: string): Job {
  const job = readJob(db, id);
  if (!job) throw new ReefError("not_found", "Job not found");
  return job;
}

/** Throws `insufficient_storage`, which takes the change back. */
function checkRoom(db: Database): void {
  const sql = "SELECT count(*) AS jobs, total(length(config)) AS chars FROM jobs";
  const { jobs = 0, chars = 0 } = db.query<{ jobs: number; chars: number }, []>(sql).get() ?? {};
  if (jobs > JOBS_MAX) throw full(`${JOBS_MAX} jobs`);
  if (chars > CONFIG_CHARS_MAX) throw full(`${CONFIG_CHARS_MAX} characters of configs`);
}

function full(what: string): ReefError {
  return new ReefError("insufficient_storage", `cron is full: it holds at most ${what}`);
}

/** In the order of COLUMNS. */
function valuesOf(origin: Origin, { work, settings }: Plan): (string | number | null)[] {
  const { id, createdBy, identity, causeId = null, createdAt, updatedAt } = origin;
  const { name, schedule, timezone = null, enabled, timeoutSeconds = null } = settings;
  const { overlap, missed, dueAt = null } = settings;
  return [
    ...[id, createdBy, JSON.stringify(identity), causeId, createdAt, updatedAt],
    ...[name, schedule, timezone, work.type, JSON.stringify(work.config)],
    ...[enabled ? 1 : 0, timeoutSeconds, overlap, missed, dueAt],
  ];
}

function jobOf(row: JobRow): Job {
  return {
    id: row.id,
    name: row.name,
    schedule: row.schedule,
    timezone: row.timezone ?? undefined,
    type: row.type,
    config: JSON.parse(row.config),
    enabled: row.enabled === 1,
    timeoutSeconds: row.timeout_seconds ?? undefined,
    overlap: row.overlap,
    missed: row.missed,
    createdBy: row.created_by,
    identity: JSON.parse(row.identity),
    causeId: row.cause_id ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    dueAt: row.due_at ?? undefined,
  };
}
