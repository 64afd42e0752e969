// The time, for ages: all of them change together, and only while the page is seen.
import { signal } from "@preact/signals";

const TICK_MS = 5_000;

export const now = signal(Date.now());

export function startClock(): void {
  setInterval(() => {
    if (!document.hidden) now.value = Date.now();
  }, TICK_MS);
}
