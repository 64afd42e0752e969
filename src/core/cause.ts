// On whose behalf something happens now: the cause travels with the request through AsyncLocalStorage, never through
// a side map, so an event fired deep inside a tool call still knows which call it belongs to.
import { AsyncLocalStorage } from "node:async_hooks";
import type { Caller } from "./types.js";

export interface Causation {
  /** The node of the tree on whose behalf this runs; null when nobody asked for it. */
  readonly causeId: string | null;
  readonly caller: Caller;
  /** The module whose code runs, and that a recorded event is therefore from. */
  readonly module?: string;
  /** The module versions (`versionKey`) that are still serving a request from which this descends. */
  readonly inFlight: readonly string[];
  /** The address of the socket on which the request came; looked up only when somebody asks. */
  readonly address?: () => string | undefined;
}

/** One request inside one version of a module. */
export interface Flight {
  readonly version: string;
  ended: boolean;
}

const SERVER: Caller = Object.freeze({ kind: "server" });
const store = new AsyncLocalStorage<Causation>();

export function currentCause(): Causation | undefined {
  return store.getStore();
}

export function runWithCause<T>(cause: Causation, fn: () => T): T {
  return store.run(cause, fn);
}

/** The current causation with some of it replaced; what runs outside of any request is the server's own doing. */
export function causeWith(changes: { causeId?: string | null; caller?: Caller; module?: string }): Causation {
  const now = store.getStore();
  return new FlyingCause({
    causeId: now?.causeId ?? null,
    caller: now?.caller ?? SERVER,
    module: now?.module,
    flights: flightsOf(now),
    address: now?.address,
    ...changes,
  });
}

/** Names one version of a module in `Causation.inFlight`. */
export function versionKey(version: { name: string; loadedAt: number }): string {
  return `${version.name}@${version.loadedAt}`;
}

/** The flights that have not ended yet. */
export function flightsOf(cause: Causation | undefined): Flight[] {
  if (cause === undefined) return [];
  if (cause instanceof FlyingCause) return cause.flights.filter((flight) => !flight.ended);
  return cause.inFlight.map((version) => ({ version, ended: false }));
}

/** A causation may outlive its request, in a timer for one: then it names the request's flights no more. */
export class FlyingCause implements Causation {
  readonly causeId: string | null;
  readonly caller: Caller;
  readonly module: string | undefined;
  readonly address: (() => string | undefined) | undefined;
  readonly flights: Flight[];

  constructor(from: Omit<Causation, "inFlight"> & { flights: Flight[] }) {
    this.causeId = from.causeId;
    this.caller = from.caller;
    this.module = from.module;
    this.address = from.address;
    this.flights = from.flights;
  }

  get inFlight(): readonly string[] {
    return this.flights.filter((flight) => !flight.ended).map((flight) => flight.version);
  }
}
