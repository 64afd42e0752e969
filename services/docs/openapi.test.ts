// The OpenAPI document: valid whatever modules write, and true to the routes that hono serves.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Hono } from "hono";
import { createTestHarness } from "#core/testing.js";
import type { ParamDoc, RouteDocs, ServiceModule } from "#core/types.js";
import docs from "./index.js";
import { openApiOf } from "./openapi.js";
import { expectValid } from "./openapi-check.js";
import type { Operation } from "./operation.js";
import { serviceOf } from "./service.js";

const of = (...modules: ServiceModule[]) =>
  openApiOf(
    modules.map((module) => serviceOf(module, false)),
    "1.2.3",
  );
const text = () => new Response("text");
const any = (description = ""): ParamDoc => ({ type: "string", description });

/** The document of one module "m" with one route. */
function operation(
  route: string,
  said: Partial<RouteDocs> = {},
  module: Partial<ServiceModule> = {},
): Operation {
  const [method = "", path = ""] = route.split(" ");
  const routes = new Hono().on(method, path, text);
  const document = of({ name: "m", routes, routeDocs: { [route]: { summary: "", ...said } }, ...module });
  const [item = {}] = Object.values(document.paths);
  const [found] = Object.values(item);
  if (!found) throw new Error(`no operation for ${route}`);
  return found;
}

function paths(routes: Hono, module: Partial<ServiceModule> = {}): Record<string, string[]> {
  const document = of({ name: "m", routes, ...module });
  return Object.fromEntries(Object.entries(document.paths).map(([path, item]) => [path, Object.keys(item)]));
}

describe("paths", () => {
  test.each([
    ["/", ["/m/"]],
    ["/:id", ["/m/{id}"]],
    ["/:id{[0-9]{4}}/x", ["/m/{id}/x"]],
    ["/:path{a/b|.+}", ["/m/{path}"]],
    ["/:id?", ["/m/", "/m/{id}"]],
    ["/a/:b?/:c?", ["/m/a", "/m/a/{b}", "/m/a/{b}/{c}"]],
    ["/:k{[a-z]+}?", ["/m/", "/m/{k}"]],
    ["/a/:b?/c", ["/m/a/{b}/c"]],
    ["/:a/:a", ["/m/{a}/{a_2}"]],
    ["/a b/{c}/é/100%/%2F", ["/m/a%20b/%7Bc%7D/%C3%A9/100%25/%2F"]],
    ["/x/*", []],
    ["*", []],
    ["/a*", []],
  ])("of %s are %j (spec §8)", (path, expected) => {
    expect(Object.keys(paths(new Hono().get(path, text)))).toEqual(expected);
  });

  test("ALL becomes get, post, put, patch and delete (spec §8)", () => {
    expect(paths(new Hono().all("/x", text))).toEqual({ "/m/x": ["get", "post", "put", "patch", "delete"] });
  });

  test("methods that OpenAPI does not know are left out", () => {
    expect(paths(new Hono().on(["PURGE", "OPTIONS"], "/x", text).on("PURGE", "/y", text))).toEqual({
      "/m/x": ["options"],
    });
  });

  test("of a module at the root have no prefix (spec §8)", () => {
    expect(paths(new Hono().get("/x/:id", text), { mountAtRoot: true })).toEqual({ "/x/{id}": ["get"] });
  });

  test("of templates equal but for names the first stays, with the others' methods added (spec §8)", async () => {
    const routes = new Hono().get("/x/:id", text).put("/x/:name", text).get("/x/:other{[0-9]+}", text);
    const routeDocs = {
      "GET /x/:id": { summary: "first", params: { id: any("of the first") } },
      "PUT /x/:name": { summary: "second", params: { name: any("of the second"), more: any() } },
      "GET /x/:other{[0-9]+}": { summary: "third" },
    };
    const document = of({ name: "m", routes, routeDocs });
    await expectValid(document);
    expect(Object.keys(document.paths)).toEqual(["/m/x/{id}"]);
    const { get, put } = document.paths["/m/x/{id}"] ?? {};
    expect(get?.summary).toBe("first");
    expect(put?.parameters).toEqual([
      { name: "id", in: "path", required: true, description: "of the second", schema: { type: "string" } },
      { name: "more", in: "query", required: false, schema: { type: "string" } },
    ]);
  });

  test("a named module comes before one at the root, as it does when reef is asked", () => {
    const atRoot = {
      name: "a",
      mountAtRoot: true,
      routes: new Hono().get("/b/:x", text).post("/b/:x", text),
    };
    const document = of(atRoot, { name: "b", routes: new Hono().get("/:id", text) });
    expect(
      Object.entries(document.paths).map(([path, { get, post }]) => [path, get?.tags, post?.tags]),
    ).toEqual([["/b/{id}", ["b"], ["a"]]]);
  });
});

describe("what a route takes", () => {
  test.each([
    ["string", { type: "string" }],
    ["number", { type: "number" }],
    ["integer", { type: "integer" }],
    ["boolean", { type: "boolean" }],
    ["object", { type: "object" }],
    ["array", { type: "array" }],
    ["string[]", { type: "array", items: { type: "string" } }],
    ["number[][]", { type: "array", items: { type: "array", items: { type: "number" } } }],
    ["Note[]", { type: "array", items: { description: "Note" } }],
    ["any JSON", { description: "any JSON: What" }],
  ])("a field of type %s has the schema %j (spec §8)", (type, schema) => {
    const { requestBody } = operation("POST /x", {
      body: { field: { type, required: true, description: "What" } },
    });
    expect(requestBody).toEqual({
      required: true,
      content: {
        "application/json": {
          schema: {
            type: "object",
            properties: { field: { description: "What", ...schema } },
            required: ["field"],
          },
        },
      },
    });
  });

  test("a body without a required field may be left out", () => {
    expect(operation("POST /x", { body: { a: any() } }).requestBody?.required).toBe(false);
  });

  test("a name in params that is not in the path is asked for in the query, also beside an optional segment (spec §8)", () => {
    const document = of({
      name: "m",
      routes: new Hono().get("/:id?", text),
      routeDocs: {
        "GET /:id?": { summary: "", params: { id: any(), page: any() }, query: { page: any("2") } },
      },
    });
    const names = Object.values(document.paths).map(({ get }) =>
      get?.parameters?.map((one) => `${one.in} ${one.name}`),
    );
    expect(names).toEqual([["query page"], ["path id", "query page"]]);
  });

  test("a pattern of the path is the parameter's pattern, as far as JSON Schema has it", () => {
    const pattern = (path: string) => operation(`GET ${path}`).parameters?.[0]?.schema.pattern;
    expect(pattern("/:id{[0-9]{4}}")).toBe("^(?:[0-9]{4})$");
    expect(pattern("/:id{\\-}")).toBeUndefined();
  });
});

describe("what a route answers", () => {
  test.each([
    [undefined, "application/json", "OK"],
    ["{ type: 'text/html' }", "application/json", "{ type: 'text/html' }"],
    ["text/event-stream of frames", "text/event-stream", "text/event-stream of frames"],
    ["HTML", "text/html", "HTML"],
    ["An SSE stream", "text/event-stream", "An SSE stream"],
    ["A tarball (application/gzip).", "application/gzip", "A tarball (application/gzip)."],
    ["binary", "application/octet-stream", "binary"],
  ])("%j is %s (spec §8)", (response, type, description) => {
    const answer = operation("GET /x", { response }).responses["200"];
    expect(answer).toEqual({ description, content: { [type]: { schema: {} } } });
  });

  test("the error form is listed, and 401 where a token is needed (spec §8)", () => {
    expect(operation("GET /x").responses).toMatchObject({
      "401": { $ref: "#/components/responses/Unauthorized" },
      default: { $ref: "#/components/responses/Error" },
    });
  });
});

describe("security", () => {
  const security = (route: string, module: Partial<ServiceModule>) => operation(route, {}, module).security;

  test("is the bearer token, and [] on open routes (spec §8)", () => {
    const document = of({ name: "m" });
    expect(document.security).toEqual([{ token: [] }]);
    expect(document.components.securitySchemes.token).toMatchObject({ type: "http", scheme: "bearer" });
    expect(security("GET /x", {})).toBeUndefined();
    expect(security("GET /x", { requiresAuth: false })).toEqual([]);
  });

  test.each([
    ["the same path", "GET /s/:id", "GET /s/:id", true],
    ["another name", "GET /s/:id", "GET /s/:linkId", true],
    ["the same pattern", "GET /s/:id{[0-9]+}", "GET /s/:id{[0-9]+}", true],
    ["ALL", "POST /s", "ALL /s", true],
    ["a rest", "GET /s/x", "get /s/*", true],
    ["another method", "POST /s", "GET /s", false],
    ["a literal for a parameter", "GET /s/:id", "GET /s/special", false],
    ["a pattern for any value", "GET /s/:id", "GET /s/:id{[0-9]+}", false],
    ["a pattern that is none", "GET /s/:id", "GET /s/:id{[}", false],
    ["a path that hono stumbles over", "GET /:id{a|b}?/:id", "GET /:id{a|b}?/*", false],
    ["no path", "GET /s", "GET", false],
  ])("of a public route with %s (spec §8)", (_what, route, publicRoute, isOpen) => {
    expect(security(route, { publicRoutes: [publicRoute] })).toEqual(isOpen ? [] : undefined);
  });

  test("each method of ALL is open by itself", () => {
    const document = of({ name: "m", routes: new Hono().all("/x", text), publicRoutes: ["POST /x"] });
    const open = Object.entries(document.paths["/m/x"] ?? {}).filter(([, { security }]) => security);
    expect(open.map(([method]) => method)).toEqual(["post"]);
  });
});

describe("GET /docs/openapi.json", () => {
  test("names reef's version, and has the routes of every service, its own too (spec §8)", async () => {
    const notes = { name: "notes", routes: new Hono().get("/:id", text) };
    const harness = await createTestHarness({ services: [notes, docs] });
    const { data, headers } = await harness.json("/docs/openapi.json");
    const { version } = (await harness.json("/version", { auth: true })).data;
    await harness.cleanup();
    expect(headers.get("content-type")).toBe("application/json");
    expect(data).toMatchObject({ openapi: "3.1.0", info: { version } });
    expect(Object.keys(data.paths)).toContain("/notes/{id}");
    expect(Object.keys(data.paths)).toContain("/docs/openapi.json");
    await expectValid(data);
  });
});

describe("whatever modules write", () => {
  const hostileNames = [
    "__proto__",
    "constructor",
    "$ref",
    "$id",
    "a b",
    "{x}",
    "?",
    "#",
    "/",
    "é",
    "'\"<",
    "*",
    ":id",
  ];

  test("hostile names and texts give a valid document (spec §8)", async () => {
    const fields = Object.fromEntries(
      hostileNames.map((name) => [name, { type: name, required: true, description: name }]),
    );
    const said = {
      summary: "</script>",
      detail: "$ref",
      params: fields,
      query: fields,
      body: fields,
      response: "*/*",
    };
    const routes = new Hono();
    const routeDocs: Record<string, RouteDocs> = {};
    for (const path of hostilePaths()) {
      routes.all(path, text).get(path, text).on("PURGE", path, text);
      routeDocs[`ALL ${path}`] = said;
      routeDocs[`GET ${path}`] = said;
    }
    await expectValid(
      of({ name: "m", routes, routeDocs }, { name: "r", routes, routeDocs, mountAtRoot: true }),
    );
  });

  function hostilePaths(): string[] {
    const segments = [
      ...hostileNames.filter((name) => name !== "/"),
      ":",
      ":a{",
      ":a}",
      "a:b",
      "%",
      "%zz",
      "\u0000",
      "\ud800",
      "..",
      ":a{(}",
    ];
    return segments.flatMap((one) => [
      `/${one}`,
      `/${one}/`,
      `/x/:${one}`,
      `/:${one}/${one}?`,
      `/${one}/:y?`,
      `//${one}`,
    ]);
  }

  const name = fc.constantFrom("id", "key", "a", "b_c", "x-y", "é");
  const pattern = fc.constantFrom("", "{[0-9]+}", "{[a-z]{2,3}}", "{.+}", "{a|b}", "{\\d{4}}");
  const segment = fc.oneof(
    fc.constantFrom("x", "y", "list", "a.b", "é", "a b"),
    fc.tuple(name, pattern).map(([name, pattern]) => `:${name}${pattern}`),
    fc.tuple(name, pattern).map(([name, pattern]) => `:${name}${pattern}?`),
    fc.constant("*"),
    fc.string({ unit: "grapheme", maxLength: 6 }).map((text) => text.replaceAll("/", "")),
  );
  const path = fc.array(segment, { maxLength: 5 }).map((segments) => `/${segments.join("/")}`);
  const method = fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "ALL", "OPTIONS", "PURGE");
  const param = fc.record({
    type: fc.oneof(fc.constantFrom("string", "integer[]", "object"), fc.string()),
    required: fc.boolean(),
    description: fc.string(),
  });
  const params = fc.dictionary(fc.oneof(name, fc.string()), param, { maxKeys: 4 });
  const said = fc.record(
    { summary: fc.string(), detail: fc.string(), params, query: params, body: params, response: fc.string() },
    { requiredKeys: [] },
  );
  const route = fc.record({ method, path, said });
  const module = fc.record({
    routes: fc.array(route, { maxLength: 8 }),
    mountAtRoot: fc.boolean(),
    publicRoutes: fc.array(
      fc.tuple(method, path).map((parts) => parts.join(" ")),
      { maxLength: 3 },
    ),
  });

  test("any routes with any documentation give a valid document", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(module, { maxLength: 4 }), async (modules) => {
        const document = of(
          ...modules.map(({ routes, ...rest }, index) => made({ name: `m${index}`, ...rest }, routes)),
        );
        await expectValid(document);
      }),
      { numRuns: 200 },
    );
  });

  function made(
    module: ServiceModule,
    all: { method: string; path: string; said: Partial<RouteDocs> }[],
  ): ServiceModule {
    const routes = new Hono();
    for (const { method, path } of all) routes.on(method, path, text);
    const routeDocs = Object.fromEntries(
      all.map(({ method, path, said }) => [`${method} ${path}`, { summary: "", ...said }]),
    );
    return { ...module, routes, routeDocs };
  }

  const plainName = fc.constantFrom("id", "key", "a", "b_c");
  const plainSegment = fc.oneof(
    fc.constantFrom("x", "y", "list", "a.b"),
    plainName.map((name) => `:${name}`),
    fc
      .tuple(plainName, fc.constantFrom("{[0-9]+}", "{[0-9]{1,3}}", "{7|8}"))
      .map((parts) => `:${parts.join("")}`),
    plainName.map((name) => `:${name}?`),
  );

  test("each template, filled in, reaches the route that it is from", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(plainSegment, { minLength: 1, maxLength: 4 }), async (segments) => {
        const path = `/${segments.join("/")}`;
        const routes = new Hono().get(path, (c) => c.text("reached"));
        for (const template of Object.keys(of({ name: "m", routes }).paths)) {
          const filled = template.replace("/m", "").replaceAll(/\{[^}]*\}/g, "7");
          expect({ path, template, status: (await routes.request(filled)).status }).toEqual({
            path,
            template,
            status: 200,
          });
        }
      }),
      { numRuns: 400 },
    );
  });
});
