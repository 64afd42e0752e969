// The manifest: everything that this reef can do, told from its live modules alone.
import { type ModuleRoute, routesOf } from "#core/http.js";
import type { RouteDocs, ServiceContext, ServiceModule } from "#core/types.js";

type Feature = "routes" | "tools" | "behaviors" | "widget" | "panel";

export interface ManifestParts {
  modules: readonly ServiceModule[];
  /** Tool names by the service that brings them. */
  tools: ReadonlyMap<string, readonly string[]>;
  config: Pick<ServiceContext["config"], "apiUrl" | "vmId" | "publicUrl">;
}

type ManifestRoute = Pick<RouteDocs, "params" | "query" | "body" | "response"> & {
  description: string | null;
};

interface ManifestService {
  name: string;
  description: string | null;
  dependencies: string[];
  routes?: Record<string, ManifestRoute>;
  features: Feature[];
  provides?: string[];
  tools?: readonly string[];
}

export function manifestOf({ modules, tools, config }: ManifestParts) {
  const services = modules.map((module) => serviceOf(module, tools.get(module.name)));
  const having = (feature: Feature) =>
    services.filter(({ features }) => features.includes(feature)).map(({ name }) => name);
  return {
    substrate: { capabilities: capabilitiesOf(modules, config) },
    services,
    routes: modules.flatMap((module) =>
      routesOf(module).map(({ method, path, docs }) => ({
        service: module.name,
        method,
        path,
        description: docs?.summary ?? null,
      })),
    ),
    servicesWithTools: having("tools"),
    servicesWithBehaviors: having("behaviors"),
    servicesWithPanels: having("panel"),
    count: services.length,
  };
}

function serviceOf(module: ServiceModule, tools: readonly string[] | undefined): ManifestService {
  const routes = routesOf(module);
  return {
    name: module.name,
    description: module.description ?? null,
    dependencies: [...(module.dependencies ?? [])],
    ...(routes.length > 0 ? { routes: Object.fromEntries(routes.map(described)) } : {}),
    features: featuresOf(module, routes),
    ...(module.capabilities?.length ? { provides: [...module.capabilities] } : {}),
    ...(tools?.length ? { tools } : {}),
  };
}

function described({ method, path, docs }: ModuleRoute): [string, ManifestRoute] {
  const { summary = null, detail: _, ...rest } = docs ?? {};
  return [`${method} ${path}`, { description: summary, ...rest }];
}

function featuresOf(module: ServiceModule, routes: readonly ModuleRoute[]): Feature[] {
  const panel = module.mountAtRoot ? "/_panel" : `/${module.name}/_panel`;
  const has: Record<Feature, boolean> = {
    routes: routes.length > 0,
    tools: module.registerTools !== undefined,
    behaviors: module.registerBehaviors !== undefined,
    widget: module.widget !== undefined,
    panel: routes.some(({ method, path }) => path === panel && (method === "GET" || method === "ALL")),
  };
  return (Object.keys(has) as Feature[]).filter((feature) => has[feature]);
}

/** What the place where reef runs can do, and what the modules add to it. */
export function capabilitiesOf(modules: readonly ServiceModule[], config: ManifestParts["config"]): string[] {
  const machine = ["state.branch", "state.branch.fast", "state.snapshot", "state.snapshot.fast"];
  const capabilities = new Set([
    ...["event.trigger", "hosting.web", "state.persist"],
    ...(config.apiUrl || config.vmId ? machine : []),
    ...(config.publicUrl ? ["hosting.dns", "hosting.web.public"] : []),
    ...modules.flatMap((module) => module.capabilities ?? []),
  ]);
  return [...capabilities].sort();
}
