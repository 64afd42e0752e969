// Sessions that ended from some time on, in the order of their start. What started after that time also ended after it.
// What started before is found by its width: of those that took less than 2^w milliseconds, only what started less than
// 2^w before that time can still have been going on, and of these about half was.
import type { Database } from "bun:sqlite";
import {
  type Browse,
  countRows,
  LIMITS,
  type Ordered,
  readRows,
  refused,
  type TextPage,
} from "#core/http.js";

interface Row {
  id: string;
  started_at: number;
  json: string;
}

interface Found {
  rows: Row[];
  hasMore: boolean;
}

type Page = Omit<Browse<unknown>, "filters">;

/** The number of bits that a duration takes, so that it is less than 2^width. */
export function widthOf(ms: number): number {
  return ms === 0 ? 0 : ms.toString(2).length;
}

/** `list` is of sessions, newest first. */
export function browseFrom(
  db: Database,
  list: Ordered,
  { page, fromMs }: { page: Page; fromMs: number },
): TextPage {
  const { after, limit, isCounted, cursor } = page;
  if (after && after.length !== list.order.length) throw refused("invalid cursor");
  const parts = [startedSince(list, fromMs), ...goingOn(db, list, fromMs)];
  const { rows, hasMore } = fitting(readParts(db, parts, page), limit);
  const last = rows.at(-1);
  return {
    texts: rows.map(({ json }) => json),
    cursor: hasMore && last ? cursor([last.started_at, last.id]) : null,
    ...(isCounted && { total: parts.reduce((sum, part) => sum + countRows(db, part), 0) }),
  };
}

function startedSince(list: Ordered, fromMs: number): Ordered {
  return { ...list, where: [...(list.where ?? []), ["started_at >= ?", fromMs]] };
}

function goingOn(db: Database, list: Ordered, fromMs: number): Ordered[] {
  return widths(db).map((width) => ({
    ...list,
    from: "sessions INDEXED BY sessions_by_width",
    where: [
      ...(list.where ?? []),
      ["width = ?", width],
      ["started_at > ?", fromMs - 2 ** width],
      ["started_at < ?", fromMs],
      ["ended_at >= ?", fromMs],
    ],
  }));
}

/** Those that there are; what took no time was not going on. */
function widths(db: Database): number[] {
  const next = db.query<{ width: number | null }, [number]>(
    "SELECT min(width) AS width FROM sessions WHERE width > ?",
  );
  const found: number[] = [];
  for (let width = next.get(0)?.width; typeof width === "number"; width = next.get(width)?.width)
    found.push(width);
  return found;
}

/** The first part comes before all others, which are read when it does not fill the page. */
function readParts(db: Database, [first, ...others]: Ordered[], { after, limit }: Page): Found {
  const read = (list: Ordered): Found =>
    readRows<Row>(db, list, { ...(after && { after }), limit, toText: ({ json }) => json });
  const since = first ? read(first) : { rows: [], hasMore: false };
  if (since.hasMore) return since;
  const earlier = others.map(read);
  // A part that was cut has more after its last row, so nothing of the others may be shown after that row.
  const ends = earlier.flatMap(({ rows, hasMore }) => (hasMore ? rows.slice(-1) : []));
  const rows = earlier
    .flatMap((part) => part.rows)
    .filter((row) => ends.every((end) => newestFirst(row, end) <= 0));
  return { rows: [...since.rows, ...rows.toSorted(newestFirst)], hasMore: ends.length > 0 };
}

function newestFirst(one: Row, two: Row): number {
  return two.started_at - one.started_at || (one.id < two.id ? 1 : one.id > two.id ? -1 : 0);
}

function fitting({ rows, hasMore }: Found, limit: number): Found {
  let bytes = 0;
  const end = rows.findIndex(({ json }, index) => {
    bytes += Buffer.byteLength(json);
    return index === limit || (index > 0 && bytes > LIMITS.pageBytesMax);
  });
  return end < 0 ? { rows, hasMore } : { rows: rows.slice(0, end), hasMore: true };
}
