// What a skill may name: the routes, tools, variables and commands of a live reef, and the words of the code.
import { join } from "node:path";
import { SETTINGS } from "../../src/core/config.js";
import { reef as commandLine } from "../cli/support.js";
import { type Reef, ROOT } from "../flow/reef.js";

export interface Route {
  method: string;
  path: string;
  query?: Record<string, unknown>;
  body?: Record<string, unknown>;
}

export interface Vocabulary {
  /** Undefined when there is none. A method may be left out. */
  route(path: string, method?: string): Route | undefined;
  /** The query parameters of all routes. */
  queries: ReadonlySet<string>;
  /** The parameters of a tool. */
  tools: ReadonlyMap<string, readonly string[]>;
  variables: ReadonlySet<string>;
  /** The options of a command of `reef`. */
  commands: ReadonlyMap<string, readonly string[]>;
  /** The code of reef and its services, tests left out. */
  code: string;
  /** The code of the tests, which state the messages that reef really sends. */
  tests: string;
}

const KERNEL: Route[] = ["/health", "/ready", "/version", "/docs", "/docs/:service", "/mcp"].map((path) => ({
  method: "GET",
  path,
}));

export async function vocabularyOf(reef: Reef): Promise<Vocabulary> {
  const { services } = await reef.api<{ services: { routes: Route[] }[] }>("GET", "/docs");
  const routes = [...services.flatMap((service) => service.routes), ...KERNEL];
  return {
    route: (path, method) => routeIn(routes, path, method),
    queries: new Set(routes.flatMap(({ query = {} }) => Object.keys(query))),
    tools: await toolsOf(reef),
    variables: new Set([...SETTINGS.map(({ name }) => name), ...(await agentVariables())]),
    commands: await commandsOfReef(),
    code: await sourcesIn("{src,services,examples}/**/*.ts"),
    tests: await sourcesIn(
      "{services,examples,tests}/**/*.test.ts",
      (path) => !path.startsWith("tests/skills/"),
    ),
  };
}

/** Of the routes that fit, the one with the fewest parameters, which is the one that answers. */
function routeIn(routes: readonly Route[], path: string, method?: string): Route | undefined {
  const fitting = routes.filter(
    (route) =>
      (method === undefined || route.method === method || route.method === "ALL") &&
      patternOf(route.path).test(path),
  );
  return fitting.toSorted((a, b) => a.path.split(":").length - b.path.split(":").length)[0];
}

function patternOf(path: string): RegExp {
  const pattern = path.replace(/[.*+?^$()[\]\\]/g, "\\$&").replace(/:\w+/g, "[^/]+");
  return new RegExp(`^${pattern.replace(/\/$/, "")}/?$`);
}

async function toolsOf(reef: Reef): Promise<Map<string, string[]>> {
  const { tools } = await reef.api<{ tools: { name: string; parameters: { properties?: object } }[] }>(
    "GET",
    "/reef/tools",
  );
  const listed = tools.map(({ name, parameters }): [string, string[]] => [
    name,
    Object.keys(parameters.properties ?? {}),
  ]);
  return new Map([...listed, ...(await extensionTools())]);
}

/** Those that work on the agent's own machine are in no list of the server. */
async function extensionTools(): Promise<[string, string[]][]> {
  const source = await sourcesIn("src/extension/*.ts");
  return Array.from(source.matchAll(/name: "(skillhub_\w+)"/g), ([, name = ""]) => [name, []]);
}

/** What is read inside agents, and the keys of model providers. */
async function agentVariables(): Promise<string[]> {
  const files = ["core/client", "core/providers", "agent/env", "extension/*"];
  const sources = await Promise.all(files.map((file) => sourcesIn(`src/${file}.ts`)));
  return Array.from(
    sources.join("\n").matchAll(/(?:\benv\.|")([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b/g),
    ([, name = ""]) => name,
  );
}

async function commandsOfReef(): Promise<Map<string, string[]>> {
  const { out } = await commandLine("http://127.0.0.1:1", ["help"]);
  const names = Array.from(out.matchAll(/^ {2}(\w+) .*$/gm), ([, name = ""]) => name);
  const helps = names.map(async (name): Promise<[string, string[]]> => {
    const help = await commandLine("http://127.0.0.1:1", ["help", name]);
    return [name, help.out.match(/--[\w-]+/g) ?? []];
  });
  return new Map(await Promise.all(helps));
}

async function sourcesIn(pattern: string, accepts = (path: string) => !isTest(path)): Promise<string> {
  const paths = await Array.fromAsync(new Bun.Glob(pattern).scan({ cwd: ROOT }));
  const texts = paths.filter(accepts).map((path) => Bun.file(join(ROOT, path)).text());
  return (await Promise.all(texts)).join("\n");
}

function isTest(path: string): boolean {
  return path.endsWith(".test.ts");
}
