// The share links of reports: made, revoked, opened by visitors, and each view noted.
import { ReefError } from "#core/errors.js";
import { type Browse, browse, plainLine, refused, type TextPage } from "#core/http.js";
import type { ServiceContext } from "#core/types.js";
import {
  isLive,
  type Link,
  type LinkRow,
  linkOf,
  newLinkId,
  type ViewRow,
  type Visitor,
  viewOf,
  viewRow,
} from "./link.js";
import {
  countLinks,
  findLink,
  insertLink,
  insertView,
  linksOf,
  removeDeadViews,
  revokeLink,
  viewListing,
} from "./link-rows.js";
import type { Report } from "./report.js";
import { readReport } from "./rows.js";
import { findReport, type Keeper } from "./store.js";

/** Of one report, those that are revoked too. */
const LINKS_MAX = 1_000;
/** Of one link. */
const VIEWS_MAX = 10_000;
/** Removed in one transaction. */
const SWEEP_ROWS = 1_000;

export interface NewShare {
  createdBy: string;
  /** Epoch milliseconds; may be past. */
  expiresMs?: number | undefined;
  label?: string | undefined;
}

export interface Shares {
  /** Resolves to the link's id. Rejects `not_found`, and `conflict` when the report has too many. */
  share(reportId: string, share: NewShare): Promise<string>;
  /** Newest first. Throws `not_found` for the report. */
  list(reportId: string): Link[];
  /** Rejects `not_found`, and `bad_request` for one that is revoked. */
  revoke(linkId: string): Promise<void>;
  /** Newest first. Throws `not_found` for the link. */
  views(linkId: string, page: Browse<unknown>): TextPage;
  /** The report behind a link; undefined for one that leads nowhere, whyever. */
  open(linkId: string): Report | undefined;
  /** False when the link leads nowhere any more. */
  noteView(linkId: string, visitor: Visitor): Promise<boolean>;
  /** Begins to remove the views of links that are gone, some at a time. */
  sweep(): void;
}

export interface SharesOptions {
  linksMax?: number;
  viewsMax?: number;
}

export function createShares(
  { events, log, signal }: Pick<ServiceContext, "events" | "log" | "signal">,
  { storage, nextId, now }: Keeper,
  { linksMax = LINKS_MAX, viewsMax = VIEWS_MAX }: SharesOptions = {},
): Shares {
  const { read } = storage;
  const liveLink = (db: typeof read, linkId: string): LinkRow | undefined => {
    const link = findLink(db, linkId);
    return link && isLive(link, now()) ? link : undefined;
  };

  async function removeAll(): Promise<void> {
    let isMore = true;
    while (isMore && !signal.aborted) isMore = await storage.write((db) => removeDeadViews(db, SWEEP_ROWS));
  }

  return {
    async share(reportId, { createdBy, expiresMs = null, label = null }) {
      const linkId = newLinkId();
      const report = await storage.write((db) => {
        const report = findReport(db, reportId);
        if (countLinks(db, report.id) >= linksMax) throw tooMany();
        const names = { link_id: linkId, report_id: report.id, created_by: createdBy, label };
        insertLink(db, { ...names, created_ms: now(), expires_ms: expiresMs });
        return report;
      });
      events.fire("reports:shared", { reportId: report.id, createdBy, label });
      const by = label === null ? createdBy : `${createdBy}, ${label}`;
      events.fire("reef:event", treeEvent("reports_shared", report, by));
      return linkId;
    },
    list: (reportId) => linksOf(read, findReport(read, reportId).id).map(linkOf),
    async revoke(linkId) {
      const report = await storage.write((db) => {
        const link = knownLink(findLink(db, linkId));
        if (link.revoked) throw refused("link already revoked");
        revokeLink(db, link);
        return findReport(db, link.report_id);
      });
      events.fire("reports:revoked", { reportId: report.id });
      events.fire("reef:event", treeEvent("reports_revoked", report));
    },
    views(linkId, page) {
      const link = knownLink(findLink(read, linkId));
      const toText = (row: ViewRow) => JSON.stringify(viewOf(link, row));
      return browse<ViewRow>(read, viewListing(link), { page, toText });
    },
    open(linkId) {
      const link = liveLink(read, linkId);
      return link && readReport(read, link.report_id);
    },
    noteView: (linkId, visitor) =>
      storage.write((db) => {
        const link = liveLink(db, linkId);
        if (link) insertView(db, link, viewRow(nextId(), visitor), viewsMax);
        return link !== undefined;
      }),
    sweep() {
      removeAll().catch((error) => log.warn("views of deleted links are left:", error));
    },
  };
}

/** Throws `not_found` for none. */
function knownLink(link: LinkRow | undefined): LinkRow {
  if (link) return link;
  throw new ReefError("not_found", "share link not found");
}

function tooMany(): ReefError {
  return new ReefError("conflict", "report has too many share links");
}

/** It never says which link, for whoever knows that can read the report. */
function treeEvent(type: string, { id, title }: Report, by?: string): Record<string, unknown> {
  const content = plainLine(by === undefined ? title : `${title} (${by})`);
  return { type, source: "reports", content, reportId: id };
}
