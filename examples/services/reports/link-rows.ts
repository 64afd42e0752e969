// The rows of share links and of their views: SQL and what it stands for.
import type { Database } from "bun:sqlite";
import type { Ordered } from "#core/http.js";
import type { LinkRow, ViewRow } from "./link.js";
import { rememberId } from "./rows.js";

const COLUMNS = "number, link_id, report_id, created_ms, created_by, expires_ms, label, revoked, views";

export type NewLink = Pick<
  LinkRow,
  "link_id" | "report_id" | "created_ms" | "created_by" | "expires_ms" | "label"
>;

export function findLink(db: Database, linkId: string): LinkRow | undefined {
  const sql = `SELECT ${COLUMNS} FROM links WHERE hash = ?`;
  return db.query<LinkRow, [string]>(sql).get(hashOf(linkId)) ?? undefined;
}

/** Newest first. */
export function linksOf(db: Database, reportId: string): LinkRow[] {
  const sql = `SELECT ${COLUMNS} FROM links WHERE report_id = ? ORDER BY number DESC`;
  return db.query<LinkRow, [string]>(sql).all(reportId);
}

export function countLinks(db: Database, reportId: string): number {
  const sql = "SELECT count(*) AS n FROM links WHERE report_id = ?";
  return db.query<{ n: number }, [string]>(sql).get(reportId)?.n ?? 0;
}

export function insertLink(db: Database, link: NewLink): void {
  const { link_id, report_id, created_ms, created_by, expires_ms, label } = link;
  db.query(
    "INSERT INTO links (hash, link_id, report_id, created_ms, created_by, expires_ms, label) VALUES (?, ?, ?, ?, ?, ?, ?)",
  ).run(hashOf(link_id), link_id, report_id, created_ms, created_by, expires_ms, label);
}

export function revokeLink(db: Database, { number }: LinkRow): void {
  db.query("UPDATE links SET revoked = 1 WHERE number = ?").run(number);
}

/** The views of the links are left for `removeDeadViews`. */
export function deleteLinks(db: Database, reportId: string): void {
  db.query("INSERT INTO dead_links SELECT number FROM links WHERE report_id = ? AND views > 0").run(reportId);
  db.query("DELETE FROM links WHERE report_id = ?").run(reportId);
}

/** Counts it, and keeps the newest `viewsMax` of the link. */
export function insertView(db: Database, link: LinkRow, view: ViewRow, viewsMax: number): void {
  const { id, ip, user_agent, referrer } = view;
  db.query("INSERT INTO views VALUES (?, ?, ?, ?, ?)").run(id, link.number, ip, user_agent, referrer);
  rememberId(db, id);
  db.query("UPDATE links SET views = views + 1 WHERE number = ?").run(link.number);
  if (link.views < viewsMax) return;
  const oldest = "SELECT id FROM views WHERE link = ? ORDER BY id LIMIT 1";
  db.query(`DELETE FROM views WHERE id = (${oldest})`).run(link.number);
}

/** Newest first. */
export function viewListing({ number }: LinkRow): Ordered {
  return {
    columns: "id, ip, user_agent, referrer",
    from: "views",
    where: [["link = ?", number]],
    order: ["id"],
    isDescending: true,
  };
}

/** Removes some views of links that are gone. False when there are no more. */
export function removeDeadViews(db: Database, count: number): boolean {
  const dead = db
    .query<{ number: number }, []>("SELECT number FROM dead_links WHERE number > 0 ORDER BY number LIMIT 1")
    .get();
  if (!dead) return false;
  const some = "SELECT id FROM views WHERE link = ? ORDER BY id LIMIT ?";
  const { changes } = db.query(`DELETE FROM views WHERE id IN (${some})`).run(dead.number, count);
  if (changes < count) db.query("DELETE FROM dead_links WHERE number = ?").run(dead.number);
  return true;
}

function hashOf(linkId: string): string {
  return new Bun.CryptoHasher("sha256").update(linkId).digest("base64url");
}
