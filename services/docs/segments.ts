// The segments of a path as hono writes it (`/notes/:id{[0-9]+}/*`), for the OpenAPI document and for the page's forms.

export type Segment =
  | { kind: "literal"; text: string }
  | { kind: "param"; text: string; name: string; pattern?: string; isOptional: boolean }
  | { kind: "rest"; text: string };

/** What stands between two slashes; a pattern in braces may hold slashes of its own, as in hono's router. */
const SEGMENT = /(?:\{(?:\{[\d,]+\}|[^}])+\}|[^/])+/g;
const PARAM = /^:([^{}]+)(?:\{(.+)\})?$/s;

/** Where the path ends with a question mark, segments that end with one are optional. */
export function segmentsOf(path: string): Segment[] {
  return Array.from(path.matchAll(SEGMENT), ([text]) => segmentOf(text, path.endsWith("?")));
}

/** The path with each segment replaced by what `write` makes of it; slashes are all that stays. */
export function filled(path: string, write: (segment: Segment) => string): string {
  return path.replaceAll(SEGMENT, (text) => write(segmentOf(text, path.endsWith("?"))));
}

/** The paths that a path with optional segments stands for, shortest first; only itself without one. */
export function variantsOf(path: string): string[] {
  const variants = new Set<string>();
  for (const match of path.matchAll(SEGMENT)) {
    const segment = segmentOf(match[0], path.endsWith("?"));
    if (segment.kind !== "param" || !segment.isOptional) continue;
    variants.add(withoutMarks(path.slice(0, match.index - 1)) || "/");
    variants.add(withoutMarks(path.slice(0, match.index + match[0].length)));
  }
  return variants.size === 0 ? [path] : [...variants];
}

/** A literal segment as a URL has it. What the route writes percent-encoded already stays so. */
export function encodedLiteral(text: string): string {
  return encodeURI(text.toWellFormed())
    .replaceAll(/%25([0-9A-Fa-f]{2})/g, "%$1")
    .replaceAll("?", "%3F")
    .replaceAll("#", "%23");
}

function segmentOf(text: string, mayBeOptional: boolean): Segment {
  const isOptional = mayBeOptional && text.endsWith("?");
  const [, name, pattern] = PARAM.exec(isOptional ? text.slice(0, -1) : text) ?? [];
  if (name !== undefined) return { kind: "param", text, name: name.replace(/\?$/, ""), pattern, isOptional };
  return { kind: text.includes("*") ? "rest" : "literal", text };
}

function withoutMarks(path: string): string {
  return path.replaceAll(SEGMENT, (text) =>
    text.startsWith(":") && text.endsWith("?") ? text.slice(0, -1) : text,
  );
}
