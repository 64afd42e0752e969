// From what is typed into a form to the request that it means, as a target and as a line for a shell.
import { encodedLiteral, filled, type Segment } from "./segments.js";

export interface Inputs {
  /** One for each segment of the path that is not literal, in order. */
  path: readonly string[];
  /** Blank ones are left out. */
  query: readonly (readonly [name: string, value: string])[];
  /** A query as it stands in a URL, for a route that documents none. */
  rawQuery?: string;
}

/** No segment holds it, so that it marks where a path ends whose optional rest is blank. */
const END = "\0";

/** Path and query. Throws an Error that says what is missing. */
export function targetOf(path: string, { path: values, query, rawQuery = "" }: Inputs): string {
  let next = 0;
  const whole = filled(path, (segment) => {
    return segment.kind === "literal" ? encodedLiteral(segment.text) : written(segment, values[next++] ?? "");
  });
  const [upToEnd = ""] = whole.split(END, 1);
  const target = upToEnd === whole ? whole : upToEnd.replace(/\/$/, "") || "/";
  const search = [queryText(query), rawQuery.trim().replace(/^\?/, "")].filter(Boolean).join("&");
  return search === "" ? target : `${target}?${search}`;
}

/** An empty JSON value of each required field. */
export function bodySample(fields: readonly { name: string; type: string; required: boolean }[]): string {
  const required = fields.filter((field) => field.required);
  if (required.length === 0) return "{}";
  return JSON.stringify(Object.fromEntries(required.map(({ name, type }) => [name, empty(type)])), null, 2);
}

export interface ShellRequest {
  method: string;
  url: string;
  body?: string;
  needsToken: boolean;
}

/** The token is named and not shown: the line is made to be passed on. */
export function curlOf({ method, url, body, needsToken }: ShellRequest): string {
  const parts = [method === "GET" ? "curl" : `curl -X ${method}`, quoted(url)];
  if (needsToken) parts.push('-H "Authorization: Bearer $VERS_AUTH_TOKEN"');
  if (body !== undefined) parts.push("-H 'Content-Type: application/json'", `-d ${quoted(body)}`);
  return parts.join(" \\\n  ");
}

function written(segment: Exclude<Segment, { kind: "literal" }>, value: string): string {
  if (segment.kind === "rest") return value.split("/").map(encodeURIComponent).join("/");
  if (value === "" && segment.isOptional) return END;
  if (value === "") throw new Error(`${segment.name} is required.`);
  // A browser takes these for a step in the path, encoded or not.
  if (value === "." || value === "..") throw new Error(`${segment.name} cannot be "${value}" in a path.`);
  return encodeURIComponent(value.toWellFormed());
}

function queryText(query: Inputs["query"]): string {
  return new URLSearchParams(
    query.filter(([, value]) => value !== "").map(([name, value]) => [name, value]),
  ).toString();
}

function empty(type: string): unknown {
  if (type.endsWith("[]") || type === "array") return [];
  const values: Record<string, unknown> = { string: "", number: 0, integer: 0, boolean: false, object: {} };
  return values[type] ?? null;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
