// The OpenAPI 3.1 document of all services: one operation for each route that a path template can name.
import { createNames } from "./names.js";
import { COMPONENTS, type Operation, operationOf, SECURITY } from "./operation.js";
import type { DescribedRoute, Service } from "./service.js";
import { type PathParam, type Template, templatesOf } from "./template.js";

type PathItem = Record<string, Operation>;

/** What stands at one template. Its parameters have the names that its first route gave them. */
interface Entry {
  path: string;
  params: readonly PathParam[];
  operations: PathItem;
}

/** What OpenAPI has a place for; a route with another method is left out. */
const METHODS = new Set(["get", "post", "put", "patch", "delete", "options", "head", "trace"]);
const ALL_METHODS = ["get", "post", "put", "patch", "delete"];

/** Valid whatever the services say of themselves. `version` is reef's own. */
export function openApiOf(services: readonly Service[], version: string) {
  return {
    openapi: "3.1.0",
    info: { title: "reef", version, description: "The services that are live on this reef." },
    servers: [{ url: "/" }],
    security: SECURITY,
    tags: services.map(({ doc: { name, description } }) => ({ name, ...(description && { description }) })),
    paths: pathsOf(services),
    components: COMPONENTS,
  };
}

/** Of two routes with one method and shape the first stays, and modules at the root are asked last. */
function pathsOf(services: readonly Service[]): Record<string, PathItem> {
  const entries = new Map<string, Entry>();
  const nameOf = createNames();
  const named = services.filter(({ mountAtRoot }) => !mountAtRoot);
  const atRoot = services.filter(({ mountAtRoot }) => mountAtRoot);
  for (const service of [...named, ...atRoot]) {
    for (const route of service.routes) {
      for (const template of templatesOf(route)) {
        addOperations(entries, { service, route, template, nameOf });
      }
    }
  }
  return Object.fromEntries([...entries.values()].map(({ path, operations }) => [path, operations]));
}

interface Placed {
  service: Service;
  route: DescribedRoute;
  template: Template;
  nameOf: ReturnType<typeof createNames>;
}

function addOperations(entries: Map<string, Entry>, placed: Placed): void {
  const methods = methodsOf(placed.route);
  if (methods.length === 0) return;
  const { path, params, shape } = placed.template;
  const entry = entries.get(shape) ?? { path, params, operations: {} };
  entries.set(shape, entry);
  for (const method of methods) {
    entry.operations[method] ??= operationOf({ ...placed, method, params: entry.params });
  }
}

function methodsOf({ method }: DescribedRoute): string[] {
  const lower = method.toLowerCase();
  if (lower === "all") return ALL_METHODS;
  return METHODS.has(lower) ? [lower] : [];
}
