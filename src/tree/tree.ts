// The causal tree: one write, `commit`, which resolves when its nodes are on disk, and every way to read them.
import { monotonicFactory } from "ulid";
import type { Log } from "../core/types.js";
import { beginTree } from "./begin.js";
import { Effects, type EffectsPage } from "./effects.js";
import { exportText } from "./export.js";
import { cannotWrite, openFile, type TreeFile } from "./file.js";
import { GroupCommit, isStorageError } from "./group.js";
import type { NewNode, RawNode, TreeNode } from "./node.js";
import { type Projection, Tables, type TaskEntry, type TaskQuery } from "./projection.js";
import { type Reached, ReachedSets } from "./reached.js";
import { type AncestorStub, Reads, type WhyStep } from "./reads.js";
import { rebuildTasks } from "./rebuild.js";
import { Rules } from "./rules.js";
import { Journal } from "./storage.js";
import { prepareSteps } from "./walk.js";
import { type Decision, type Tx, Writer } from "./writer.js";

export interface TreeOptions<S> {
  /** DATA_DIR; the file is `dir/tree.sqlite`. */
  dir: string;
  projection: Projection<S>;
  /** Makes the root at the first start; a different one later becomes a node under it, where `main` moves. */
  systemPrompt: string;
  /** Applied to every text, parameter, result, meta and raw message before it is stored. */
  redact?: <T>(value: T) => T;
  now?: () => number;
  log?: Log;
}

export interface Counts {
  nodes: number;
  tasks: number;
  byStatus: Record<string, number>;
  seq: number;
}

/** Reads throw ReefError `not_found` for an unknown id, but for `get`. States are shared: they must not be changed. */
export interface Tree<S> {
  /**
   * Runs `decide` inside the next group's transaction and resolves when its nodes are on disk. A throw in `decide`, or
   * a rule that its nodes break, rejects this one alone; a full or read-only disk rejects with `insufficient_storage`,
   * and nothing of it is written.
   */
  commit(decide: (tx: Tx<S>) => Decision): Promise<TreeNode[]>;
  append(node: NewNode): Promise<TreeNode>;
  /** Called once per group, after its commit and before its promises resolve. */
  subscribe(listener: (nodes: readonly TreeNode[]) => void): () => void;

  root(): string;
  newestSeq(): number;
  counts(): Promise<Counts>;
  /** Whether the last write succeeded. */
  healthy(): { ok: boolean; detail?: string };
  refs(): Promise<Record<string, string>>;
  ref(name: string): Promise<string | undefined>;
  task(name: string): Promise<S | undefined>;
  /** In order of creation, or the newest first. */
  tasks(query: TaskQuery): Promise<{
    tasks: TaskEntry<S>[];
    more: boolean;
  }>;

  get(id: string, options?: { raw?: boolean }): Promise<RawNode | undefined>;
  /** By their seqs, in the order of those. */
  listed(seqs: readonly number[]): Promise<TreeNode[]>;
  /** In `seq` order; `after` is the seq of the last one seen. */
  children(
    id: string,
    page: { after?: number; limit: number },
  ): Promise<{ nodes: TreeNode[]; more: boolean }>;
  /** The root first. */
  path(id: string): Promise<TreeNode[]>;
  /** The node first, the root last: to the cause where there is one, else to the parent. */
  why(id: string): Promise<WhyStep[]>;
  /** The node and all below it but other turns, in `seq` order. */
  turn(userId: string, options?: { raw?: boolean }): Promise<RawNode[]>;
  /** The path with every turn on it whole, each node once, in `seq` order. */
  conversation(id: string, options?: { raw?: boolean }): Promise<RawNode[]>;
  /** All that a node led to, in `seq` order; `types` are roles or event types. The totals are over all of it. */
  effects(
    id: string,
    page: { after?: number; limit: number; types?: readonly string[] },
  ): Promise<EffectsPage>;
  /** The oldest nodes above `seq`, of those at or below `root` when it is given. */
  since(seq: number, limit: number, filter?: { root?: string }): Promise<TreeNode[]>;
  /** The newest nodes under `seq`, oldest first. */
  before(seq: number, limit: number, filter?: { root?: string }): Promise<TreeNode[]>;
  /** What leads from these nodes to the root and is not among them, oldest first. */
  ancestors(nodes: readonly TreeNode[]): Promise<AncestorStub[]>;
  /** The whole tree as JSON text, with what `show` makes of each task's state. */
  exportJson(show: (name: string, state: S) => unknown): AsyncIterable<string>;

  /** The states of all tasks from the nodes alone. Nothing else happens until it is done. */
  rebuildTasks(): Promise<void>;
  /** Writes what waits and marks a clean stop. */
  close(): Promise<void>;
}

/** Throws an Error that says what is wrong with the file and what to do; a damaged one is kept beside it. */
export async function openTree<S>(options: TreeOptions<S>): Promise<Tree<S>> {
  const { dir, now = Date.now, log } = options;
  const file = openFile({ dir, now, log });
  try {
    return new OpenTree(file, options);
  } catch (error) {
    file.close({ clean: false });
    throw isStorageError(error) ? cannotWrite(file.path, error.cause) : error;
  }
}

const PROJECTION = "projection";

class OpenTree<S> implements Tree<S> {
  readonly #file: TreeFile;
  readonly #journal: Journal;
  readonly #tables: Tables<S>;
  readonly #writer: Writer<S>;
  readonly #group: GroupCommit;
  readonly #reads: Reads;
  readonly #reached: ReachedSets;
  readonly #effects: Effects;
  readonly #options: TreeOptions<S>;
  readonly #listeners = new Set<(nodes: readonly TreeNode[]) => void>();
  readonly #root: string;
  #closed = false;

  constructor(file: TreeFile, options: TreeOptions<S>) {
    const { dir, projection, redact = same, now = Date.now, log } = options;
    const ulid = monotonicFactory();
    const newId = () => ulid(now());
    const journal = new Journal(file);
    const steps = prepareSteps(file);
    const tables = new Tables<S>(file);
    const rules = new Rules(journal);
    const writer = new Writer({ journal, tables, rules, projection, redact, newId, now });
    const group = new GroupCommit(file, {
      begin: () => writer.begin(),
      seal: () => writer.seal(),
      committed: () => this.#announce(writer.committed()),
    });
    this.#options = options;
    this.#file = file;
    this.#journal = journal;
    this.#tables = tables;
    this.#writer = writer;
    this.#group = group;
    this.#reads = new Reads(journal, steps);
    this.#reached = new ReachedSets(journal, steps);
    this.#effects = new Effects(journal);
    const systemPrompt = redact(options.systemPrompt).toWellFormed();
    this.#root = beginTree({ dir, systemPrompt, file, journal, group, writer, newId, now, log });
    this.#refold(projection.version ?? 1);
  }

  /** States that an older reef folded in another way are made again. */
  #refold(version: number): void {
    const folded = this.#file.meta(PROJECTION);
    if (folded === String(version)) return;
    this.#group.now(() => {
      if (folded !== undefined) rebuildTasks(this.#journal, this.#tables, this.#options.projection);
      this.#file.setMeta(PROJECTION, String(version));
    });
  }

  commit(decide: (tx: Tx<S>) => Decision): Promise<TreeNode[]> {
    return this.#group.enqueue(() => this.#writer.apply(decide));
  }

  async append(node: NewNode): Promise<TreeNode> {
    const [added] = await this.commit(() => ({ nodes: [node] }));
    return added as TreeNode;
  }

  subscribe(listener: (nodes: readonly TreeNode[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  root(): string {
    return this.#root;
  }

  newestSeq(): number {
    return this.#writer.newestSeq();
  }

  async counts(): Promise<Counts> {
    const byStatus = this.#tables.statuses();
    const tasks = Object.values(byStatus).reduce((sum, count) => sum + count, 0);
    const seq = this.newestSeq();
    return { nodes: seq, tasks, byStatus, seq };
  }

  healthy(): { ok: boolean; detail?: string } {
    const detail = this.#group.failure;
    return detail === undefined ? { ok: true } : { ok: false, detail };
  }

  async refs(): Promise<Record<string, string>> {
    return this.#tables.refs();
  }

  async ref(name: string): Promise<string | undefined> {
    return this.#tables.ref(name);
  }

  async task(name: string): Promise<S | undefined> {
    return this.#tables.task(name)?.state;
  }

  async tasks(query: TaskQuery) {
    const { limit } = query;
    const tasks = this.#tables.list({ ...query, limit: limit + 1 });
    return { tasks: tasks.slice(0, limit), more: tasks.length > limit };
  }

  async get(id: string, options?: { raw?: boolean }): Promise<RawNode | undefined> {
    return this.#journal.get(id, options);
  }

  async listed(seqs: readonly number[]): Promise<TreeNode[]> {
    return this.#journal.listed(seqs);
  }

  async children(id: string, { after = 0, limit }: { after?: number; limit: number }) {
    const nodes = this.#journal.children(this.#reads.seqOf(id), after, limit + 1);
    return { nodes: nodes.slice(0, limit), more: nodes.length > limit };
  }

  async path(id: string): Promise<TreeNode[]> {
    return this.#reads.path(id);
  }

  async why(id: string): Promise<WhyStep[]> {
    return this.#reads.why(id);
  }

  async turn(userId: string, options?: { raw?: boolean }): Promise<RawNode[]> {
    return this.#reads.turn(userId, this.newestSeq(), options);
  }

  async conversation(id: string, options?: { raw?: boolean }): Promise<RawNode[]> {
    return this.#reads.conversation(id, this.newestSeq(), options);
  }

  async effects(
    id: string,
    page: { after?: number; limit: number; types?: readonly string[] },
  ): Promise<EffectsPage> {
    const [node] = this.#journal.listed([this.#reads.seqOf(id)]) as [TreeNode];
    const reached = await this.#reached.from("effects", node.seq, this.newestSeq());
    const totals = await this.#effects.totals(node.seq, reached);
    const found = await this.#effects.page(node.seq, reached, { ...page, after: page.after ?? 0 });
    return { node, ...found, totals };
  }

  async since(seq: number, limit: number, filter: { root?: string } = {}): Promise<TreeNode[]> {
    const below = await this.#below(filter.root);
    if (below === undefined) return this.#journal.after(seq, limit);
    return this.#reads.fetch(below.after(seq).take(limit));
  }

  async before(seq: number, limit: number, filter: { root?: string } = {}): Promise<TreeNode[]> {
    const below = await this.#below(filter.root);
    if (below === undefined) return this.#journal.before(seq, limit);
    return this.#reads.fetch([...below.before(seq).take(limit)].reverse());
  }

  async ancestors(nodes: readonly TreeNode[]): Promise<AncestorStub[]> {
    return this.#reads.ancestors(nodes);
  }

  exportJson(show: (name: string, state: S) => unknown): AsyncIterable<string> {
    return exportText<S>(
      {
        seq: this.newestSeq(),
        root: this.#root,
        refs: this.#tables.refs(),
        nodes: (after, limit) => this.since(after, limit),
        tasks: async (after, limit) => this.#tables.list({ after, limit }),
      },
      show,
    );
  }

  async rebuildTasks(): Promise<void> {
    this.#group.flush();
    this.#group.now(() => rebuildTasks(this.#journal, this.#tables, this.#options.projection));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#group.close();
    this.#file.close({ clean: this.healthy().ok });
  }

  /** A listener that throws takes nothing from the others, nor from those who wait for their commit. */
  #announce(nodes: TreeNode[]): void {
    if (nodes.length === 0) return;
    for (const listener of this.#listeners) {
      try {
        listener(nodes);
      } catch (error) {
        this.#options.log?.error("A listener of the tree failed:", error);
      }
    }
  }

  /** Undefined stands for the whole tree. */
  async #below(root: string | undefined): Promise<Reached | undefined> {
    if (root === undefined || root === this.#root) return undefined;
    return this.#reached.from("below", this.#reads.seqOf(root), this.newestSeq());
  }
}

function same<T>(value: T): T {
  return value;
}
