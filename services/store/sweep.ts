// Takes out what has expired, when it expires. Readers do not need it, for them an expired key is gone anyway; disk
// space and those who hear `store:changed` do.
import type { ServiceContext } from "#core/types.js";

/** No timer can run for years, and a look every hour costs nothing. */
const PAUSE_MS_MAX = 3_600_000;
const RETRY_MS = 60_000;

export interface Sweep {
  /** Something expires at this time. */
  expect(expiresAt: number): void;
}

export interface SweepOptions {
  ctx: Pick<ServiceContext, "setTimeout" | "signal">;
  now(): number;
  /** When the next key expires. */
  next(): number | undefined;
  /** Removes a bounded number of expired keys. */
  remove(): Promise<void>;
}

export function startSweep({ ctx, now, next, remove }: SweepOptions): Sweep {
  let dueAt = Number.POSITIVE_INFINITY;
  let cancel = () => {};

  function expect(expiresAt: number): void {
    if (expiresAt >= dueAt) return;
    cancel();
    dueAt = expiresAt;
    const pauseMs = Math.min(Math.max(expiresAt - now(), 0), PAUSE_MS_MAX);
    cancel = ctx.setTimeout(run, pauseMs);
  }

  async function run(): Promise<void> {
    dueAt = Number.POSITIVE_INFINITY;
    try {
      if ((next() ?? dueAt) <= now()) await remove();
    } catch (error) {
      expect(now() + RETRY_MS);
      throw error;
    }
    expectNext();
  }

  function expectNext(): void {
    const expiresAt = ctx.signal.aborted ? undefined : next();
    if (expiresAt !== undefined) expect(expiresAt);
  }

  expectNext();
  return { expect };
}
