// Leases: who holds a task until when, and by which token that is known. A token is larger than any that was given
// before; what ended stays for a while, so that whoever held it finds out.
import type { Database } from "bun:sqlite";
import { isoTime } from "#core/http.js";
import type { Lease } from "./task.js";

/** Of one task. */
const LEASES_KEPT_MAX = 100;
/** How long who lost a lease is refused when the board looks the token up. */
const LOST_KEPT_MS = 7 * 86_400_000;

export interface LeaseRow {
  token: number;
  taskId: string;
  agent: string;
  lengthMs: number;
  /** Epoch milliseconds. */
  expiresAt: number;
  /** The node on whose behalf it was claimed. */
  causeId: string | null;
}

export interface NewLease {
  agent: string;
  lengthMs: number;
  /** Whose token the board looks up for a caller who does not send it; null for a caller whom it does not know. */
  holder: string | null;
  causeId: string | null;
}

const COLUMNS = `token, task_id AS taskId, agent, length_ms AS lengthMs, expires_at AS expiresAt, cause_id AS causeId`;

/** The one that the task had before has to be ended. */
export function giveLease(db: Database, taskId: string, lease: NewLease, nowMs: number): LeaseRow {
  const { agent, lengthMs, holder, causeId } = lease;
  const expiresAt = nowMs + lengthMs;
  const insert = `INSERT INTO leases (task_id, agent, holder, length_ms, expires_at, cause_id) VALUES (?, ?, ?, ?, ?, ?)`;
  db.query(insert).run(taskId, agent, holder, lengthMs, expiresAt, causeId);
  const token = newestToken(db, taskId);
  db.query("UPDATE tasks SET lease_token = ? WHERE id = ?").run(token, taskId);
  db.query("DELETE FROM leases WHERE task_id = ? AND token < ? AND holder IS ?").run(taskId, token, holder);
  db.query(
    `DELETE FROM leases WHERE task_id = ?1 AND token < (
       SELECT min(token) FROM (SELECT token FROM leases WHERE task_id = ?1 ORDER BY token DESC LIMIT ${LEASES_KEPT_MAX})
     )`,
  ).run(taskId);
  return { token, taskId, agent, lengthMs, expiresAt, causeId };
}

function newestToken(db: Database, taskId: string): number {
  const sql = "SELECT max(token) AS token FROM leases WHERE task_id = ?";
  return db.query<{ token: number }, [string]>(sql).get(taskId)?.token ?? 0;
}

export function readLease(db: Database, token: number): LeaseRow | undefined {
  return (
    db.query<LeaseRow, [number]>(`SELECT ${COLUMNS} FROM leases WHERE token = ?`).get(token) ?? undefined
  );
}

/** The newest token that `holder` was given for the task; undefined when it was given none, or gave it back. */
export function tokenGiven(db: Database, taskId: string, holder: string, nowMs: number): number | undefined {
  const sql = `SELECT token FROM leases WHERE task_id = ? AND holder = ? AND expires_at > ? ORDER BY token DESC LIMIT 1`;
  const values: [string, string, number] = [taskId, holder, nowMs - LOST_KEPT_MS];
  return db.query<{ token: number }, [string, string, number]>(sql).get(...values)?.token;
}

/** From now on, for as long as before unless told otherwise. */
export function renewLease(
  db: Database,
  lease: LeaseRow,
  { lengthMs = lease.lengthMs, nowMs }: { lengthMs?: number | undefined; nowMs: number },
): LeaseRow {
  const expiresAt = nowMs + lengthMs;
  const sql = "UPDATE leases SET length_ms = ?, expires_at = ? WHERE token = ?";
  db.query(sql).run(lengthMs, expiresAt, lease.token);
  return { ...lease, lengthMs, expiresAt };
}

/** `isGivenBack`: by who held it, who is therefore not told later that it was lost. */
export function endLease(
  db: Database,
  taskId: string,
  token: number,
  { isGivenBack }: { isGivenBack: boolean },
): void {
  db.query("UPDATE tasks SET lease_token = NULL WHERE id = ?").run(taskId);
  if (isGivenBack) db.query("DELETE FROM leases WHERE token = ?").run(token);
  else db.query("UPDATE leases SET ended = 1 WHERE token = ?").run(token);
}

export function removeLeases(db: Database, taskId: string): void {
  db.query("DELETE FROM leases WHERE task_id = ?").run(taskId);
}

/** Nobody could renew a lease while the server was down: each has at least `graceMs` from now on. */
export function extendLeases(db: Database, { graceMs, nowMs }: { graceMs: number; nowMs: number }): void {
  const sql = "UPDATE leases SET expires_at = ?1 WHERE ended = 0 AND expires_at < ?1";
  db.query(sql).run(nowMs + graceMs);
}

/** The leases that are over, longest first. */
export function dueLeases(db: Database, nowMs: number, limit: number): LeaseRow[] {
  const sql = `SELECT ${COLUMNS} FROM leases WHERE ended = 0 AND expires_at <= ? ORDER BY expires_at LIMIT ?`;
  return db.query<LeaseRow, [number, number]>(sql).all(nowMs, limit);
}

/** When the next lease is over; undefined when nobody holds anything. */
export function nextExpiry(db: Database): number | undefined {
  const sql = "SELECT min(expires_at) AS ms FROM leases WHERE ended = 0";
  return db.query<{ ms: number | null }, []>(sql).get()?.ms ?? undefined;
}

export function leaseOf({ token, agent, lengthMs, expiresAt }: LeaseRow): Lease {
  return { token, agent, seconds: lengthMs / 1000, expiresAt: isoTime(expiresAt) };
}
