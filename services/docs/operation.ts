// One operation of the OpenAPI document: what a route takes, answers and asks for.
import type { ParamDoc } from "#core/types.js";
import { type JsonSchema, objectSchema, schemaOf } from "./json-schema.js";
import { mediaTypeOf } from "./media-type.js";
import { pathParam, queryParams } from "./params.js";
import { segmentsOf } from "./segments.js";
import type { DescribedRoute, Service } from "./service.js";
import type { PathParam, Template } from "./template.js";

export interface Operation {
  operationId: string;
  tags: string[];
  summary?: string;
  description?: string;
  parameters?: Parameter[];
  requestBody?: { required: boolean; content: Content };
  responses: Record<string, { description: string; content: Content } | { $ref: string }>;
  /** Empty on an open route; a token otherwise. */
  security?: [];
}

interface Parameter {
  name: string;
  in: "path" | "query";
  required: boolean;
  description?: string;
  schema: JsonSchema;
}

type Content = Record<string, { schema: object }>;

export interface OperationParts {
  service: Service;
  route: DescribedRoute;
  template: Template;
  /** Lower case. */
  method: string;
  /** The path's parameters, under the names that the document has for them. */
  params: readonly PathParam[];
  nameOf(...words: string[]): string;
}

export const SECURITY = [{ token: [] }];

export const COMPONENTS = {
  securitySchemes: {
    token: { type: "http", scheme: "bearer", description: "The server's token, or that of a running task." },
  },
  schemas: {
    Error: {
      type: "object",
      properties: {
        error: { type: "string", description: "What went wrong, for people" },
        code: {
          type: "string",
          description: "What went wrong, for programs; also in the header X-Reef-Error",
        },
      },
      required: ["error"],
    },
  },
  responses: {
    Error: errorAnswer("Any other status is an error."),
    Unauthorized: errorAnswer("No valid token."),
  },
};

const GATED = { "401": { $ref: "#/components/responses/Unauthorized" } };
const ERRORS = { default: { $ref: "#/components/responses/Error" } };

export function operationOf(parts: OperationParts): Operation {
  const { service, route, template, method } = parts;
  const { summary, detail, body, response } = route.docs;
  const parameters = [...pathParameters(parts), ...queryParameters(route)];
  const isOpen = service.isOpen(method.toUpperCase(), template.relativePath);
  return {
    operationId: parts.nameOf(service.doc.name, method, ...wordsOf(template)),
    tags: [service.doc.name],
    ...(summary && { summary }),
    ...(detail && { description: detail }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: requestBody(body) }),
    responses: { "200": answer(response), ...(isOpen ? {} : GATED), ...ERRORS },
    ...(isOpen && { security: [] }),
  };
}

function pathParameters({ route, template, params }: OperationParts): Parameter[] {
  return template.params.map(({ name, pattern }, index) => {
    const { description, ...schema } = schemaOf(pathParam(route.docs, name));
    return {
      name: params[index]?.key ?? name,
      in: "path",
      required: true,
      ...(description && { description }),
      schema: { ...schema, ...patternOf(schema, pattern) },
    };
  });
}

function queryParameters({ path, docs }: DescribedRoute): Parameter[] {
  return Array.from(queryParams(path, docs), ([name, doc]) => {
    const { description, ...schema } = schemaOf(doc);
    const required = doc.required ?? false;
    return { name, in: "query", required, ...(description && { description }), schema };
  });
}

/** Only as far as it is an expression in JSON Schema's own dialect. */
function patternOf({ type = "string" }: JsonSchema, pattern: string | undefined): { pattern?: string } {
  if (pattern === undefined || type !== "string") return {};
  const whole = `^(?:${pattern})$`;
  try {
    new RegExp(whole, "u");
    return { pattern: whole };
  } catch {
    // Hono knows expressions that are none with the flag `u`.
    return {};
  }
}

function requestBody(fields: Record<string, ParamDoc>): Operation["requestBody"] {
  const required = Object.values(fields).some((field) => field.required);
  return { required, content: { "application/json": { schema: objectSchema(fields) } } };
}

function answer(response: string | undefined): { description: string; content: Content } {
  return { description: response || "OK", content: { [mediaTypeOf(response)]: { schema: {} } } };
}

function errorAnswer(description: string) {
  return { description, content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } } };
}

function wordsOf({ relativePath }: Template): string[] {
  return segmentsOf(relativePath).map((segment) => {
    if (segment.kind === "literal") return segment.text;
    return segment.kind === "param" ? `by ${segment.name}` : "";
  });
}
