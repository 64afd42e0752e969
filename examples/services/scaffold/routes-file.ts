// `routes.ts` of a new service: each route reads what its body says, and does to the store what its method says.
import { type Deed, type FieldKind, inMatchingOrder, type Plan, type Route } from "./plan.js";
import { assigned, type Code, call, called, code, literal, object, spread } from "./source.js";

export function routesFile(plan: Plan): string {
  const routes = inMatchingOrder(plan.routes);
  const parts = [
    `// The routes of ${plan.name}, below /${plan.name}.\n${imports(plan).join("\n")}`,
    constants(plan),
    ...plan.routes.filter(hasBody).map(schema),
    [
      opening(plan),
      "  const routes = new Hono();",
      ...routes.map((route) => `\n${handler(route, plan)}`),
      "\n  return routes;\n}",
    ].join("\n"),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function imports({ routes, store, pascal }: Plan): string[] {
  const hasBodies = routes.some(hasBody);
  const lines: [isNeeded: boolean, line: string][] = [
    [hasBodies, 'import { Type } from "@sinclair/typebox";'],
    [true, 'import { Hono } from "hono";'],
    [routes.some(isOfOne), 'import { ReefError } from "#core/errors.js";'],
    [hasBodies, 'import { readBody } from "#core/http.js";'],
    [store !== undefined, `import type { ${pascal}Store } from "./store.js";`],
  ];
  return lines.filter(([isNeeded]) => isNeeded).map(([, line]) => line);
}

function constants({ routes, store }: Plan): string {
  const hasTexts = routes.some(({ fields }) =>
    fields.some(({ kind, element }) => [kind, element].includes("string")),
  );
  const isListed = store !== undefined && routes.some(({ deed }) => deed === "list");
  return [
    ...(isListed ? ["const LISTED_MAX = 100;"] : []),
    ...(hasTexts ? ["const Text = Type.String({ minLength: 1, maxLength: 10_000 });"] : []),
  ].join("\n");
}

function schema({ schema, fields }: Route): string {
  const properties = fields.map(({ name, kind, element, isRequired }): [string, Code] => {
    const type = kind === "array" ? call("Type.Array", TYPES[element]) : TYPES[kind];
    return [name, isRequired ? type : call("Type.Optional", type)];
  });
  return assigned(`const ${schema} =`, call("Type.Object", object(properties)));
}

const TYPES: Readonly<Record<FieldKind, Code>> = {
  string: code("Text"),
  number: call("Type.Number"),
  integer: call("Type.Integer"),
  boolean: call("Type.Boolean"),
  object: call("Type.Record", call("Type.String"), call("Type.Unknown")),
  array: call("Type.Array", call("Type.Unknown")),
  unknown: call("Type.Unknown"),
};

function opening({ store, pascal }: Plan): string {
  return spread(
    "export function createRoutes",
    store === undefined ? [] : [`store: ${pascal}Store`],
    ": Hono {",
  );
}

function handler(route: Route, { store }: Plan): string {
  const answer = (indent: number) =>
    store === undefined ? answerAlone(route) : answerFrom(route, { store, indent });
  const reading = hasBody(route) ? [readLine(route, store)] : [];
  const body = (indent: number) => [...unread(route), ...reading, ...answer(indent)];
  const isWaiting = hasBody(route) || answer(0).some((line) => line.includes("await "));
  const takes = hasBody(route) || answer(0).some((line) => line.includes("c.")) ? "(c)" : "()";
  const head = `${isWaiting ? "async " : ""}${takes} =>`;
  return called(`routes.${route.method.toLowerCase()}`, route.path, { head, body, indent: 2 });
}

/** What a query is to mean is for the service to say. Names are in quotes, so that none ends the comment. */
function unread({ query }: Route): string[] {
  if (query.length === 0) return [];
  return [`// Of its query, this is not read yet: ${query.map(({ name }) => literal(name)).join(", ")}.`];
}

function readLine({ schema, deed }: Route, store: Plan["store"]): string {
  const isUsed = deed === "add" || (deed === "change" && store !== undefined);
  return `${isUsed ? "const body = " : ""}await readBody(c, ${schema});`;
}

/** What the store answers is on disk with SQLite, and in memory with a JSON file. */
function answerFrom(route: Route, { store, indent }: { store: "json" | "sqlite"; indent: number }): string[] {
  const wait = store === "sqlite" ? "await " : "";
  const body = hasBody(route) ? "body" : "{}";
  const id = () => idLines(route, indent);
  const answers: Readonly<Record<Deed, () => string[]>> = {
    list: () => ["const items = store.list(LISTED_MAX);", "return c.json({ items, count: items.length });"],
    add: () => [`const item = ${wait}store.add(${body});`, `return c.json(item${statusOf(route)});`],
    clear: () => [`${wait}store.clear();`, "return c.json({ ok: true });"],
    read: () => [...id(), "const item = store.get(id);", `if (!item) ${NOT_FOUND}`, "return c.json(item);"],
    change: () => [
      ...id(),
      `const item = ${wait}store.change(id, ${body});`,
      `if (!item) ${NOT_FOUND}`,
      "return c.json(item);",
    ],
    remove: () => [
      ...id(),
      `const isRemoved = ${wait}store.remove(id);`,
      `if (!isRemoved) ${NOT_FOUND}`,
      "return c.json({ ok: true });",
    ],
  };
  return answers[route.deed]();
}

const NOT_FOUND = 'throw new ReefError("not_found", "item not found");';

/** Without a store nothing is known of any item. */
function answerAlone(route: Route): string[] {
  if (isOfOne(route)) return [NOT_FOUND];
  if (route.deed === "list") return ["return c.json({ items: [], count: 0 });"];
  if (route.deed === "clear") return ["return c.json({ ok: true });"];
  return [`return c.json(${hasBody(route) ? "body" : "{ ok: true }"}${statusOf(route)});`];
}

function idLines({ params }: Route, indent: number): string[] {
  const lines = spread("const id = c.req.param", [literal(params.at(-1) ?? "")], ";", indent).split("\n");
  return lines.map((line) => line.slice(indent));
}

/** The argument of `c.json` behind what is answered. */
function statusOf({ method }: Route): string {
  return method === "POST" ? ", 201" : "";
}

function hasBody({ fields }: Route): boolean {
  return fields.length > 0;
}

function isOfOne({ params }: Route): boolean {
  return params.length > 0;
}
