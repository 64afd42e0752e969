// The rows of VM records: added, marked as destroyed, listed by their creation, and counted by different VMs.
import type { Database } from "bun:sqlite";
import { type Browse, browse, type Ordered, type TextPage } from "#core/http.js";
import { NOTHING } from "./amounts.js";
import { correct, type Part } from "./rollups.js";
import { destroyed, type VmInput, type VmRecord } from "./vm.js";

export interface VmFilter {
  role?: string | undefined;
  agent?: string | undefined;
}

interface VmRow {
  id: string;
  created_at: number;
  json: string;
}

export function insertVm(db: Database, record: VmRecord): void {
  const { id, vmId, role, agent } = record;
  const createdAt = Date.parse(record.createdAt);
  db.query(
    "INSERT INTO vms (id, vm_id, role, agent, created_at, is_destroyed, json) VALUES (?, ?, ?, ?, ?, ?, ?)",
  ).run(id, vmId, role, agent, createdAt, record.destroyedAt === undefined ? 0 : 1, JSON.stringify(record));
  countVm(db, vmId, createdAt);
}

/** Marks the newest record of a VM that is not marked yet. Undefined when there is none. */
export function destroyVm(db: Database, { vmId }: VmInput, atMs: number): VmRecord | undefined {
  const row = db
    .query<VmRow, [string]>(
      `SELECT id, created_at, json FROM vms WHERE vm_id = ? AND is_destroyed = 0
       ORDER BY created_at DESC, id DESC LIMIT 1`,
    )
    .get(vmId);
  if (!row) return undefined;
  const record = destroyed(JSON.parse(row.json), atMs);
  db.query("UPDATE vms SET is_destroyed = 1, json = ? WHERE id = ?").run(JSON.stringify(record), row.id);
  return record;
}

export function listVms(
  db: Database,
  { role, agent }: VmFilter,
  { page, fromMs }: { page: Browse<unknown>; fromMs: number | undefined },
): TextPage {
  const list: Ordered = {
    columns: "id, created_at, json",
    from: "vms",
    where: [
      ["role = ?", role],
      ["agent = ?", agent],
      ["created_at >= ?", fromMs ?? Number.MIN_SAFE_INTEGER],
    ],
    order: ["created_at", "id"],
    isDescending: true,
  };
  return browse<VmRow>(db, list, { page, toText: ({ json }) => json });
}

/** A VM counts once, in the hour in which it was last created. */
function countVm(db: Database, vmId: string, at: number): void {
  const sql = "SELECT created_at FROM vm_ids WHERE vm_id = ?";
  const before = db.query<{ created_at: number }, [string]>(sql).get(vmId)?.created_at;
  if (before !== undefined && before >= at) return;
  db.query(
    "INSERT INTO vm_ids (vm_id, created_at) VALUES (?, ?) ON CONFLICT DO UPDATE SET created_at = excluded.created_at",
  ).run(vmId, at);
  const part = (at: number): Part => ({ kind: "vm", name: "", at, ...NOTHING, sessions: 1 });
  correct(db, { gone: before === undefined ? [] : [part(before)], come: [part(at)] });
}
