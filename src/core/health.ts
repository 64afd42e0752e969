// The kernel's own routes: /health for whoever asks whether reef is alive, /ready for whoever sends it work, /version.
import packageJson from "../../package.json" with { type: "json" };
import type { Registry } from "./registry.js";
import type { Caller } from "./types.js";

export interface Check {
  ok: boolean;
  detail?: string;
}

/** What only the composition root knows: the state of the tree and of the agent, and whether a stop has begun. */
export interface Readiness {
  stopping?: boolean;
  checks: { tree: Check; agent: Check };
}

export interface PiInfo {
  version: string;
  path: string;
}

export interface HealthOptions {
  registry: Pick<Registry, "live" | "problems">;
  ready?: () => Readiness | Promise<Readiness>;
  version?: () => PiInfo | null | Promise<PiInfo | null>;
}

export interface KernelRoute {
  /** Answers callers without a token too. */
  open: boolean;
  answer(caller: Caller): Response | Promise<Response>;
}

/** By first path segment, which is the whole path. */
export type KernelRoutes = ReadonlyMap<string, KernelRoute>;

export function createKernelRoutes(options: HealthOptions): KernelRoutes {
  const startedAt = new Date();
  return new Map<string, KernelRoute>([
    ["health", { open: true, answer: () => health(options, startedAt) }],
    ["ready", { open: true, answer: (caller) => ready(options, caller) }],
    ["version", { open: false, answer: () => version(options, startedAt) }],
  ]);
}

function health({ registry }: HealthOptions, startedAt: Date): Response {
  const services = [...registry.live.values()]
    .filter(({ handle }) => handle !== null)
    .map(({ name }) => name);
  const uptime = Math.floor((Date.now() - startedAt.getTime()) / 1000);
  return Response.json({ status: "ok", uptime, services: services.sort() });
}

async function ready(options: HealthOptions, caller: Caller): Promise<Response> {
  const readiness = await options.ready?.();
  const checks = { ...readiness?.checks, modules: checkModules(options.registry) };
  const { stopping = false } = readiness ?? {};
  const isReady = !stopping && Object.values(readiness?.checks ?? {}).every(({ ok }) => ok);
  const body = { status: isReady ? "ready" : "not_ready" };
  return Response.json(caller.kind === "anonymous" ? body : { ...body, checks }, {
    status: isReady ? 200 : 503,
  });
}

/** Modules with problems are named, but a server with one broken service is still ready for the others. */
function checkModules(registry: Pick<Registry, "problems">): Check {
  const problems = registry.problems();
  if (problems.length === 0) return { ok: true };
  const detail = problems.map(({ dir, state, error }) => `${dir}: ${error ?? state}`).join("; ");
  return { ok: false, detail };
}

async function version(options: HealthOptions, startedAt: Date): Promise<Response> {
  const pi = (await options.version?.()) ?? null;
  return Response.json({
    name: "reef",
    version: packageJson.version,
    bun: Bun.version,
    pi,
    startedAt: startedAt.toISOString(),
  });
}
