// Pure: values → the words that a terminal shows. Nothing that a model or a tool wrote reaches it unfiltered.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Without control characters, line breaks and tabs excepted: no text can move the cursor or rename the window. */
export function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it removes.
  return text.replace(/\r\n?/g, "\n").replace(/\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "");
}

/** One line of at most `charsMax` characters. */
export function oneLine(text: string, charsMax: number): string {
  return cut(plain(text).replace(/\s+/g, " ").trim(), charsMax);
}

export function cut(text: string, charsMax: number): string {
  const chars = [...text];
  return chars.length <= charsMax ? text : `${chars.slice(0, Math.max(0, charsMax - 1)).join("")}…`;
}

/** The first lines of a text, and how many more there are. */
export function head(text: string, linesMax: number, charsMax: number): string[] {
  const lines = plain(text).trimEnd().split("\n");
  const shown = lines.slice(0, linesMax).map((line) => cut(line, charsMax));
  const more = lines.length - shown.length;
  return more > 0 ? [...shown, `… (${more} more ${more === 1 ? "line" : "lines"})`] : shown;
}

/** `bash(ls -l)`: the one string argument or bash's command, else compact JSON. */
export function call(name: string, args: unknown, charsMax: number): string {
  return oneLine(`${name}(${argumentsOf(name, args)})`, charsMax);
}

function argumentsOf(name: string, args: unknown): string {
  if (args === undefined || args === null) return "";
  if (typeof args !== "object") return String(args);
  const values = Object.values(args);
  const [only] = values;
  if (values.length === 0) return "";
  if (name === "bash" && "command" in args && typeof args.command === "string") return args.command;
  return values.length === 1 && typeof only === "string" ? only : JSON.stringify(args);
}

/** `850 ms`, `3.2 s`, `4 min 10 s`, `2 h 5 min`, `3 d`. */
export function duration(ms: number): string {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < MINUTE) return `${(ms / SECOND).toFixed(1)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ${Math.floor((ms % MINUTE) / SECOND)} s`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ${Math.floor((ms % HOUR) / MINUTE)} min`;
  return `${Math.floor(ms / DAY)} d`;
}

/** The same for tables: one unit, whole. */
export function age(ms: number): string {
  if (ms < MINUTE) return `${Math.max(0, Math.floor(ms / SECOND))}s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)}m`;
  return ms < DAY ? `${Math.floor(ms / HOUR)}h` : `${Math.floor(ms / DAY)}d`;
}

/** US dollars: cents where there are some, hundredths of a cent below. */
export function dollars(cost: number): string {
  if (cost === 0) return "$0";
  if (cost < 0.0001) return "<$0.0001";
  return `$${cost.toFixed(cost >= 1 ? 2 : 4)}`;
}

/** Columns as wide as their widest cell; the last one is neither padded nor measured. `paint` sees padded cells. */
export function table(
  rows: readonly (readonly string[])[],
  paint: (cell: string, column: number) => string = (cell) => cell,
): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (row: readonly string[]) =>
    row.map((cell, column) =>
      paint(column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0), column),
    );
  return rows.map((row) => line(row).join("  ").trimEnd());
}
