// What the query strings of /reef mean, checked: numbers, lists, switches.
import { ReefError } from "../core/errors.js";

export type Query = (name: string) => string | undefined;

export function integer(
  query: Query,
  name: string,
  range: { min: number; max?: number },
): number | undefined {
  const text = query(name);
  if (text === undefined) return undefined;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  const { min, max = Number.MAX_SAFE_INTEGER } = range;
  if (value >= min && value <= max) return value;
  const expected =
    range.max === undefined ? `an integer of at least ${min}` : `an integer from ${min} to ${max}`;
  throw new ReefError("bad_request", `${name} must be ${expected}. Received: ${JSON.stringify(text)}`);
}

export function list(query: Query, name: string): string[] | undefined {
  const text = query(name);
  return text
    ?.split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

export function flag(query: Query, name: string): boolean {
  const text = query(name);
  if (text === undefined || text === "0" || text === "false") return false;
  if (text === "" || text === "1" || text === "true") return true;
  throw new ReefError("bad_request", `${name} must be 0 or 1. Received: ${JSON.stringify(text)}`);
}

/** `?wait=<seconds>`, 0 to 60; undefined when not asked for. In milliseconds. */
export function waitMs(query: Query): number | undefined {
  const text = query("wait");
  if (text === undefined) return undefined;
  const seconds = /^\d{1,3}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= 0 && seconds <= 60) return seconds * 1000;
  throw new ReefError(
    "bad_request",
    `wait must be a number of seconds from 0 to 60. Received: ${JSON.stringify(text)}`,
  );
}
