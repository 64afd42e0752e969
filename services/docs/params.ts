// What a caller gives with a request to a route beside its body: values in the path, as the path has them, and a query.
import type { ParamDoc, RouteDocs } from "#core/types.js";
import { segmentsOf } from "./segments.js";

type Documented = Pick<RouteDocs, "params" | "query">;

/** What a route says of a parameter of its path. */
export function pathParam({ params = {} }: Partial<Documented>, name: string): ParamDoc {
  const doc = Object.hasOwn(params, name) ? params[name] : undefined;
  return { type: doc?.type || "string", required: true, description: doc?.description ?? "" };
}

/** What a route documents in `params` without having it in its path is asked for in the query. */
export function queryParams(
  path: string,
  { params = {}, query = {} }: Partial<Documented>,
): Map<string, ParamDoc> {
  const inPath = new Set(segmentsOf(path).map((segment) => segment.kind === "param" && segment.name));
  const others = Object.entries(params).filter(([name]) => !inPath.has(name));
  return new Map([...others, ...Object.entries(query)]);
}
