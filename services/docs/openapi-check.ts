// Holds an OpenAPI document to its schema, and to what the schema cannot say. For tests.
import { expect } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import type { openApiOf } from "./openapi.js";

export type OpenApi = ReturnType<typeof openApiOf>;

/** Compiles the schema once. */
const validator = new Validator();

export async function expectValid(document: OpenApi): Promise<void> {
  // What a reader gets is the text.
  const read: OpenApi = JSON.parse(JSON.stringify(document));
  const { valid, errors } = await validator.validate(structuredClone(read));
  expect({ valid, errors }).toEqual({ valid: true, errors: undefined });

  const operations = operationsOf(read);
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(new Set(Object.keys(read.paths).map(shapeOf)).size).toBe(Object.keys(read.paths).length);
  for (const { path, operation } of operations) {
    const { parameters = [], responses, tags, security } = operation;
    const inPath = parameters.filter((parameter) => parameter.in === "path");
    expect(inPath.map(({ name }) => name)).toEqual(namesIn(path));
    expect(inPath.every(({ required }) => required)).toBe(true);
    expect(new Set(parameters.map((parameter) => `${parameter.in} ${parameter.name}`)).size).toBe(
      parameters.length,
    );
    expect(responses).toHaveProperty("default", { $ref: "#/components/responses/Error" });
    expect("401" in responses).toBe(security === undefined);
    expect(read.tags.map(({ name }) => name)).toEqual(expect.arrayContaining(tags));
  }
}

function operationsOf({ paths }: OpenApi) {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.values(item).map((operation) => ({ path, operation })),
  );
}

function namesIn(template: string): string[] {
  return Array.from(template.matchAll(/\{([^}]*)\}/g), ([, name = ""]) => name);
}

function shapeOf(template: string): string {
  return template.replaceAll(/\{[^}]*\}/g, "{}");
}
