// Check before write: a caller says on what state of a thing its change is based.
import type { Context } from "hono";

/** The header `ETag` of a state that `text` stands for: `"<text>"`. */
export function etagOf(text: string): string {
  return `"${text}"`;
}

/** False when `If-Match` is there and names another state than `etag`. `*` names any; a weak tag names none. */
export function passesIfMatch(c: Context, etag: string): boolean {
  const header = c.req.header("if-match");
  if (header === undefined) return true;
  return header.trim() === "*" || header.split(",").some((tag) => tag.trim() === etag);
}
