// Who waits for a key to change. A waiter is gone as soon as it is woken, its time is over or its signal aborts, so
// that nothing is left of a request that went away.
import { ReefError } from "#core/errors.js";

/** Each one is a request that is held open. */
const WAITERS_MAX = 5_000;

export interface Waiters {
  /** Resolves on `wake(key)`, after `ms`, or when a signal aborts. Rejects `unavailable` when too many wait already. */
  wait(key: string, ms: number, signals: readonly AbortSignal[]): Promise<void>;
  wake(key: string): void;
  count(): number;
}

export function createWaiters(waitersMax = WAITERS_MAX): Waiters {
  const byKey = new Map<string, Set<() => void>>();
  let count = 0;

  function add(key: string, wake: () => void): () => void {
    const waiting = byKey.get(key) ?? new Set();
    byKey.set(key, waiting.add(wake));
    count++;
    return () => {
      count--;
      waiting.delete(wake);
      if (waiting.size === 0) byKey.delete(key);
    };
  }

  return {
    async wait(key, ms, signals) {
      if (signals.some((signal) => signal.aborted)) return;
      if (count >= waitersMax)
        throw new ReefError("unavailable", "too many requests wait for a key to change");
      const { promise, resolve } = Promise.withResolvers<void>();
      const over = new AbortController();
      for (const signal of signals)
        signal.addEventListener("abort", () => resolve(), { signal: over.signal });
      const timer = setTimeout(resolve, ms);
      const remove = add(key, resolve);
      await promise;
      remove();
      clearTimeout(timer);
      over.abort();
    },
    wake(key) {
      for (const wake of byKey.get(key) ?? []) wake();
    },
    count: () => count,
  };
}
