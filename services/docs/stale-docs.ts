// Tells, once for each version that is loaded, which routes it documents and does not have.
import type { ServiceContext, ServiceModule } from "#core/types.js";
import { missingRoutes } from "./service.js";

export function reportStaleDocs(ctx: ServiceContext): void {
  const reported = new Map<string, string>();

  function report(name: string): void {
    const version = ctx.registry.list().find((one) => one.name === name)?.loadedAt;
    const module = ctx.getModule(name);
    if (!module || version === undefined || reported.get(name) === version) return;
    reported.set(name, version);
    warn(ctx, module);
  }

  ctx.events.on("module:added", ({ name }: { name: string }) => report(name));
  ctx.events.on("module:updated", ({ name }: { name: string }) => report(name));
  ctx.events.on("module:removed", ({ name }: { name: string }) => reported.delete(name));
  for (const { name } of ctx.getModules()) report(name);
}

function warn(ctx: ServiceContext, module: ServiceModule): void {
  const missing = missingRoutes(module);
  if (missing.length === 0) return;
  const routes = missing.map((route) => JSON.stringify(route)).join(", ");
  ctx.log.warn(`"${module.name}" documents routes that it does not have: ${routes}`);
}
