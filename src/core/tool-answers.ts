// What the tools of services answer: JSON that a model reads, short enough for its context, and on failure what to do
// next.
import type { FleetClient } from "./types.js";

const TEXT_CHARS_MAX = 8_000;

export type ToolAnswer = ReturnType<FleetClient["ok"]>;

export interface ToolOptions {
  /** What to do about an error, where that is known: the end of a sentence that the message begins. */
  advice?(error: ToolFailure): string | undefined;
}

export interface ToolFailure {
  message: string;
  /** Of the server's answer; undefined when there was none. */
  status?: number;
}

/** Does a tool's work unless there is no server, and says of a failure what it was and what to do next. */
export async function toolAnswer(
  client: FleetClient,
  work: () => Promise<ToolAnswer>,
  { advice }: ToolOptions = {},
): Promise<ToolAnswer> {
  if (!client.getBaseUrl()) return client.noUrl();
  try {
    return await work();
  } catch (error) {
    const failure = failureOf(error);
    const next = advice?.(failure);
    const text = next === undefined ? failure.message : `${failure.message}: ${next}`;
    return client.err(cut(text, TEXT_CHARS_MAX - "Error: ".length));
  }
}

/** One value, as pretty JSON and as `details[key]`. */
export function jsonAnswer(client: FleetClient, key: string, value: unknown): ToolAnswer {
  return client.ok(cut(JSON.stringify(value, null, 2)), { [key]: value });
}

export interface ListOptions<T> {
  items: readonly T[];
  /** How many there are in all, when that is known to be more. */
  total?: number;
  /** How to get what is left, given the last item that is shown: `limit, or status`. */
  more(last: T): string;
  /** What `details[key]` holds for the items that are shown. Default: the items. */
  details?(shown: T[]): unknown;
  charsMax?: number;
}

/** As many whole items as fit, in their order, and how many are left. */
export function listToolAnswer<T>(client: FleetClient, key: string, options: ListOptions<T>): ToolAnswer {
  const { items, total = items.length, charsMax = TEXT_CHARS_MAX, details = (shown) => shown } = options;
  const { shown, text } = fittingItems(items, charsMax);
  const last = shown.at(-1);
  const left = total - shown.length;
  const rest = left > 0 && last !== undefined ? `\n… ${left} more: ${options.more(last)}` : "";
  return client.ok(cut(text, charsMax - rest.length) + rest, { [key]: details(shown) });
}

/** At most `charsMax` characters, with a note of how many are missing. */
export function cut(text: string, charsMax: number = TEXT_CHARS_MAX): string {
  if (text.length <= charsMax) return text;
  const room = charsMax - `… (${text.length} more characters)`.length;
  const kept = text.slice(0, room).replace(/[\uD800-\uDBFF]$/, "");
  return `${kept}… (${text.length - kept.length} more characters)`;
}

/** The first item is in it in any case. */
function fittingItems<T>(items: readonly T[], charsMax: number): { shown: T[]; text: string } {
  const shown: T[] = [];
  const texts: string[] = [];
  let left = charsMax - ROOM_FOR_REST;
  for (const item of items) {
    const text = JSON.stringify(item, null, 2);
    left -= text.length + 2;
    if (left < 0 && shown.length > 0) break;
    shown.push(item);
    texts.push(text);
  }
  return { shown, text: `[${texts.join(",\n")}]` };
}

/** For the line that says how many are left. */
const ROOM_FOR_REST = 300;

/** The server's own words are in `error`; the message of an ApiError also has the path, which may be long. */
function failureOf(error: unknown): ToolFailure {
  if (!(error instanceof Error)) return { message: String(error) };
  const message = "error" in error ? String(error.error) : error.message;
  return "status" in error && typeof error.status === "number"
    ? { message, status: error.status }
    : { message };
}
