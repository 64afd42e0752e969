// How long to wait before something that ended is started again: longer each time, until it has been well for a while.

export interface BackoffLimits {
  firstMs: number;
  longestMs: number;
  /** Who has lived so long before it ended begins anew. */
  wellMs: number;
}

export class Backoff {
  readonly #limits: BackoffLimits;
  #nextMs: number;

  constructor(limits: BackoffLimits) {
    this.#limits = limits;
    this.#nextMs = limits.firstMs;
  }

  /** For one that lived for `livedMs`. */
  next(livedMs: number): number {
    const { firstMs, longestMs, wellMs } = this.#limits;
    const waitMs = livedMs >= wellMs ? firstMs : this.#nextMs;
    this.#nextMs = Math.min(waitMs * 2, longestMs);
    return waitMs;
  }
}
