// A few places for work that takes a whole core, and a line before them in which nobody waits for long.

export interface Slots {
  /** True when there is a place, which is then to be given back; false when none became free in time. */
  take(waitMs: number): Promise<boolean>;
  give(): void;
}

export function createSlots(count: number): Slots {
  const waiting = new Set<(isFree: boolean) => void>();
  let free = count;
  return {
    async take(waitMs) {
      if (free > 0) {
        free--;
        return true;
      }
      const { promise, resolve } = Promise.withResolvers<boolean>();
      waiting.add(resolve);
      const timer = setTimeout(() => resolve(false), waitMs);
      return promise.finally(() => {
        clearTimeout(timer);
        waiting.delete(resolve);
      });
    },
    give() {
      const [next] = waiting;
      if (!next) {
        free++;
        return;
      }
      waiting.delete(next);
      next(true);
    },
  };
}
