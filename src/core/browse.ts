// Lists that one leafs through, newest first or by name: a cursor goes on in the same order and with the same filters.
import type { Database } from "bun:sqlite";
import { Type } from "@sinclair/typebox";
import type { Context } from "hono";
import { readCursor, writeCursor } from "./cursor.js";
import { refused } from "./fields.js";
import { asFlag, limitIn, type Query, type Readers, readQuery, readSent, type Sent } from "./query.js";
import { type Bound, countRows, type Ordered, positionOf, readRows, type TextPage } from "./rows.js";

const LIMIT = 1_000;
const LIMIT_MAX = 5_000;

const Cursor = Type.Tuple([
  Type.String(),
  Type.Record(Type.String(), Type.Array(Type.String())),
  Type.Array(Type.Union([Type.String(), Type.Number()]), { minItems: 1, maxItems: 8 }),
]);

export interface BrowseOptions<R extends Readers> {
  /** Names the list, so that a cursor of another one is foreign. */
  list: string;
  /** The query parameters that say what is in the list, and in which order. */
  filters: R;
  /** Default 1,000 and 5,000. */
  limit?: number;
  limitMax?: number;
}

export interface Browse<F> {
  filters: F;
  limit: number;
  isCounted: boolean;
  /** Where the page before ended. */
  after?: Bound[];
  /** The cursor of a page that ends at this position. */
  cursor(position: readonly Bound[]): string;
}

/**
 * Reads the filters, `limit`, `cursor` and `total`. The filters are those with which the cursor was made: a request may
 * leave them out, and one that sends others is answered `invalid cursor`.
 */
export function readBrowse<R extends Readers>(c: Context, options: BrowseOptions<R>): Browse<Query<R>> {
  const { list, filters, limit = LIMIT, limitMax = LIMIT_MAX } = options;
  const { cursor, total = false } = readQuery(c, { cursor: (text) => text, total: asFlag });
  const asked = pick(c.req.queries(), Object.keys(filters));
  const from = cursor === undefined ? undefined : cursorOf(cursor, list, asked);
  const sent = from?.sent ?? asked;
  return {
    filters: readSent(sent, filters),
    limit: limitIn(c, { limit, limitMax }),
    isCounted: total,
    ...(from && { after: from.position }),
    cursor: (position) => writeCursor([list, sent, position]),
  };
}

/** The page of a list, in its order. Null as its cursor means that nothing follows. */
export function browse<R extends object>(
  db: Database,
  list: Ordered,
  { page, toText }: { page: Omit<Browse<unknown>, "filters">; toText(row: R): string },
): TextPage {
  const { after, limit, isCounted, cursor } = page;
  if (after && after.length !== list.order.length) throw refused("invalid cursor");
  const { rows, texts, hasMore } = readRows<R>(db, list, { ...(after && { after }), limit, toText });
  const last = rows.at(-1);
  return {
    texts,
    cursor: hasMore && last ? cursor(positionOf(last, list.order)) : null,
    ...(isCounted && { total: countRows(db, list) }),
  };
}

function cursorOf(text: string, list: string, asked: Sent): { sent: Sent; position: Bound[] } {
  const [of, sent, position] = readCursor(text, Cursor);
  const isSame = Object.entries(asked).every(
    ([name, values]) => JSON.stringify(values) === JSON.stringify(sent[name]),
  );
  if (of === list && isSame) return { sent, position };
  throw refused("invalid cursor");
}

function pick(sent: Sent, names: readonly string[]): Sent {
  return Object.fromEntries(Object.entries(sent).filter(([name]) => names.includes(name)));
}
