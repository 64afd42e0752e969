// A window of the event tree: nodes that follow one another without a gap, and what is known of those above them.
import { type FeedNode, feedNode } from "./feed-node.js";
import { firstLine } from "./format.js";
import type { AncestorStub, Role, TreeNode } from "./types.js";

/** What is far from where one looks is dropped, and fetched again. */
export const HELD_MAX = 5_000;

export interface Entry {
  readonly id: string;
  readonly parentId: string | null;
  readonly role: Role;
  /** The first line of its text. */
  readonly line: string;
  /** Undefined for an ancestor that is not in the window. */
  readonly node: FeedNode | undefined;
}

export class Forest {
  readonly #entries = new Map<string, Entry>();
  readonly #children = new Map<string | null, Entry[]>();
  /** Ids of the nodes in the window, by `seq`. */
  readonly #bySeq = new Map<number, string>();
  /** Parents whose children are out of order. */
  readonly #unsorted = new Set<string | null>();
  readonly #heldMax: number;
  #oldest = Number.POSITIVE_INFINITY;
  #newest = 0;

  constructor(heldMax = HELD_MAX) {
    this.#heldMax = heldMax;
  }

  /** The smallest `seq`; infinite when nothing is held. */
  get oldest(): number {
    return this.#oldest;
  }

  get newest(): number {
    return this.#newest;
  }

  /** Nodes in the window, ancestors beyond it not counted. */
  get size(): number {
    return this.#bySeq.size;
  }

  /** How many more nodes it takes without dropping one. */
  get room(): number {
    return Math.max(0, this.#heldMax - this.#bySeq.size);
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  entries(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** In the order of `seq`; those whose `seq` is not known come first. */
  children(id: string | null): readonly Entry[] {
    const children = this.#children.get(id) ?? [];
    if (this.#unsorted.delete(id)) children.sort(byAge);
    return children;
  }

  /** Those whose parent is not known. */
  tops(): readonly Entry[] {
    const parents = [...this.#children.keys()].filter((id) => id === null || !this.#entries.has(id));
    return parents.flatMap((id) => this.children(id)).sort(byAge);
  }

  /** From a node up to the top of what is known, itself first. */
  *path(id: string): Generator<Entry> {
    for (let at = this.#entries.get(id); at; at = at.parentId === null ? undefined : this.get(at.parentId))
      yield at;
  }

  clear(): void {
    for (const kept of [this.#entries, this.#children, this.#bySeq, this.#unsorted]) kept.clear();
    this.#oldest = Number.POSITIVE_INFINITY;
    this.#newest = 0;
  }

  /** In any order; what is there already is passed over. */
  add(nodes: readonly TreeNode[], ancestors: readonly AncestorStub[] = []): void {
    for (const node of nodes) if (!this.#bySeq.has(node.seq)) this.#put(feedNode(node));
    for (const { id, parentId, role, content } of ancestors)
      this.#stub({ id, parentId, role, line: firstLine(content) });
  }

  /** Drops the nodes farthest from the given end until the window has its size. */
  trim(keep: "oldest" | "newest"): void {
    const extra = this.#bySeq.size - this.#heldMax;
    if (extra <= 0) return;
    const seqs = [...this.#bySeq.keys()].sort((a, b) => a - b);
    const kept = keep === "newest" ? seqs.slice(extra) : seqs.slice(0, -extra);
    const entries = kept.flatMap((seq) => this.#entries.get(this.#bySeq.get(seq) ?? "") ?? []);
    const above = this.#above(entries);
    this.clear();
    for (const { node } of entries) if (node) this.#put(node);
    for (const stub of above) this.#stub(stub);
  }

  /** All that stand above some entries and are none of them. */
  #above(entries: readonly Entry[]): Entry[] {
    const seen = new Set(entries.map(({ id }) => id));
    const above: Entry[] = [];
    for (const { parentId } of entries) {
      if (parentId === null) continue;
      for (const entry of this.path(parentId)) {
        if (seen.has(entry.id)) break;
        seen.add(entry.id);
        above.push(entry);
      }
    }
    return above;
  }

  #put(node: FeedNode): void {
    const { id, parentId, role, line, seq } = node;
    this.#set({ id, parentId, role, line, node });
    this.#bySeq.set(seq, id);
    this.#oldest = Math.min(this.#oldest, seq);
    this.#newest = Math.max(this.#newest, seq);
  }

  #stub({ id, parentId, role, line }: Omit<Entry, "node">): void {
    if (!this.#entries.has(id)) this.#set({ id, parentId, role, line, node: undefined });
  }

  #set(entry: Entry): void {
    const { id, parentId } = entry;
    const before = this.#entries.get(id);
    const siblings = this.#children.get(parentId) ?? [];
    if (before) siblings.splice(siblings.indexOf(before), 1);
    siblings.push(entry);
    this.#entries.set(id, entry);
    this.#children.set(parentId, siblings);
    this.#unsorted.add(parentId);
  }
}

function byAge(a: Entry, b: Entry): number {
  return (a.node?.seq ?? 0) - (b.node?.seq ?? 0) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
