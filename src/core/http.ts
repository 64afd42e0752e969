// What services share over HTTP: bodies against a schema, paging, streams of events, panels, ids.
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { Context } from "hono";
import { ReefError } from "./errors.js";

// biome-ignore lint/performance/noBarrelFile: of these files a plugin may import this one only.
export { readBody } from "./read-body.js";
export { noTimeout, type SseStream, sse, sseComment, sseFrame } from "./sse.js";
export { ulid } from "./ulid.js";

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
  const asked = c.req.query("limit");
  if (asked !== undefined && !/^0*[1-9]\d*$/.test(asked))
    throw new ReefError("bad_request", `invalid limit: ${asked}`);
  const limit = Math.min(Number(asked ?? options.limit), options.limitMax);
  const cursor = c.req.query("cursor");
  const after = cursor === undefined ? undefined : readCursor(cursor, list, position);
  return { limit, after, cursor: (at) => Buffer.from(JSON.stringify([list, at])).toString("base64url") };
}

/**
 * The fragment that `GET /_panel` answers with. The style is scoped to the panel; the script runs in a function of its
 * own with `root` (the panel's element), `escape(text)` and `api(path, init)`, which calls the module's own routes.
 */
export function panel(parts: { name: string; style?: string; html: string; script?: string }): string {
  const { name, style = "", html, script = "" } = parts;
  return `<style>
.panel-${name} { ${style.replace(/<\/(?=style)/gi, "<\\/")} }
</style>
<div class="panel-${name}">${html}</div>
<script>
(() => {
const root = document.querySelector(".panel-${name}");
const escape = (text) => String(text ?? "").replace(/[&<>"']/g, (one) => "&#" + one.charCodeAt(0) + ";");
const api = (path, init) => fetch(PANEL_API + "/${name}" + path, init);
${script.replace(/<\/(?=script)/gi, "<\\/")}
})();
</script>
`;
}

function readCursor<P extends TSchema>(cursor: string, list: string, position: P): Static<P> {
  const expected = Type.Tuple([Type.Literal(list), position]);
  const value = decode(cursor);
  if (Value.Check(expected, value)) return (value as [string, Static<P>])[1];
  throw new ReefError("bad_request", "invalid cursor");
}

/** Undefined for what no cursor decodes to. */
function decode(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch (error) {
    return error instanceof SyntaxError ? undefined : error;
  }
}
