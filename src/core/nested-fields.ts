// Fields that hold more than one value: lists of strings, lists of objects, maps, and objects of any form.
import { ReefError } from "./errors.js";
import { type Field, type Fields, fitting, isBlank, type Read, readObject, refused } from "./fields.js";
import { LIMITS } from "./limits.js";

/** Deeper objects cannot be written as JSON again everywhere. */
const LEVELS_MAX = 500;

type JsonObject = Record<string, unknown>;

/** A list of strings as they were sent. */
export function texts(itemsMax: number, charsMax: number): Field<string[]> {
  return (value, name) => {
    const items = stringsIn(value, name);
    return checkedTexts(items, { name, itemsMax, charsMax });
  };
}

/** A list of strings, each trimmed, without blanks and doubles; undefined when none is left. */
export function tidyTexts(itemsMax: number, charsMax: number): Field<string[] | undefined> {
  return (value, name) => {
    const items = stringsIn(value, name).map((item) => item.trim());
    const kept = [...new Set(items.filter((item) => item !== ""))];
    return kept.length === 0 ? undefined : checkedTexts(kept, { name, itemsMax, charsMax });
  };
}

export interface ItemsOptions {
  itemsMax?: number;
  /** Messages then say `<itemName> <field>` instead of `<name>[<index>].<field>`. */
  itemName?: string;
  /** For a list that is missing, empty or no list; without it an empty list is one. */
  message?: string;
}

/** A list of objects, each with `fields`. */
export function items<F extends Fields>(fields: F, options: ItemsOptions = {}): Field<Read<F>[]> {
  const { itemsMax = LIMITS.itemsMax, itemName, message } = options;
  return (value, name) => {
    const list = listIn(value, name, message);
    if (message !== undefined && list.length === 0) throw refused(message);
    checkCount(list.length, name, itemsMax);
    if (!list.every(isObject)) throw refused(`${name} must contain only objects`);
    return list.map((item, index) =>
      readObject(item, fields, (field) => (itemName ? `${itemName} ${field}` : `${name}[${index}].${field}`)),
    );
  };
}

/** An object with `fields`. `message` replaces whatever there is to say of it. */
export function shape<F extends Fields>(fields: F, message?: string): Field<Read<F>> {
  return (value, name) => {
    try {
      return readObject(objectIn(value, name), fields, (field) => `${name}.${field}`);
    } catch (error) {
      if (message === undefined) throw error;
      throw new ReefError("bad_request", message, {}, { cause: error });
    }
  };
}

/** An object whose keys are names that the caller gives, and whose values all are such a field. */
export function mapOf<T>(field: Field<T>, itemsMax: number = LIMITS.itemsMax): Field<Record<string, T>> {
  return (value, name) => {
    const entries = Object.entries(objectIn(value, name));
    checkCount(entries.length, name, itemsMax);
    return Object.fromEntries(
      entries.map(([key, one]) => {
        const known = fitting(key, `a key of ${name}`, LIMITS.nameCharsMax).toWellFormed();
        return [known, field(one, `${name}.${known}`)];
      }),
    );
  };
}

/** An object of any form, of at most `bytesMax` bytes of JSON. */
export function object(bytesMax: number = LIMITS.metadataBytesMax): Field<JsonObject> {
  return (value, name) => {
    const found = objectIn(value, name);
    if (isDeeper(found, LEVELS_MAX)) throw refused(`${name} is nested deeper than ${LEVELS_MAX} levels`);
    if (Buffer.byteLength(JSON.stringify(found)) > bytesMax)
      throw refused(`${name} is longer than ${bytesMax} bytes`);
    return found;
  };
}

function stringsIn(value: unknown, name: string): string[] {
  const list = listIn(value, name);
  if (!list.every((item) => typeof item === "string")) throw refused(`${name} must contain only strings`);
  return list.map((item) => item.toWellFormed());
}

function checkedTexts(
  list: string[],
  { name, itemsMax, charsMax }: { name: string; itemsMax: number; charsMax: number },
): string[] {
  checkCount(list.length, name, itemsMax);
  for (const item of list) fitting(item, name, charsMax);
  return list;
}

function listIn(value: unknown, name: string, message?: string): unknown[] {
  if (isBlank(value)) throw refused(message ?? `${name} is required`);
  if (!Array.isArray(value)) throw refused(message ?? `${name} must be an array`);
  return value;
}

function objectIn(value: unknown, name: string): JsonObject {
  if (isBlank(value)) throw refused(`${name} is required`);
  if (!isObject(value)) throw refused(`${name} must be an object`);
  return value;
}

function checkCount(count: number, name: string, itemsMax: number): void {
  if (count > itemsMax) throw refused(`${name} has more than ${itemsMax} items`);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}
