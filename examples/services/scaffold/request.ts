// What a caller asks of the scaffold, field by field.
import type { Context } from "hono";
import { ReefError } from "#core/errors.js";
import {
  type Field,
  flag,
  isBlank,
  LIMITS,
  optional,
  type Read,
  readFields,
  refused,
  text,
  tidyTexts,
} from "#core/http.js";
import { serviceName } from "./name.js";
import { routeList } from "./route-list.js";

/** Why no service may have a name; undefined when one may. */
export type NameProblem = (name: string) => string | undefined;
export type ScaffoldRequest = Read<ReturnType<typeof fieldsWith>>;

export async function readRequest(c: Context, problemOf: NameProblem): Promise<ScaffoldRequest> {
  const request = await readFields(c, fieldsWith(problemOf)).catch((error) => {
    if (error instanceof ReefError && error.message === "Invalid JSON body")
      throw new ReefError("bad_request", "JSON body required", {}, { cause: error });
    throw error;
  });
  for (const name of request.dependencies) checkDependency(name, request.name, problemOf);
  return request;
}

/** In the order in which they are checked. */
function fieldsWith(problemOf: NameProblem) {
  return {
    name: serviceName(problemOf),
    description: optional(text(LIMITS.textCharsMax)),
    routes: optional(routeList(), []),
    store,
    tools: optional(flag(), false),
    panel: optional(flag(), false),
    behaviors: optional(flag(), false),
    dependencies: names(),
    requiresAuth: optional(flag(), true),
    capabilities: names(),
    readme: optional(flag(), false),
    load: optional(flag(), true),
  };
}

const store: Field<"json" | "sqlite" | undefined> = (value, name) => {
  if (isBlank(value) || value === false) return undefined;
  if (value === "sqlite") return "sqlite";
  if (value === true) return "json";
  throw refused(`${name} must be true, false or "sqlite"`);
};

/** Each once, and none for what was not sent. */
function names(): Field<string[]> {
  const read = optional(tidyTexts(LIMITS.itemsMax, LIMITS.nameCharsMax));
  return (value, name) => read(value, name) ?? [];
}

function checkDependency(name: string, of: string, problemOf: NameProblem): void {
  const problem = name === of ? `"${name}" is the service itself` : problemOf(name);
  if (problem !== undefined) throw refused(`invalid dependency: ${problem}`);
}
