// What services share over HTTP: bodies and queries, lists, streams of events, answers of tools, panels, ids.
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import type { Context } from "hono";
import { readCursor, writeCursor } from "./cursor.js";
import { limitIn } from "./query.js";

// A service declares what its routes take and what its lists consist of, and the rest is here:
//
//   const TASK = { title: text(LIMITS.titleCharsMax), note: optional(text(LIMITS.textCharsMax)) };
//   const FILTERS = { status: anyText, blocked: asFlag };
//
//   new Hono()
//     .post("/tasks", async (c) => c.json(await store.add(await readFields(c, TASK)), 201))
//     .get("/tasks", (c) => listAnswer("tasks", store.list(readBrowse(c, { list: "tasks", filters: FILTERS }))))
//     .get("/log", (c) => listAnswer("entries", store.log(readWindow(c))))
//     .get("/stream", (c) => stream.open(c, readQuery(c, { agent: anyText }).agent));
//
//   list: (page) => browse<TaskRow>(storage.read, {
//     columns: "id, title, status", from: "tasks", order: ["id"], isDescending: true,
//     where: [["status = ?", page.filters.status]],
//   }, { page, toText: (row) => JSON.stringify(taskOf(row)) }),
//
// Bodies      readFields(c, {field: text | verbatim | oneOf | number | flag | time | texts | tidyTexts | items | shape
//             | mapOf | object}), each as it is (required) or in optional, clearable or unlessEmpty. A field of one's
//             own is a function (value, name) that returns what is meant or throws `refused(message)`.
// Queries     readQuery(c, {name: anyText | asFlag | asPoint | asCount | asUlid | timeMs | durationMs | repeated(…)}).
// Lists       readBrowse + browse (newest first, by name), readFollow or readWindow + follow (ids in order of commits);
//             listAnswer, arrayAnswer, linesAnswer.
// Streams     createFanOut(ctx, source): open(c, filter), advance(id) and cleared() after commits.
// If-Match    passesIfMatch(c, etagOf(updatedAt)).
// Ids, times  ulid({after}) within `storage.write`, so that ids grow in the order of commits; asUlid, timeOf, isoTime.
// Callers     actorOf(ctx.caller()), requireOperator(ctx.caller()).
// Keys        openIdempotencyKeys(ctx) in init; idempotent(c, keys, work) does the work of one Idempotency-Key once.
// Tools       toolAnswer, jsonAnswer, listToolAnswer. Texts: plainLine, indented.
// Behaviors   createSessionCall, createSessionAttempt.
// Panels      panel, with a script that PANEL_KIT in panel-kit.ts describes.

// biome-ignore lint/performance/noBarrelFile: of these files a plugin may import this one only.
export { type Browse, type BrowseOptions, browse, readBrowse } from "./browse.js";
export { actorOf, requireOperator } from "./callers.js";
export { watchDraining } from "./draining.js";
export { etagOf, passesIfMatch } from "./etag.js";
export { createFanOut, type FanOut, type LogRow, type LogSource } from "./fan-out.js";
export {
  clearable,
  type Field,
  type Fields,
  flag,
  isBlank,
  number,
  oneOf,
  optional,
  type Read,
  readFields,
  refused,
  text,
  time,
  unlessEmpty,
  verbatim,
} from "./fields.js";
export { type FollowOptions, follow, type Range, readFollow, readWindow } from "./follow.js";
export {
  type IdempotencyKeys,
  idempotent,
  keyedRequest,
  type Operation,
  openIdempotencyKeys,
} from "./idempotency.js";
export type { Outcome } from "./idempotency-rows.js";
export { LIMITS } from "./limits.js";
export { createLinks, type Links } from "./links.js";
export { arrayAnswer, linesAnswer, listAnswer } from "./list-answers.js";
export { type ModuleRoute, routesOf } from "./module-routes.js";
export { publicRoutes, type RouteMatch } from "./mount.js";
export { items, mapOf, object, shape, texts, tidyTexts } from "./nested-fields.js";
export { PAGE_FILE_HEADERS, PAGE_HEADERS } from "./page-headers.js";
export { type PanelParts, panel } from "./panel.js";
export { indented, plainLine } from "./plain-line.js";
export {
  anyText,
  asCount,
  asFlag,
  asPoint,
  limitIn,
  type Point,
  type Query,
  type Reader,
  readQuery,
  repeated,
} from "./query.js";
export { readBody } from "./read-body.js";
export { type Condition, countRows, type Listing, type Ordered, readRows, type TextPage } from "./rows.js";
export {
  createSessionAttempt,
  createSessionCall,
  type SessionAttempt,
  type SessionCall,
} from "./session-calls.js";
export { noTimeout, type SseStream, sse, sseComment, sseFrame } from "./sse.js";
export { durationMs, isoTime, timeMs } from "./times.js";
export {
  cut,
  jsonAnswer,
  listToolAnswer,
  type ToolAnswer,
  type ToolFailure,
  toolAnswer,
} from "./tool-answers.js";
export { asUlid, lastIdAt, timeOf, ulid } from "./ulid.js";

export interface Page<P> {
  limit: number;
  /** Where the caller's last page ended; undefined on the first. */
  after: P | undefined;
  /** The cursor for the page after the entry at this position. */
  cursor(position: P): string;
}

/**
 * Reads `limit` and `cursor`. `list` names the list, so that a cursor of another one is foreign; `position` is what
 * says where an entry stands in the order, and never changes while the entry exists.
 */
export function page<P extends TSchema>(
  c: Context,
  options: { list: string; limit: number; limitMax: number; position: P },
): Page<Static<P>> {
  const { list, position } = options;
  const limit = limitIn(c, options);
  const cursor = c.req.query("cursor");
  const after =
    cursor === undefined ? undefined : readCursor(cursor, Type.Tuple([Type.Literal(list), position]))[1];
  return { limit, after, cursor: (at) => writeCursor([list, at]) };
}
