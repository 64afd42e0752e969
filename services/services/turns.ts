// Work that takes turns: one piece at a time for each key, in the order of the calls, and at most so many at once.
import { ReefError } from "#core/errors.js";

export interface Turns {
  /** Rejects `rate_limited` when too many wait already. */
  take<T>(key: string, work: () => Promise<T>): Promise<T>;
}

export interface TurnLimits {
  atOnceMax: number;
  waitingMax: number;
}

/** For work that is limited elsewhere and has only to be put in order. */
const UNLIMITED = { atOnceMax: Number.POSITIVE_INFINITY, waitingMax: Number.POSITIVE_INFINITY };

export function createTurns({ atOnceMax, waitingMax }: TurnLimits = UNLIMITED): Turns {
  const last = new Map<string, Promise<void>>();
  const queue: (() => void)[] = [];
  let waiting = 0;
  let running = 0;

  /** Whoever waits for the one before it takes no place away from others. */
  async function enter(previous: Promise<void> | undefined): Promise<void> {
    waiting++;
    await previous;
    if (running >= atOnceMax) await new Promise<void>((resolve) => queue.push(resolve));
    else running++;
    waiting--;
  }

  /** The place goes to the first in the queue. */
  function leave(): void {
    const next = queue.shift();
    if (next) next();
    else running--;
  }

  return {
    async take(key, work) {
      const previous = last.get(key);
      const isFree = previous === undefined && running < atOnceMax;
      if (!isFree && waiting >= waitingMax)
        throw new ReefError("rate_limited", `more than ${waitingMax} wait already`);
      const { promise: mine, resolve: done } = Promise.withResolvers<void>();
      last.set(key, mine);
      if (isFree) running++;
      else await enter(previous);
      try {
        return await work();
      } finally {
        leave();
        done();
        if (last.get(key) === mine) last.delete(key);
      }
    },
  };
}
