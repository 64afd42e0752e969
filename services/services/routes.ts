// The routes of the services manager: what is live, what it offers, and taking modules up and down while reef runs.
// The registry does the work and its errors are the answers; here each change is recorded in the tree.
import { type Context, Hono } from "hono";
import { ReefError } from "#core/errors.js";
import type { ReloadAction, ServiceContext, ToolInfo } from "#core/types.js";
import { type Change, eventOf, hashesOf } from "./changes.js";
import { manifestOf } from "./manifest.js";

export function createRoutes(ctx: ServiceContext): Hono {
  return new Hono()
    .get("/", (c) => c.json(listed(ctx)))
    .get("/manifest", async (c) => c.json(await manifest(ctx)))
    .post("/reload", (c) => reloadAll(c, ctx))
    .post("/reload/:name", (c) => reload(c, ctx))
    .delete("/:name", (c) => unload(c, ctx));
}

function listed({ registry }: ServiceContext) {
  const modules = registry.list();
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

/** Also takes the name of a module that is not live but known: disabled, or with a problem. */
async function reload(c: Context, ctx: ServiceContext): Promise<Response> {
  const name = c.req.param("name") ?? "";
  const { registry } = ctx;
  const isLive = registry.list().some((module) => module.name === name);
  const known = isLive ? undefined : registry.problems().find((problem) => problem.name === name);
  const outcome = await recording(ctx, async () => {
    const change = await registry.replace(known?.dir ?? name);
    return { answer: change, changes: [change] };
  });
  return c.json(outcome);
}

async function unload(c: Context, ctx: ServiceContext): Promise<Response> {
  const asked = c.req.param("name") ?? "";
  const force = isForced(c);
  const live = ctx.registry.list();
  const { name } = live.find((module) => module.name === asked) ??
    live.find((module) => module.dir === asked) ?? { name: asked };
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
