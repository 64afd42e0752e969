// The rows of skills and extensions, of their versions and of the changes: SQL and what it stands for.
import type { Database } from "bun:sqlite";
import type { LogRow } from "#core/http.js";
import type { ItemRow, ItemType } from "./item.js";

export const MIGRATIONS = [
  `CREATE TABLE items (
     type TEXT NOT NULL,
     name TEXT NOT NULL,
     id TEXT NOT NULL,
     version INTEGER NOT NULL,
     incarnation INTEGER NOT NULL,
     description TEXT NOT NULL,
     hash TEXT NOT NULL,
     publishedBy TEXT NOT NULL,
     publishedAt TEXT NOT NULL,
     updatedAt TEXT NOT NULL,
     tags TEXT NOT NULL,
     enabled INTEGER NOT NULL,
     content TEXT NOT NULL,
     PRIMARY KEY (type, name)
   ) STRICT;
   CREATE INDEX items_by_enabled ON items (type, enabled, name, version, hash);
   CREATE TABLE item_tags (
     ofType TEXT NOT NULL,
     tag TEXT NOT NULL,
     tagged TEXT NOT NULL,
     PRIMARY KEY (ofType, tag, tagged)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX item_tags_by_item ON item_tags (ofType, tagged);
   CREATE TABLE versions (
     type TEXT NOT NULL,
     name TEXT NOT NULL,
     incarnation INTEGER NOT NULL,
     version INTEGER NOT NULL,
     description TEXT NOT NULL,
     hash TEXT NOT NULL,
     publishedBy TEXT NOT NULL,
     publishedAt TEXT NOT NULL,
     tags TEXT NOT NULL,
     bytes INTEGER NOT NULL,
     content TEXT NOT NULL,
     PRIMARY KEY (type, name, incarnation, version)
   ) STRICT;
   CREATE TABLE changes (id TEXT NOT NULL UNIQUE, json TEXT NOT NULL) STRICT;
   CREATE TABLE agents (
     agentId TEXT PRIMARY KEY,
     vmId TEXT,
     skills TEXT NOT NULL,
     extensions TEXT NOT NULL,
     lastSync TEXT NOT NULL
   ) STRICT;
   CREATE INDEX agents_by_sync ON agents (lastSync, agentId);
   CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), removed TEXT NOT NULL) STRICT;
   INSERT INTO state VALUES (1, '');`,
];

/** The version of one item as its list shows it. */
export interface VersionRow {
  version: number;
  hash: string;
  publishedBy: string;
  publishedAt: string;
  bytes: number;
  incarnation: number;
}

/** What an agent is to have of an item. */
export interface EnabledRow {
  name: string;
  version: number;
  hash: string;
}

export interface ItemFilter {
  tag?: string | undefined;
  enabled?: boolean | undefined;
}

const COLUMNS =
  "type, name, id, version, incarnation, description, hash, publishedBy, publishedAt, updatedAt, tags, enabled, content";

/** What a list of items is made from; with a tag its rows come by the index of tags. */
export function itemListing(type: ItemType, { tag, enabled }: ItemFilter) {
  const isEnabled = enabled === undefined ? undefined : Number(enabled);
  if (tag === undefined)
    return {
      columns: COLUMNS,
      from: "items",
      where: [
        ["type = ?", type],
        ["enabled = ?", isEnabled],
      ] as const,
      order: ["name"],
    };
  return {
    columns: `tagged, ${COLUMNS}`,
    from: "item_tags CROSS JOIN items ON items.type = ofType AND items.name = tagged",
    where: [
      ["ofType = ?", type],
      ["tag = ?", tag],
      ["enabled = ?", isEnabled],
    ] as const,
    order: ["tagged"],
  };
}

export function readItem(db: Database, type: ItemType, name: string): ItemRow | undefined {
  const sql = `SELECT ${COLUMNS} FROM items WHERE type = ? AND name = ?`;
  return db.query<ItemRow, [string, string]>(sql).get(type, name) ?? undefined;
}

/** The item as it was in one version of its present incarnation. */
export function readItemAt(db: Database, type: ItemType, name: string, version: number): ItemRow | undefined {
  const item = readItem(db, type, name);
  if (!item || item.version === version) return item;
  const sql = `SELECT version, description, hash, publishedBy, publishedAt AS updatedAt, tags, content FROM versions
               WHERE type = ? AND name = ? AND incarnation = ? AND version = ?`;
  const old = db
    .query<Partial<ItemRow>, [string, string, number, number]>(sql)
    .get(type, name, item.incarnation, version);
  return old ? { ...item, ...old } : undefined;
}

/** Newest first. Without an incarnation, of all that the name ever had. */
export function readVersions(db: Database, type: ItemType, name: string, incarnation?: number): VersionRow[] {
  const only = incarnation === undefined ? "" : " AND incarnation = ?";
  const sql = `SELECT version, hash, publishedBy, publishedAt, bytes, incarnation FROM versions
               WHERE type = ? AND name = ?${only} ORDER BY incarnation DESC, version DESC`;
  const values = incarnation === undefined ? [type, name] : [type, name, incarnation];
  return db.query<VersionRow, (string | number)[]>(sql).all(...values);
}

/** Enabled items by name. */
export function readEnabled(db: Database, type: ItemType): EnabledRow[] {
  const sql = "SELECT name, version, hash FROM items WHERE type = ? AND enabled = 1 ORDER BY name";
  return db.query<EnabledRow, [string]>(sql).all(type);
}

export function countItems(db: Database): Record<"skills" | "extensions", number> {
  const sql = `SELECT (SELECT count(*) FROM items WHERE type = 'skill') AS skills,
                      (SELECT count(*) FROM items WHERE type = 'extension') AS extensions`;
  const row = db.query<{ skills: number; extensions: number }, []>(sql).get();
  return { skills: row?.skills ?? 0, extensions: row?.extensions ?? 0 };
}

export function writeItem(db: Database, row: ItemRow): void {
  const values = COLUMNS.split(", ").map((column) => `$${column}`);
  db.query(`INSERT OR REPLACE INTO items (${COLUMNS}) VALUES (${values.join(", ")})`).run({ ...row });
  removeTags(db, row);
  const insert = db.query("INSERT OR IGNORE INTO item_tags VALUES (?, ?, ?)");
  for (const tag of JSON.parse(row.tags)) insert.run(row.type, tag, row.name);
}

export function removeItem(db: Database, row: ItemRow): void {
  db.query("DELETE FROM items WHERE type = ? AND name = ?").run(row.type, row.name);
  removeTags(db, row);
}

function removeTags(db: Database, { type, name }: ItemRow): void {
  db.query("DELETE FROM item_tags WHERE ofType = ? AND tagged = ?").run(type, name);
}

/** Keeps the newest `versionsMax` of the name. */
export function writeVersion(db: Database, row: ItemRow, versionsMax: number): void {
  const { type, name, incarnation, version, description, hash, publishedBy, updatedAt, tags, content } = row;
  const sql = "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
  const bytes = Buffer.byteLength(content);
  const values = [type, name, incarnation, version, description, hash, publishedBy, updatedAt, tags];
  db.query(sql).run(...values, bytes, content);
  db.query(
    `DELETE FROM versions WHERE type = $type AND name = $name AND (incarnation, version) <= (
       SELECT incarnation, version FROM versions WHERE type = $type AND name = $name
       ORDER BY incarnation DESC, version DESC LIMIT 1 OFFSET $kept)`,
  ).run({ type, name, kept: versionsMax });
}

export function lastIncarnation(db: Database, type: ItemType, name: string): number {
  const sql = "SELECT max(incarnation) AS last FROM versions WHERE type = ? AND name = ?";
  return db.query<{ last: number | null }, [string, string]>(sql).get(type, name)?.last ?? 0;
}

/** Keeps the newest `changesMax`. */
export function insertChange(db: Database, { id, json }: LogRow, changesMax: number): void {
  db.query("INSERT INTO changes (id, json) VALUES (?, ?)").run(id, json);
  const sql = "SELECT id FROM changes WHERE id > '' ORDER BY id DESC LIMIT 1 OFFSET ?";
  const last = db.query<{ id: string }, [number]>(sql).get(changesMax);
  if (!last) return;
  db.query("DELETE FROM changes WHERE id <= ?").run(last.id);
  db.query("UPDATE state SET removed = ? WHERE one = 1").run(last.id);
}

/** The newest id that ever was, the newest that was removed, and the oldest that is kept. */
export function changeEnds(db: Database): { newest: string; removed: string; oldest: string | null } {
  const sql = `SELECT (SELECT max(id) FROM changes) AS newest, (SELECT min(id) FROM changes) AS oldest, removed
               FROM state WHERE one = 1`;
  const row = db.query<{ newest: string | null; oldest: string | null; removed: string }, []>(sql).get();
  const removed = row?.removed ?? "";
  return { newest: row?.newest ?? removed, removed, oldest: row?.oldest ?? null };
}
