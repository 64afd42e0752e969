// Results that took long to compute, kept for a while and brought up to date by whoever asks next, one after another.
import { Recent } from "./recent.js";

export class Kept<K, V> {
  readonly #entries: Recent<K, Promise<V>>;

  constructor(max: number) {
    this.#entries = new Recent(max);
  }

  /** `update` gets what is kept, after all earlier updates of it; what fails is forgotten. */
  from(key: K, update: (old: V | undefined) => Promise<V>): Promise<V> {
    const known = this.#entries.get(key);
    const fresh = known === undefined ? update(undefined) : known.then(update);
    this.#entries.set(key, fresh);
    fresh.catch(() => {
      if (this.#entries.get(key) === fresh) this.#entries.delete(key);
    });
    return fresh;
  }
}
