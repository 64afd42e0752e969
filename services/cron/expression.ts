// Reads a cron expression piece by piece, so that what is wrong with one is said in reef's words, and nothing reaches
// croner that reef does not know: no seventh field, no date.
import { refused } from "#core/http.js";

export interface Expression {
  /** Six fields of plain numbers. */
  pattern: string;
  /** No second, minute or hour of it is a `*` or has a step, so it names times of the day. */
  isFixedTime: boolean;
}

interface Field {
  min: number;
  max: number;
  /** What stands for `min`, `min + 1` and so on. */
  names?: readonly string[];
  /** Days of the month know `L`, days of the week `5L`, `5#L` and `5#2`. */
  days?: "month" | "week";
}

const SECOND: Field = { min: 0, max: 59 };
const MINUTE: Field = { min: 0, max: 59 };
const HOUR: Field = { min: 0, max: 23 };
const DAY: Field = { min: 1, max: 31, days: "month" };
const MONTH: Field = { min: 1, max: 12, names: "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(" ") };
const WEEKDAY: Field = { min: 0, max: 7, names: "SUN MON TUE WED THU FRI SAT".split(" "), days: "week" };

const MACROS = new Map([
  ["@yearly", "0 0 1 1 *"],
  ["@annually", "0 0 1 1 *"],
  ["@monthly", "0 0 1 * *"],
  ["@weekly", "0 0 * * 0"],
  ["@daily", "0 0 * * *"],
  ["@midnight", "0 0 * * *"],
  ["@hourly", "0 * * * *"],
]);

/** Throws `bad_request` for what is no expression, and names the piece that is wrong. */
export function readExpression(text: string): Expression {
  const fields = (MACROS.get(text.toLowerCase()) ?? text).split(/\s+/);
  if (fields.length !== 5 && fields.length !== 6) {
    throw refused(`Cron expression must have 5 fields (or 6 with seconds): ${text}`);
  }
  const [second, minute, hour, day, month, weekday] = fields.length === 6 ? fields : ["0", ...fields];
  const times = [readField(second, SECOND), readField(minute, MINUTE), readField(hour, HOUR)];
  const days = [readField(day, DAY), readField(month, MONTH), readField(weekday, WEEKDAY)];
  return { pattern: [...times, ...days].join(" "), isFixedTime: !/[*/]/.test(times.join("")) };
}

function readField(text = "", field: Field): string {
  return text
    .split(",")
    .map((piece) => readPiece(piece, field) ?? invalid(piece || text))
    .join(",");
}

/** Undefined for what the field does not know. */
function readPiece(piece: string, field: Field): string | undefined {
  if (/^L$/i.test(piece) && field.days === "month") return "L";
  const [range = "", step, more] = piece.split("/");
  if (more !== undefined) return undefined;
  if (step !== undefined) return readStepped(range, step, field);
  if (range === "*") return range;
  const [, days = range, nth = ""] = field.days === "week" ? (/^(.+?)(#[1-5L]|L)$/i.exec(range) ?? []) : [];
  const values = readRange(days, field);
  return values && values + nth.toUpperCase();
}

function readStepped(range: string, step: string, field: Field): string | undefined {
  const values = range === "*" ? range : readRange(range, field);
  if (values === undefined || (values !== "*" && !values.includes("-"))) return undefined;
  const size = field.days === "week" ? 7 : field.max - field.min + 1;
  const isStep = /^\d{1,4}$/.test(step) && Number(step) >= 1 && Number(step) <= size;
  if (!isStep) throw refused(`Invalid step value: ${step || `${range}/`}`);
  return `${values}/${Number(step)}`;
}

/** One value, or a first and a last one. */
function readRange(text: string, field: Field): string | undefined {
  const [first = "", last, more] = text.split("-");
  const from = readValue(first, field);
  if (last === undefined || from === undefined) return from?.toString();
  const to = readValue(last, field);
  if (to === undefined || more !== undefined) return undefined;
  // Sunday is both ends of the week: here it is the last day of it.
  const end = field.days === "week" && to === 0 && from > 0 ? 7 : to;
  return end < from ? undefined : `${from}-${end}`;
}

function readValue(text: string, { min, max, names = [] }: Field): number | undefined {
  const named = names.indexOf(text.toUpperCase());
  if (named >= 0) return min + named;
  const value = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
}

function invalid(piece: string): never {
  throw refused(`Invalid value: ${piece}`);
}
