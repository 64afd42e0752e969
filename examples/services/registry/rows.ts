// The rows of the registry: SQL and what it stands for.
import type { Database } from "bun:sqlite";
import { type Condition, isoTime, type Ordered, readRows } from "#core/http.js";
import type { Change, Registration, Role, Status, Vm } from "./vm.js";

export const MIGRATIONS = [
  `CREATE TABLE vms (
     place INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     name TEXT NOT NULL,
     role TEXT NOT NULL,
     status TEXT NOT NULL,
     address TEXT NOT NULL,
     services TEXT,
     metadata TEXT,
     registered_by TEXT NOT NULL,
     registered_at INTEGER NOT NULL,
     last_seen INTEGER NOT NULL,
     status_reason TEXT,
     is_stale INTEGER NOT NULL DEFAULT 0
   ) STRICT;
   CREATE INDEX vms_in_order ON vms (registered_at, place);
   CREATE INDEX vms_by_role ON vms (role, registered_at, place);
   CREATE INDEX vms_by_status ON vms (status, registered_at, place);
   CREATE INDEX vms_by_presence ON vms (status, is_stale, registered_at, place);
   CREATE INDEX vms_by_role_and_presence ON vms (role, status, is_stale, registered_at, place);
   CREATE INDEX vms_by_silence ON vms (is_stale, last_seen);
   CREATE INDEX vms_by_status_and_silence ON vms (status, is_stale, last_seen);`,
];

/** `is_stale` is set once the silence was told; what is silent since then is known by `last_seen` alone. */
export interface VmRow {
  place: number;
  id: string;
  name: string;
  role: Role;
  status: Status;
  address: string;
  services: string | null;
  metadata: string | null;
  registered_by: string;
  registered_at: number;
  last_seen: number;
  status_reason: string | null;
  is_stale: number;
}

export interface Filter {
  role?: string | undefined;
  status?: string | undefined;
}

export interface Stats {
  total: number;
  running: number;
  paused: number;
  stopped: number;
  stale: number;
}

/** `silentBefore`: epoch milliseconds; whoever was last seen before is stale. */
export function vmOf(row: VmRow, silentBefore: number): Vm {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    status: row.status,
    address: row.address,
    ...(row.services !== null && { services: JSON.parse(row.services) }),
    ...(row.metadata !== null && { metadata: JSON.parse(row.metadata) }),
    registeredBy: row.registered_by,
    registeredAt: isoTime(row.registered_at),
    lastSeen: isoTime(row.last_seen),
    stale: row.is_stale === 1 || row.last_seen < silentBefore,
    ...(row.status_reason !== null && { statusReason: row.status_reason }),
  };
}

export function readRow(db: Database, id: string): VmRow | undefined {
  return db.query<VmRow, [string]>("SELECT * FROM vms WHERE id = ?").get(id) ?? undefined;
}

/** Newest registration first. `status=running` leaves out who is stale. */
export function listing({ role, status }: Filter, silentBefore: number): Ordered {
  const present = status === "running" ? presence(silentBefore) : [];
  return {
    columns: "*",
    from: "vms",
    where: [["role = ?", role], ["status = ?", status], ...present, ["registered_at >= 0"]],
    order: ["registered_at", "place"],
    isDescending: true,
  };
}

/** Who runs and is there, oldest registration first. */
export function readPresent(
  db: Database,
  { role, silentBefore, limit }: { role: string; silentBefore: number; limit: number },
): Vm[] {
  const list = { ...listing({ role, status: "running" }, silentBefore), isDescending: false };
  const toText = (row: VmRow) => JSON.stringify(vmOf(row, silentBefore));
  return readRows<VmRow>(db, list, { limit, toText }).rows.map((row) => vmOf(row, silentBefore));
}

/** The plus keeps SQLite from an index that has not the order of the list. */
function presence(silentBefore: number): Condition[] {
  return [["is_stale = 0"], ["+last_seen >= ?", silentBefore]];
}

/** Takes every field from `input`; what was registered under that id keeps its time of registration. */
export function putRow(db: Database, input: Registration, at: number): VmRow {
  const { id, name, role, status, address, registeredBy, services, metadata } = input;
  const sql = `INSERT INTO vms (id, name, role, status, address, services, metadata, registered_by, registered_at, last_seen)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
               ON CONFLICT (id) DO UPDATE SET name = excluded.name, role = excluded.role, status = excluded.status,
                 address = excluded.address, services = excluded.services, metadata = excluded.metadata,
                 registered_by = excluded.registered_by, last_seen = excluded.last_seen, status_reason = NULL, is_stale = 0
               RETURNING *`;
  return one(
    db
      .query<VmRow, (string | number | null)[]>(sql)
      .get(id, name, role, status, address, json(services), json(metadata), registeredBy, at, at),
  );
}

/** A status that is said anew takes its earlier reason away. */
export function changeRow(db: Database, row: VmRow, change: Change, at: number): VmRow {
  const { name, status, address, services, metadata, statusReason } = change;
  const sql = `UPDATE vms SET name = ?, status = ?, address = ?, services = ?, metadata = ?, status_reason = ?,
               last_seen = ?, is_stale = 0 WHERE place = ? RETURNING *`;
  return one(
    db
      .query<VmRow, (string | number | null)[]>(sql)
      .get(
        name ?? row.name,
        status ?? row.status,
        address ?? row.address,
        json(services) ?? row.services,
        json(metadata) ?? row.metadata,
        statusReason ?? (status === undefined ? row.status_reason : null),
        at,
        row.place,
      ),
  );
}

export function removeRow(db: Database, id: string): VmRow | undefined {
  return db.query<VmRow, [string]>("DELETE FROM vms WHERE id = ? RETURNING *").get(id) ?? undefined;
}

/** Marks those that have become stale and were not told yet, so many at most. */
export function markStale(db: Database, silentBefore: number, limit: number): VmRow[] {
  const sql = `UPDATE vms SET is_stale = 1 WHERE place IN
                 (SELECT place FROM vms WHERE is_stale = 0 AND last_seen < ? ORDER BY last_seen LIMIT ?)
               RETURNING *`;
  return db.query<VmRow, [number, number]>(sql).all(silentBefore, limit);
}

/** Removes those that were last seen before, so many at most. */
export function removeSilent(db: Database, lastSeenBefore: number, limit: number): VmRow[] {
  const sql = `DELETE FROM vms WHERE place IN
                 (SELECT place FROM vms WHERE is_stale = 1 AND last_seen < ? ORDER BY last_seen LIMIT ?)
               RETURNING *`;
  return db.query<VmRow, [number, number]>(sql).all(lastSeenBefore, limit);
}

/** Who is stale is counted as that and as nothing else. */
export function readStats(db: Database, silentBefore: number): Stats {
  const present = (status: Status) =>
    `(SELECT count(*) FROM vms WHERE status = '${status}' AND is_stale = 0 AND last_seen >= ?1)`;
  const sql = `SELECT ${present("running")} AS running, ${present("paused")} AS paused, ${present("stopped")} AS stopped,
                 (SELECT count(*) FROM vms WHERE is_stale = 0 AND last_seen < ?1)
                 + (SELECT count(*) FROM vms WHERE is_stale = 1) AS stale`;
  const counts = one(db.query<Omit<Stats, "total">, [number]>(sql).get(silentBefore));
  const { running, paused, stopped, stale } = counts;
  return { total: running + paused + stopped + stale, running, paused, stopped, stale };
}

function json(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

function one<T>(row: T | null): T {
  if (row === null) throw new Error("A statement that always returns a row returned none.");
  return row;
}
