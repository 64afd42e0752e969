// One live module as the documentation shows it: its real routes, what it says of each, and who may call them.
import { type ModuleRoute, publicRoutes, type RouteMatch, routesOf } from "#core/http.js";
import type { RouteDocs, ServiceModule } from "#core/types.js";
import { filled } from "./segments.js";
import { textOf, textsOf } from "./texts.js";

/** What `GET /docs/:service` answers. */
export interface ServiceDoc {
  name: string;
  description: string | null;
  /** False for a module whose routes are all open. */
  auth: boolean;
  routes: RouteDoc[];
  capabilities: { hasTools: boolean; hasBehaviors: boolean; hasWidget: boolean; hasStore: boolean };
  dependencies: string[];
}

export interface RouteDoc extends Partial<RouteDocs> {
  method: string;
  path: string;
  /** On an open route of a module that asks for a token otherwise. */
  auth?: false;
}

export interface Service {
  doc: ServiceDoc;
  mountAtRoot: boolean;
  routes: DescribedRoute[];
  /** Whether a route, or one form of its path, needs no token. `path` is relative to the mount. */
  isOpen(method: string, path: string): boolean;
}

export interface DescribedRoute extends Pick<ModuleRoute, "method" | "path" | "relativePath"> {
  docs: Partial<RouteDocs>;
}

export function serviceOf(module: ServiceModule, hasStore: boolean): Service {
  const routes = describedRoutes(module);
  const isOpen = openRoutes(module);
  const auth = module.requiresAuth !== false;
  const doc = {
    name: module.name,
    description: textOf(module.description) ?? null,
    auth,
    routes: routes.map(({ method, path, relativePath, docs }) => ({
      method,
      path,
      ...(auth && isOpen(method, relativePath) ? { auth: false as const } : {}),
      ...docs,
    })),
    capabilities: {
      hasTools: module.registerTools !== undefined,
      hasBehaviors: module.registerBehaviors !== undefined,
      hasWidget: module.widget !== undefined,
      hasStore,
    },
    dependencies: [...(module.dependencies ?? [])],
  };
  return { doc, mountAtRoot: module.mountAtRoot ?? false, routes, isOpen };
}

/** `"METHOD /path"` of what the module documents and does not have. */
export function missingRoutes(module: ServiceModule): string[] {
  const { name, routes, routeDocs = {} } = module;
  const real = new Set(routesOf({ name, routes }).map((route) => `${route.method} ${route.relativePath}`));
  return Object.keys(routeDocs).filter((key) => !real.has(key));
}

function describedRoutes(module: ServiceModule): DescribedRoute[] {
  try {
    return routesOf(module).map((route) => ({ ...route, docs: textsOf(route.docs) }));
  } catch {
    // A getter in the module's routeDocs threw. Its routes are there all the same.
    const { name, routes, mountAtRoot } = module;
    return routesOf({ name, routes, mountAtRoot }).map((route) => ({ ...route, docs: {} }));
  }
}

/** In place of a parameter, when a route is matched: no literal segment is written so. */
const ANY_VALUE = "\uFFFD";

function openRoutes(module: ServiceModule): Service["isOpen"] {
  if (module.requiresAuth === false) return () => true;
  const listed = new Set(module.publicRoutes?.map((route) => route.trim().split(/\s+/, 2).join(" ")));
  const matches = publicMatch(module);
  return (method, path) => {
    if (listed.has(`${method} ${path}`) || listed.has(`ALL ${path}`)) return true;
    const sample = filled(path, (segment) => (segment.kind === "literal" ? segment.text : ANY_VALUE));
    return matches(method, sample);
  };
}

/** What hono cannot match it does not open: the server refuses such a request, too. */
function publicMatch(module: ServiceModule): RouteMatch {
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch {
      // An expression in one of the paths is not valid, or one that hono's routers stumble over.
      return undefined;
    }
  };
  const matches = attempt(() => publicRoutes(module));
  return (method, path) => attempt(() => matches?.(method, path)) ?? false;
}
