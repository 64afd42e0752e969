// One turn's hold on a slot: taken, given away while the turn waits for somebody else, taken again, dropped.
import type { Place, Slots } from "./slots.js";

export interface Lease {
  /** Takes a free slot now, if there is one. */
  tryTake(): boolean;
  /** Joins the queue. `granted` is called with the slot taken. */
  queue(place: Place, granted: () => void): void;
  /** 1 for the next to start; undefined when it is not queued. */
  position(): number | undefined;
  /** Gives the slot away while `wait` goes on; resolves with its outcome once a slot is taken again. */
  whileWaiting<T>(wait: () => Promise<T>): Promise<T>;
  /** Gives up whatever it holds or waits for, for good. */
  drop(): void;
}

/** `held` is told when the turn begins to wait and when it goes on. */
export function createLease(slots: Slots, held: (waiting: boolean) => void): Lease {
  let taken = false;
  let begun = false;
  let dropped = false;
  let waits = 0;
  let place: Place = { priority: 0, seq: 0 };
  let inQueue: { granted: () => void; leave: () => void } | undefined;

  function join(at: Place, then: () => void): void {
    const granted = () => {
      inQueue = undefined;
      taken = true;
      begun = true;
      then();
    };
    const entry = { granted, leave: () => {} };
    inQueue = entry;
    entry.leave = slots.wait(at, granted);
  }

  function give(): void {
    waits += 1;
    if (waits > 1) return;
    held(true);
    stopReturning();
    if (!taken) return;
    taken = false;
    slots.release();
  }

  /** A wait that ended before needs no slot while another goes on: that one takes it back for both. */
  function stopReturning(): void {
    inQueue?.leave();
    inQueue = undefined;
    goOn();
  }

  /** While another wait of the same turn goes on, no slot is needed: pi cannot go on before that one ends. */
  function regain(): Promise<void> {
    waits -= 1;
    if (waits > 0 || dropped) return Promise.resolve();
    return new Promise((resolve) => {
      goOn = resolve;
      join({ ...place, returning: true }, () => {
        held(false);
        resolve();
      });
    });
  }
  let goOn: () => void = () => {};

  return {
    tryTake() {
      taken = slots.tryTake();
      begun = taken;
      return taken;
    },
    queue(at, granted) {
      place = at;
      if (!dropped) join(at, granted);
    },
    position: () => (inQueue ? slots.positionOf(inQueue.granted) : undefined),
    async whileWaiting(wait) {
      // A turn that has not had its slot yet has none to give away, and keeps its place in the queue.
      if (!begun) return wait();
      give();
      try {
        return await wait();
      } finally {
        await regain();
      }
    },
    drop() {
      if (dropped) return;
      dropped = true;
      stopReturning();
      if (taken) slots.release();
      taken = false;
    },
  };
}
