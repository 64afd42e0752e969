// The set of live versions and the three ways in which it changes: a module starts, one version takes another's place,
// a module goes. It knows nothing of folders; what a version is made from is handed in.
import type { BehaviorBox } from "./behaviors.js";
import type { Doors } from "./doors.js";
import { ReefError } from "./errors.js";
import type { StagedCopy } from "./stage.js";
import type { ToolBox } from "./tools.js";
import type { FleetClient, LoadOptions, ServiceEventBus, TriedVersion } from "./types.js";
import {
  bringUp,
  discard,
  end,
  type Incoming,
  settleStore,
  type Version,
  type VersionDeps,
} from "./version.js";

export type Verify = NonNullable<LoadOptions["verify"]>;

export interface LiveDeps extends VersionDeps {
  events: ServiceEventBus;
  tools: ToolBox;
  behaviors: BehaviorBox;
  /** What tools call reef with: acts as whoever calls them at that moment. */
  client: FleetClient;
  /** A fresh import of a version that has to start again. */
  again(old: Version, copy: StagedCopy): Promise<Pick<Incoming, "module" | "copy">>;
  retire(copy: StagedCopy): Promise<void>;
}

export interface Live {
  /** Those with routes and `mountAtRoot`, in load order. */
  readonly rootMounted: readonly Version[];
  /** Rejects with the problem's text when it does not come up; nothing of it is left then but its copy. */
  start(incoming: Incoming, verify?: Verify): Promise<Version>;
  /** `prepare` runs when nobody uses the old version and its data is flushed. Whatever fails, a version serves after. */
  replace(old: Version, prepare: () => Promise<Incoming>, verify?: Verify): Promise<Version>;
  remove(version: Version): Promise<void>;
  /** Undoes the given versions in their order; nothing starts any more. */
  close(versions: Version[]): Promise<void>;
}

/** Keeps `versions` in load order. */
export function createLive(versions: Map<string, Version>, doors: Doors, deps: LiveDeps): Live {
  let lastStamp = 0;
  let rootMounted: readonly Version[] = [];
  let closed = false;

  async function up(incoming: Incoming, verify?: Verify): Promise<Version> {
    lastStamp = Math.max(Date.now(), lastStamp + 1);
    const version = await bringUp(incoming, lastStamp, deps);
    try {
      await verify?.(triedVersion(version, doors));
      if (closed) throw new ReefError("unavailable", "reef is stopping");
      return version;
    } catch (error) {
      await discard(version, deps);
      throw error;
    }
  }

  function publish(version: Version): void {
    versions.set(version.name, version);
    mountRoots();
    deps.tools.add(version.module, deps.client);
    deps.behaviors.add(version.module);
  }

  function mountRoots(): void {
    rootMounted = [...versions.values()].filter(({ module, handle }) => module.mountAtRoot && handle);
  }

  /** The files of a version go when the last request that began on it is done. */
  function dropWhen(idle: Promise<void>, { name, copy }: Pick<Version, "name" | "copy">): void {
    if (!copy) return;
    idle
      .then(() => deps.retire(copy))
      .catch((error) => deps.log(name).warn("files of a retired version stay:", error));
  }

  /** For requests that wait for something: their answer should come now. */
  function announceDrain({ name }: Version): void {
    deps.events.fire("module:draining", { name });
  }

  async function drain(version: Version): Promise<void> {
    if (await doors.drained(version)) return;
    deps.log(version.name).warn("requests are still in flight on a version that goes; they go on without it");
  }

  function undo(version: Version): Promise<void> {
    deps.behaviors.remove(version.module);
    return end(version, deps);
  }

  function forget(version: Version): void {
    versions.delete(version.name);
    mountRoots();
    deps.tools.remove(version.name);
    deps.events.fire("module:removed", { name: version.name });
  }

  async function swap(old: Version, next: Incoming, verify?: Verify): Promise<Version> {
    await undo(old);
    const version = await up(next, verify).catch(async (error) => {
      await revive(old);
      throw error;
    });
    if (version.name !== old.name) forget(old);
    publish(version);
    dropWhen(doors.retire(old), old);
    return version;
  }

  /** A module may have built its store when it was imported, and the store is closed now: it is imported afresh. */
  async function revive(old: Version): Promise<void> {
    const log = deps.log(old.name);
    const fresh =
      old.copy &&
      (await deps.again(old, old.copy).catch((error) => log.warn("started without a new import:", error)));
    const incoming = {
      module: old.module,
      copy: old.copy,
      ...fresh,
      dir: old.dir,
      isolation: old.isolation,
      startedAt: performance.now(),
    };
    try {
      publish(await up(incoming));
    } catch (error) {
      log.error("the version before it could not be started again:", error);
      forget(old);
      dropWhen(Promise.resolve(), { name: old.name, copy: fresh ? fresh.copy : null });
    }
    const isReplaced = versions.get(old.name)?.copy !== old.copy;
    if (isReplaced) dropWhen(doors.retire(old), old);
  }

  return {
    get rootMounted() {
      return rootMounted;
    },
    async start(incoming, verify) {
      const version = await up(incoming, verify);
      publish(version);
      deps.events.fire("module:added", { name: version.name });
      return version;
    },
    async replace(old, prepare, verify) {
      const release = doors.hold(old.name);
      try {
        announceDrain(old);
        await drain(old);
        await settleStore(old.module, ["flush"], deps);
        const version = await swap(old, await prepare(), verify);
        deps.events.fire(version.name === old.name ? "module:updated" : "module:added", {
          name: version.name,
        });
        return version;
      } finally {
        release();
      }
    },
    async remove(version) {
      forget(version);
      const idle = doors.retire(version);
      announceDrain(version);
      await drain(version);
      await undo(version);
      dropWhen(idle, version);
    },
    async close(order) {
      closed = true;
      for (const version of order) await undo(version);
    },
  };
}

function triedVersion(version: Version, doors: Doors): TriedVersion {
  return {
    module: version.module,
    hash: version.hash,
    fetch: (path, init) =>
      doors.trying(version, async () => {
        if (!version.handle) throw new ReefError("not_found", `"${version.name}" has no routes`);
        return version.handle(new Request(`http://localhost${path}`, init), undefined);
      }),
  };
}
