// TypeScript as the project's formatter prints it: whatever a caller sent becomes a literal in it, and nothing else.

const LINE_CHARS_MAX = 110;
/** A property whose key is no longer keeps a long text on its own line. */
const SHORT_KEY_CHARS_MAX = 4;
const STEP = 2;

/**
 * What is not printed as it is. Left alone are printable ASCII, letters of Latin, Greek and Cyrillic, some marks (a
 * column each), and letters of Chinese, Japanese and Korean (two columns each): of these it is certain how wide they are.
 */
const SPECIAL =
  /["'\\]|[^ -~\u00a1-\u00ac\u00ae-\u024f\u0391-\u03a1\u03a3-\u03c9\u0400-\u0481\u048a-\u052f\u2013\u2014\u2018\u2019\u201c-\u201e\u2026\u20ac\u3001\u3002\u3041-\u3096\u30a1-\u30fa\u30fc\u4e00-\u9fff\uac00-\ud7a3]/gu;
const WIDE = /[\u3001-\ud7a3]/g;

/** Where a piece of code stands: the indent of its line, its own column, and how many characters follow its end. */
interface Place {
  indent: number;
  column: number;
  after: number;
}

const ANYWHERE: Place = { indent: 0, column: 0, after: 0 };

export interface Code {
  kind: "name" | "plain" | "text" | "template" | "object" | "list" | "call";
  /** It takes several lines wherever it stands. */
  isTall?: boolean;
  print(at: Place): string;
}

/** A name, or another word that has no place to break. */
export function code(name: string): Code {
  return { kind: "name", print: () => name };
}

/** A number, true, false. */
export function plain(value: number | boolean): Code {
  return { kind: "plain", print: () => String(value) };
}

export function text(value: string): Code {
  return { kind: "text", print: () => literal(value) };
}

/** A template literal, backticks included. */
export function template(source: string): Code {
  return { kind: "template", print: () => source };
}

/** `{…}`, each property on a line of its own. */
export function object(properties: readonly (readonly [name: string, value: Code])[]): Code {
  const print = ({ indent }: Place) => {
    const options = { indent: indent + STEP, end: "," };
    const lines = properties.map(([name, value]) => assigned(`${key(name)}:`, value, options));
    return lines.length === 0 ? "{}" : `{\n${lines.join("\n")}\n${" ".repeat(indent)}}`;
  };
  return { kind: "object", isTall: properties.length > 0, print };
}

/** `["a", "b"]`, on one line where it fits. */
export function list(values: readonly string[]): Code {
  const items = values.map(literal);
  const line = `[${items.join(", ")}]`;
  const print = ({ indent, column, after }: Place) => {
    if (column + width(line) + after <= LINE_CHARS_MAX) return line;
    const pad = " ".repeat(indent + STEP);
    return `[\n${items.map((item) => `${pad}${item},\n`).join("")}${" ".repeat(indent)}]`;
  };
  return { kind: "list", print };
}

/** `callee(a, b)`. A single object keeps its braces with the parentheses; a single name is never parted. */
export function call(callee: string, ...args: readonly Code[]): Code {
  const [only] = args.length === 1 ? args : [];
  const isTall = args.some((arg) => arg.isTall);
  const line = isTall ? "" : `${callee}(${args.map((arg) => arg.print(ANYWHERE)).join(", ")})`;
  const isWhole = args.length === 0 || only?.kind === "name";
  const print = (at: Place) => {
    if (!isTall && (isWhole || at.column + width(line) + at.after <= LINE_CHARS_MAX)) return line;
    const isHugging = only?.kind === "object" && at.column + width(`${callee}({`) <= LINE_CHARS_MAX;
    if (isHugging) return `${callee}(${only.print(at)})`;
    const indent = at.indent + STEP;
    const lines = args.map(
      (arg) => `${" ".repeat(indent)}${arg.print({ indent, column: indent, after: 1 })},\n`,
    );
    return `${callee}(\n${lines.join("")}${" ".repeat(at.indent)})`;
  };
  return { kind: "call", isTall, print };
}

/** `const path = "…";`, `description: "…",`: a value that does not fit behind its head goes to the next line. */
export function assigned(
  head: string,
  value: Code,
  { indent = 0, end = ";" }: { indent?: number; end?: string } = {},
): string {
  const start = " ".repeat(indent) + head;
  const column = width(start) + 1;
  const printed = value.print({ indent, column, after: end.length });
  const [first = ""] = printed.split("\n", 1);
  const isWhole = first.length === printed.length;
  const fits = column + width(first) + (isWhole ? end.length : 0) <= LINE_CHARS_MAX;
  if (fits || stays(head, value)) return `${start} ${printed}${end}`;
  const below = indent + STEP;
  const place = { indent: below, column: below, after: end.length };
  return `${start}\n${" ".repeat(below)}${value.print(place)}${end}`;
}

/** `routes.get("/x", (c) => {`, a body, `});`. The body is told its indent. */
export function called(
  callee: string,
  value: string,
  { head, body, indent = 0 }: { head: string; body: (indent: number) => readonly string[]; indent?: number },
): string {
  const at = (by: number, lines: readonly string[]) => lines.map((line) => " ".repeat(indent + by) + line);
  const opening = `${callee}(${literal(value)}, ${head} {`;
  if (indent + width(opening) <= LINE_CHARS_MAX)
    return [...at(0, [opening]), ...at(STEP, body(indent + STEP)), ...at(0, ["});"])].join("\n");
  return [
    ...at(0, [`${callee}(`]),
    ...at(STEP, [`${literal(value)},`, `${head} {`]),
    ...at(2 * STEP, body(indent + 2 * STEP)),
    ...at(STEP, ["},"]),
    ...at(0, [");"]),
  ].join("\n");
}

/** `head(a, b)tail`, with the arguments on lines of their own where they do not fit. */
export function spread(head: string, args: readonly string[], tail: string, indent = 0): string {
  const pad = " ".repeat(indent);
  const line = `${pad}${head}(${args.join(", ")})${tail}`;
  if (width(line) <= LINE_CHARS_MAX) return line;
  const inner = " ".repeat(indent + STEP);
  return `${pad}${head}(\n${args.map((arg) => `${inner}${arg},\n`).join("")}${pad})${tail}`;
}

/** A string literal for any text. Of the two quotes it takes the one that has to be escaped less often. */
export function literal(value: string): string {
  const quote = count(value, '"') > count(value, "'") ? "'" : '"';
  const escaped = (char: string) => {
    if (char === '"' || char === "'") return char === quote ? `\\${char}` : char;
    return ESCAPES[char] ?? unicode(char);
  };
  return quote + value.replace(SPECIAL, escaped).replaceAll("${", "$\\u007b") + quote;
}

/** A property's name: quoted only where it has to be. */
export function key(name: string): string {
  if (name === "__proto__") return '["__proto__"]';
  if (/^[A-Za-z_$][\w$]*$/.test(name)) return name;
  // Letters that need no quotes in a name would lose them.
  return literal(name).replace(/[^ -~]/g, unicode);
}

/** `params.id`, `params["a-b"]`. */
export function member(of: string, name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `${of}.${name}` : `${of}[${literal(name)}]`;
}

/** However long its line becomes. */
function stays(head: string, { kind }: Code): boolean {
  if (kind === "plain" || kind === "template") return true;
  return kind === "text" && head.length - 1 <= SHORT_KEY_CHARS_MAX;
}

function width(line: string): number {
  return line.length + (line.match(WIDE)?.length ?? 0);
}

function count(value: string, quote: string): number {
  return value.split(quote).length - 1;
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function unicode(char: string): string {
  const hex = (char.codePointAt(0) ?? 0).toString(16);
  return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, "0")}`;
}
