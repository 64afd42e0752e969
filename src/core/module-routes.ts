// The routes that a module really has, each with what the module says about it: for docs, manifests and verification.
import { findTargetHandler, isMiddleware } from "hono/utils/handler";
import type { RouteDocs, ServiceModule } from "./types.js";

export interface ModuleRoute {
  /** Upper case; `ALL` answers every method. */
  method: string;
  /** As the module registered it, relative to its mount. */
  relativePath: string;
  /** As a caller writes it, mount included. */
  path: string;
  docs?: RouteDocs;
}

/** Each method and path once, in the order of registration. What hono lists beside them is middleware. */
export function routesOf(
  module: Pick<ServiceModule, "name" | "mountAtRoot" | "routes" | "routeDocs">,
): ModuleRoute[] {
  const routes = new Map<string, ModuleRoute>();
  for (const { method, path, handler } of module.routes?.routes ?? []) {
    if (method === "ALL" && isMiddleware(findTargetHandler(handler))) continue;
    const key = `${method} ${path}`;
    const full = module.mountAtRoot ? path : `/${module.name}${path}`;
    routes.set(key, { method, relativePath: path, path: full, docs: module.routeDocs?.[key] });
  }
  return [...routes.values()];
}
