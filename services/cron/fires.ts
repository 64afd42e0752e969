// How often a job was due up to now. A long down-time of a job that fires each second is counted in bursts.
import type { Schedule } from "./schedule.js";

/** More are told as so many. */
const COUNT_MAX = 100_000;
const COUNTED_PER_BURST = 500;

/** How many fires there were, and when the one after them is. */
export interface Fires {
  count: number;
  next: number | undefined;
}

/** From the one at `due` on, which counts. */
export async function firesUntil(now: number, schedule: Schedule, due: number): Promise<Fires> {
  let count = 1;
  let fire = schedule.following(due, due);
  while (fire !== undefined && fire <= now && count < COUNT_MAX) {
    if (++count % COUNTED_PER_BURST === 0) await new Promise((resolve) => setImmediate(resolve));
    fire = schedule.following(fire, fire);
  }
  return { count, next: schedule.following(due, now) };
}
