// `index.ts` of a new service: wires its parts, and says of each route what it is for.
import { panelConstant } from "./panel-constant.js";
import { type BodyField, hasRoutes, type Plan, type Route } from "./plan.js";
import { assigned, type Code, list, object, plain, text } from "./source.js";

export function indexFile(plan: Plan): string {
  return `// The ${plan.name} service: its parts, wired together.
${imports(plan).join("\n")}
${plan.hasPanel ? `\n${panelConstant(plan)}\n` : ""}
export default {
${properties(plan).join("\n")}
} satisfies ServiceModule;
`;
}

function imports(plan: Plan): string[] {
  const lines: [isNeeded: boolean, line: string][] = [
    [plan.store === "json", 'import { join } from "node:path";'],
    [plan.hasPanel, 'import { Hono } from "hono";'],
    [plan.hasPanel, 'import { panel } from "#core/http.js";'],
    [true, 'import type { ServiceModule } from "#core/types.js";'],
    [plan.hasBehaviors, 'import { registerBehaviors } from "./behaviors.js";'],
    [plan.routes.length > 0, 'import { createRoutes } from "./routes.js";'],
    [plan.store !== undefined, `import { ${plan.pascal}Store } from "./store.js";`],
    [plan.hasTools, 'import { registerTools } from "./tools.js";'],
  ];
  return lines.filter(([isNeeded]) => isNeeded).map(([, line]) => line);
}

function properties(plan: Plan): string[] {
  const { name, description, dependencies, capabilities } = plan;
  const property = (key: string, value: Code) => assigned(`${key}:`, value, { indent: 2, end: "," });
  const isWiredAtOnce = plan.routes.length > 0 && !plan.hasPanel && plan.store === undefined;
  const lines: [isNeeded: boolean, line: () => string][] = [
    [true, () => property("name", text(name))],
    [true, () => property("description", text(description))],
    [dependencies.length > 0, () => property("dependencies", list(dependencies))],
    [capabilities.length > 0, () => property("capabilities", list(capabilities))],
    [!plan.requiresAuth, () => property("requiresAuth", plain(false))],
    [plan.hasTools, () => "  registerTools,"],
    [plan.hasBehaviors, () => "  registerBehaviors,"],
    [isWiredAtOnce, () => "  routes: createRoutes(),"],
    [hasRoutes(plan), () => property("routeDocs", routeDocs(plan))],
    [!isWiredAtOnce && (hasRoutes(plan) || plan.store !== undefined), () => init(plan)],
  ];
  return lines.filter(([isNeeded]) => isNeeded).map(([, line]) => line());
}

/** Importing a file starts nothing: the store is opened here, and each version of the service has one of its own. */
function init(plan: Plan): string {
  const needsContext = plan.store !== undefined;
  const body = [...storeLines(plan), ...routeLines(plan)].map((line) => `    ${line}`);
  return [`  init(this: ServiceModule${needsContext ? ", ctx" : ""}) {`, ...body, "  },"].join("\n");
}

function storeLines({ name, pascal, store, routes }: Plan): string[] {
  if (store === undefined) return [];
  if (store === "json")
    return [
      `const path = join(ctx.dataDir, "${name}.json");`,
      `const store = new ${pascal}Store(path, ctx);`,
      "this.store = store;",
    ];
  if (routes.length > 0) return [`const store = new ${pascal}Store(ctx);`];
  return ["// Creates its file. What uses the store is still to come.", `new ${pascal}Store(ctx);`];
}

function routeLines({ routes, store, hasPanel }: Plan): string[] {
  const created = `createRoutes(${store === undefined ? "" : "store"})`;
  if (!hasPanel) return routes.length > 0 ? [`this.routes = ${created};`] : [];
  return [
    "const routes = new Hono();",
    'routes.get("/_panel", (c) => c.html(PANEL));',
    ...(routes.length > 0 ? [`routes.route("/", ${created});`] : []),
    "this.routes = routes;",
  ];
}

function routeDocs({ routes, hasPanel }: Plan): Code {
  const documented = routes.map((route): [string, Code] => [`${route.method} ${route.path}`, docsOf(route)]);
  const panel: [string, Code] = ["GET /_panel", object([["summary", text("The panel of the dashboard")]])];
  return object(hasPanel ? [...documented, panel] : documented);
}

function docsOf({ summary, response, params, query, fields }: Route): Code {
  const of = new Set(params);
  const path = Array.from(of, (name): [string, Code] => [
    name,
    paramDoc({ type: "string", isRequired: true, description: name === params.at(-1) ? "Which item" : name }),
  ]);
  const documented = (list: readonly BodyField[]) =>
    list.map((field): [string, Code] => [field.name, paramDoc(field)]);
  const parts: [name: string, docs: [string, Code][]][] = [
    ["params", path],
    ["query", documented(query)],
    ["body", documented(fields)],
  ];
  return object([
    ["summary", text(summary)],
    ...parts
      .filter(([, docs]) => docs.length > 0)
      .map(([name, docs]): [string, Code] => [name, object(docs)]),
    ["response", text(response)],
  ]);
}

function paramDoc({ type, isRequired, description }: Pick<BodyField, "type" | "isRequired" | "description">) {
  return object([
    ["type", text(type)],
    ...(isRequired ? [["required", plain(true)] as const] : []),
    ["description", text(description)],
  ]);
}
