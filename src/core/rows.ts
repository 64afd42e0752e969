// One page of a list: a single indexed query that reads as many rows as the page holds, and stops early when the page
// gets too large.
import type { Database } from "bun:sqlite";
import { LIMITS } from "./limits.js";

export type Bound = string | number;

/** A condition with its one `?`, left out when the value is undefined; without a value, one that always holds. */
export type Condition = readonly [sql: string] | readonly [sql: string, value: Bound | undefined];

/** What a list consists of. Everything here is SQL of the service's own; what callers send is bound, never spelled. */
export interface Listing {
  /** What stands after SELECT. */
  columns: string;
  /** What stands after FROM. */
  from: string;
  where?: readonly Condition[];
}

export interface Ordered extends Listing {
  /** Columns that the rows have too, which an index holds in this order; the last one is unique. */
  order: readonly string[];
  isDescending?: boolean;
}

/** A page as texts of its items, in order. */
export interface TextPage {
  texts: string[];
  /** Where the list goes on. */
  cursor: string | null;
  /** Of all pages, when it was asked for. */
  total?: number;
}

export interface PageQuery<R> {
  /** Only rows after this position. */
  after?: readonly Bound[];
  limit: number;
  bytesMax?: number;
  /** What the page holds of a row. */
  toText(row: R): string;
}

export interface Rows<R> {
  rows: R[];
  /** What `toText` made of each. */
  texts: string[];
  /** False when the list ends here. */
  hasMore: boolean;
}

/** Reads a page. At least one row is in it, if there is one. */
export function readRows<R extends object>(db: Database, list: Ordered, query: PageQuery<R>): Rows<R> {
  const { sql, values } = selectSql(list, query.after);
  // A statement of its own: one that is left in the middle and not ended would hold an old state of the file.
  const statement = db.prepare<R, Bound[]>(sql);
  try {
    return collect(statement.iterate(...values, query.limit + 1), query);
  } finally {
    statement.finalize();
  }
}

function collect<R>(
  found: Iterable<R>,
  { limit, bytesMax = LIMITS.pageBytesMax, toText }: PageQuery<R>,
): Rows<R> {
  const page: Rows<R> = { rows: [], texts: [], hasMore: false };
  let bytes = 0;
  for (const row of found) {
    const text = toText(row);
    bytes += Buffer.byteLength(text);
    page.hasMore = page.rows.length === limit || (page.rows.length > 0 && bytes > bytesMax);
    if (page.hasMore) break;
    page.rows.push(row);
    page.texts.push(text);
  }
  return page;
}

/** Where a row stands in the order of its list. */
export function positionOf(row: object, order: readonly string[]): Bound[] {
  const values = new Map<string, unknown>(Object.entries(row));
  return order.map((column) => {
    const value = values.get(column);
    if (typeof value === "string" || typeof value === "number") return value;
    throw new TypeError(`A row of the list has no ${column} to go on from.`);
  });
}

/** How many rows there are, of all pages. */
export function countRows(db: Database, { from, where = [] }: Listing): number {
  const { sql, values } = whereSql(where);
  return db.query<{ n: number }, Bound[]>(`SELECT count(*) AS n FROM ${from}${sql}`).get(...values)?.n ?? 0;
}

function selectSql(list: Ordered, after: readonly Bound[] | undefined): { sql: string; values: Bound[] } {
  const { columns, from, where = [], order, isDescending = false } = list;
  const { sql, values } = whereSql(where, after && afterSql(order, isDescending));
  const direction = isDescending ? " DESC" : "";
  const orderBy = order.map((column) => column + direction).join(", ");
  return {
    sql: `SELECT ${columns} FROM ${from}${sql} ORDER BY ${orderBy} LIMIT ?`,
    values: [...values, ...(after ?? [])],
  };
}

/** Compares whole positions at once, which the index over the columns answers. */
function afterSql(order: readonly string[], isDescending: boolean): string {
  const sign = isDescending ? "<" : ">";
  if (order.length === 1) return `${order[0]} ${sign} ?`;
  return `(${order.join(", ")}) ${sign} (${order.map(() => "?").join(", ")})`;
}

function whereSql(where: readonly Condition[], last?: string): { sql: string; values: Bound[] } {
  const held = where.filter((condition) => condition.length === 1 || condition[1] !== undefined);
  const conditions = [...held.map(([sql]) => sql), ...(last === undefined ? [] : [last])];
  const values = held.map(([, value]) => value).filter((value) => value !== undefined);
  return { sql: conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`, values };
}
