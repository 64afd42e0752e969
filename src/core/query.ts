// Query parameters, declared by name: each is read by a function that knows one kind of value, and what it does not
// know is `invalid <name>: <value>`.
import type { Context } from "hono";
import { quoted, refused } from "./fields.js";
import { timeMs } from "./times.js";
import { asUlid } from "./ulid.js";

/** Undefined for a value that is malformed. */
export type Reader<T> = (text: string) => T | undefined;
/** A parameter that may be repeated. */
export interface Repeated<T> {
  each: Reader<T>;
}
export type Readers = Readonly<Record<string, Reader<unknown> | Repeated<unknown>>>;
export type Query<R extends Readers> = {
  -readonly [K in keyof R]: R[K] extends Repeated<infer T>
    ? T[]
    : R[K] extends Reader<infer T>
      ? T | undefined
      : never;
};
/** The values of a query string as they were sent, in their order. */
export type Sent = Readonly<Record<string, readonly string[]>>;

/** A point in the order of a list: an id, or a time in epoch milliseconds. */
export type Point = { id: string } | { ms: number };

/** A parameter that was not sent is undefined; of a repeated one the first counts unless its reader is `repeated`. */
export function readQuery<R extends Readers>(c: Context, readers: R): Query<R> {
  return readSent(c.req.queries(), readers);
}

export function readSent<R extends Readers>(sent: Sent, readers: R): Query<R> {
  const entries = Object.entries(readers).map(([name, reader]) => {
    const values = Object.hasOwn(sent, name) ? (sent[name] ?? []) : [];
    if (typeof reader !== "function") return [name, values.map((value) => known(name, value, reader.each))];
    return [name, values[0] === undefined ? undefined : known(name, values[0], reader)];
  });
  return Object.fromEntries(entries) as Query<R>;
}

export function repeated<T>(each: Reader<T>): Repeated<T> {
  return { each };
}

/** Any text; for filters, where a value that does not exist matches nothing. */
export const anyText: Reader<string> = (text) => text;

/** `true` or `false`. */
export const asFlag: Reader<boolean> = (text) =>
  text === "true" || text === "false" ? text === "true" : undefined;

/** A ULID, in either case, or a time in any ISO form. */
export const asPoint: Reader<Point> = (text) => {
  const id = asUlid(text);
  if (id !== undefined) return { id };
  const ms = timeMs(text);
  return ms === undefined ? undefined : { ms };
};

/** An integer from 1 on, of any size. */
export const asCount: Reader<number> = (text) => (/^0*[1-9]\d*$/.test(text) ? Number(text) : undefined);

/** `limit`, at most `limitMax`. */
export function limitIn(c: Context, { limit, limitMax }: { limit: number; limitMax: number }): number {
  return Math.min(readQuery(c, { limit: asCount }).limit ?? limit, limitMax);
}

function known<T>(name: string, value: string, read: Reader<T>): T {
  const result = read(value);
  if (result === undefined) throw refused(`invalid ${name}: ${quoted(value)}`);
  return result;
}
