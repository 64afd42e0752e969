// The scaffold over HTTP.
import { type Context, Hono } from "hono";
import { ReefError } from "#core/errors.js";
import type { Caller, ServiceContext } from "#core/types.js";
import { scaffoldPanel } from "./panel.js";
import { planOf } from "./plan.js";
import { readRequest } from "./request.js";
import type { Scaffold } from "./scaffold.js";

export function createRoutes(scaffold: Scaffold, ctx: Pick<ServiceContext, "caller" | "registry">): Hono {
  const requestIn = (c: Context) => readRequest(c, (name) => nameProblem(ctx, name));
  return new Hono()
    .post("/preview", async (c) => c.json(scaffold.preview(planOf(await requestIn(c)))))
    .post("/create", async (c) => {
      requireDeploy(ctx.caller());
      const request = await requestIn(c);
      return c.json(await scaffold.create(planOf(request), request), 201);
    })
    .get("/_panel", (c) => c.html(scaffoldPanel()));
}

/** A service in a process of its own may not ask the kernel. What that would refuse is told when it does not load. */
function nameProblem({ registry }: Pick<ServiceContext, "registry">, name: string): string | undefined {
  try {
    return registry.nameProblem(name);
  } catch (error) {
    if (error instanceof ReefError && error.code === "forbidden") return undefined;
    throw error;
  }
}

/** A new service is live at once: a task needs for it what it needs for a deploy. */
function requireDeploy({ kind, scopes }: Caller): void {
  if (kind !== "task" || scopes?.includes("deploy") || scopes?.includes("admin")) return;
  throw new ReefError("forbidden", 'Forbidden — scope "deploy" is required');
}
