// The store over HTTP. An entry goes out with its value as the very JSON text that is stored.
import { Type } from "@sinclair/typebox";
import { type Context, Hono } from "hono";
import { ReefError } from "#core/errors.js";
import { noTimeout, page, readBody } from "#core/http.js";
import { etag, knownVersion, precondition } from "./conditions.js";
import { jsonOf, keyIn, PutBody, ttlMsOf, versionOf, waitMsOf } from "./input.js";
import { panelHtml } from "./panel.js";
import type { Entry } from "./rows.js";
import type { KeyValueStore } from "./store.js";

const PAGE_KEYS_MAX = 1000;

/** A key may hold slashes, written as they are or encoded. */
const KEY_PATHS = ["/:key", "/*"];

export function createRoutes(store: KeyValueStore): Hono {
  return new Hono()
    .get("/", (c) => listKeys(c, store))
    .get("/_panel", (c) => (wantsHtml(c) ? c.html(panelHtml) : readEntry(c, store)))
    .on("GET", KEY_PATHS, (c) => readEntry(c, store))
    .on("PUT", KEY_PATHS, (c) => putEntry(c, store))
    .on("DELETE", KEY_PATHS, (c) => deleteEntry(c, store));
}

function listKeys(c: Context, store: KeyValueStore): Response {
  const prefix = c.req.query("prefix") ?? "";
  const { limit, after, cursor } = page(c, {
    list: `store ${prefix}`,
    limit: PAGE_KEYS_MAX,
    limitMax: PAGE_KEYS_MAX,
    position: Type.String(),
  });
  const { keys, more } = store.list({ prefix, after, limit });
  const last = keys.at(-1);
  return c.json({ keys, count: keys.length, ...(more && last ? { nextCursor: cursor(last.key) } : {}) });
}

/** `_panel` is a key like any other for who does not ask for a page. */
function wantsHtml(c: Context): boolean {
  return (c.req.header("accept") ?? "").includes("text/html");
}

async function readEntry(c: Context, store: KeyValueStore): Promise<Response> {
  const key = keyIn(c.req.url);
  const isKnown = knownVersion(versionOf(c.req.query("version")), c.req.raw.headers);
  const ms = waitMsOf(c.req.query("wait"));
  if (ms !== undefined) noTimeout(c);
  const { entry, isNews } =
    ms === undefined
      ? store.look(key, isKnown)
      : await store.wait(key, { isKnown, ms, signal: c.req.raw.signal });
  if (!entry) throw new ReefError("not_found", "not found");
  return isNews ? entryAnswer(entry) : c.body(null, 304, { ETag: etag(entry.version) });
}

async function putEntry(c: Context, store: KeyValueStore): Promise<Response> {
  const key = keyIn(c.req.url);
  const { value, ttl } = await readBody(c, PutBody);
  const input = { json: jsonOf(value), ttlMs: ttlMsOf(ttl) };
  return entryAnswer(await store.put(key, input, precondition(c.req.raw.headers)));
}

async function deleteEntry(c: Context, store: KeyValueStore): Promise<Response> {
  const key = keyIn(c.req.url);
  await store.delete(key, precondition(c.req.raw.headers));
  return c.json({ deleted: key });
}

function entryAnswer({ key, json, ...rest }: Entry): Response {
  const body = `{"key":${JSON.stringify(key)},"value":${json},${JSON.stringify(rest).slice(1)}`;
  return new Response(body, {
    headers: { "Content-Type": "application/json", ETag: etag(rest.version) },
  });
}
