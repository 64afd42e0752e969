// What a share link is, and what is known of each view of the page behind it.
import { isoTime, timeOf } from "#core/http.js";

/** What a log keeps of a header that a visitor sends. */
const NOTED_CHARS_MAX = 500;

export interface LinkRow {
  number: number;
  link_id: string;
  report_id: string;
  created_ms: number;
  created_by: string;
  expires_ms: number | null;
  label: string | null;
  revoked: number;
  views: number;
}

export interface Link {
  linkId: string;
  reportId: string;
  createdAt: string;
  createdBy: string;
  expiresAt: string | null;
  label: string | null;
  revoked: 0 | 1;
  accessCount: number;
}

/** Who looks. */
export interface Visitor {
  ip: string | undefined;
  userAgent: string | undefined;
  referrer: string | undefined;
}

export interface ViewRow {
  id: string;
  ip: string | null;
  user_agent: string | null;
  referrer: string | null;
}

export interface View {
  id: string;
  linkId: string;
  reportId: string;
  timestamp: string;
  ip: string | null;
  userAgent: string | null;
  referrer: string | null;
}

export function linkOf(row: LinkRow): Link {
  return {
    linkId: row.link_id,
    reportId: row.report_id,
    createdAt: isoTime(row.created_ms),
    createdBy: row.created_by,
    expiresAt: row.expires_ms === null ? null : isoTime(row.expires_ms),
    label: row.label,
    revoked: row.revoked === 0 ? 0 : 1,
    accessCount: row.views,
  };
}

export function viewOf({ link_id, report_id }: LinkRow, { id, ip, user_agent, referrer }: ViewRow): View {
  const timestamp = isoTime(timeOf(id));
  return { id, linkId: link_id, reportId: report_id, timestamp, ip, userAgent: user_agent, referrer };
}

export function viewRow(id: string, { ip, userAgent, referrer }: Visitor): ViewRow {
  return { id, ip: noted(ip), user_agent: noted(userAgent), referrer: noted(referrer) };
}

export function isLive({ revoked, expires_ms }: LinkRow, nowMs: number): boolean {
  return revoked === 0 && (expires_ms === null || expires_ms > nowMs);
}

/** 128 random bits. */
export function newLinkId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64url");
}

function noted(text: string | undefined): string | null {
  return text ? text.slice(0, NOTED_CHARS_MAX).toWellFormed() : null;
}
