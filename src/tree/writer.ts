// Applies decisions inside the transaction of their group: gives nodes their id and seq, checks the rules, moves refs.
import { ReefError } from "../core/errors.js";
import { movesRef, type NewNode, type TreeNode } from "./node.js";
import { Changes, type Projection, type Tables } from "./projection.js";
import { isEnd, MAIN, type Rules } from "./rules.js";
import type { Journal, PlacedNode } from "./storage.js";

export const CHILDREN_MAX = 1000;

/** What a decision may look at: the tree with all earlier decisions of its group. Of no use after `decide` returned. */
export interface Tx<S> {
  /** A fresh node id, for nodes that refer to each other within one commit. */
  id(): string;
  get(id: string): TreeNode | undefined;
  ref(name: string): string | undefined;
  task(name: string): S | undefined;
  /** The oldest `CHILDREN_MAX`, in `seq` order. */
  children(id: string): TreeNode[];
  newestSeq(): number;
}

/** What is to be written: nodes in this order, a parent before its child, then refs; null deletes a ref. */
export interface Decision {
  nodes: NewNode[];
  refs?: Record<string, string | null>;
}

interface WriterParts<S> {
  journal: Journal;
  tables: Tables<S>;
  rules: Rules;
  projection: Projection<S>;
  redact: <T>(value: T) => T;
  newId: () => string;
  now: () => number;
}

export class Writer<S> {
  readonly #parts: WriterParts<S>;
  readonly #tx: Tx<S>;
  #committedSeq: number;
  /** The open group's. */
  #seq: number;
  #changes: Changes<S>;
  #nodes: TreeNode[] = [];

  constructor(parts: WriterParts<S>) {
    this.#parts = parts;
    this.#committedSeq = parts.journal.newestSeq();
    this.#seq = this.#committedSeq;
    this.#changes = new Changes(parts.tables);
    this.#tx = this.#view();
  }

  newestSeq(): number {
    return this.#committedSeq;
  }

  /** Forgets what a group left that never reached the disk. */
  begin(): void {
    this.#seq = this.#committedSeq;
    this.#changes = new Changes(this.#parts.tables);
    this.#nodes = [];
    this.#parts.tables.begin();
  }

  /** Runs in a savepoint: what it throws leaves no trace, in the file or here. */
  apply(decide: (tx: Tx<S>) => Decision): TreeNode[] {
    return this.#write(decide(this.#tx), { checked: true });
  }

  /** For a tree of another form, whose parents are kept even where the rules say otherwise. */
  load(decision: Decision): TreeNode[] {
    return this.#write(decision, { checked: false });
  }

  seal(): void {
    this.#parts.tables.write(this.#changes);
  }

  /** Returns what the group has added. */
  committed(): TreeNode[] {
    this.#committedSeq = this.#seq;
    this.#parts.tables.committed(this.#changes);
    return this.#nodes;
  }

  #write(decision: Decision, { checked }: { checked: boolean }): TreeNode[] {
    const mine = new Changes<S>(this.#changes);
    const nodes: TreeNode[] = [];
    for (const node of decision.nodes)
      nodes.push(this.#add(node, this.#seq + nodes.length + 1, checked, mine));
    if (checked) for (const node of nodes) if (isEnd(node)) this.#parts.rules.checkNoOpenCall(node);
    for (const [name, id] of Object.entries(decision.refs ?? {})) this.#setRef(name, id, mine);
    mine.addTo(this.#changes);
    this.#seq += nodes.length;
    this.#nodes.push(...nodes);
    return nodes;
  }

  #add(node: NewNode, seq: number, checked: boolean, mine: Changes<S>): TreeNode {
    const { rules, journal, projection } = this.#parts;
    const links = checked ? rules.check(node) : rules.links(node);
    const added = journal.insert(this.#place(node, seq), links);
    mine.fold(projection, added);
    if (movesRef(added) && added.taskId !== undefined) mine.refs.set(added.taskId, added.id);
    return added;
  }

  #place(node: NewNode, seq: number): PlacedNode {
    const { newId, now } = this.#parts;
    const redact = <T>(value: T): T => (value === undefined ? value : this.#parts.redact(value));
    return {
      ...node,
      id: node.id ?? newId(),
      seq,
      timestamp: node.timestamp ?? now(),
      content: redact(node.content),
      toolParams: redact(node.toolParams),
      result: redact(node.result),
      meta: redact(node.meta),
      raw: redact(node.raw),
    };
  }

  #setRef(name: string, id: string | null, mine: Changes<S>): void {
    if (id === null && (name === MAIN || mine.task(name) !== undefined))
      throw new ReefError("conflict", `Ref '${name}' cannot be deleted`);
    if (id !== null && this.#parts.journal.seqOf(id) === undefined)
      throw new ReefError("not_found", `Unknown node '${id}'`);
    mine.refs.set(name, id);
  }

  #view(): Tx<S> {
    const { journal, newId } = this.#parts;
    return {
      id: newId,
      get: (id) => journal.get(id),
      ref: (name) => this.#changes.ref(name),
      task: (name) => this.#changes.task(name)?.state,
      children: (id) => journal.children(journal.seqOf(id) ?? 0, 0, CHILDREN_MAX),
      newestSeq: () => this.#seq,
    };
  }
}
