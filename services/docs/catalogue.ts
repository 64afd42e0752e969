// The services that are live now, as documents: read when somebody asks, and again after one has come, changed or gone.
import type { ModuleStatus, ServiceContext } from "#core/types.js";
import { type Service, serviceOf } from "./service.js";

export interface Catalogue {
  /** All of them, by name. The same list until something changes. */
  services(): readonly Service[];
  /** What `make` makes of all services, kept until one of them changes. `rest` is the same at every call. */
  kept<R, T>(make: (services: readonly Service[], rest: R) => T): (rest: R) => T;
}

export function createCatalogue(ctx: ServiceContext): Catalogue {
  let versions: string | undefined;
  let services: readonly Service[] = [];

  function current(): readonly Service[] {
    const live = ctx.registry.list();
    const now = versionsOf(live);
    if (now !== versions) services = readServices(ctx, live);
    versions = now;
    return services;
  }

  return {
    services: current,
    kept(make) {
      let last: { from: readonly Service[]; made: ReturnType<typeof make> } | undefined;
      return (rest) => {
        const from = current();
        if (last?.from !== from) last = { from, made: make(from, rest) };
        return last.made;
      };
    },
  };
}

/** Differs whenever a version has come, changed or gone: no two versions of a module have one time. */
function versionsOf(live: readonly ModuleStatus[]): string {
  return live.map(({ name, loadedAt }) => `${name} ${loadedAt}`).join("\n");
}

function readServices(ctx: ServiceContext, live: readonly ModuleStatus[]): Service[] {
  const holds = new Map(live.map((status) => [status.name, status.holds]));
  return ctx
    .getModules()
    .map((module) => serviceOf(module, module.store !== undefined || hasStorage(holds.get(module.name))))
    .sort((a, b) => (a.doc.name < b.doc.name ? -1 : 1));
}

/** A module may keep its data in an open storage without handing it out as its `store`. */
function hasStorage(holds: ModuleStatus["holds"] = []): boolean {
  return holds.some(({ kind, label }) => kind === "dispose" && label.startsWith("storage: "));
}
