// Work inside a module, a request or a run of one of its tools: counted in and out of the version that does it, and
// under the cause on whose behalf it is done.
import {
  type Causation,
  currentCause,
  type Flight,
  FlyingCause,
  flightsOf,
  runWithCause,
  versionKey,
} from "./cause.js";
import type { LiveModule, Registry } from "./registry.js";

export interface Visits {
  /**
   * Runs `work` with the version that is to do it, which counts as busy until the result is there. Waits while the
   * module is being replaced. Undefined when no such module is live.
   */
  begin<T>(module: string, purpose: Purpose, work: Work<T>): T | Promise<T> | undefined;
}

/** `descends`: it is part of what is going on now, rather than come from outside. */
export interface Purpose extends Pick<Causation, "causeId" | "caller" | "address"> {
  descends: boolean;
}

type Work<T> = (version: LiveModule) => T | Promise<T>;

export function createVisits(registry: Pick<Registry, "enter" | "leave">): Visits {
  const flights = new FlightsByCause();

  function visit<T>(version: LiveModule, cause: FlyingCause, work: Work<T>): T | Promise<T> {
    const flight = { version: versionKey(version), ended: false };
    const end = () => {
      flight.ended = true;
      flights.delete(cause.causeId, flight);
      registry.leave(version);
    };
    flights.add(cause.causeId, flight);
    cause.flights.push(flight);
    return then(() => work(version), end);
  }

  return {
    begin(module, { causeId, caller, address, descends }, work) {
      const before = descends ? flightsOf(currentCause()) : [];
      for (const flight of flights.with(causeId)) if (!before.includes(flight)) before.push(flight);
      const cause = new FlyingCause({ causeId, caller, address, module, flights: before });
      return runWithCause(cause, () => {
        const entered = registry.enter(module);
        if (entered instanceof Promise) return entered.then((version) => visit(version, cause, work));
        return entered && visit(entered, cause, work);
      });
    },
  };
}

/** `finally` for what may or may not be a promise. */
function then<T>(work: () => T | Promise<T>, end: () => void): T | Promise<T> {
  let result: T | Promise<T> | undefined;
  try {
    result = work();
    return result instanceof Promise ? result.finally(end) : result;
  } finally {
    if (!(result instanceof Promise)) end();
  }
}

/**
 * A request that comes from outside and names the same cause as one in flight descends from it, though no
 * AsyncLocalStorage connects the two.
 */
class FlightsByCause {
  readonly #byCause = new Map<string, Set<Flight>>();

  with(causeId: string | null): Iterable<Flight> {
    return causeId === null ? [] : (this.#byCause.get(causeId) ?? []);
  }

  add(causeId: string | null, flight: Flight): void {
    if (causeId === null) return;
    this.#byCause.set(causeId, (this.#byCause.get(causeId) ?? new Set()).add(flight));
  }

  delete(causeId: string | null, flight: Flight): void {
    if (causeId === null) return;
    const others = this.#byCause.get(causeId);
    if (others?.delete(flight) && others.size === 0) this.#byCause.delete(causeId);
  }
}
