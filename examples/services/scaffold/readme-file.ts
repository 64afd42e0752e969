// `README.md` of a new service: what it is for, and a curl for each route.
import { plainLine } from "#core/http.js";
import { type FieldKind, hasRoutes, type Plan, type Route } from "./plan.js";
import { withParams } from "./route-list.js";
import { aboutToolName } from "./tools-file.js";

export function readmeFile(plan: Plan): string {
  const parts = [
    `# ${plan.name}`,
    asMarkdown(plan.description),
    ...(hasRoutes(plan) ? [fenced(calls(plan).join("\n"))] : []),
    ...facts(plan),
  ];
  return `${parts.join("\n\n")}\n`;
}

/** Longer than any row of backticks within. */
function fenced(commands: string): string {
  const within = Array.from(commands.matchAll(/`+/g), ([ticks]) => ticks.length);
  const fence = "`".repeat(Math.max(3, ...within.map((length) => length + 1)));
  return `${fence}sh\n${commands}\n${fence}`;
}

function calls({ name, routes, hasPanel, requiresAuth }: Plan): string[] {
  const auth = requiresAuth ? ' -H "$AUTH"' : "";
  return [
    "REEF=http://localhost:3000",
    ...(requiresAuth ? ['AUTH="Authorization: Bearer $VERS_AUTH_TOKEN"'] : []),
    ...routes.flatMap((route) => [
      "",
      `# ${oneLine(route.summary)}`,
      callOf(route, name) + auth + bodyOf(route),
    ]),
    ...(hasPanel ? ["", "# The panel of the dashboard", `curl $REEF/${name}/_panel${auth}`] : []),
  ];
}

function callOf({ method, path }: Route, name: string): string {
  const filled = withParams(path, (param) => param.toUpperCase());
  return `curl${method === "GET" ? "" : ` -X ${method}`} $REEF/${name}${filled}`;
}

function bodyOf({ fields }: Route): string {
  if (fields.length === 0) return "";
  const body = Object.fromEntries(fields.map(({ name, kind }) => [name, SAMPLES[kind]]));
  return ` -d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`;
}

const SAMPLES: Readonly<Record<FieldKind, unknown>> = {
  string: "text",
  number: 1.5,
  integer: 1,
  boolean: true,
  object: {},
  array: [],
  unknown: "text",
};

function facts(plan: Plan): string[] {
  const { name, store, dependencies, routes, hasTools } = plan;
  const tools = routes.length > 0 ? routes.map(({ tool }) => tool) : [aboutToolName(plan)];
  const lines = [
    ...(store === "json"
      ? [`- **Data**: \`DATA_DIR/${name}.json\`, written a moment after each change.`]
      : []),
    ...(store === "sqlite" ? [`- **Data**: \`DATA_DIR/${name}.sqlite\`; what was answered is on disk.`] : []),
    ...(dependencies.length > 0 ? [`- **Needs**: ${quoted(dependencies)}.`] : []),
    ...(hasTools ? [`- **Tools**: ${quoted(tools)}.`] : []),
  ];
  return lines.length > 0 ? [lines.join("\n")] : [];
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(", ");
}

/** Text that Markdown takes for nothing but text. */
function asMarkdown(text: string): string {
  return oneLine(text)
    .replace(/[\\`*_{}[\]<>#+|~&$!^]/g, entity)
    .replace(/^[^\p{L}&]/u, entity);
}

function entity(char: string): string {
  return `&#${char.codePointAt(0)};`;
}

function oneLine(text: string): string {
  return plainLine(text, text.length);
}
