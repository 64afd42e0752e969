// `<name>.test.ts` of a new service: each route as a caller meets it, each tool, and who is let in.
import { type BodyField, type FieldKind, hasRoutes, type Plan, type Route } from "./plan.js";
import { withParams } from "./route-list.js";
import { assigned, type Code, code, list, literal, object, plain, template, text } from "./source.js";
import { aboutToolName, toolFields } from "./tools-file.js";

/** The value of each parameter of a path. No segment of a path that is asked for can be like it. */
const UNKNOWN = "~unknown";
/** What the store sets itself, and what an object that is copied loses. */
const NOT_KEPT = ["id", "createdAt", "__proto__"];

export function testFile(plan: Plan): string {
  const { name, routes } = plan;
  const adding = plan.store === undefined ? undefined : routes.find(({ deed }) => deed === "add");
  const needsAdd = adding !== undefined && routes.some(({ params }) => params.length > 0);
  const parts = [
    `// ${name} over HTTP, in a server of its own for each test.\n${imports}`,
    `${dependencies(plan)}${harness(plan)}`,
    ...(needsAdd ? [addFunction(plan, adding)] : []),
    ...routes.map((route) => routeTest(route, plan, needsAdd)),
    ...(plan.hasPanel ? [panelTest(plan)] : []),
    ...(plan.hasTools ? toolTests(plan) : []),
    authTest(plan),
  ];
  return `${parts.join("\n\n")}\n`;
}

const imports = `import { afterEach, beforeEach, expect, test } from "bun:test";
import { createTestHarness, type TestHarness } from "#core/testing.js";
import service from "./index.js";`;

/** The services that it depends on are not there: modules of their names stand in for them. */
function dependencies({ dependencies }: Plan): string {
  return dependencies.length === 0 ? "" : `${assigned("const DEPENDENCIES =", list(dependencies))}\n\n`;
}

function harness({ dependencies }: Plan): string {
  const others = dependencies.length === 0 ? "" : "...DEPENDENCIES.map((name) => ({ name })), ";
  return `let t: TestHarness;
beforeEach(async () => {
  t = await createTestHarness({ services: [${others}service] });
});
afterEach(() => t.cleanup());`;
}

/** For what is known of one item there has to be one. */
function addFunction({ name }: Plan, { method, path, fields }: Route): string {
  return `async function add(): Promise<string> {
${pathLine(name, path)}
${bodyLine(fields)}
  const { data } = await t.json(path, { method: "${method}", auth: true, body });
  return data.id;
}`;
}

function routeTest(route: Route, plan: Plan, needsAdd: boolean): string {
  const { method, path, params, fields } = route;
  const sent =
    fields.length > 0 ? `{ method: "${method}", auth: true, body }` : `{ method: "${method}", auth: true }`;
  const isOfOne = params.length > 0;
  const body = [
    pathLine(plan.name, isOfOne ? withParams(path, () => UNKNOWN) : path),
    ...(fields.length > 0 ? [bodyLine(fields)] : []),
    `  const ${isOfOne ? "{ status }" : "{ status, data }"} = await t.json(path, ${sent});`,
    `  expect(status).toBe(${statusOf(route)});`,
    ...(isOfOne ? [] : answerLines(route, plan)),
    ...(fields.some(({ isRequired }) => isRequired) ? [refusal(method)] : []),
    ...(isOfOne && needsAdd ? foundLines(route, plan, sent) : []),
  ];
  return tested(`${method} ${path}`, body);
}

/** There is no item at first. */
function statusOf({ method, params }: Route): number {
  if (params.length > 0) return 404;
  return method === "POST" ? 201 : 200;
}

function answerLines({ deed, fields }: Route, { store }: Plan): string[] {
  if (deed === "list") return ["  expect(data).toEqual({ items: [], count: 0 });"];
  if (deed === "clear") return ["  expect(data).toEqual({ ok: true });"];
  const isWhole = fields.length > 0 && !fields.some(({ name }) => NOT_KEPT.includes(name));
  if (isWhole) return ["  expect(data).toMatchObject(body);"];
  return [store === undefined ? "  expect(data).toBeDefined();" : "  expect(data.id).toBeString();"];
}

function refusal(method: string): string {
  return `  expect((await t.json(path, { method: "${method}", auth: true, body: {} })).status).toBe(400);`;
}

function foundLines({ path, params }: Route, { name }: Plan, sent: string): string[] {
  const filled = withParams(path, (param) => (param === params.at(-1) ? `\${id}` : UNKNOWN));
  return [
    "  const id = await add();",
    assigned("const found =", template(`\`/${name}${filled}\``), { indent: 2 }),
    `  expect((await t.json(found, ${sent})).status).toBe(200);`,
  ];
}

function panelTest({ name }: Plan): string {
  return tested("GET /_panel", [
    assigned("const path =", text(`/${name}/_panel`), { indent: 2 }),
    "  const { status, data } = await t.json(path, { auth: true });",
    "  expect(status).toBe(200);",
    assigned("const scope =", text(`class="panel-${name}"`), { indent: 2 }),
    "  expect(data).toContain(scope);",
  ]);
}

function toolTests(plan: Plan): string[] {
  if (plan.routes.length === 0) return [toolTest(aboutToolName(plan), { fields: [], isKnown: true })];
  return plan.routes.map((route) =>
    toolTest(route.tool, { fields: toolFields(route), isKnown: route.params.length === 0 }),
  );
}

/** Of an item that is not there a tool says so. */
function toolTest(
  tool: string,
  { fields, isKnown }: { fields: readonly BodyField[]; isKnown: boolean },
): string {
  return tested(`the tool ${tool}`, [
    assigned("const params =", sample(fields), { indent: 2 }),
    `  const result = await t.tool("${tool}", params);`,
    `  expect(result.isError ?? false).toBe(${!isKnown});`,
  ]);
}

function authTest(plan: Plan): string {
  if (!hasRoutes(plan))
    return tested("requires auth for nothing, since it has no routes", [
      assigned("const name =", text(plan.name), { indent: 2 }),
      "  expect(t.ctx.getModule(name)?.name).toBe(name);",
      `  expect((await t.json(\`/\${name}\`)).status).toBe(404);`,
    ]);
  const { name, requiresAuth } = plan;
  return tested(requiresAuth ? "requires auth" : "is open to callers without a token", [
    "  for (const route of Object.keys(service.routeDocs)) {",
    '    const [method = "", path = ""] = route.split(" ");',
    `    const url = \`/${name}\${path}\`;`,
    "    const { status } = await t.json(url, { method });",
    requiresAuth
      ? "    expect([route, status]).toEqual([route, 401]);"
      : "    expect([route, status]).not.toEqual([route, 401]);",
    "  }",
  ]);
}

function tested(name: string, body: readonly string[]): string {
  return `test(${literal(name)}, async () => {\n${body.join("\n")}\n});`;
}

function pathLine(name: string, path: string): string {
  return assigned("const path =", text(`/${name}${path}`), { indent: 2 });
}

function bodyLine(fields: readonly BodyField[]): string {
  return assigned("const body =", sample(fields), { indent: 2 });
}

function sample(fields: readonly BodyField[]): Code {
  return object(fields.map(({ name, kind }) => [name, SAMPLES[kind]]));
}

const SAMPLES: Readonly<Record<FieldKind, Code>> = {
  string: text("text"),
  number: plain(1.5),
  integer: plain(1),
  boolean: plain(true),
  object: object([]),
  array: code("[]"),
  unknown: text("text"),
};
