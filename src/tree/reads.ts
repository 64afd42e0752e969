// How the tree is read around a node: its path, why it is there, its turn and conversation, and the ancestors of a page.
import type { Statement } from "bun:sqlite";
import { ReefError } from "../core/errors.js";
import type { RawNode, Role, TreeNode } from "./node.js";
import { SeqSet } from "./seqset.js";
import { COLUMNS, decode, type Journal, type NodeRow } from "./storage.js";
import { Pace, reach, type Steps, slices } from "./walk.js";

const NODES_PER_QUERY = 500;
const STUB_CHARACTERS = 120;

/** One step of `why`; `via` says how the step before led here, so the first has none. */
export interface WhyStep {
  node: TreeNode;
  via?: "parent" | "cause";
}

/** An ancestor that is not on a page of nodes, enough of it to draw the way to the root. */
export interface AncestorStub {
  id: string;
  parentId: string | null;
  role: Role;
  /** At most 120 characters. */
  content: string;
}

interface StubRow extends AncestorStub {
  seq: number;
  parent: number | null;
}

export class Reads {
  readonly #journal: Journal;
  readonly #steps: Steps;
  readonly #path: Statement<NodeRow, [string]>;
  readonly #why: Statement<NodeRow, [string]>;
  readonly #parents: Statement<{ parent: number }, [string]>;
  readonly #stubs: Statement<StubRow, [string, number]>;

  constructor(journal: Journal, steps: Steps) {
    const { file } = journal;
    this.#journal = journal;
    this.#steps = steps;
    this.#path = file.prepare(climb("n.parent"));
    // A cause is older than what it caused, so this ends at the root like a path does.
    this.#why = file.prepare(climb("coalesce(n.cause, n.parent)"));
    this.#parents = file.prepare(
      "SELECT DISTINCT n.parent FROM json_each(?) f CROSS JOIN nodes n ON n.id = f.value WHERE n.parent IS NOT NULL",
    );
    this.#stubs =
      file.prepare(`SELECT n.seq, n.parent, n.id, n.parentId, n.role, substr(n.content, 1, ?2) AS content
      FROM json_each(?1) f CROSS JOIN nodes n ON n.seq = f.value`);
  }

  /** The root first. */
  path(id: string): TreeNode[] {
    return found(this.#path.all(id)).map(decode).reverse();
  }

  /** The node first: to its cause where it has one, else to its parent. */
  why(id: string): WhyStep[] {
    const nodes = found(this.#why.all(id)).map(decode);
    return nodes.map((node, i) => {
      const before = nodes[i - 1];
      return before === undefined
        ? { node }
        : { node, via: before.causeId === undefined ? "parent" : "cause" };
    });
  }

  async turn(userId: string, upTo: number, options?: { raw?: boolean }): Promise<RawNode[]> {
    const seq = this.seqOf(userId);
    return this.#withTurns([seq], [seq], upTo, options);
  }

  async conversation(id: string, upTo: number, options?: { raw?: boolean }): Promise<RawNode[]> {
    const path = this.path(id);
    const turns = path.filter((node) => node.role === "user");
    return this.#withTurns(
      path.map((node) => node.seq),
      turns.map((node) => node.seq),
      upTo,
      options,
    );
  }

  /** What leads from these nodes to the root and is not among them, oldest first. */
  async ancestors(nodes: readonly TreeNode[]): Promise<AncestorStub[]> {
    const seen = new SeqSet();
    for (const { seq } of nodes) seen.add(seq);
    const stubs: StubRow[] = [];
    const ids = nodes.map((node) => node.id);
    let missing = this.#parents.all(JSON.stringify(ids)).map((row) => row.parent);
    for (const pace = new Pace(); missing.length > 0; await pace.rest()) {
      const level = this.#stubsOf(missing.filter((seq) => seen.add(seq)));
      stubs.push(...level);
      missing = level.flatMap(({ parent }) => parent ?? []);
    }
    stubs.sort((a, b) => a.seq - b.seq);
    return stubs.map(({ id, parentId, role, content }) => ({ id, parentId, role, content }));
  }

  /** Throws `not_found` for an unknown id. */
  seqOf(id: string): number {
    const seq = this.#journal.seqOf(id);
    if (seq === undefined) throw new ReefError("not_found", "not found");
    return seq;
  }

  /** The nodes at `seqs`, fetched a few at a time. */
  async fetch(seqs: Iterable<number>, options?: { raw?: boolean }): Promise<RawNode[]> {
    const pace = new Pace();
    const nodes: RawNode[] = [];
    for (const slice of slices(seqs, NODES_PER_QUERY)) {
      for (const node of this.#journal.listed(slice, options)) nodes.push(node);
      await pace.rest();
    }
    return nodes;
  }

  async #withTurns(
    members: number[],
    turns: number[],
    upTo: number,
    options?: { raw?: boolean },
  ): Promise<RawNode[]> {
    const seen = new SeqSet();
    for (const seq of turns) seen.add(seq);
    await reach({ steps: [this.#steps.inTurn], seeds: turns, upTo, seen });
    for (const seq of members) seen.add(seq);
    return this.fetch(seen.ascending(0), options);
  }

  #stubsOf(seqs: number[]): StubRow[] {
    return [...slices(seqs, NODES_PER_QUERY)].flatMap((slice) =>
      this.#stubs.all(JSON.stringify(slice), STUB_CHARACTERS),
    );
  }
}

/**
 * One recursive query that carries the columns: steps of one query each cost three times as much. There is one row in
 * its queue at any time, so the rows come in the order of the way up, and need no sorting.
 */
function climb(next: string): string {
  const carried = COLUMNS.replaceAll("n.", "");
  return `WITH RECURSIVE up (${carried}, next) AS (
    SELECT ${COLUMNS}, ${next} FROM nodes n WHERE n.id = ?
    UNION ALL SELECT ${COLUMNS}, ${next} FROM up JOIN nodes n ON n.seq = up.next WHERE n.seq < up.seq
  ) SELECT ${carried} FROM up`;
}

function found<T>(rows: T[]): T[] {
  if (rows.length === 0) throw new ReefError("not_found", "not found");
  return rows;
}
