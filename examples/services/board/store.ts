// The board: each write is one transaction that checks, changes, and gives a lease or ends one. Others are told of it
// after the commit, and before whoever asked is answered.
import type { Database } from "bun:sqlite";
import { actorOf, asUlid, type Browse, browse, type Ordered, type TextPage, ulid } from "#core/http.js";
import { openStorage, type Storage } from "#core/storage.js";
import type { ServiceContext } from "#core/types.js";
import {
  changeTask,
  checkLease,
  checkState,
  type Done,
  type Guard,
  known,
  type Shown,
  showTask,
  taskInLists,
} from "./change.js";
import { leaseLost } from "./claims.js";
import { type Decide, expired } from "./edits.js";
import { type Expiry, watchExpiry } from "./expiry.js";
import {
  dueLeases,
  extendLeases,
  type LeaseRow,
  leaseOf,
  nextExpiry,
  readLease,
  renewLease,
} from "./leases.js";
import { type Filters, listing, notesOf, REVIEW_QUEUE, readStats, type Stats } from "./lists.js";
import { EMBEDDED, MIGRATIONS, readNewestId, readTask, type TaskRow, taskText } from "./rows.js";
import type { Lease, NewTask } from "./task.js";
import { tellCreated, tellDeleted, tellExpired, tellUpdated } from "./told.js";
import { insertTask, type Making, removeTask } from "./writes.js";

const LEASE_GRACE_MS = 30_000;
/** Ended in one commit. */
const EXPIRED_AT_ONCE = 100;

/** Ids may be in either case; an unknown one is `not_found`. What a write promises is on disk when it resolves. */
export interface Board {
  create(input: NewTask): Promise<Shown>;
  change(id: string, guard: Guard, decide: Decide): Promise<Done>;
  renew(id: string, guard: Guard, lengthMs?: number): Promise<Lease>;
  remove(id: string, guard: Guard): Promise<void>;
  read(id: string): Promise<Shown>;
  list(page: Browse<Filters>): Promise<TextPage>;
  reviewQueue(page: Browse<unknown>): Promise<TextPage>;
  notes(id: string, page: Browse<unknown>): Promise<TextPage>;
  stats(): Promise<Stats>;
}

export interface BoardOptions {
  now?: () => number;
  leaseGraceMs?: number;
}

/** Call it in `init`. */
export async function openBoard(ctx: ServiceContext, options: BoardOptions = {}): Promise<Board> {
  const { now = Date.now, leaseGraceMs = LEASE_GRACE_MS } = options;
  const storage = openStorage(ctx, { migrations: MIGRATIONS });
  await storage.write((db) => extendLeases(db, { graceMs: leaseGraceMs, nowMs: now() }));
  // One time for all that a write makes.
  let nowMs = now();
  const nextId = ulid({ after: readNewestId(storage.read), now: () => nowMs });
  const making = (): Making => {
    nowMs = now();
    return { nextId, nowMs };
  };
  const expiry = watchExpiry(ctx, {
    now,
    due: () => dueLeases(storage.read, now(), EXPIRED_AT_ONCE),
    next: () => nextExpiry(storage.read),
    end: (lease, lastNode) => endLeaseOf(parts, lease, lastNode),
  });
  const parts: Parts = { ctx, storage, expiry, making };
  expiry.arm();
  return { ...readsOf(parts), ...writesOf(parts) };
}

interface Parts {
  ctx: ServiceContext;
  storage: Storage;
  expiry: Expiry;
  making(): Making;
}

type Reads = Pick<Board, "read" | "list" | "reviewQueue" | "notes" | "stats">;

function readsOf({ storage: { read: db }, expiry }: Parts): Reads {
  const taskList = async <F>(list: Ordered, page: Browse<F>) => {
    await expiry.check();
    return browse<TaskRow>(db, list, { page, toText: taskText });
  };
  return {
    async read(id) {
      await expiry.check();
      return showTask(db, idIn(id));
    },
    list: (page) => taskList(listing(page.filters), page),
    reviewQueue: (page) => taskList(REVIEW_QUEUE, page),
    async notes(id, page) {
      await expiry.check();
      const task = known(db, idIn(id));
      return browse<{ n: number; json: string }>(db, notesOf(task.id), { page, toText: ({ json }) => json });
    },
    async stats() {
      await expiry.check();
      return readStats(db);
    },
  };
}

function writesOf({ ctx, storage, expiry, making }: Parts): Omit<Board, keyof Reads> {
  async function write<T>(fn: (db: Database, making: Making) => T): Promise<T> {
    await expiry.check();
    const result = await storage.write((db) => fn(db, making()));
    expiry.arm();
    return result;
  }
  return {
    async create(input) {
      const causeId = ctx.cause();
      const { task, shown } = await write((db, now) => {
        const id = insertTask(db, { ...input, causeId }, now);
        return { task: taskInLists(db, id), shown: showTask(db, id) };
      });
      tellCreated(ctx, task);
      return shown;
    },
    async change(id, guard, decide) {
      const done = await write((db, making) => changeTask(db, idIn(id), { guard, decide, making }));
      tellOf(ctx, done, done.by ?? actorOf(ctx.caller()) ?? done.task.assignee);
      return done;
    },
    renew: (id, guard, lengthMs) =>
      write((db, { nowMs }) => {
        const task = known(db, idIn(id));
        checkLease(db, task, { ...guard, isForHolder: true }, nowMs);
        checkState(db, task, guard);
        return leaseOf(renewLease(db, liveLease(db, task), { lengthMs, nowMs }));
      }),
    async remove(id, guard) {
      const removed = await write((db, { nowMs }) => {
        const task = known(db, idIn(id));
        checkLease(db, task, guard, nowMs);
        checkState(db, task, guard);
        removeTask(db, task);
        return task;
      });
      tellDeleted(ctx, removed);
    },
  };
}

/** Ends a lease that is over, unless it was renewed or ended meanwhile. */
async function endLeaseOf(
  { ctx, storage, making }: Parts,
  lease: LeaseRow,
  lastNode: string | undefined,
): Promise<void> {
  const done = await storage.write((db) => {
    const now = making();
    const live = readTask(db, lease.taskId, EMBEDDED.none);
    if (live?.leaseToken !== lease.token || (live.leaseExpiresAt ?? 0) > now.nowMs) return undefined;
    return changeTask(db, lease.taskId, { guard: NO_GUARD, decide: expired(lease, lastNode), making: now });
  });
  if (!done) return;
  tellOf(ctx, done, done.by);
  const { task, changes } = done;
  tellExpired(ctx, { task, agent: lease.agent, isOpenAgain: changes.status === "open" });
}

/** The board's own writes. */
const NO_GUARD: Guard = { tokens: [], isOwn: false, holder: null, isMeant: () => true };

function tellOf(ctx: ServiceContext, { task, changes, from }: Done, by: string | undefined): void {
  if (Object.keys(changes).length > 0) tellUpdated(ctx, { task, changes, from, by });
}

function liveLease(db: Database, { leaseToken }: TaskRow): LeaseRow {
  const lease = leaseToken === null ? undefined : readLease(db, leaseToken);
  if (lease) return lease;
  throw leaseLost();
}

/** A text that is no id is the id of no task. */
function idIn(text: string): string {
  return asUlid(text) ?? text;
}
