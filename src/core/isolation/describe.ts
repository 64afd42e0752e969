// What a module is like, said in JSON: so that one stands for it in the server that looks the same.
import { findTargetHandler, isMiddleware } from "hono/utils/handler";
import { ReefError } from "../errors.js";
import type { ServiceModule } from "../types.js";
import { isJson } from "./json.js";
import type { Description, RecordedTools } from "./protocol.js";

/** `tools`: what it has registered, once it was initialised. Throws `bad_request` for what cannot be said. */
export function describe(module: ServiceModule, tools: RecordedTools = { definitions: [] }): Description {
  const { routes, store, registerTools, registerBehaviors, widget, init: _, ...plain } = module;
  for (const [field, value] of Object.entries(plain)) {
    if (value !== undefined && !isJson(value)) throw new ReefError("bad_request", `"${field}" must be JSON`);
  }
  return {
    ...plain,
    ...(routes ? { routes: { strict: isStrict(routes), list: listOf(routes) } } : {}),
    ...(store ? { store: methodsOf(store) } : {}),
    ...(registerTools ? { tools } : {}),
    hasBehaviors: registerBehaviors !== undefined,
    hasWidget: widget !== undefined,
  };
}

type Routes = NonNullable<ServiceModule["routes"]>;

/** The server has to know a path as the app does, to say whose it is and whether it is open. */
function isStrict(routes: Routes): boolean {
  const seen = routes.getPath(new Request("http://localhost/a/b/"));
  if (seen === "/a/b/" || seen === "/a/b") return seen === "/a/b/";
  const text = `"routes" with a getPath() of their own cannot run in a process`;
  throw new ReefError("bad_request", text);
}

/** Without middleware, which makes no path the module's own. */
function listOf(routes: Routes): { method: string; path: string }[] {
  return routes.routes
    .filter(({ method, handler }) => method !== "ALL" || !isMiddleware(findTargetHandler(handler)))
    .map(({ method, path }) => ({ method, path }));
}

function methodsOf(store: NonNullable<ServiceModule["store"]>): ("flush" | "close")[] {
  const methods = ["flush", "close"] as const;
  return methods.filter((method) => typeof store[method] === "function");
}
