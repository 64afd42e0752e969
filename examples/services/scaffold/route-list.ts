// The routes of a new service as a caller lists them.
import {
  type Field,
  flag,
  items,
  LIMITS,
  mapOf,
  optional,
  type Read,
  refused,
  shape,
  text,
} from "#core/http.js";

export const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
export type Method = (typeof METHODS)[number];

const PATH = /^\/[A-Za-z0-9/_:.-]*$/;

const FIELD = {
  type: text(LIMITS.nameCharsMax),
  required: optional(flag(), false),
  description: optional(text(LIMITS.textCharsMax)),
};

const ROUTE = {
  method,
  path,
  description: optional(text(LIMITS.textCharsMax)),
  body: optional(mapOf(shape(FIELD)), {}),
  response: optional(text(LIMITS.textCharsMax)),
};

export type RouteRequest = Read<typeof ROUTE>;
export type FieldRequest = Read<typeof FIELD>;

export function routeList(): Field<RouteRequest[]> {
  const read = items(ROUTE);
  return (value, name) => {
    const routes = read(value, name);
    checkDoubles(routes);
    checkCount(routes);
    return routes;
  };
}

/** The names of the parameters in a path, in their order: whole segments that begin with a colon. */
export function paramsIn(path: string): string[] {
  return Array.from(path.matchAll(/(?<=\/):([^/]+)/g), ([, name = ""]) => name);
}

/** The path with each parameter as `value` says. */
export function withParams(path: string, value: (name: string) => string): string {
  return path.replace(/(?<=\/):([^/]+)/g, (_whole, name: string) => value(name));
}

function method(value: unknown, name: string): Method {
  const known = METHODS.find((one) => one === value);
  if (known !== undefined) return known;
  throw refused(`invalid route: ${name} must be one of ${METHODS.join(", ")}`);
}

function path(value: unknown, name: string): string {
  if (typeof value !== "string" || !PATH.test(value))
    throw refused(`invalid route: ${name} must begin with / and hold letters, digits and / _ : . - only`);
  if (value.length > LIMITS.nameCharsMax)
    throw refused(`invalid route: ${name} is longer than ${LIMITS.nameCharsMax} characters`);
  const segments = value.split("/");
  if (segments.includes(".") || segments.includes(".."))
    throw refused(`invalid route: ${name} has a segment "." or "..", which no URL can have`);
  if (segments[1] === "_panel")
    throw refused(`invalid route: ${name} is the panel's own, ask for it with panel`);
  return value;
}

/** Each field is in most of the files, and they are written without a pause. */
function checkCount(routes: readonly RouteRequest[]): void {
  const count = routes.reduce((sum, { body }) => sum + Object.keys(body).length, 0);
  if (count > LIMITS.itemsMax) throw refused(`invalid route: more than ${LIMITS.itemsMax} fields in all`);
}

/** `/:id` and `/:name` are one path: whatever reaches the second one is answered by the first. */
function checkDoubles(routes: readonly RouteRequest[]): void {
  const seen = new Set<string>();
  for (const { method, path } of routes) {
    const pattern = `${method} ${withParams(path, () => "*")}`;
    if (seen.has(pattern)) throw refused(`invalid route: ${method} ${path} is there twice`);
    seen.add(pattern);
  }
}
