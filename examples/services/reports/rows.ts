// The rows of reports: SQL and what it stands for.
import type { Database } from "bun:sqlite";
import { isoTime, type Ordered, timeOf } from "#core/http.js";
import type { Report, ReportHead } from "./report.js";

/**
 * A link is found by the hash of its id, so that how long a search takes says nothing of the ids that there are. The views
 * of a `dead_link` are still to be removed.
 */
export const MIGRATIONS = [
  `CREATE TABLE reports (
     id TEXT NOT NULL UNIQUE,
     title TEXT NOT NULL,
     author TEXT NOT NULL,
     tags TEXT NOT NULL,
     updated_at TEXT NOT NULL,
     content TEXT NOT NULL
   ) STRICT;
   CREATE INDEX reports_by_author ON reports (author, id);
   CREATE TABLE report_tags (
     tag TEXT NOT NULL,
     id TEXT NOT NULL,
     PRIMARY KEY (tag, id)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE links (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     hash TEXT NOT NULL UNIQUE,
     link_id TEXT NOT NULL,
     report_id TEXT NOT NULL,
     created_ms INTEGER NOT NULL,
     created_by TEXT NOT NULL,
     expires_ms INTEGER,
     label TEXT,
     revoked INTEGER NOT NULL DEFAULT 0,
     views INTEGER NOT NULL DEFAULT 0
   ) STRICT;
   CREATE INDEX links_by_report ON links (report_id, number);
   CREATE TABLE views (
     id TEXT NOT NULL UNIQUE,
     link INTEGER NOT NULL,
     ip TEXT,
     user_agent TEXT,
     referrer TEXT
   ) STRICT;
   CREATE INDEX views_by_link ON views (link, id);
   CREATE TABLE dead_links (number INTEGER PRIMARY KEY) STRICT;
   CREATE TABLE state (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     newest TEXT NOT NULL
   ) STRICT;
   INSERT INTO state VALUES (1, '');`,
];

export interface Filter {
  author?: string | undefined;
  tag?: string | undefined;
}

/** Newest first. With a tag, the list is read from that tag's reports. */
export function listing({ author, tag }: Filter): Ordered {
  return {
    columns: "id, title, author, tags, updated_at",
    from: tag === undefined ? "reports" : "report_tags JOIN reports USING (id)",
    where: [["id > ''"], ["author = ?", author], ["tag = ?", tag]],
    order: ["id"],
    isDescending: true,
  };
}

export interface HeadRow {
  id: string;
  title: string;
  author: string;
  /** JSON. */
  tags: string;
  updated_at: string;
}

export function headOf({ id, title, author, tags, updated_at }: HeadRow): ReportHead {
  return { id, title, author, tags: JSON.parse(tags), createdAt: isoTime(timeOf(id)), updatedAt: updated_at };
}

export function readReport(db: Database, id: string): Report | undefined {
  const sql = "SELECT id, title, author, tags, updated_at, content FROM reports WHERE id = ?";
  const row = db.query<HeadRow & { content: string }, [string]>(sql).get(id);
  if (!row) return undefined;
  const { title, author, tags, createdAt, updatedAt } = headOf(row);
  return { id, title, author, content: row.content, tags, createdAt, updatedAt };
}

export function insertReport(db: Database, { id, title, author, tags, updatedAt, content }: Report): void {
  const json = JSON.stringify(tags);
  db.query("INSERT INTO reports VALUES (?, ?, ?, ?, ?, ?)").run(id, title, author, json, updatedAt, content);
  rememberId(db, id);
  insertTags(db, id, tags);
}

export function updateReport(
  db: Database,
  before: Report,
  { id, title, tags, updatedAt, content }: Report,
): void {
  const sql = "UPDATE reports SET title = ?, tags = ?, updated_at = ?, content = ? WHERE id = ?";
  db.query(sql).run(title, JSON.stringify(tags), updatedAt, content, id);
  removeTags(db, before);
  insertTags(db, id, tags);
}

export function deleteReport(db: Database, report: Report): void {
  db.query("DELETE FROM reports WHERE id = ?").run(report.id);
  removeTags(db, report);
}

/** The newest id that ever was, of what is gone too. */
export function newestId(db: Database): string {
  return db.query<{ newest: string }, []>("SELECT newest FROM state WHERE one = 1").get()?.newest ?? "";
}

export function rememberId(db: Database, id: string): void {
  db.query("UPDATE state SET newest = ? WHERE one = 1").run(id);
}

function insertTags(db: Database, id: string, tags: readonly string[]): void {
  for (const tag of new Set(tags)) db.query("INSERT INTO report_tags VALUES (?, ?)").run(tag, id);
}

function removeTags(db: Database, { id, tags }: Report): void {
  for (const tag of new Set(tags)) db.query("DELETE FROM report_tags WHERE tag = ? AND id = ?").run(tag, id);
}
