// Lists that one follows: the newest entries for a reader who comes by, and for one who comes again everything after
// what was seen, once and in order. Entries are ordered by ids that grow in the order of commits.
import type { Database } from "bun:sqlite";
import type { Context } from "hono";
import { refused } from "./fields.js";
import { anyText, asFlag, asPoint, limitIn, type Point, readQuery } from "./query.js";
import { type Condition, countRows, type Listing, readRows, type TextPage } from "./rows.js";
import { durationMs } from "./times.js";
import { asUlid, lastIdAt } from "./ulid.js";

const LIMIT = 1_000;
const LIMIT_MAX = 5_000;
const WINDOW_MS = 86_400_000;
/** Greater than every id. */
const NO_ID = "~";

/** A part of a followed list: the ids greater than `after` and less than `below`. */
export interface Range {
  after: string;
  below: string;
  /** Which `limit` of them: the newest, or the oldest. The page shows them oldest first either way. */
  end: "newest" | "oldest";
  limit: number;
  /** The bounds within which `total` counts, when it was asked for. */
  total?: { after: string; below: string };
}

export interface FollowOptions {
  /** Default 1,000 and 5,000. */
  limit?: number;
  limitMax?: number;
}

/**
 * Reads `since` (a ULID: after it; a time: strictly later), `cursor`, `before`, `limit` and `total`. With `since` or
 * `cursor` the page begins there and holds the oldest; else it holds the newest, before `before` where that is given.
 */
export function readFollow(c: Context, options: FollowOptions = {}): Range {
  const { since } = readQuery(c, { since: asPoint });
  return rangeOf(c, options, { after: since ? laterThan(since) : "", below: NO_ID, isSince: !!since });
}

/**
 * The same for a list that one reads by windows of time. Bounds are inclusive (but for `since=<ULID>`): `since`, else
 * `last=<n>m|h|d|w`; and `until`. Without any bound it is the last 24 hours.
 */
export function readWindow(c: Context, options: FollowOptions & { now?: () => number } = {}): Range {
  const { now = Date.now } = options;
  const { since, until, last, cursor, before } = readQuery(c, {
    since: asPoint,
    until: asPoint,
    last: durationMs,
    cursor: anyText,
    before: anyText,
  });
  const isOpen = until !== undefined || cursor !== undefined || before !== undefined;
  const lastMs = last ?? (isOpen ? undefined : WINDOW_MS);
  const after = since ? fromOn(since) : lastMs === undefined ? "" : lastIdAt(now() - lastMs - 1);
  return rangeOf(c, options, { after, below: until ? upTo(until) : NO_ID, isSince: since !== undefined });
}

/** The page of a range of rows that have an `id`, oldest first. Its cursor is the last id on it. */
export function follow<R extends { id: string }>(
  db: Database,
  list: Listing,
  { range, toText }: { range: Range; toText(row: R): string },
): TextPage {
  const { total } = range;
  const isDescending = range.end === "newest";
  const [start, end] = isDescending ? [range.below, range.after] : [range.after, range.below];
  const { rows, texts } = readRows<R>(
    db,
    { ...list, where: within(list, [isDescending ? "id > ?" : "id < ?", end]), order: ["id"], isDescending },
    { after: [start], limit: range.limit, toText },
  );
  const newest = isDescending ? rows.at(0) : rows.at(-1);
  return {
    texts: isDescending ? texts.reverse() : texts,
    cursor: newest?.id ?? null,
    ...(total && {
      total: countRows(db, {
        ...list,
        where: within(list, ["id > ?", total.after], ["id < ?", total.below]),
      }),
    }),
  };
}

interface Bounds {
  after: string;
  below: string;
  isSince: boolean;
}

function rangeOf(c: Context, options: FollowOptions, { after, below, isSince }: Bounds): Range {
  const { limit = LIMIT, limitMax = LIMIT_MAX } = options;
  const { cursor, before, total } = readQuery(c, { cursor: anyText, before: asUlid, total: asFlag });
  const seen = cursor === undefined ? "" : asUlid(cursor);
  if (seen === undefined) throw refused("invalid cursor");
  return {
    after: seen > after ? seen : after,
    below: before !== undefined && before < below ? before : below,
    end: isSince || cursor !== undefined ? "oldest" : "newest",
    limit: limitIn(c, { limit, limitMax }),
    ...(total && { total: { after, below } }),
  };
}

/** A bound is exclusive, so the last id of the millisecond before stands for "from this time on". */
function fromOn(point: Point): string {
  return "id" in point ? point.id : lastIdAt(point.ms - 1);
}

function laterThan(point: Point): string {
  return "id" in point ? point.id : lastIdAt(point.ms);
}

/** What comes right behind an id is the id with one more character. */
function upTo(point: Point): string {
  return `${"id" in point ? point.id : lastIdAt(point.ms)}0`;
}

function within({ where = [] }: Listing, ...bounds: Condition[]): Condition[] {
  return [...where, ...bounds];
}
