// Puts the kernel together: modules in, requests through the gate to them, and everything down again at the end. It
// binds no port; whoever has one hands its requests to `app.fetch`.
import { resolve } from "node:path";
import { Hono } from "hono";
import { createAuth } from "./auth.js";
import { type BehaviorBox, createBehaviorBox } from "./behaviors.js";
import type { Connection } from "./body-limit.js";
import { createCallerClient, type InsideFetch } from "./caller-client.js";
import { causeWith } from "./cause.js";
import { type Config, readConfig } from "./config.js";
import { type ContextOptions, createContext, type Recorder } from "./context.js";
import { createDispatch, type Dispatch, type ResolveCause } from "./dispatch.js";
import { ReefError } from "./errors.js";
import { ServiceEventBus } from "./events.js";
import { createGate } from "./gate.js";
import { createKernelRoutes, type HealthOptions } from "./health.js";
import { createIsolation } from "./isolation/isolate.js";
import { createLog, type Logger } from "./log.js";
import { ModuleView } from "./module-view.js";
import { mountRoutes } from "./mount.js";
import { orderByDependencies } from "./order.js";
import { createRegistry, type Registry } from "./registry.js";
import { createScope } from "./scope.js";
import { createToolBox, type ToolBox } from "./tools.js";
import { createTrial } from "./trial.js";
import type { Caller, ServiceContext, ServiceModule } from "./types.js";
import { createVisits, type Visits } from "./visits.js";

export interface ServerOptions {
  /** Given as objects. Without `servicesDir` no folder is looked at then. */
  modules?: ServiceModule[];
  /** Instead of the configured folder; stock services are left out then. */
  servicesDir?: string;
  /** The port that somebody will bind; only links are made with it. */
  port?: number;
  /** What is not given has its default. Without this the environment is read. */
  config?: Partial<Config>;
  log?: Logger;
  /** Whose task token this is; undefined for an unknown or expired one. */
  resolveToken?: (token: string) => Caller | undefined;
  resolveCause?: ResolveCause;
  record?: Recorder;
  /** Modules that every server has; one that does not start fails the whole server. */
  builtIns?: (kernel: Kernel) => ServiceModule[];
  /** Why the user's services are not started now. */
  hold?: string;
  ready?: HealthOptions["ready"];
  version?: HealthOptions["version"];
}

/** What the built-in modules are made from. */
export interface Kernel {
  config: Config;
  log: Logger;
  events: ServiceEventBus;
  registry: Registry;
  tools: ToolBox;
  behaviors: BehaviorBox;
  fetch: InsideFetch;
  baseUrl(): string;
  /** Runs a tool for the current caller, as a request of the tool's module. */
  runTool: ToolBox["run"];
}

export interface ReefServer extends Kernel {
  app: Hono;
  /** By module name; always what is live at the moment. */
  liveModules: Map<string, ServiceModule>;
  ctx: ServiceContext;
  /** Of the modules given as objects, those that did not start. */
  failures: { name: string; error: unknown }[];
  /** Tells the server where it can be reached, once that is known. */
  listening(baseUrl: string): void;
  /** Undoes all modules, each awaited. May be called twice. */
  close(): Promise<void>;
}

export async function createServer(options: ServerOptions = {}): Promise<ReefServer> {
  const config = configure(options);
  const log = options.log ?? createLog({ level: config.log });
  const base = { url: options.port ? `http://127.0.0.1:${options.port}` : "http://localhost" };
  const { kernel, dispatch, makeContext } = assemble(options, { config, log, baseUrl: () => base.url });
  const { registry } = kernel;

  for (const module of options.builtIns?.(kernel) ?? []) await registry.addObject(module);
  const failures = await addModules(options.modules ?? [], registry, log);
  if (options.servicesDir || !options.modules) await registry.loadAll({ hold: options.hold });

  const scope = createScope(log());
  return {
    ...kernel,
    app: appOf(dispatch),
    liveModules: new ModuleView(registry.live),
    ctx: makeContext({ name: "reef", dir: config.servicesDir, scope }),
    failures,
    listening: (url) => {
      base.url = url;
    },
    async close() {
      await registry.close();
      await scope.undo();
    },
  };
}

function configure({ config, servicesDir }: ServerOptions): Config {
  const read = config ? { ...readConfig({ DATA_DIR: config.dataDir }), ...config } : readConfig();
  return Object.freeze(servicesDir ? { ...read, servicesDir: resolve(servicesDir) } : read);
}

type Ground = Pick<Kernel, "config" | "log" | "baseUrl">;
type MakeContext = (parts: Pick<ContextOptions, "name" | "dir" | "scope">) => ServiceContext;

/** Modules call the server that dispatches to them: the one knot of the kernel, tied here. */
function assemble(
  options: ServerOptions,
  ground: Ground,
): { kernel: Kernel; dispatch: Dispatch; makeContext: MakeContext } {
  const { config, log, baseUrl } = ground;
  const events = new ServiceEventBus(log());
  const tools = createToolBox({ log });
  const behaviors = createBehaviorBox({ log });
  const fetch: InsideFetch = async (path, init, as) => {
    if (!path.startsWith("/")) throw new TypeError(`A path must start with "/". Received: "${path}"`);
    const answer = dispatch(new Request(baseUrl() + path, init), undefined, as);
    return init.signal ? unlessAborted(answer, init.signal) : answer;
  };
  const makeContext: MakeContext = (parts) =>
    createContext({ ...parts, registry, events, config, log, fetch, baseUrl, record: options.record });
  const failed = (error: unknown, module?: ServiceModule) => {
    log(module?.name).error("a request failed:", error);
    if (module !== undefined) registry.failed(module, error, "request");
  };
  const registry = createRegistry({
    servicesDir: config.servicesDir,
    stockDir: options.servicesDir ? undefined : config.stockDir,
    dataDir: config.dataDir,
    config,
    log,
    events,
    mount: (module) => mountRoutes(module, (error) => failed(error, module)),
    context: makeContext,
    client: createCallerClient({ fetch, baseUrl }),
    tools,
    behaviors,
    isolation: createIsolation({
      config,
      log,
      events,
      fetch,
      failed: (error, module) => registry.failed(module, error, "fault"),
    }),
    trial: createTrial({ config, log: log() }),
  });
  const visits = createVisits(registry);
  const dispatch = createDispatch({
    registry,
    visits,
    gate: createGate(config, createAuth({ token: config.token, resolveToken: options.resolveToken })),
    kernel: createKernelRoutes({ registry, ready: options.ready, version: options.version }),
    maxBodyBytes: config.maxBodyBytes,
    resolveCause: options.resolveCause,
    failed,
  });
  const runTool = toolRunner(tools, visits);
  return { kernel: { ...ground, events, registry, tools, behaviors, fetch, runTool }, dispatch, makeContext };
}

/** Nobody waits for an answer that the caller gave up; the handler hears it from the request's own signal. */
async function unlessAborted(answer: Response | Promise<Response>, signal: AbortSignal): Promise<Response> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([aborted, answer]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** A run of a tool counts as a request of its module. */
function toolRunner(tools: ToolBox, visits: Visits): ToolBox["run"] {
  return async (name, call) => {
    const { causeId, caller, address } = causeWith({});
    const run = () => tools.run(name, call);
    const service = tools.get(name)?.service;
    if (service === undefined) return run();
    return visits.begin(service, { causeId, caller, address, descends: true }, run) ?? run();
  };
}

/** Adds what can be added, dependencies first. One bad module keeps no other from starting. */
async function addModules(
  modules: ServiceModule[],
  registry: Registry,
  log: Logger,
): Promise<ReefServer["failures"]> {
  const { order, cycles } = orderByDependencies(modules);
  const failures = cycles.map(({ member, path }) => ({
    name: member.name,
    error: new ReefError("bad_request", `Dependency cycle: ${path}`),
  }));
  for (const module of order) {
    await registry.addObject(module).catch((error) => failures.push({ name: module.name, error }));
  }
  for (const { name, error } of failures) log(name).error("not started:", error);
  return failures;
}

/** A Hono app for whoever wants one; its own routing would cost each request a tenth and has nothing to decide. */
function appOf(dispatch: Dispatch): Hono {
  const app = new Hono();
  app.fetch = (request, connection) => {
    const answer = dispatch(request, connection as Connection | undefined);
    if (request.method !== "HEAD") return answer;
    return answer instanceof Promise ? answer.then(withoutBody) : withoutBody(answer);
  };
  return app;
}

function withoutBody(response: Response): Response {
  return response.body === null ? response : new Response(null, response);
}
