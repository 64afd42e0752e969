// Counts failed logins by address, so that nobody tries tokens as fast as the network allows.

const FAILURES_MAX = 20;
const WINDOW_MS = 60_000;
/** Addresses that are counted at the same time; the one that failed least lately is forgotten first. */
const ADDRESSES_MAX = 10_000;

export interface Failures {
  /** Seconds to wait before the next try; 0 when there may be one. */
  wait(address: string): number;
  add(address: string): void;
}

export function countFailures(now: () => number = Date.now): Failures {
  const byAddress = new Map<string, readonly number[]>();
  const recent = (address: string) => (byAddress.get(address) ?? []).filter((at) => at > now() - WINDOW_MS);
  return {
    wait(address) {
      const times = recent(address);
      const [first = 0] = times;
      return times.length < FAILURES_MAX ? 0 : Math.ceil((first + WINDOW_MS - now()) / 1000);
    },
    add(address) {
      const times = [...recent(address), now()];
      byAddress.delete(address);
      byAddress.set(address, times);
      const [oldest] = byAddress.keys();
      if (byAddress.size > ADDRESSES_MAX && oldest !== undefined) byAddress.delete(oldest);
    },
  };
}
