// The rows of the store: SQL and what it stands for. Everything here runs on one open file at one time `now`; for a
// reader a row is gone from its expiry on.
import type { Database } from "bun:sqlite";
import { ReefError } from "#core/errors.js";
import type { Precondition } from "./conditions.js";

/** One key as lists show it; times are epoch milliseconds. */
export interface KeyInfo {
  key: string;
  createdAt: number;
  updatedAt: number;
  expiresAt?: number;
  version: number;
}

/** A key with its value, which stays the JSON text that was put. */
export interface Entry extends KeyInfo {
  json: string;
}

/** What `store:changed` carries. */
export interface Change {
  key: string;
  version: number;
  deleted?: true;
}

export interface Limits {
  keysMax: number;
  /** Keys and values together. */
  bytesMax: number;
}

export interface KeyQuery {
  prefix: string;
  /** The key after which the list goes on. */
  after?: string;
  limit: number;
}

interface KeyRow {
  key: Uint8Array;
  created_at: number;
  updated_at: number;
  expires_at: number | null;
  version: number;
}
type EntryRow = KeyRow & { bytes: number; value: string };
type Totals = Record<"version" | "keys" | "bytes", number>;

const INFO_COLUMNS = "key, created_at, updated_at, expires_at, version";

export function readEntry(db: Database, key: string, now: number): Entry | undefined {
  const row = db
    .query<EntryRow, [Uint8Array, number]>(
      `SELECT ${INFO_COLUMNS}, bytes, value FROM entries WHERE key = ? AND (expires_at IS NULL OR expires_at > ?)`,
    )
    .get(bytesOf(key), now);
  return row ? { ...infoOf(row), json: row.value } : undefined;
}

/** In byte order of the keys. */
export function readKeys(db: Database, { prefix, after, limit }: KeyQuery, now: number): KeyInfo[] {
  const start = bytesOf(prefix);
  return db
    .query<KeyRow, [Uint8Array, Uint8Array, Uint8Array, number, number]>(
      `SELECT ${INFO_COLUMNS} FROM entries
       WHERE key >= ? AND key < ? AND key > ? AND (expires_at IS NULL OR expires_at > ?)
       ORDER BY key LIMIT ?`,
    )
    .all(start, endOf(start), bytesOf(after ?? ""), now, limit)
    .map(infoOf);
}

export function writeEntry(
  db: Database,
  input: { key: string; json: string; expiresAt?: number; allows: Precondition; limits: Limits },
  now: number,
): Entry {
  const { key, json, expiresAt, allows, limits } = input;
  const old = anyRow(db, key);
  const live = old && isLive(old, now) ? old : undefined;
  check(allows, live);
  const bytes = Buffer.byteLength(json) + Buffer.byteLength(key);
  const version = advance(db, { keys: old ? 0 : 1, bytes: bytes - (old?.bytes ?? 0) }, limits);
  const createdAt = live?.created_at ?? now;
  db.query(
    `INSERT INTO entries (${INFO_COLUMNS}, bytes, value) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET created_at = excluded.created_at, updated_at = excluded.updated_at,
       expires_at = excluded.expires_at, version = excluded.version, bytes = excluded.bytes, value = excluded.value`,
  ).run(bytesOf(key), createdAt, now, expiresAt ?? null, version, bytes, json);
  return { key, json, createdAt, updatedAt: now, ...(expiresAt === undefined ? {} : { expiresAt }), version };
}

export function deleteEntry(db: Database, key: string, allows: Precondition, now: number): Change {
  const row = anyRow(db, key);
  if (!row || !isLive(row, now)) throw new ReefError("not_found", "not found");
  check(allows, row);
  return remove(db, row);
}

/** Deletes rows whose time is over, the earliest first. */
export function deleteExpired(db: Database, rowsMax: number, now: number): Change[] {
  return db
    .query<OldRow, [number, number]>(
      `SELECT ${OLD_COLUMNS} FROM entries WHERE expires_at <= ? ORDER BY expires_at LIMIT ?`,
    )
    .all(now, rowsMax)
    .map((row) => remove(db, row));
}

/** When the next row expires; undefined when none does. */
export function nextExpiry(db: Database): number | undefined {
  const sql = "SELECT min(expires_at) AS at FROM entries WHERE expires_at IS NOT NULL";
  return db.query<{ at: number | null }, []>(sql).get()?.at ?? undefined;
}

/** A row as a write finds it, expired or not. */
interface OldRow extends KeyRow {
  id: number;
  bytes: number;
}
const OLD_COLUMNS = `id, ${INFO_COLUMNS}, bytes`;

function anyRow(db: Database, key: string): OldRow | null {
  const sql = `SELECT ${OLD_COLUMNS} FROM entries WHERE key = ?`;
  return db.query<OldRow, [Uint8Array]>(sql).get(bytesOf(key));
}

function isLive({ expires_at }: KeyRow, now: number): boolean {
  return expires_at === null || expires_at > now;
}

function check(allows: Precondition, row: KeyRow | undefined): void {
  const version = row?.version ?? null;
  if (allows(version)) return;
  const found = version === null ? "there is no such key" : `the key is at version ${version}`;
  throw new ReefError("precondition_failed", `precondition failed: ${found}`, { version });
}

/** Counts a write. Its version is greater than every one before, of any key. */
function advance(db: Database, added: { keys: number; bytes: number }, limits?: Limits): number {
  const totals = db.query<Totals, []>("SELECT version, keys, bytes FROM totals").get();
  if (!totals) throw new ReefError("internal", "the store has lost its totals");
  const next = { keys: totals.keys + added.keys, bytes: totals.bytes + added.bytes };
  if (limits) checkRoom(next, added, limits);
  const version = totals.version + 1;
  db.query("UPDATE totals SET version = ?, keys = ?, bytes = ?").run(version, next.keys, next.bytes);
  return version;
}

function checkRoom(next: Omit<Totals, "version">, added: Omit<Totals, "version">, limits: Limits): void {
  if (added.keys > 0 && next.keys > limits.keysMax) {
    throw new ReefError("insufficient_storage", `the store is full: it holds at most ${limits.keysMax} keys`);
  }
  if (added.bytes > 0 && next.bytes > limits.bytesMax) {
    throw new ReefError(
      "insufficient_storage",
      `the store is full: it holds at most ${limits.bytesMax} bytes`,
    );
  }
}

function remove(db: Database, row: OldRow): Change {
  const version = advance(db, { keys: -1, bytes: -row.bytes });
  db.query("DELETE FROM entries WHERE id = ?").run(row.id);
  return { key: textOf(row.key), version, deleted: true };
}

function infoOf(row: KeyRow): KeyInfo {
  const { created_at, updated_at, expires_at, version } = row;
  const info: KeyInfo = { key: textOf(row.key), createdAt: created_at, updatedAt: updated_at, version };
  if (expires_at !== null) info.expiresAt = expires_at;
  return info;
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text);
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

/** What is greater than everything that begins with `prefix`: no byte of UTF-8 is 255. */
function endOf(prefix: Uint8Array): Uint8Array {
  return Buffer.concat([prefix, Buffer.of(0xff)]);
}
