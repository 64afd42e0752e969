// How many runs go on at once: a slot is taken, given back, and waited for in order.

/** Who is served first: runs that had a slot before, then the higher priority, then who came first. */
export interface Place {
  returning?: boolean;
  priority: number;
  /** Commit order of what is waiting. */
  seq: number;
}

export interface Slots {
  /** Takes a free slot now, never ahead of someone who waits. */
  tryTake(): boolean;
  /** Calls `granted` once a slot is taken for this place. Returns how to leave the queue. */
  wait(place: Place, granted: () => void): () => void;
  release(): void;
  /** How many are in the queue, those that return not counted. */
  queued(): number;
  /** 1 for the next to start; undefined when `granted` is not in the queue. */
  positionOf(granted: () => void): number | undefined;
}

interface Waiter extends Place {
  granted: () => void;
}

export function createSlots(max: number): Slots {
  let taken = 0;
  const waiting: Waiter[] = [];

  function serve(): void {
    while (taken < max) {
      const next = waiting.shift();
      if (!next) return;
      taken += 1;
      next.granted();
    }
  }

  return {
    tryTake() {
      if (taken >= max || waiting.length > 0) return false;
      taken += 1;
      return true;
    },
    wait(place, granted) {
      const waiter: Waiter = { ...place, granted };
      const at = waiting.findIndex((other) => isBefore(waiter, other));
      waiting.splice(at < 0 ? waiting.length : at, 0, waiter);
      serve();
      return () => {
        const index = waiting.indexOf(waiter);
        if (index >= 0) waiting.splice(index, 1);
      };
    },
    release() {
      taken -= 1;
      serve();
    },
    queued: () => waiting.filter((waiter) => !waiter.returning).length,
    positionOf(granted) {
      const index = waiting.findIndex((waiter) => waiter.granted === granted);
      return index < 0 ? undefined : index + 1;
    },
  };
}

function isBefore(a: Waiter, b: Waiter): boolean {
  if (Boolean(a.returning) !== Boolean(b.returning)) return Boolean(a.returning);
  return a.priority !== b.priority ? a.priority > b.priority : a.seq < b.seq;
}
