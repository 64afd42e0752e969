// What pi does to a tool's arguments before it checks them: "4" becomes 4 where the schema asks for a number. Done here
// too, so that a call means the same whether it comes from pi, an MCP client or curl.
import { Check } from "typebox/schema";

type Schema = Record<string, unknown>;

/** Returns `value` with primitives turned into the types that the JSON Schema asks for, where that loses nothing. */
export function coerce(value: unknown, schema: unknown): unknown {
  if (!isObject(schema)) return value;
  let next = value;
  for (const part of listOf(schema.allOf)) next = coerce(next, part);
  for (const choices of [listOf(schema.anyOf), listOf(schema.oneOf)]) next = firstThatFits(next, choices);
  next = primitive(next, typesOf(schema));
  if (Array.isArray(next)) return items(next, schema);
  return isObject(next) ? properties(next, schema) : next;
}

function firstThatFits(value: unknown, choices: unknown[]): unknown {
  for (const choice of choices) {
    const coerced = coerce(value, choice);
    if (isObject(choice) && Check(choice, coerced)) return coerced;
  }
  return value;
}

function primitive(value: unknown, types: string[]): unknown {
  if (types.some((type) => IS[type]?.(value))) return value;
  for (const type of types) {
    const coerced = TO[type]?.(value);
    if (coerced !== undefined) return coerced;
  }
  return value;
}

function items(values: unknown[], schema: Schema): unknown[] {
  if (Array.isArray(schema.items)) {
    const each = schema.items;
    return values.map((value, index) => coerce(value, each[index]));
  }
  return values.map((value) => coerce(value, schema.items));
}

function properties(value: Schema, schema: Schema): Schema {
  const known = isObject(schema.properties) ? schema.properties : {};
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      coerce(field, Object.hasOwn(known, name) ? known[name] : schema.additionalProperties),
    ]),
  );
}

const IS: Record<string, (value: unknown) => boolean> = {
  number: (value) => typeof value === "number",
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === "boolean",
  string: (value) => typeof value === "string",
  null: (value) => value === null,
  array: Array.isArray,
  object: (value) => isObject(value) && !Array.isArray(value),
};

/** pi's table: undefined where a value stays as it is. */
const TO: Record<string, (value: unknown) => unknown> = {
  number: (value) => toNumber(value, Number.isFinite),
  integer: (value) => toNumber(value, Number.isInteger),
  boolean: (value) =>
    [null, "false", 0].includes(value as null) ? false : ["true", 1].includes(value as string) || undefined,
  string: (value) =>
    value === null ? "" : ["number", "boolean"].includes(typeof value) ? String(value) : undefined,
  null: (value) => (["", 0, false].includes(value as string) ? null : undefined),
};

function toNumber(value: unknown, fits: (value: unknown) => boolean): number | undefined {
  if (value === null) return 0;
  const isText = typeof value === "string" && value.trim() !== "";
  const number = isText || typeof value === "boolean" ? Number(value) : Number.NaN;
  return fits(number) ? number : undefined;
}

function typesOf({ type }: Schema): string[] {
  return (Array.isArray(type) ? type : [type]).filter((name) => typeof name === "string");
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function isObject(value: unknown): value is Schema {
  return typeof value === "object" && value !== null;
}
