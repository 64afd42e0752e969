// The cause and the caller on their way through the socket: each call names on whose behalf it is made, and a call back
// into the server names the request from which it descends, so that nothing waits for itself.
import { type Causation, causeWith, currentCause, FlyingCause, flightsOf, runWithCause } from "../cause.js";
import type { Caller } from "../types.js";

/** What goes with every call beside its arguments. */
export interface Stamp {
  causeId: string | null;
  caller: Caller;
  /** The socket address of a request's sender. */
  address?: string;
  /** The call of the server to which this belongs. */
  ticket?: number;
}

export interface Carrier {
  /** For the call of this number, which is about to be made. */
  stamp(call: number): Stamp;
  /** Runs what a call asks for on behalf of whom it names. */
  runAs<T>(stamp: Stamp, work: () => T): T;
  /** The call of this number is over. */
  over(call: number): void;
}

/** Calls that are over whose causes are kept, since something from which they descend is still in flight. */
const LINGERING_MAX = 10_000;
/** How many of those are looked at for each that is added: more than one, so that they do not pile up. */
const LOOKED_AT = 2;

const SERVER: Caller = Object.freeze({ kind: "server" });

/** What a process does by itself is not done for whoever has loaded it. */
export function onNobodysBehalf<T>(work: () => T): T {
  return runWithCause({ causeId: null, caller: SERVER, inFlight: [] }, work);
}

/** In the server, which alone knows what is in flight. `name` is that of the module, once it is known. */
export function serverCarrier(name: () => string): Carrier {
  const origins = new Map<number, Causation>();
  const lingering = new Map<number, Causation>();

  /** A timer that a request has set may call long after, while a request of another module above it still waits. */
  function mayCallLater(origin: Causation): boolean {
    const own = `${name()}@`;
    return flightsOf(origin).some(({ version }) => !version.startsWith(own));
  }

  function linger(call: number, origin: Causation): void {
    lingering.set(call, origin);
    for (const [other, its] of [...lingering.entries().take(LOOKED_AT)]) {
      lingering.delete(other);
      if (lingering.size < LINGERING_MAX && mayCallLater(its)) lingering.set(other, its);
    }
  }

  return {
    stamp(call) {
      const origin = currentCause();
      if (!origin) return { causeId: null, caller: SERVER };
      const { causeId, caller, address, inFlight } = origin;
      const stamp = { causeId, caller, address: address?.() };
      if (inFlight.length === 0) return stamp;
      origins.set(call, origin);
      return { ...stamp, ticket: call };
    },
    runAs({ causeId, caller, ticket }, work) {
      const origin = ticket === undefined ? undefined : (origins.get(ticket) ?? lingering.get(ticket));
      const cause = { causeId, caller, module: name(), flights: flightsOf(origin), address: origin?.address };
      return runWithCause(new FlyingCause(cause), work);
    },
    over(call) {
      const origin = origins.get(call);
      origins.delete(call);
      if (origin && mayCallLater(origin)) linger(call, origin);
    },
  };
}

/** In the process of a service. What is in flight there is one number, which the server understands. */
export function serviceCarrier(): Carrier {
  return {
    stamp() {
      const { causeId, caller } = causeWith({});
      const ticket = currentCause()?.inFlight.at(-1);
      return { causeId, caller, ...(ticket === undefined ? {} : { ticket: Number(ticket) }) };
    },
    runAs({ causeId, caller, address, ticket }, work) {
      const inFlight = ticket === undefined ? [] : [String(ticket)];
      return runWithCause({ causeId, caller, inFlight, address: () => address }, work);
    },
    over() {},
  };
}
