// Counts requests in and out of module versions, and holds new ones at the door while a version is being replaced. A
// request that descends from one in flight on the same module is never held: it would wait for itself.
import {
  causeWith,
  currentCause,
  type Flight,
  FlyingCause,
  flightsOf,
  runWithCause,
  versionKey,
} from "./cause.js";
import { ReefError } from "./errors.js";
import type { Version } from "./version.js";
import { within } from "./within.js";

const HELD_MAX = 10_000;

export interface Doors {
  enter(name: string): Version | Promise<Version> | undefined;
  leave(version: Version): void;
  /** Until the returned function is called, new requests for the module wait. */
  hold(name: string): () => void;
  /** Resolves to true when only requests that asked for this work themselves are left, to false after the limit. */
  drained(version: Version): Promise<boolean>;
  /** Runs `work` on behalf of the current request, which from now on no drain waits for. */
  asking<T>(work: () => Promise<T>): Promise<T>;
  /**
   * Work inside a version that is up but not live yet: requests that descend from it go to that version. It does not
   * count as traffic.
   */
  trying<T>(version: Version, work: () => Promise<T>): Promise<T>;
  /** For a version that has left the live ones: resolves when its last request is done. */
  retire(version: Version): Promise<void>;
}

export interface DoorLimits {
  holdMs: number;
  drainMs: number;
}

interface Hold {
  opened: Promise<void>;
  waiting: number;
}

export function createDoors(live: ReadonlyMap<string, Version>, limits: DoorLimits): Doors {
  const holds = new Map<string, Hold>();
  const drains = new Map<Version, () => void>();
  const retired = new Map<Version, () => void>();
  const tried = new Set<Version>();
  // For each piece of work under way the request that asked for it, and those from which that descends.
  const asked = new Set<readonly Flight[]>();

  function entered(version: Version): Version {
    version.inFlight++;
    version.traffic.requests++;
    return version;
  }

  /** The version on which a request began from which the current one descends, as long as it is in flight. */
  function ancestor(name: string): Version | undefined {
    const inFlight = currentCause()?.inFlight ?? [];
    if (inFlight.length === 0) return undefined;
    const candidates = [live.get(name), ...tried, ...retired.keys()];
    return candidates.find(
      (version) => version?.name === name && version.inFlight > 0 && inFlight.includes(versionKey(version)),
    );
  }

  async function wait(name: string, hold: Hold): Promise<Version> {
    if (hold.waiting >= HELD_MAX) throw new ReefError("unavailable", `too many requests wait for "${name}"`);
    hold.waiting++;
    try {
      await within(limits.holdMs, () => hold.opened);
    } catch (error) {
      throw new ReefError("unavailable", `service "${name}" is being replaced`, {}, { cause: error });
    } finally {
      hold.waiting--;
    }
    const version = enter(name);
    if (version) return version;
    throw new ReefError("unavailable", `service "${name}" did not come back`);
  }

  function enter(name: string): Version | Promise<Version> | undefined {
    const hold = holds.get(name);
    const version = live.get(name);
    if (!hold && retired.size === 0 && tried.size === 0) return version && entered(version);
    const own = ancestor(name);
    if (own) return entered(own);
    if (hold) return wait(name, hold);
    return version && entered(version);
  }

  function isDrained(version: Version): boolean {
    const key = versionKey(version);
    const asking = new Set([...asked].flat().filter((flight) => flight.version === key && !flight.ended));
    return version.inFlight <= asking.size;
  }

  return {
    enter,
    leave(version) {
      version.inFlight--;
      if (drains.size > 0 && isDrained(version)) drains.get(version)?.();
      if (retired.size > 0 && version.inFlight === 0) retired.get(version)?.();
    },
    hold(name) {
      const { promise: opened, resolve: open } = Promise.withResolvers<void>();
      holds.set(name, { opened, waiting: 0 });
      return () => {
        holds.delete(name);
        open();
      };
    },
    async drained(version) {
      if (isDrained(version)) return true;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      drains.set(version, () => resolve(true));
      const timer = setTimeout(() => resolve(false), limits.drainMs);
      const isEmpty = await promise;
      clearTimeout(timer);
      drains.delete(version);
      return isEmpty;
    },
    async asking(work) {
      const flights = flightsOf(currentCause());
      asked.add(flights);
      for (const [version, drained] of drains) if (isDrained(version)) drained();
      try {
        return await work();
      } finally {
        asked.delete(flights);
      }
    },
    async trying(version, work) {
      const flight = { version: versionKey(version), ended: false };
      const flights = [...flightsOf(currentCause()), flight];
      const { causeId, caller } = causeWith({});
      tried.add(version);
      version.inFlight++;
      try {
        return await runWithCause(
          new FlyingCause({ causeId, caller, address: undefined, module: version.name, flights }),
          work,
        );
      } finally {
        flight.ended = true;
        version.inFlight--;
        tried.delete(version);
      }
    },
    async retire(version) {
      if (version.inFlight === 0) return;
      const { promise: idle, resolve } = Promise.withResolvers<void>();
      retired.set(version, resolve);
      await idle;
      retired.delete(version);
    },
  };
}
