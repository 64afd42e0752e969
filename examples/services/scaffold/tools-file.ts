// `tools.ts` of a new service: one tool for each route, or, where there is none, one that says what the service is for.
import type { BodyField, FieldKind, Plan, Route } from "./plan.js";
import { withParams } from "./route-list.js";
import { assigned, type Code, call, member, object, template, text } from "./source.js";

export function toolsFile(plan: Plan): string {
  const { name, routes } = plan;
  const tools = routes.length > 0 ? routes.map((route) => routeTool(route, plan)) : [aboutTool(plan)];
  const answers = routes.length > 0 ? 'import { jsonAnswer, toolAnswer } from "#core/http.js";\n' : "";
  return `// What ${name} offers to agents. Each tool acts with the rights of the agent that calls it.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { Type } from "@sinclair/typebox";
${answers}import type { FleetClient } from "#core/types.js";

export function registerTools(pi: ExtensionAPI, client: FleetClient): void {
${tools.join("\n")}
}
`;
}

/** The name of the one tool of a service without routes. */
export function aboutToolName({ name }: Pick<Plan, "name">): string {
  return `${name.replaceAll("-", "_").slice(0, 58)}_about`;
}

/** What the route's tool takes: the parameters of the path and the fields of the body. One of each name serves both. */
export function toolFields({ params, fields }: Route): BodyField[] {
  const inBody = new Map(fields.map((field) => [field.name, field]));
  const inPath = [...new Set(params)].map((name): BodyField => {
    const known = inBody.get(name);
    if (known) return { ...known, isRequired: true };
    const description = `The ${name} in the path`;
    return { name, type: "string", kind: "string", element: "unknown", isRequired: true, description };
  });
  return [...inPath, ...fields.filter(({ name }) => !params.includes(name))];
}

function routeTool(route: Route, { name }: Plan): string {
  const { method, params } = route;
  const parameters = toolFields(route).map((field): [string, Code] => [field.name, parameter(field)]);
  const path = pathCode(route, name);
  const sent = route.fields.length > 0 ? ", params" : "";
  const takes = sent !== "" || params.length > 0 ? "(_id, params)" : "()";
  return registered({ name: route.tool, label: `${name}: ${method} ${route.path}`, about: route.summary }, [
    assigned("parameters:", call("Type.Object", object(parameters)), { indent: 4, end: "," }),
    `    execute: ${takes} =>`,
    "      toolAnswer(client, async () => {",
    assigned("const path =", path, { indent: 8 }),
    `        return jsonAnswer(client, "result", await client.api("${method}", path${sent}));`,
    "      }),",
  ]);
}

function aboutTool(plan: Plan): string {
  return registered(
    { name: aboutToolName(plan), label: `${plan.name}: about`, about: `Says what ${plan.name} is for.` },
    [
      "    parameters: Type.Object({}),",
      "    async execute() {",
      assigned("const about =", text(plan.description), { indent: 6 }),
      "      return client.ok(about);",
      "    },",
    ],
  );
}

function registered(tool: { name: string; label: string; about: string }, rest: readonly string[]): string {
  const property = (name: string, value: string) =>
    assigned(`${name}:`, text(value), { indent: 4, end: "," });
  return [
    "  pi.registerTool({",
    property("name", tool.name),
    property("label", tool.label),
    property("description", tool.about),
    ...rest,
    "  });",
  ].join("\n");
}

function pathCode({ path, params }: Route, name: string): Code {
  if (params.length === 0) return text(`/${name}${path}`);
  const filled = withParams(path, (param) => `\${encodeURIComponent(String(${member("params", param)}))}`);
  return template(`\`/${name}${filled}\``);
}

function parameter(field: BodyField): Code {
  const about = ["description", text(field.description)] as const;
  const type = call(BUILDERS[field.kind], object([...more(field), about]));
  return field.isRequired ? type : call("Type.Optional", type);
}

const BUILDERS: Readonly<Record<FieldKind, string>> = {
  string: "Type.String",
  number: "Type.Number",
  integer: "Type.Integer",
  boolean: "Type.Boolean",
  object: "Type.Unsafe",
  array: "Type.Unsafe",
  unknown: "Type.Unknown",
};

/** JSON Schema says what an object or an array is in the same breath as what it is for. */
function more({ kind, element }: BodyField): [string, Code][] {
  if (kind !== "object" && kind !== "array") return [];
  const items = object(element === "unknown" ? [] : [["type", text(element)]]);
  return [["type", text(kind)], ...(kind === "array" ? [["items", items] satisfies [string, Code]] : [])];
}
