// A time limit that can be held: it counts only while it runs.

const TIMER_MS_MAX = 2 ** 31 - 1;

export interface Deadline {
  /** Goes on counting; does nothing when it counts already, or when there is no limit. */
  run(): void;
  hold(): void;
  /** Starts again from the full time. */
  reset(): void;
}

/** `expired` is called once, after `limitMs` of counted time; 0 means no limit. */
export function createDeadline(limitMs: number, expired: () => void, now: () => number = Date.now): Deadline {
  let leftMs = limitMs;
  let since = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function run(): void {
    if (limitMs <= 0 || timer) return;
    since = now();
    // Timers overflow after 24.8 days; a longer limit is counted in pieces.
    timer = setTimeout(tick, Math.min(Math.max(0, leftMs), TIMER_MS_MAX));
  }

  function hold(): void {
    if (!timer) return;
    clearTimeout(timer);
    timer = undefined;
    leftMs -= now() - since;
  }

  function tick(): void {
    hold();
    if (leftMs > 0) run();
    else expired();
  }

  return {
    run,
    hold,
    reset() {
      const counting = timer !== undefined;
      hold();
      leftMs = limitMs;
      if (counting) run();
    },
  };
}
