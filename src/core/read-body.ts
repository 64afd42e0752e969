// Reads a JSON body against a schema. What does not fit is 400, with a message that names the field, what was expected
// and what came.
import type { Static, TObject, TSchema } from "@sinclair/typebox";
import { Value, type ValueError, ValueErrorType } from "@sinclair/typebox/value";
import type { Context } from "hono";
import { ReefError } from "./errors.js";

/** What a message quotes of a value. */
const SHOWN_CHARS_MAX = 80;

/**
 * The fields are checked in the order of the schema; unknown ones are dropped. Null and blank text count as absent
 * unless the schema takes them. A field's `errorMessage`, where it has one, is the whole message. A schema without
 * required fields takes an empty body.
 */
export async function readBody<T extends TObject>(c: Context, schema: T): Promise<Static<T>> {
  const text = await c.req.text();
  const required = new Set<string>(schema.required ?? []);
  const body = text.trim() === "" && required.size === 0 ? {} : parseObject(text);
  const fields: Record<string, unknown> = {};
  for (const [name, field] of Object.entries<TSchema>(schema.properties)) {
    const value = Object.hasOwn(body, name) ? body[name] : undefined;
    if (isAbsent(value, field)) {
      if (required.has(name)) throw wrong(field, `${name} is required`);
    } else {
      check(name, field, value);
      fields[name] = value;
    }
  }
  return fields as Static<T>;
}

/** Throws `Invalid JSON body` for anything but the JSON of an object. */
export function parseObject(text: string): Record<string, unknown> {
  const value = parse(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new ReefError("bad_request", "Invalid JSON body");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ReefError("bad_request", "Invalid JSON body", {}, { cause: error });
  }
}

function isAbsent(value: unknown, field: TSchema): boolean {
  if (value === undefined) return true;
  const isBlank = value === null || (typeof value === "string" && value.trim() === "");
  return isBlank && (!Value.Check(field, value) || field.minLength > 0);
}

function check(name: string, field: TSchema, value: unknown): void {
  const error = Value.Errors(field, value).First();
  if (!error) return;
  const path = name + error.path.replace(/\/(\d+)/g, "[$1]").replaceAll("/", ".");
  throw wrong(field, messageFor(path, error));
}

function wrong(field: TSchema, message: string): ReefError {
  return new ReefError("bad_request", field.errorMessage ?? message);
}

function messageFor(path: string, { type, schema, value }: ValueError): string {
  switch (type) {
    case ValueErrorType.ObjectRequiredProperty:
      return `${path} is required`;
    case ValueErrorType.StringMaxLength:
      return `${path} is longer than ${schema.maxLength} characters`;
    case ValueErrorType.ArrayMaxItems:
      return `${path} has more than ${schema.maxItems} items`;
    default:
      return `${path} must be ${expectedOf(schema)}. Received: ${shown(value)}`;
  }
}

function expectedOf(schema: TSchema): string {
  if (Array.isArray(schema.anyOf)) return expectedOfUnion(schema.anyOf);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "integer" || schema.type === "number") return expectedOfNumber(schema);
  if (schema.type === "string")
    return schema.pattern ? `a string that matches ${schema.pattern}` : "a string";
  const names: Record<string, string> = {
    boolean: "true or false",
    object: "an object",
    array: "an array",
    null: "null",
  };
  return names[schema.type] ?? "of another form";
}

function expectedOfUnion(anyOf: TSchema[]): string {
  const constants = anyOf.every(({ const: value }) => value !== undefined);
  return (constants ? "one of " : "") + anyOf.map(expectedOf).join(constants ? ", " : " or ");
}

function expectedOfNumber({ type, minimum, maximum, exclusiveMinimum }: TSchema): string {
  const noun = type === "integer" ? "an integer" : "a number";
  if (minimum !== undefined && maximum !== undefined) return `${noun} from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return `${noun} of at least ${minimum}`;
  if (exclusiveMinimum !== undefined) return `${noun} above ${exclusiveMinimum}`;
  return maximum === undefined ? noun : `${noun} of at most ${maximum}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text;
}
