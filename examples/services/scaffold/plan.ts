// A service as it will be: each of its routes with what the files say of it, worked out once for all of them.
import { pascal, uniqueNames, wordsOf } from "./name.js";
import type { ScaffoldRequest } from "./request.js";
import { type FieldRequest, type Method, paramsIn, type RouteRequest } from "./route-list.js";

const TOOL_CHARS_MAX = 64;
const IDENTIFIER_CHARS_MAX = 40;

export interface Plan {
  name: string;
  /** The start of the names of its classes: `MyMetrics`. */
  pascal: string;
  description: string;
  /** In the order in which they were asked for. */
  routes: readonly Route[];
  store: "json" | "sqlite" | undefined;
  hasTools: boolean;
  hasPanel: boolean;
  hasBehaviors: boolean;
  hasReadme: boolean;
  requiresAuth: boolean;
  dependencies: readonly string[];
  capabilities: readonly string[];
}

/** What a route does to the items of the service. The last parameter of its path says which item. */
export type Deed = "list" | "add" | "clear" | "read" | "change" | "remove";

export interface Route {
  method: Method;
  path: string;
  deed: Deed;
  summary: string;
  response: string;
  params: readonly string[];
  /** Of its body. A GET has none, so what was asked for it is its query. */
  fields: readonly BodyField[];
  query: readonly BodyField[];
  /** The constant that holds the schema of its body. */
  schema: string;
  tool: string;
}

export interface BodyField {
  name: string;
  /** In the caller's words. */
  type: string;
  kind: FieldKind;
  /** Of the elements of an array. */
  element: FieldKind;
  isRequired: boolean;
  description: string;
}

export type FieldKind = "string" | "number" | "integer" | "boolean" | "object" | "array" | "unknown";

export function planOf(request: ScaffoldRequest): Plan {
  const { name, store, dependencies, capabilities, requiresAuth } = request;
  return {
    name,
    pascal: pascal(name),
    description: request.description ?? `The ${name} service`,
    routes: plannedRoutes(name, request.routes, store !== undefined),
    store,
    hasTools: request.tools,
    hasPanel: request.panel,
    hasBehaviors: request.behaviors,
    hasReadme: request.readme,
    requiresAuth,
    dependencies,
    capabilities,
  };
}

/** Those with a plain segment before those with a parameter in its place, which would answer for them. */
export function inMatchingOrder(routes: readonly Route[]): Route[] {
  return routes.toSorted((a, b) => rank(a).localeCompare(rank(b)));
}

export function hasRoutes({ routes, hasPanel }: Plan): boolean {
  return hasPanel || routes.length > 0;
}

function plannedRoutes(name: string, routes: readonly RouteRequest[], isStored: boolean): Route[] {
  const toolName = uniqueNames(TOOL_CHARS_MAX);
  const schemaName = uniqueNames(IDENTIFIER_CHARS_MAX);
  return routes.map(({ method, path, description, body, response }) => {
    const params = paramsIn(path);
    const deed = deedOf(method, params);
    const words = `${method.toLowerCase()} ${path}`;
    const fields = Object.entries(body).map(([field, asked]) => bodyField(field, asked));
    const isQuery = method === "GET";
    return {
      method,
      path,
      deed,
      params,
      summary: description ?? SUMMARIES[deed],
      response: response ?? responseOf(deed, isStored),
      fields: isQuery ? [] : fields,
      query: isQuery ? fields : [],
      schema: `${schemaName(pascal(words))}Body`,
      tool: toolName(wordsOf(`${name} ${words}`).join("_")),
    };
  });
}

const SUMMARIES: Readonly<Record<Deed, string>> = {
  list: "The newest items first",
  add: "Add an item",
  clear: "Remove all items",
  read: "One item",
  change: "Change an item",
  remove: "Remove an item",
};

function responseOf(deed: Deed, isStored: boolean): string {
  if (deed === "list") return "{ items, count }";
  if (deed === "clear" || deed === "remove") return "{ ok: true }";
  return isStored ? "{ id, createdAt, … }" : "What was sent";
}

function deedOf(method: Method, params: readonly string[]): Deed {
  const isOfOne = params.length > 0;
  if (method === "GET") return isOfOne ? "read" : "list";
  if (method === "DELETE") return isOfOne ? "remove" : "clear";
  return isOfOne ? "change" : "add";
}

function bodyField(name: string, { type, required, description }: FieldRequest): BodyField {
  const [kind, element] = kindsOf(type);
  return { name, type, kind, element, isRequired: required, description: description ?? name };
}

const KINDS: Readonly<Record<string, FieldKind>> = {
  string: "string",
  number: "number",
  integer: "integer",
  int: "integer",
  boolean: "boolean",
  bool: "boolean",
  object: "object",
  array: "array",
};

/** A type that is not known may hold anything. */
function kindsOf(type: string): [kind: FieldKind, element: FieldKind] {
  const word = type.trim().toLowerCase();
  if (word.endsWith("[]")) return ["array", kindsOf(word.slice(0, -2))[0]];
  return [(Object.hasOwn(KINDS, word) && KINDS[word]) || "unknown", "unknown"];
}

/** A digit for each segment: 1 for a parameter. */
function rank({ path }: Route): string {
  return path.replace(/[^/]+/g, (segment) => (/^:./.test(segment) ? "1" : "0"));
}
