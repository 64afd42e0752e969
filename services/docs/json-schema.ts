// From the types that routeDocs name in words to JSON Schema, as far as there is one.
import type { ParamDoc } from "#core/types.js";

export interface JsonSchema {
  type?: string;
  description?: string;
  pattern?: string;
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  required?: string[];
}

const TYPES = new Set(["string", "number", "integer", "boolean", "object", "array"]);

/** `string[]` is an array of strings; a type that JSON Schema does not have goes into the description. */
export function schemaOf({ type, description }: ParamDoc): JsonSchema {
  const schema = typeSchema(type);
  const text = [schema.description, description].filter(Boolean).join(": ");
  return { ...schema, ...(text && { description: text }) };
}

/** Tools take these for keywords wherever they stand, names of fields included. */
const POINTERS = new Set(["$ref", "$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$schema"]);

/** An object with these fields. */
export function objectSchema(fields: Record<string, ParamDoc>): JsonSchema {
  const all = Object.entries(fields);
  const named = all.filter(([name]) => !POINTERS.has(name));
  const required = named.filter(([, field]) => field.required).map(([name]) => name);
  const rest = all.filter(([name]) => POINTERS.has(name));
  return {
    type: "object",
    properties: Object.fromEntries(named.map(([name, field]) => [name, schemaOf(field)])),
    ...(required.length > 0 && { required }),
    ...(rest.length > 0 && { description: rest.map(inWords).join("\n") }),
  };
}

function typeSchema(type: string): JsonSchema {
  if (type.endsWith("[]")) return { type: "array", items: typeSchema(type.slice(0, -2)) };
  if (TYPES.has(type)) return { type };
  return type === "" ? {} : { description: type };
}

function inWords([name, { type, description }]: [string, ParamDoc]): string {
  return `${name} (${type}): ${description}`;
}
