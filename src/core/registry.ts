// The live modules: add, replace, remove. Whatever a module does on the way, the others go on, and a version that does
// not come up leaves the one before it serving.
import { basename } from "node:path";
import type { BehaviorBox } from "./behaviors.js";
import type { Config } from "./config.js";
import { IMPORT_MS } from "./discover.js";
import { createDoors } from "./doors.js";
import { messageOf, ReefError } from "./errors.js";
import { readFolder } from "./folder.js";
import { createLive } from "./live.js";
import { Loader } from "./loader.js";
import { allProblems, statusOf } from "./module-status.js";
import { moduleNameProblem } from "./names.js";
import { orderByDependencies } from "./order.js";
import { Problems } from "./problems.js";
import type { Scope } from "./scope.js";
import { checkShape } from "./shape.js";
import { type Isolator, Sources } from "./sources.js";
import type { StagedCopy } from "./stage.js";
import type { ToolBox } from "./tools.js";
import type { Trial } from "./trial.js";
import type {
  FleetClient,
  Isolation,
  Log,
  RegistryFace,
  ServiceContext,
  ServiceEventBus,
  ServiceModule,
} from "./types.js";
import type { LiveModule, Version } from "./version.js";
import { openWorkshop, type Workshop } from "./workshop.js";

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

export type FailureKind = "request" | "fault";

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
  isolation: Isolator & { end(copy: StagedCopy): Promise<void>; close(): Promise<void> };
  trial: Trial;
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
  /**
   * A request that failed in a module, or a fault outside of any: shown as `lastError`, counted, told on the bus as
   * `module:failed` `{name, hash, kind, message}`. Of a version that is no longer live nothing is counted.
   */
  failed(of: ServiceModule | string, error: unknown, kind: FailureKind): void;
  /** A fault that nobody caught, of the version whose code its stack comes from. Returns the name, else `unknown`. */
  fault(error: unknown): string;
  /** A module without a folder: it may have a reserved name, and its dependencies have to be live. */
  addObject(module: ServiceModule): Promise<void>;
  /** `hold`: why the user's services are not started now. */
  loadAll(options?: { hold?: string }): Promise<void>;
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

  const importerFor = async (isolation: Isolation) => (isolation === "process" ? deps.isolation : open());
  async function retire(copy: StagedCopy): Promise<void> {
    await deps.isolation.end(copy);
    await (await open()).retire(copy);
  }

  const live = createLive(versions, doors, {
    ...deps,
    ...limits,
    async again({ isolation }, of) {
      const copy = await (await open()).again(of);
      return { copy, module: await (await importerFor(isolation)).importModule(copy, limits.importMs) };
    },
    retire,
  });
  const { config, isolation: isolator } = deps;
  const sources = new Sources({ workshop: open, isolator, isolate: config.isolate });
  const parts = { versions, live, doors, problems, sources, workshop: open, retire, log: deps.log };
  const loader = new Loader({ ...limits, ...parts });

  function failed(version: Version | undefined, error: unknown, kind: FailureKind): void {
    if (!version) return;
    const message = messageOf(error);
    const { name, hash } = version;
    version.lastError = { at: new Date().toISOString(), message };
    version.traffic[kind === "fault" ? "faults" : "failures"]++;
    deps.events.fire("module:failed", { name, hash, kind, message });
  }

  const ofModule = (module: ServiceModule) => {
    const version = versions.get(module.name);
    return version?.module === module ? version : undefined;
  };

  return {
    live: versions,
    get rootMounted() {
      return live.rootMounted;
    },
    enter: doors.enter,
    leave: (module) => doors.leave(module as Version),
    failed: (of, error, kind) =>
      failed(typeof of === "string" ? versions.get(of) : ofModule(of), error, kind),
    fault(error) {
      const stack = error instanceof Error ? (error.stack ?? "") : "";
      const place = workshop?.placeIn(stack);
      if (place === undefined) return "unknown";
      const name = sources.names.get(place.source) ?? basename(place.source);
      const version = versions.get(name);
      if (version?.copy?.dir === place.dir) failed(version, error, "fault");
      return name;
    },
    list: () => [...versions.values()].map((version) => statusOf(version, workshop?.records)),
    traffic: (name) => versions.get(name)?.traffic,
    problems: () =>
      allProblems(problems, [...versions.values()], { tools: deps.tools, records: workshop?.records }),
    async addObject(module) {
      checkShape(module);
      if (versions.has(module.name)) throw new ReefError("bad_request", `duplicate name "${module.name}"`);
      loader.checkDependencies(module);
      await live.start({ module, dir: null, copy: null, isolation: "none", startedAt: performance.now() });
      await loader.startWaiting();
    },
    load: (dirName, options) => loader.load(dirName, options),
    replace: (name) => loader.load(versions.get(name)?.dir ?? name),
    unload: (name, options) => loader.unload(name, options),
    forget: (dirName, options) => loader.forget(dirName, options),
    loadAll: (options) => loader.loadAll(options),
    reloadAll: (options) => loader.reloadAll(options),
    stage: (dirName) => loader.stage(dirName),
    async drop(copy) {
      const staged = sources.handedOut(copy);
      await retire(staged);
      await sources.tried(staged);
    },
    tryImport: (copy) => deps.trial.import(copy),
    async tryFolder(path) {
      const copy = await (await open()).stageLoose(path);
      try {
        return { ...(await deps.trial.import(copy)), hash: copy.hash };
      } finally {
        await retire(copy);
      }
    },
    async contents(dirName, visit) {
      const folder = (await open()).find(dirName);
      if (folder) return readFolder(folder.path, visit);
      throw new ReefError("not_found", `No service directory "${dirName}" with index.ts found`);
    },
    hashFolder: (path) => readFolder(path),
    nameProblem: moduleNameProblem,
    runTests: (copy) => deps.trial.test(copy),
    kept: (dirName) => (workshop?.archive.list(dirName) ?? []).toReversed(),
    rollback: (dirName, hash) => loader.rollback(dirName, hash),
    async close() {
      await live.close(dependentsFirst(versions));
      await deps.isolation.close();
    },
  };
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
