// The route of the search: words, filters and page read from the query string.
import { Type } from "@sinclair/typebox";
import type { Hono } from "hono";
import { ReefError } from "../core/errors.js";
import { page } from "../core/http.js";
import { phrasesOf, type SearchQuery } from "../tree/search-query.js";
import type { ReefParts } from "./parts.js";
import { flag, integer, list, type Query } from "./query.js";

const RESULTS = { limit: 50, limitMax: 200, position: Type.Integer() };
const QUERY_CHARS_MAX = 1_000;
const PHRASES_MAX = 50;
const FILTER_VALUES_MAX = 100;

export function addSearchRoutes(routes: Hono, { search }: ReefParts): void {
  routes.get("/search", async (c) => {
    const query = searchOf((name) => c.req.query(name));
    const { limit, after, cursor } = page(c, { ...RESULTS, list: nameOf(query) });
    const { found, more, indexedSeq } = await search.find(query, { before: after, limit });
    const last = found.at(-1);
    return c.json({
      results: found,
      count: found.length,
      ...(more && last && { nextCursor: cursor(last.node.seq) }),
      indexedSeq,
    });
  });
}

function searchOf(query: Query): SearchQuery {
  const asked: SearchQuery = {
    phrases: phrasesIn(query("q")),
    taskIds: values(query, "taskId"),
    types: values(query, "types"),
    sources: values(query, "source"),
    errors: flag(query, "errors") || undefined,
    from: integer(query, "from", { min: 0 }),
    to: integer(query, "to", { min: 0 }),
  };
  if (Object.values(asked).every((condition) => condition === undefined))
    throw new ReefError("bad_request", "q or a filter is required");
  if (asked.from !== undefined && asked.to !== undefined && asked.from > asked.to)
    throw new ReefError("bad_request", "from must not be after to");
  return asked;
}

function phrasesIn(q: string | undefined): string[] | undefined {
  if (q === undefined || q.trim() === "") return undefined;
  if (q.length > QUERY_CHARS_MAX)
    throw new ReefError("bad_request", `q is longer than ${QUERY_CHARS_MAX} characters`);
  const phrases = phrasesOf(q);
  if (phrases.length > PHRASES_MAX)
    throw new ReefError("bad_request", `q has more than ${PHRASES_MAX} words`);
  return phrases;
}

/** Undefined when the filter is not given, or blank. */
function values(query: Query, name: string): string[] | undefined {
  const found = list(query, name);
  if (found === undefined || found.length === 0) return undefined;
  if (found.length > FILTER_VALUES_MAX)
    throw new ReefError("bad_request", `${name} has more than ${FILTER_VALUES_MAX} items`);
  return found;
}

/** A cursor goes on with the very search that it is from. */
function nameOf(query: SearchQuery): string {
  return `search ${Bun.hash(JSON.stringify(query)).toString(36)}`;
}
