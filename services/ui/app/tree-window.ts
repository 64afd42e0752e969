// The part of the tree that the feed holds: it follows what is new, is read on at both ends, and can be moved elsewhere.
// One thing is done at a time, so that the window never has a gap.
import { batch, signal } from "@preact/signals";
import { Forest } from "./forest.js";
import type { TreeNode, TreePage } from "./types.js";

/** Nodes of one request: the first view is small, one that scrolls reads more at a time. */
const SIZES = { first: 200, page: 1_000 };
/** Beyond every node. */
const BEYOND = 1e14;
/** Frames come faster than one can read: what they stand for is fetched at most so often. */
const PULL_MS = 50;
/** Who is so many pages behind begins again at the newest. */
const PAGES_BEHIND_MAX = 10;

export interface TreeWindowOptions {
  /** `GET /reef/tree` with these parameters. */
  read(query: string): Promise<TreePage>;
  /** Hears each page, whether or not its nodes are in the window. */
  page(page: TreePage): void;
  /** Hears that nodes were passed over: what follows a conversation has to read it again. */
  skipped(): void;
  sizes?: typeof SIZES & { held: number };
}

export class TreeWindow {
  readonly forest: Forest;
  /** Grows with each change of the forest. */
  readonly version = signal(0);
  readonly isLoaded = signal(false);
  /** Whether the newest node is in the window. */
  readonly isAtEnd = signal(true);
  readonly hasOlder = signal(false);
  /** True while the reader wants to see what is new. */
  readonly follows = signal(true);
  /** Nodes that came since the reader stopped following. */
  readonly missed = signal(0);
  readonly error = signal<string | undefined>(undefined);
  readonly root = signal("");
  readonly #options: TreeWindowOptions;
  readonly #sizes: typeof SIZES;
  #work: Promise<unknown> = Promise.resolve();
  #pulling: Promise<void> | undefined;
  /** The newest `seq` that was read. With the window at the end, the window's newest. */
  #tail = 0;
  /** The newest `seq` that is said to be there. */
  #announced = 0;

  constructor(options: TreeWindowOptions) {
    this.#options = options;
    this.#sizes = options.sizes ?? SIZES;
    this.forest = new Forest(options.sizes?.held);
  }

  get tail(): number {
    return this.#tail;
  }

  /** The newest nodes, if nothing was read yet. */
  loadFirst(): Promise<void> {
    return this.#alone(() => this.#loadFirst());
  }

  /** The newest nodes, in place of whatever is shown. */
  loadNewest(): Promise<void> {
    return this.#alone(() => this.#loadNewest());
  }

  /** Brings the reader to the end, and keeps him there. */
  async followEnd(): Promise<void> {
    if (!this.isAtEnd.value) await this.loadNewest();
    batch(() => {
      this.follows.value = true;
      this.missed.value = 0;
    });
  }

  /** One page before the window; the newest nodes give way when it is full. */
  loadOlder(): Promise<void> {
    return this.#alone(async () => {
      if (!this.hasOlder.value) return;
      const page = await this.#read(`before=${this.forest.oldest}&limit=${this.#sizes.page}`);
      batch(() => {
        this.hasOlder.value = page.nextCursor !== undefined;
        this.#add(page, "oldest");
      });
    });
  }

  /** One page after the window, when it is not at the end. */
  loadNewer(): Promise<void> {
    return this.#alone(async () => {
      if (this.isAtEnd.value) return;
      const page = await this.#read(`since=${this.forest.newest}&limit=${this.#sizes.page}`);
      batch(() => {
        this.isAtEnd.value = page.nextCursor === undefined;
        this.#add(page, "newest");
      });
    });
  }

  /** Moves the window to where a node is, unless it is there already. */
  showAround(seq: number): Promise<void> {
    return this.#alone(async () => {
      await this.#loadFirst();
      if (seq >= this.forest.oldest && seq <= this.forest.newest) return;
      const before = await this.#read(`before=${seq + 1}&limit=${this.#sizes.first}`);
      const after = await this.#read(`since=${seq}&limit=${this.#sizes.first}`);
      batch(() => {
        this.forest.clear();
        this.follows.value = false;
        this.hasOlder.value = before.nextCursor !== undefined;
        this.isAtEnd.value = false;
        this.#add(before, "newest");
        this.isAtEnd.value = after.nextCursor === undefined;
        this.#add(after, "oldest");
      });
    });
  }

  /** There is a node with this `seq`: it is fetched in a moment, with all that come until then. */
  announce(seq: number): void {
    this.#announced = Math.max(this.#announced, seq);
    if (this.#announced > this.#tail) void this.#pull();
  }

  /** Resolves when the nodes up to this one were read, or could not be. */
  async reached(seq: number): Promise<void> {
    this.#announced = Math.max(this.#announced, seq);
    while (this.#tail < this.#announced) {
      await this.#pull();
      if (this.error.value !== undefined) return;
    }
  }

  #pull(): Promise<void> {
    this.#pulling ??= this.#pullAll().finally(() => {
      this.#pulling = undefined;
      // Announced in the moment between its last look and now.
      if (this.#announced > this.#tail && this.error.value === undefined) void this.#pull();
    });
    return this.#pulling;
  }

  async #pullAll(): Promise<void> {
    for (let pages = 0; this.#announced > this.#tail; pages++) {
      await new Promise((resolve) => setTimeout(resolve, PULL_MS));
      await this.#alone(() => (pages < PAGES_BEHIND_MAX ? this.#pullPage() : this.#loadNewest()));
      if (this.error.value !== undefined) return;
    }
  }

  async #pullPage(): Promise<void> {
    const asked = this.#announced;
    const page = await this.#read(`since=${this.#tail}&limit=${this.#sizes.page}`);
    const nodes = Object.values(page.nodes);
    batch(() => {
      if (!this.follows.value) this.missed.value += nodes.length;
      // What one reads must not give way to what comes in elsewhere.
      if (!this.follows.value && nodes.length > this.forest.room) this.isAtEnd.value = false;
      if (this.isAtEnd.value) this.#add(page, "newest");
      else this.#options.page(page);
      this.#tail = newestOf(nodes, this.#tail);
      if (page.nextCursor === undefined) this.#settle(asked);
    });
  }

  /** Everything up to what was announced when it was asked for has been read, and what is not there will not come. */
  #settle(asked: number): void {
    if (this.#announced === asked) this.#announced = this.#tail;
  }

  async #loadFirst(): Promise<void> {
    if (!this.isLoaded.value) await this.#loadNewest();
  }

  async #loadNewest(): Promise<void> {
    const asked = this.#announced;
    const page = await this.#read(`before=${BEYOND}&limit=${this.#sizes.first}`);
    batch(() => {
      this.forest.clear();
      this.isAtEnd.value = true;
      this.hasOlder.value = page.nextCursor !== undefined;
      this.#add(page, "newest");
      this.#settle(asked);
    });
  }

  #read(query: string): Promise<TreePage> {
    return this.#options.read(`${query}&ancestors=1`);
  }

  #add(page: TreePage, keep: "oldest" | "newest"): void {
    const { forest } = this;
    const { oldest, newest } = forest;
    forest.add(Object.values(page.nodes), Object.values(page.ancestors ?? {}));
    forest.trim(keep);
    if (forest.newest < newest) this.isAtEnd.value = false;
    if (forest.oldest > oldest) this.hasOlder.value = true;
    if (this.isAtEnd.value) this.#moveTail();
    this.root.value = page.root;
    this.isLoaded.value = true;
    this.version.value++;
    this.#options.page(page);
  }

  /** What is in the window was heard; what lies between it and the tail was not. */
  #moveTail(): void {
    const { oldest, newest } = this.forest;
    if (this.#tail > 0 && oldest > this.#tail + 1) this.#options.skipped();
    this.#tail = newest;
  }

  /** After all that was asked for before. What fails leaves the window as it was, and says why. */
  #alone(work: () => Promise<void>): Promise<void> {
    const done = this.#work.then(async () => {
      try {
        await work();
        this.error.value = undefined;
      } catch (error) {
        this.error.value = error instanceof Error ? error.message : String(error);
      }
    });
    this.#work = done;
    return done;
  }
}

function newestOf(nodes: readonly TreeNode[], least: number): number {
  return nodes.reduce((newest, { seq }) => Math.max(newest, seq), least);
}
