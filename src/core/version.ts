// One loaded version of a module: how it comes up and how it goes, leaving nothing behind either way.
import { join } from "node:path";
import { runWithCause } from "./cause.js";
import { messageOf, ReefError } from "./errors.js";
import { createScope, LoadFailed, type Scope } from "./scope.js";
import type { StagedCopy } from "./stage.js";
import type { Isolation, Log, ServiceContext, ServiceModule, Traffic } from "./types.js";
import { within } from "./within.js";

export interface LiveModule {
  readonly module: ServiceModule;
  readonly name: string;
  /** Folder name; null for a module given as an object. */
  readonly dir: string | null;
  readonly hash: string | null;
  /** Different for each version of one name: together they name the version (`versionKey`). */
  readonly loadedAt: number;
  readonly loadMs: number;
  /** The wrapper Hono; null without routes. */
  readonly handle:
    | ((request: Request, env: unknown, requestContext?: unknown) => Response | Promise<Response>)
    | null;
  readonly scope: Scope;
  readonly isolation: Isolation;
  inFlight: number;
  readonly traffic: Traffic;
}

export interface Version extends LiveModule {
  readonly copy: StagedCopy | null;
  lastError?: { at: string; message: string };
  ending?: Promise<void>;
}

/** A module that is imported and checked, and not yet started. */
export interface Incoming {
  module: ServiceModule;
  dir: string | null;
  copy: StagedCopy | null;
  isolation: Isolation;
  /** When work on it began, on the clock of `performance.now()`. */
  startedAt: number;
}

export interface StoreDeps {
  log(module?: string): Log;
  storeMs: number;
}

export interface VersionDeps extends StoreDeps {
  mount(module: ServiceModule): LiveModule["handle"];
  context(parts: { name: string; dir: string; scope: Scope }): ServiceContext;
  servicesDir: string;
  initMs: number;
}

/** What a version starts in `init` outlives the request that loaded it, and is not done on that request's behalf. */
function outsideRequests<T>(module: string, fn: () => T): T {
  return runWithCause({ causeId: null, caller: { kind: "server" }, module, inFlight: [] }, fn);
}

/** Runs `init` and mounts the routes. When either fails, what was started is undone and the problem's text thrown. */
export async function bringUp(incoming: Incoming, loadedAt: number, deps: VersionDeps): Promise<Version> {
  const { module, dir, copy, isolation, startedAt } = incoming;
  const scope = createScope(deps.log(module.name));
  const failed = async (what: string, error: unknown): Promise<never> => {
    await scope.undo(new LoadFailed(what));
    await settleStore(module, ["close"], deps);
    throw new ReefError("bad_request", `${what} failed: ${messageOf(error)}`, {}, { cause: error });
  };
  try {
    const source = copy?.source ?? join(deps.servicesDir, module.name);
    const context = deps.context({ name: module.name, dir: source, scope });
    await within(deps.initMs, () => outsideRequests(module.name, () => module.init?.(context)));
  } catch (error) {
    return failed("init()", error);
  }
  try {
    const handle = deps.mount(module);
    const loadMs = Math.round((performance.now() - startedAt) * 10) / 10;
    const hash = copy?.hash ?? null;
    const traffic = { requests: 0, failures: 0, faults: 0 };
    const identity = { module, name: module.name, dir, hash, copy, isolation };
    return { ...identity, loadedAt, loadMs, handle, scope, inFlight: 0, traffic };
  } catch (error) {
    return failed("mounting the routes", error);
  }
}

/** Undoes a version, once: its scope first, then its store is flushed and closed. Never rejects. */
export function end(version: Version, deps: StoreDeps): Promise<void> {
  version.ending ??= (async () => {
    await version.scope.undo();
    await settleStore(version.module, ["flush", "close"], deps);
  })();
  return version.ending;
}

/** Undoes a version that never served. Its store is not flushed: that could overwrite what the old version reads. */
export async function discard(version: Version, deps: StoreDeps): Promise<void> {
  await version.scope.undo(new LoadFailed("verify"));
  await settleStore(version.module, ["close"], deps);
}

/** Awaits the named methods of a module's store, one after another. What fails is logged. */
export async function settleStore(
  module: ServiceModule,
  methods: ("flush" | "close")[],
  deps: StoreDeps,
): Promise<void> {
  for (const method of methods) {
    try {
      await within(deps.storeMs, () => module.store?.[method]?.());
    } catch (error) {
      deps.log(module.name).error(`store.${method}() failed:`, error);
    }
  }
}
