// The routes of the services manager: what is live, what it offers, and taking modules up and down while reef runs.
// The registry does the work and its errors are the answers; here each change is recorded in the tree.
import { type Context, Hono } from "hono";
import { ReefError } from "#core/errors.js";
import type { ReloadAction, ServiceContext, ToolInfo } from "#core/types.js";
import { type Change, eventOf, hashesOf } from "./changes.js";
import { createDeployRoutes, type DeployRoutesOptions } from "./deploy-routes.js";
import { createExport } from "./export.js";
import { folderOf, liveModule } from "./find.js";
import { manifestOf } from "./manifest.js";
import type { Probations } from "./probation.js";
import { createSeedRoutes } from "./seed-routes.js";
import type { Seeds } from "./seeds.js";

export interface RoutesOptions extends DeployRoutesOptions {
  probations: Probations;
  seeds: Seeds;
}

export function createRoutes(options: RoutesOptions): Hono {
  const { ctx, probations, seeds } = options;
  return new Hono()
    .get("/", (c) => c.json(listed(ctx, probations)))
    .get("/manifest", async (c) => c.json(await manifest(ctx)))
    .post("/reload", (c) => reloadAll(c, ctx))
    .post("/reload/:name", (c) => reload(c, ctx))
    .get("/export/:name", createExport(ctx.registry))
    .route("/", createSeedRoutes(ctx, seeds))
    .route("/", createDeployRoutes(options))
    .delete("/:name", (c) => unload(c, ctx));
}

function listed({ registry }: ServiceContext, probations: Probations) {
  const modules = registry.list().map((module) => {
    const until = probations.until(module.name, module.hash);
    return until === undefined ? module : { ...module, probationUntil: new Date(until).toISOString() };
  });
  return { modules, count: modules.length, problems: registry.problems() };
}

async function manifest(ctx: ServiceContext) {
  return manifestOf({ modules: ctx.getModules(), tools: await toolNames(ctx), config: ctx.config });
}

async function reloadAll(c: Context, ctx: ServiceContext): Promise<Response> {
  const force = isForced(c);
  const outcome = await recording(ctx, async () => {
    const { results, errors } = await ctx.registry.reloadAll({ force });
    return { answer: { results, errors }, changes: results };
  });
  return c.json(outcome);
}

async function reload(c: Context, ctx: ServiceContext): Promise<Response> {
  const name = c.req.param("name") ?? "";
  const outcome = await recording(ctx, async () => {
    const change = await ctx.registry.load(folderOf(ctx.registry, name));
    return { answer: change, changes: [change] };
  });
  return c.json(outcome);
}

async function unload(c: Context, ctx: ServiceContext): Promise<Response> {
  const asked = c.req.param("name") ?? "";
  const force = isForced(c);
  const { name } = liveModule(ctx.registry, asked) ?? { name: asked };
  const outcome = await recording(ctx, async () => {
    await ctx.registry.unload(name, { force });
    const change = { name, action: "removed" as const };
    return { answer: change, changes: [change] };
  });
  return c.json(outcome);
}

/** Answers when every change that `work` made is in the tree. */
async function recording<T>(
  ctx: ServiceContext,
  work: () => Promise<{ answer: T; changes: { name: string; action: ReloadAction }[] }>,
): Promise<T> {
  const before = hashesOf(ctx.registry.list());
  const { answer, changes } = await work();
  const after = hashesOf(ctx.registry.list());
  for (const change of changes) if (isChange(change)) await ctx.record(eventOf(change, before, after));
  return answer;
}

function isChange(result: { name: string; action: ReloadAction }): result is Change {
  return result.action !== "unchanged";
}

/** Which tools each service brings, as agents are offered them; none where no agents are served (the test harness). */
async function toolNames(ctx: ServiceContext): Promise<ReadonlyMap<string, string[]>> {
  const response = await ctx.fetch("/reef/tools");
  if (response.status === 404) return new Map();
  if (!response.ok) throw new ReefError("upstream_failed", `GET /reef/tools answered ${response.status}`);
  const names = new Map<string, string[]>();
  const { tools } = (await response.json()) as { tools: ToolInfo[] };
  for (const { service, name } of tools) names.set(service, [...(names.get(service) ?? []), name]);
  return names;
}

function isForced(c: Context): boolean {
  const force = c.req.query("force");
  if (force === undefined || force === "false") return false;
  if (force === "true") return true;
  throw new ReefError("bad_request", `force must be true or false. Received: ${JSON.stringify(force)}`);
}
