// The reports: kept and changed, and told of on the bus and to the tree after each commit.
import type { Database } from "bun:sqlite";
import { ReefError } from "#core/errors.js";
import {
  asUlid,
  type Browse,
  browse,
  countRows,
  isoTime,
  plainLine,
  type TextPage,
  timeOf,
} from "#core/http.js";
import type { Storage } from "#core/storage.js";
import type { ServiceContext } from "#core/types.js";
import { deleteLinks } from "./link-rows.js";
import type { Changes, Report, ReportInput } from "./report.js";
import {
  deleteReport,
  type Filter,
  type HeadRow,
  headOf,
  insertReport,
  listing,
  readReport,
  updateReport,
} from "./rows.js";

export interface Reports {
  /** Resolves when it is on disk, as all that writes. */
  create(input: ReportInput): Promise<Report>;
  /** Throws `not_found`. */
  read(id: string): Report;
  /** Without their content, newest first. */
  list(page: Browse<Filter>): TextPage;
  /** Rejects `precondition_failed`, with the report, unless `isBasedOn` its state. What changes nothing writes nothing. */
  change(id: string, wanted: Changes, isBasedOn: (report: Report) => boolean): Promise<Report>;
  /** Its links go in the same transaction. */
  remove(id: string): Promise<void>;
  count(): number;
}

/** What reports and their links share. */
export interface Keeper {
  storage: Storage;
  /** To be called within `storage.write`. */
  nextId(): string;
  now(): number;
}

export function createReports({ events }: Pick<ServiceContext, "events">, keeper: Keeper): Reports {
  const { storage, nextId, now } = keeper;
  return {
    async create(input) {
      const report = await storage.write((db) => {
        const report = reportOf(nextId(), input);
        insertReport(db, report);
        return report;
      });
      events.fire("reports:created", { report });
      events.fire("reef:event", treeEvent("reports_created", report));
      return report;
    },
    read: (id) => findReport(storage.read, id),
    list: (page) =>
      browse<HeadRow>(storage.read, listing(page.filters), {
        page,
        toText: (row) => JSON.stringify(headOf(row)),
      }),
    async change(id, wanted, isBasedOn) {
      const { report, changes } = await storage.write((db) => {
        const before = findReport(db, id);
        if (!isBasedOn(before)) throw hasChanged(before);
        const changes = differing(before, wanted);
        if (!changes) return { report: before, changes };
        const report = { ...before, ...changes, updatedAt: after(before.updatedAt, now()) };
        updateReport(db, before, report);
        return { report, changes };
      });
      if (!changes) return report;
      events.fire("reports:updated", { report, changes });
      events.fire("reef:event", treeEvent("reports_updated", report));
      return report;
    },
    async remove(id) {
      const report = await storage.write((db) => {
        const report = findReport(db, id);
        deleteReport(db, report);
        deleteLinks(db, report.id);
        return report;
      });
      events.fire("reports:deleted", { reportId: report.id });
      events.fire("reef:event", treeEvent("reports_deleted", report));
    },
    count: () => countRows(storage.read, { columns: "id", from: "reports", where: [["id > ''"]] }),
  };
}

/** Throws `not_found`. */
export function findReport(db: Database, id: string): Report {
  const key = asUlid(id);
  const report = key === undefined ? undefined : readReport(db, key);
  if (!report) throw new ReefError("not_found", "report not found");
  return report;
}

function reportOf(id: string, { title, author, content, tags }: ReportInput): Report {
  const createdAt = isoTime(timeOf(id));
  return { id, title, author, content, tags, createdAt, updatedAt: createdAt };
}

/** What is to be another than it is; undefined when that is nothing. */
function differing(report: Report, { title, content, tags }: Changes): Changes | undefined {
  const changes: Changes = {
    ...(title !== undefined && title !== report.title && { title }),
    ...(content !== undefined && content !== report.content && { content }),
    ...(tags && JSON.stringify(tags) !== JSON.stringify(report.tags) && { tags }),
  };
  return Object.keys(changes).length === 0 ? undefined : changes;
}

/** Now, and in any case later than before. */
function after(updatedAt: string, nowMs: number): string {
  return isoTime(Math.max(nowMs, Date.parse(updatedAt) + 1));
}

function hasChanged(report: Report): ReefError {
  return new ReefError("precondition_failed", "report changed since it was read", { report });
}

function treeEvent(type: string, { id, author, title }: Report): Record<string, unknown> {
  return { type, source: "reports", content: plainLine(`${author}: ${title}`), reportId: id };
}
