// What the scaffold refuses, field by field, and that nothing is written by it.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { createTestHarness, type RequestOptions, type TestHarness } from "#core/testing.js";
import scaffold from "./index.js";

let harness: TestHarness;
beforeEach(async () => {
  harness = await createTestHarness({ services: [scaffold] });
});
afterEach(() => harness.cleanup());

const ask = (path: string, options: RequestOptions = {}) =>
  harness.json(`/scaffold${path}`, { auth: true, ...options });
const ROUTE = { method: "POST", path: "/record", body: { value: { type: "number" } } };
const created = () => readdirSync(harness.ctx.servicesDir);

describe("what is refused (spec §11)", () => {
  const named = (rest: object) => ({ name: "gauge", ...rest });
  const routed = (...routes: unknown[]) => named({ routes });
  const withField = (field: unknown) => routed({ method: "POST", path: "/", body: { value: field } });
  const path = (sent: unknown) => routed({ method: "GET", path: sent });
  const text = "x".repeat(65_537);
  const many = Array.from({ length: 1_001 }, (_, n) => `x${n}`);
  const refusals: [body: unknown, error: string][] = [
    ["", "JSON body required"],
    ["{", "JSON body required"],
    ["[]", "JSON body required"],
    ["null", "JSON body required"],
    ['"gauge"', "JSON body required"],
    [{}, "name is required (string)"],
    [{ name: null }, "name is required (string)"],
    [{ name: " " }, "name is required (string)"],
    [{ name: 5 }, "name is required (string)"],
    [{ name: ["gauge"] }, "name is required (string)"],
    [{ name: "x".repeat(201) }, "name is longer than 200 characters"],
    [{ name: "a" }, "name must be at least 2 characters"],
    [{ name: "!!" }, "name must be at least 2 characters"],
    [{ name: "9lives" }, "name must start with a letter"],
    ...[
      "scaffold",
      "services",
      "installer",
      "docs",
      "agent",
      "store",
      "cron",
      "ui",
      "reef",
      "health",
      "auth",
      "MCP",
    ].map((name): [unknown, string] => [{ name }, `"${name.toLowerCase()}" is a reserved service name`]),
    [named({ description: 5 }), "description must be a string"],
    [named({ description: text }), "description is longer than 65536 characters"],
    [named({ routes: {} }), "routes must be an array"],
    [named({ routes: ["GET /"] }), "routes must contain only objects"],
    [named({ routes: many.map(() => ({})) }), "routes has more than 1000 items"],
    [routed({ path: "/" }), "invalid route: routes[0].method must be one of GET, POST, PUT, PATCH, DELETE"],
    [
      routed({ method: "HEAD", path: "/" }),
      "invalid route: routes[0].method must be one of GET, POST, PUT, PATCH, DELETE",
    ],
    ...[undefined, 5, "x", "/a b", "/*", "/{x}", "/x?y", "/`", "/\n"].map((sent): [unknown, string] => [
      path(sent),
      "invalid route: routes[0].path must begin with / and hold letters, digits and / _ : . - only",
    ]),
    [path(`/${"x".repeat(200)}`), "invalid route: routes[0].path is longer than 200 characters"],
    [path("/x/.."), 'invalid route: routes[0].path has a segment "." or "..", which no URL can have'],
    [path("/_panel"), "invalid route: routes[0].path is the panel's own, ask for it with panel"],
    [
      routed({ method: "GET", path: "/:id" }, { method: "GET", path: "/:name" }),
      "invalid route: GET /:name is there twice",
    ],
    [routed({ ...ROUTE, description: 5 }), "routes[0].description must be a string"],
    [routed({ ...ROUTE, response: {} }), "routes[0].response must be a string"],
    [routed({ ...ROUTE, body: [] }), "routes[0].body must be an object"],
    [
      routed({ ...ROUTE, body: { ["x".repeat(201)]: {} } }),
      "a key of routes[0].body is longer than 200 characters",
    ],
    [
      routed(
        ...["/a", "/b"].map((path) => ({
          method: "PUT",
          path,
          body: Object.fromEntries(many.slice(0, 501).map((name) => [name, { type: "string" }])),
        })),
      ),
      "invalid route: more than 1000 fields in all",
    ],
    [withField("number"), "routes[0].body.value must be an object"],
    [withField({}), "routes[0].body.value.type is required"],
    [withField({ type: 5 }), "routes[0].body.value.type must be a string"],
    [withField({ type: "x", required: "yes" }), "routes[0].body.value.required must be true or false"],
    [withField({ type: "x", description: 5 }), "routes[0].body.value.description must be a string"],
    [named({ store: "redis" }), 'store must be true, false or "sqlite"'],
    [named({ store: 1 }), 'store must be true, false or "sqlite"'],
    ...["tools", "panel", "behaviors", "requiresAuth", "readme", "load"].map((field): [unknown, string] => [
      named({ [field]: "yes" }),
      `${field} must be true or false`,
    ]),
    [named({ dependencies: "feed" }), "dependencies must be an array"],
    [named({ dependencies: [5] }), "dependencies must contain only strings"],
    [named({ dependencies: many }), "dependencies has more than 1000 items"],
    [
      named({ dependencies: ["`x`"] }),
      'invalid dependency: invalid name "`x`": must match ^[a-z][a-z0-9-]{0,63}$',
    ],
    [named({ dependencies: ["gauge"] }), 'invalid dependency: "gauge" is the service itself'],
    [named({ capabilities: [{}] }), "capabilities must contain only strings"],
    [named({ capabilities: ["x".repeat(201)] }), "capabilities is longer than 200 characters"],
  ];

  test.each(refusals)("%.60j", async (body, error) => {
    for (const path of ["/preview", "/create"]) {
      const answer = await ask(path, { method: "POST", body });
      expect([answer.status, answer.data]).toEqual([400, { error, code: "bad_request" }]);
    }
    expect(created()).toEqual([]);
  });

  test("a body over 1 MiB", async () => {
    const answer = await ask("/create", { body: { name: "gauge", x: "x".repeat(1_048_576) } });
    expect(answer).toMatchObject({ status: 413, data: { error: "body too large", limit: 1_048_576 } });
    expect(created()).toEqual([]);
  });
});
