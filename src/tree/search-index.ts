// Keeps the search index up with the tree: behind a watermark and a little at a time, so that no append waits for it.
import type { Log } from "../core/types.js";
import { isDamage, type Shards } from "./shards.js";
import type { Tree } from "./tree.js";

/** So long a commit lies before it is indexed, with what came after it. */
const LAG_MS = 100;
/** The same at a start, when others have more to do. */
const START_LAG_MS = 1_000;
const SLICE_MS = 4;
/** Between two slices while others append, so that the index has no more than a fiftieth of the time. */
const BUSY_REST_MS = 200;
/** After a failure, of the disk for one. */
const RETRY_MS = 30_000;
/** How long a search waits for what was committed before it. */
const FRESH_WAIT_MS = 250;
/** Read at once; fewer while nodes are large. */
const READ_NODES_MAX = 64;
const READ_MS = 2;

/** What the index needs of the tree. */
export type Indexed = Pick<Tree<unknown>, "listed" | "since" | "newestSeq" | "subscribe">;

export class SearchIndex {
  readonly shards: Shards;
  readonly #tree: Indexed;
  readonly #log: Log;
  readonly #unsubscribe: () => void;
  #timer: Timer | undefined;
  #working: Promise<void> | undefined;
  #endRest: () => void = () => {};
  /** Searches that wait for the index to reach a seq. */
  readonly #waiting = new Set<{ seq: number; go: () => void }>();
  #readNodes = READ_NODES_MAX / 8;
  #isClosed = false;

  constructor(shards: Shards, tree: Indexed, log: Log) {
    this.shards = shards;
    this.#tree = tree;
    this.#log = log;
    this.#unsubscribe = tree.subscribe(() => this.#workIn(LAG_MS));
    this.#workIn(START_LAG_MS);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Waits for what is committed now to be indexed, but not for long. */
  async catchUp(): Promise<void> {
    const seq = this.#tree.newestSeq();
    if (this.#isClosed || this.shards.mark.seq >= seq) return;
    const reached = Promise.withResolvers<void>();
    const waiter = { seq, go: reached.resolve };
    const timer = setTimeout(waiter.go, FRESH_WAIT_MS);
    this.#waiting.add(waiter);
    this.#endRest();
    await Promise.race([reached.promise, this.#work()]);
    this.#waiting.delete(waiter);
    clearTimeout(timer);
  }

  /** For whoever has met with an error while reading it: a damaged one is made again. */
  recover(error: unknown): void {
    this.#workIn(this.#recovered(error));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unsubscribe();
    clearTimeout(this.#timer);
    this.#endRest();
    await this.#working;
    this.shards.close();
  }

  #workIn(ms: number): void {
    if (this.#isClosed || this.#working || this.#timer) return;
    this.#timer = setTimeout(() => void this.#work(), ms);
    this.#timer.unref();
  }

  /** Resolves when the index has caught up with the tree, or has failed. */
  #work(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#working ??= this.#indexAll().then((againInMs) => {
      this.#working = undefined;
      if (againInMs !== undefined) this.#workIn(againInMs);
    });
    return this.#working;
  }

  /** After a failure, when to try again. */
  async #indexAll(): Promise<number | undefined> {
    let newest = this.#tree.newestSeq();
    try {
      while (!this.#isClosed && this.shards.mark.seq < this.#tree.newestSeq()) {
        await this.#indexSome();
        for (const { seq, go } of this.#waiting) if (seq <= this.shards.mark.seq) go();
        const grows = this.#tree.newestSeq() > newest;
        newest = this.#tree.newestSeq();
        await this.#rest(grows && this.#waiting.size === 0 ? BUSY_REST_MS : 0);
      }
      return undefined;
    } catch (error) {
      return this.#recovered(error);
    }
  }

  async #indexSome(): Promise<void> {
    const startedAt = performance.now();
    const nodes = await this.#tree.since(this.shards.mark.seq, this.#readNodes);
    const wanted = this.#readNodes * (performance.now() - startedAt < READ_MS ? 2 : 0.5);
    this.#readNodes = Math.min(READ_NODES_MAX, Math.max(1, Math.floor(wanted)));
    this.shards.add(nodes, SLICE_MS);
  }

  /** At least one turn of the event loop; a longer one ends when somebody waits. */
  #rest(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (ms === 0) {
      setImmediate(resolve);
      return promise;
    }
    const timer = setTimeout(resolve, ms);
    this.#endRest = () => {
      clearTimeout(timer);
      resolve();
    };
    return promise;
  }

  /** Returns when to go on. */
  #recovered(error: unknown): number {
    try {
      if (isDamage(error)) {
        this.#log.error("the search index is damaged; making it again:", error);
        this.shards.reset();
        return START_LAG_MS;
      }
      this.#log.error("the search index could not be written:", error);
    } catch (failure) {
      this.#log.error("the search index could not be made again:", failure);
    }
    return RETRY_MS;
  }
}
