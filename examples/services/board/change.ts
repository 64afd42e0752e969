// One write on one task, from the look at its state to the task as it is afterwards, within the caller's transaction.
import type { Database } from "bun:sqlite";
import { ReefError } from "#core/errors.js";
import { etagOf, isoTime } from "#core/http.js";
import { isTakenAway, leaseLost } from "./claims.js";
import type { Decide, Decision } from "./edits.js";
import { endLease, giveLease, type LeaseRow, tokenGiven } from "./leases.js";
import { EMBEDDED, readTask, type TaskRow, taskText } from "./rows.js";
import type { Status, Task } from "./task.js";
import { applyEdit, type Changed, checkEdit, type Making } from "./writes.js";

/** On what state of a task a write is based, and for whom it is done. */
export interface Guard {
  /** Each of them has to be the live one. */
  tokens: readonly number[];
  /** Adds the newest token that `holder` was given, if there is one. */
  isOwn: boolean;
  holder: string | null;
  /** Only for who has the lease. */
  isForHolder?: boolean;
  /** False for a state that the caller did not mean. */
  isMeant(state: { etag: string; updatedAt: number }): boolean;
}

/** A task, or what belongs to it, as an answer shows it. */
export interface Shown {
  json: string;
  etag: string;
}

export interface Done {
  /** As lists have it. */
  task: Task;
  changes: Changed;
  from: Status;
  by: string | undefined;
  shown: Shown;
  /** The one that was given. */
  lease: LeaseRow | undefined;
}

export function changeTask(
  db: Database,
  id: string,
  { guard, decide, making }: { guard: Guard; decide: Decide; making: Making },
): Done {
  const before = known(db, id);
  const isHolder = checkLease(db, before, guard, making.nowMs);
  const decision = decide(before);
  checkEdit(db, before, decision);
  checkState(db, before, guard);
  const changes = applyEdit(db, before, decision, making);
  const lease = moveLease(db, before, { decision, changes, isHolder, nowMs: making.nowMs });
  const [task, shown] = [taskInLists(db, id), showTask(db, id)];
  return { task, changes, from: before.status, by: decision.by, shown, lease };
}

/** Throws `not_found`. */
export function known(db: Database, id: string): TaskRow {
  const task = readTask(db, id, EMBEDDED.none);
  if (task) return task;
  throw notFound();
}

/** Throws `lease lost`. True when the write is by who has the lease. */
export function checkLease(db: Database, task: TaskRow, guard: Guard, nowMs: number): boolean {
  const { tokens, isOwn, holder, isForHolder = false } = guard;
  const own = isOwn && holder !== null ? tokenGiven(db, task.id, holder, nowMs) : undefined;
  const carried = own === undefined ? tokens : [...tokens, own];
  const isLost = carried.some((token) => token !== task.leaseToken);
  if (isLost || (isForHolder && carried.length === 0)) throw leaseLost();
  return carried.length > 0;
}

/** Throws `task changed since it was read`, with the task as it is. */
export function checkState(db: Database, { id, updatedAt }: TaskRow, { isMeant }: Guard): void {
  if (isMeant({ etag: etagFor(updatedAt), updatedAt })) return;
  const task = JSON.parse(showTask(db, id).json);
  throw new ReefError("precondition_failed", "task changed since it was read", { task });
}

function etagFor(updatedAt: number): string {
  return etagOf(isoTime(updatedAt));
}

export function showTask(db: Database, id: string): Shown {
  const row = readTask(db, id, EMBEDDED.alone);
  if (row) return { json: taskText(row), etag: etagFor(row.updatedAt) };
  throw notFound();
}

function notFound(): ReefError {
  return new ReefError("not_found", "task not found");
}

interface LeaseMove {
  decision: Decision;
  changes: Changed;
  isHolder: boolean;
  nowMs: number;
}

function moveLease(db: Database, before: TaskRow, move: LeaseMove): LeaseRow | undefined {
  const { id, leaseToken } = before;
  const { decision, changes, isHolder, nowMs } = move;
  const { lease } = decision;
  const isOver = lease !== undefined || (!isHolder && isTakenAway(before, changes));
  if (leaseToken !== null && isOver) endLease(db, id, leaseToken, { isGivenBack: isHolder });
  return lease === undefined || lease === "end" ? undefined : giveLease(db, id, lease, nowMs);
}

export function taskInLists(db: Database, id: string): Task {
  const row = readTask(db, id, EMBEDDED.inLists);
  if (row) return JSON.parse(taskText(row));
  throw notFound();
}
