// The one timer of all jobs: it looks when the next one is due, and often enough that a clock that was set, or a machine
// that slept, is noticed.
import type { ServiceContext } from "#core/types.js";

/** Also keeps a delay of months within what a timer can do. */
const LOOK_MS_MAX = 30_000;
const RETRY_MS = 5_000;

export interface Timetable {
  /** Something may be due earlier than it was. */
  changed(): void;
}

export interface TimetableOptions {
  ctx: Pick<ServiceContext, "setTimeout" | "signal">;
  now(): number;
  /** When the next job is due. */
  next(): number | undefined;
  /** Sees to everything that is due now. */
  fire(): Promise<void>;
}

export function startTimetable({ ctx, now, next, fire }: TimetableOptions): Timetable {
  let cancel = () => {};
  let firing = false;

  function lookIn(ms: number): void {
    cancel();
    cancel = ctx.setTimeout(look, ms);
  }

  function changed(): void {
    if (firing || ctx.signal.aborted) return;
    const dueAt = next() ?? Number.POSITIVE_INFINITY;
    lookIn(Math.min(Math.max(dueAt - now(), 0), LOOK_MS_MAX));
  }

  async function look(): Promise<void> {
    firing = true;
    try {
      if ((next() ?? Number.POSITIVE_INFINITY) <= now()) await fire();
      firing = false;
      changed();
    } catch (error) {
      firing = false;
      if (!ctx.signal.aborted) lookIn(RETRY_MS);
      throw error;
    }
  }

  changed();
  return { changed };
}
