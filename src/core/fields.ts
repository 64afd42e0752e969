// The fields of a body, declared in the order in which a route checks them: each is a function from what was sent to
// what is meant, and throws `bad_request` with the one message that names what is wrong.
import type { Context } from "hono";
import { ReefError } from "./errors.js";
import { parseObject } from "./read-body.js";
import { timeMs } from "./times.js";

/** What an error quotes of a value that a caller sent. */
const QUOTED_CHARS_MAX = 200;

/** Reads one field. `value` is undefined when it was not sent; `name` is how messages call it. */
export type Field<T> = (value: unknown, name: string) => T;
export type Fields = Readonly<Record<string, Field<unknown>>>;
export type Read<F extends Fields> = { -readonly [K in keyof F]: ReturnType<F[K]> };

/**
 * Reads the JSON body of a request. Fields are checked in their order, unknown ones ignored. What is no JSON object is
 * `Invalid JSON body`; so is no body at all, unless every field may be left out.
 */
export async function readFields<F extends Fields>(c: Context, fields: F): Promise<Read<F>> {
  const text = await c.req.text();
  if (text.trim() !== "") return readObject(parseObject(text), fields);
  try {
    return readObject({}, fields);
  } catch (error) {
    throw new ReefError("bad_request", "Invalid JSON body", {}, { cause: error });
  }
}

/** The same for an object within a body; `nameOf` says how messages call its fields. */
export function readObject<F extends Fields>(
  object: Readonly<Record<string, unknown>>,
  fields: F,
  nameOf: (field: string) => string = (field) => field,
): Read<F> {
  const entries = Object.entries(fields).map(([key, field]) => {
    return [key, field(Object.hasOwn(object, key) ? object[key] : undefined, nameOf(key))];
  });
  return Object.fromEntries(entries) as Read<F>;
}

/** A string, trimmed. `message` replaces what is said when it is missing or no string, not when it is too long. */
export function text(charsMax: number, message?: string): Field<string> {
  return (value, name) => fitting(stringOf(value, name, message).trim(), name, charsMax);
}

/** A string as it was sent. One that is blank still counts as missing. */
export function verbatim(charsMax: number, message?: string): Field<string> {
  return (value, name) => fitting(stringOf(value, name, message), name, charsMax);
}

/** One of `choices`. A message that is a text stands for all that can be wrong, one that is a function for another value. */
export function oneOf<const T extends string>(
  choices: readonly T[],
  message: string | ((sent: string) => string),
): Field<T> {
  const whole = typeof message === "string" ? message : undefined;
  return (value, name) => {
    const sent = stringOf(value, name, whole);
    const choice = choices.find((one) => one === sent);
    if (choice !== undefined) return choice;
    throw refused(typeof message === "string" ? message : message(quoted(sent)));
  };
}

export interface NumberOptions {
  min?: number;
  max?: number;
  isInteger?: boolean;
  /** Replaces every other message. */
  message?: string;
}

export function number({ min, max, isInteger = false, message }: NumberOptions = {}): Field<number> {
  const noun = isInteger ? "a whole number" : "a number";
  const range = rangeText(min, max);
  return (value, name) => {
    if (isBlank(value)) throw refused(message ?? `${name} is required`);
    if (typeof value !== "number" || !Number.isFinite(value))
      throw refused(message ?? `${name} must be a number`);
    const fits =
      value >= (min ?? value) && value <= (max ?? value) && (!isInteger || Number.isInteger(value));
    if (!fits) throw refused(message ?? `${name} must be ${noun}${range}`);
    return value;
  };
}

export function flag(): Field<boolean> {
  return (value, name) => {
    if (isBlank(value)) throw refused(`${name} is required`);
    if (typeof value !== "boolean") throw refused(`${name} must be true or false`);
    return value;
  };
}

/** A time as epoch milliseconds, from any ISO form. */
export function time(): Field<number> {
  return (value, name) => {
    if (isBlank(value)) throw refused(`${name} is required`);
    const ms = typeof value === "string" ? timeMs(value.trim()) : undefined;
    if (ms === undefined) throw refused(`${name} must be a time`);
    return ms;
  };
}

/** Undefined, or `fallback`, for what is missing, null or blank. */
export function optional<T>(field: Field<T>): Field<T | undefined>;
export function optional<T>(field: Field<T>, fallback: T): Field<T>;
export function optional<T>(field: Field<T>, fallback?: T): Field<T | undefined> {
  return (value, name) => (isBlank(value) ? fallback : field(value, name));
}

/** For a change: undefined for what was not sent, null for what is null or blank and is thus taken away. */
export function clearable<T>(field: Field<T>): Field<T | null | undefined> {
  return (value, name) => {
    if (value === undefined) return undefined;
    return isBlank(value) ? null : field(value, name);
  };
}

/** For a change of what must not be taken away: undefined for what was not sent, `message` for what is null or blank. */
export function unlessEmpty<T>(field: Field<T>, message: string): Field<T | undefined> {
  return (value, name) => {
    if (value === undefined) return undefined;
    if (isBlank(value)) throw refused(message);
    return field(value, name);
  };
}

/** Missing, null, or a string of white space. */
export function isBlank(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === "string" && value.trim() === "");
}

/** At most `charsMax` characters, else `<name> is longer than <n> characters`. */
export function fitting(value: string, name: string, charsMax: number): string {
  if (value.length <= charsMax) return value;
  throw refused(`${name} is longer than ${charsMax} characters`);
}

export function refused(message: string): ReefError {
  return new ReefError("bad_request", message);
}

/** A value as a message may repeat it. */
export function quoted(value: string): string {
  return value.length > QUOTED_CHARS_MAX ? `${value.slice(0, QUOTED_CHARS_MAX)}…` : value;
}

/** Half surrogate pairs cannot be stored as UTF-8, so they are replaced before anybody is told what was stored. */
function stringOf(value: unknown, name: string, message: string | undefined): string {
  if (isBlank(value)) throw refused(message ?? `${name} is required`);
  if (typeof value !== "string") throw refused(message ?? `${name} must be a string`);
  return value.toWellFormed();
}

function rangeText(min: number | undefined, max: number | undefined): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (min !== undefined) return ` of at least ${min}`;
  return max === undefined ? "" : ` of at most ${max}`;
}
