// Pure: which requests of a panel's script may go on. Every method on its own service, and of other services what its
// module names in `panelUses`; nothing that two readers of a path could understand in two ways.
import type { ServiceModule } from "#core/types.js";

/** Encoded slashes, backslashes and dots; dots as segments. */
const AMBIGUOUS = /%2f|%5c|%2e|\\|\/\.\.?(\/|$)/i;

type PanelModule = Pick<ServiceModule, "name" | "mountAtRoot" | "panelUses">;

/** `path` as the service is to see it, without the query. */
export function isAllowed(method: string, path: string, module: PanelModule): boolean {
  if (AMBIGUOUS.test(path)) return false;
  const [, service = ""] = path.split("/");
  if (service === module.name) return module.mountAtRoot !== true;
  return (module.panelUses ?? []).some((use) => {
    const [verb = "", route] = use.trim().split(/\s+/);
    if (route === undefined) return service === verb && (method === "GET" || method === "HEAD");
    return method === verb.toUpperCase() && path === route;
  });
}
