// The live modules: add, replace, remove. Whatever a module does on the way, the others go on, and a version that does
// not come up leaves the one before it serving.
import { basename } from "node:path";
import type { BehaviorBox } from "./behaviors.js";
import type { Config } from "./config.js";
import { IMPORT_MS } from "./discover.js";
import { createDoors } from "./doors.js";
import { messageOf, ReefError } from "./errors.js";
import { createLive } from "./live.js";
import { Loader, type LoadOptions } from "./loader.js";
import { orderByDependencies } from "./order.js";
import { Problems } from "./problems.js";
import type { Scope } from "./scope.js";
import { checkShape } from "./shape.js";
import type { StagedCopy } from "./stage.js";
import type { ToolBox } from "./tools.js";
import type {
  FleetClient,
  Log,
  ModuleProblem,
  ModuleStatus,
  RegistryFace,
  ServiceContext,
  ServiceEventBus,
  ServiceModule,
} from "./types.js";
import type { LiveModule, Version } from "./version.js";
import { openWorkshop, type StageOptions, type Workshop } from "./workshop.js";

export type { LiveModule } from "./version.js";

const LIMITS = {
  importMs: IMPORT_MS,
  /** While requests are held. */
  replaceImportMs: 5_000,
  initMs: 30_000,
  /** What is then still in flight goes on beside the new version. */
  drainMs: 10_000,
  /** A held request is then told to come back later. */
  holdMs: 30_000,
  /** For `store.flush()` and `store.close()`. */
  storeMs: 10_000,
};

export interface RegistryDeps {
  servicesDir: string;
  /** reef's own services; in a clone the same folder as `servicesDir`. */
  stockDir?: string;
  dataDir: string;
  config: Config;
  log(module?: string): Log;
  events: ServiceEventBus;
  mount(module: ServiceModule): LiveModule["handle"];
  /** `dir` is the absolute source folder. */
  context(parts: { name: string; dir: string; scope: Scope }): ServiceContext;
  /** For tools: acts as whoever calls them at that moment. */
  client: FleetClient;
  tools: ToolBox;
  behaviors: BehaviorBox;
  limits?: Partial<typeof LIMITS>;
}

export interface Registry extends RegistryFace {
  /** By module name, in load order. */
  readonly live: ReadonlyMap<string, LiveModule>;
  /** Those with `mountAtRoot`, in load order. */
  readonly rootMounted: readonly LiveModule[];
  /**
   * Counts a request in, at once in the common case. A module that is being replaced holds it until the swap (then
   * `unavailable`), unless it descends from one in flight there: that gets the version on which its ancestor began.
   * Call `leave` when the handler has answered, not when a stream ends: streams end through the version's signal.
   */
  enter(name: string): LiveModule | Promise<LiveModule> | undefined;
  leave(module: LiveModule): void;
  /** Shown as `lastError`. */
  recordError(name: string, error: unknown): void;
  /** The module whose code a stack trace comes from, else `unknown`. */
  attribute(stack: string): string;
  /** A module without a folder: it may have a reserved name, and its dependencies have to be live. */
  addObject(module: ServiceModule): Promise<void>;
  /** `hold`: why the user's services are not started now. */
  loadAll(options?: { hold?: string }): Promise<void>;
  load(dirName: string, options?: LoadOptions): ReturnType<RegistryFace["load"]>;
  /** A copy of a service folder, for who wants to test it before it is loaded; give it to `load` or to `dropCopy`. */
  stageCopy(dirName: string, options?: StageOptions): Promise<StagedCopy>;
  dropCopy(copy: StagedCopy): Promise<void>;
  /** Undoes all modules in reverse dependency order, each awaited. Nothing can be loaded after. */
  close(): Promise<void>;
}

export function createRegistry(deps: RegistryDeps): Registry {
  const limits = { ...LIMITS, ...deps.limits };
  const versions = new Map<string, Version>();
  const doors = createDoors(versions, limits);
  const problems = new Problems();
  let workshop: Workshop | undefined;
  let opening: Promise<Workshop> | undefined;

  /** Opened when the first folder is touched: a registry of objects leaves no files. */
  function open(): Promise<Workshop> {
    opening ??= openWorkshop({ ...deps, log: deps.log() }).then(
      (opened) => {
        workshop = opened;
        return opened;
      },
      (error) => {
        opening = undefined;
        throw error;
      },
    );
    return opening;
  }

  const live = createLive(versions, doors, {
    ...deps,
    ...limits,
    async again(old) {
      const copy = await (await open()).again(old);
      return { copy, module: await (await open()).importModule(copy) };
    },
    retire: async (copy) => (await open()).retire(copy),
  });
  const loader = new Loader({ ...limits, versions, live, doors, problems, workshop: open, log: deps.log });

  return {
    live: versions,
    get rootMounted() {
      return live.rootMounted;
    },
    enter: doors.enter,
    leave: (module) => doors.leave(module as Version),
    recordError(name, error) {
      const version = versions.get(name);
      if (version) version.lastError = { at: new Date().toISOString(), message: messageOf(error) };
    },
    attribute(stack) {
      const source = workshop?.sourceIn(stack);
      return source === undefined ? "unknown" : (loader.names.get(source) ?? basename(source));
    },
    list: () => [...versions.values()].map(statusOf),
    problems: () =>
      [...problems.list(), ...disabledOnes(workshop), ...toolProblems(versions, deps.tools)].sort(byFolder),
    async addObject(module) {
      checkShape(module);
      if (versions.has(module.name)) throw new ReefError("bad_request", `duplicate name "${module.name}"`);
      loader.checkDependencies(module);
      await live.start({ module, dir: null, copy: null, startedAt: performance.now() });
      await loader.startWaiting();
    },
    load: (dirName, options) => loader.load(dirName, options),
    replace: (name) => loader.load(versions.get(name)?.dir ?? name),
    unload: (name, options) => loader.unload(name, options),
    loadAll: (options) => loader.loadAll(options),
    reloadAll: (options) => loader.reloadAll(options),
    stageCopy: (dirName, options) => loader.stageCopy(dirName, options),
    dropCopy: async (copy) => (await open()).retire(copy),
    close: () => live.close(dependentsFirst(versions)),
  };
}

function statusOf(version: Version): ModuleStatus {
  const { module, name, dir, hash, loadedAt, loadMs, scope, lastError } = version;
  return {
    name,
    description: module.description ?? null,
    hasRoutes: module.routes !== undefined,
    hasTools: module.registerTools !== undefined,
    hasBehaviors: module.registerBehaviors !== undefined,
    hasWidget: module.widget !== undefined,
    mountAtRoot: module.mountAtRoot ?? false,
    dependencies: [...(module.dependencies ?? [])],
    dir,
    hash,
    loadedAt: new Date(loadedAt).toISOString(),
    loadMs,
    isolation: "none",
    ...(lastError ? { lastError } : {}),
    holds: scope.holds(),
  };
}

function disabledOnes(workshop: Workshop | undefined): ModuleProblem[] {
  return [...(workshop?.disabled.entries ?? [])].map(([dir, name]) => ({ dir, name, state: "disabled" }));
}

/** A module that is live, though not all of its tools are. */
function toolProblems(versions: ReadonlyMap<string, Version>, tools: ToolBox): ModuleProblem[] {
  return [...versions.values()].flatMap(({ name, dir }) => {
    const problems = tools.problems(name);
    return problems.length === 0
      ? []
      : [{ dir: dir ?? name, name, state: "failed", error: problems.join("; ") }];
  });
}

function byFolder(a: ModuleProblem, b: ModuleProblem): number {
  return a.dir < b.dir ? -1 : Number(a.dir > b.dir);
}

function dependentsFirst(versions: ReadonlyMap<string, Version>): Version[] {
  const all = [...versions.values()].map((version) => ({
    name: version.name,
    dependencies: version.module.dependencies,
    version,
  }));
  return orderByDependencies(all)
    .order.map(({ version }) => version)
    .reverse();
}
