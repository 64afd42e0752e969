// What one version of a module is given in `init`. All that it starts through this ends with the version.

import type { InsideFetch } from "./caller-client.js";
import { causeWith, currentCause, runWithCause } from "./cause.js";
import type { Config } from "./config.js";
import type { ServiceEventBus as Bus } from "./events.js";
import type { Logger } from "./log.js";
import type { LiveModule } from "./registry.js";
import type { Scope } from "./scope.js";
import type { Caller, RegistryFace, ServiceContext } from "./types.js";

/** Appends an event node for the module and under the cause of the moment; null where no tree is mounted. */
export type Recorder = ServiceContext["record"];

export interface ContextOptions {
  name: string;
  /** Absolute: the module's source folder. */
  dir: string;
  scope: Scope;
  registry: RegistryFace & { readonly live: ReadonlyMap<string, Pick<LiveModule, "module">> };
  events: Pick<Bus, "face">;
  config: Config;
  log: Logger;
  fetch: InsideFetch;
  baseUrl(): string;
  record?: Recorder;
}

export function createContext(options: ContextOptions): ServiceContext {
  const { name, dir, scope, registry, config } = options;
  const log = options.log(name);
  const { live } = registry;
  return {
    name,
    dir,
    servicesDir: config.servicesDir,
    dataDir: config.dataDir,
    config,
    log,
    events: options.events.face({ name, scope, log }),
    registry,
    signal: scope.signal,
    getStore: <T>(of: string) => live.get(of)?.module.store as T | undefined,
    getModule: (of) => live.get(of)?.module,
    getModules: () => [...live.values()].map(({ module }) => module),
    loadModule: (dirName) => registry.load(dirName),
    unloadModule: (of) => registry.unload(of),
    onDispose: (label, undo) => void scope.add("dispose", label, undo),
    ...timers(options),
    url: options.baseUrl,
    fetch: (path, init = {}) => {
      const { as = SERVER, ...rest } = init;
      return options.fetch(path, rest, as);
    },
    record: async (event) => {
      if (!options.record) return null;
      return runWithCause(causeWith({ module: name }), () => options.record?.(event) ?? null);
    },
    withCause: (nodeId, fn) => runWithCause(causeWith({ causeId: nodeId }), fn),
    cause: () => currentCause()?.causeId ?? null,
    caller,
  };
}

const SERVER: Caller = Object.freeze({ kind: "server" });

/** What runs outside of any request is the server's own doing. */
function caller(): Caller {
  const now = causeWith({});
  const address = now.address?.();
  return address === undefined ? now.caller : { ...now.caller, address };
}

/** A timer runs under the cause under which it was set; what it throws is logged with the module's name. */
function timers({ name, scope, log }: ContextOptions): Pick<ServiceContext, "setTimeout" | "setInterval"> {
  async function run(fn: () => unknown, label: string): Promise<void> {
    try {
      await runWithCause(causeWith({ module: name }), fn);
    } catch (error) {
      log(name).error(`${label} failed:`, error);
    }
  }
  return {
    setTimeout(fn, ms) {
      const label = `timeout ${ms} ms`;
      const timer = setTimeout(() => {
        forget();
        void run(fn, label);
      }, ms);
      const forget = scope.add("timer", label, () => clearTimeout(timer));
      return forget;
    },
    setInterval(fn, ms) {
      const label = `interval ${ms} ms`;
      const timer = setInterval(() => void run(fn, label), ms);
      return scope.add("timer", label, () => clearInterval(timer));
    },
  };
}
