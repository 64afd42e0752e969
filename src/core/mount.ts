// Puts a module's own Hono app behind its mount: a wrapper that strips the first path segment and answers for what the
// app throws. It is built once per version; the Request and the plugin's app stay untouched.
import { type Context, Hono } from "hono";
import { findTargetHandler, isMiddleware } from "hono/utils/handler";
import { AnsweredFailure, answerCaused, discardBody, internalError, notFound } from "./answer.js";
import type { ServiceModule } from "./types.js";

export type ModuleHandle = (
  request: Request,
  env?: unknown,
  requestContext?: unknown,
) => Response | Promise<Response>;

/** Says whether a request for this method and path (as the module sees it) is among some routes. */
export type RouteMatch = (method: string, path: string) => boolean;

/**
 * The wrapper of one version; null for a module without routes. `failed` hears what a handler throws, except what the
 * caller caused: a ReefError, an HTTPException, a body that is not JSON.
 */
export function mountRoutes(module: ServiceModule, failed: (error: unknown) => void): ModuleHandle | null {
  const { routes } = module;
  if (!routes) return null;
  const app = wrap(module, routes, failed);
  let heads: Hono | undefined;
  return (request, env, requestContext) => {
    if (request.method !== "HEAD") return app.fetch(request, env as object, requestContext as never);
    heads ??= wrap(module, routes, failed, endBody);
    return heads.fetch(request, env as object, requestContext as never);
  };
}

/** Where a module at the root has a route of its own; its middleware alone does not make a path its own. */
export function ownRoutes(module: ServiceModule): RouteMatch {
  const own = new Hono().route("/", module.routes ?? new Hono());
  return (method, path) =>
    matched(own, method, path).some(([[handler, route]]) => {
      return route.method !== "ALL" || !isMiddleware(findTargetHandler(handler));
    });
}

/** The routes in `publicRoutes`, matched exactly as hono matches the module's own. */
export function publicRoutes(module: ServiceModule): RouteMatch | null {
  if (!module.publicRoutes?.length) return null;
  const open = new Hono();
  for (const route of module.publicRoutes) {
    const [method = "", path = ""] = route.trim().split(/\s+/);
    open.on(method.toUpperCase(), path, (c) => c.body(null));
  }
  return (method, path) => matched(open, method, path).length > 0;
}

/** Hono's router gives nothing at all, against its type, for some paths of unusual patterns (`/:id{a|b}?/*`). */
function matched(app: Hono, method: string, path: string): ReturnType<Hono["router"]["match"]>[0] {
  const found: ReturnType<Hono["router"]["match"]> | undefined = app.router.match(asRouted(method), path);
  return found?.[0] ?? [];
}

/** The path as the module sees it: decoded as hono decodes, without the mount. */
export function modulePath(module: ServiceModule, request: Request): string {
  const path = module.routes?.getPath(request) ?? "/";
  return module.mountAtRoot ? path : stripped(path, module.name);
}

function wrap(
  module: ServiceModule,
  routes: Hono,
  failed: (error: unknown) => void,
  first?: (c: Context, next: () => Promise<void>) => Promise<void>,
): Hono {
  const app = new Hono({ getPath: (request) => modulePath(module, request) });
  if (first) app.use(first);
  app.route("/", routes);
  app.notFound(notFound);
  app.onError(async (error, c) => {
    if (error instanceof AnsweredFailure) {
      failed(error.cause);
      return error.answer;
    }
    const answer = await answerCaused(error, c);
    if (answer) return answer;
    failed(error);
    return internalError();
  });
  return app;
}

/** Hono drops the body of the answer to a HEAD request without ending it, and a stream would run for ever. */
async function endBody(c: Context, next: () => Promise<void>): Promise<void> {
  await next();
  await discardBody(c.res);
}

function stripped(path: string, name: string): string {
  return path.length > name.length + 1 ? path.slice(name.length + 1) : "/";
}

function asRouted(method: string): string {
  return method === "HEAD" ? "GET" : method;
}
