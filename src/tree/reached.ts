// What is below a node, or follows from it: walked once, kept for the pages that come next, and extended as the tree grows.
import type { Statement } from "bun:sqlite";
import { Kept } from "./kept.js";
import { SeqSet } from "./seqset.js";
import type { Journal } from "./storage.js";
import { Pace, reach, type Steps } from "./walk.js";

const WALKS_KEPT = 8;
const LINKS_PER_QUERY = 2000;
/** When more than this is new, walking again is not dearer than looking at each new node. */
const EXTEND_MAX = 20_000;

/** `below`: by parents alone. `effects`: by parents and causes. */
export type Kind = "below" | "effects";

/** The node itself and what was reached from it, up to the seq `upTo`. */
export class Reached {
  /** Shared with later ones, which add to its end. */
  readonly members: SeqSet;
  readonly upTo: number;

  constructor(members: SeqSet, upTo: number) {
    this.members = members;
    this.upTo = upTo;
  }

  /** Those above `seq`, oldest first. */
  *after(seq: number): Generator<number> {
    for (const member of this.members.ascending(seq)) {
      if (member > this.upTo) return;
      yield member;
    }
  }

  /** Those under `seq`, newest first. */
  before(seq: number): Generator<number> {
    return this.members.descending(Math.min(seq, this.upTo + 1));
  }
}

interface LinkRow {
  seq: number;
  parent: number | null;
  cause: number | null;
}

export class ReachedSets {
  readonly #steps: Steps;
  readonly #links: Statement<LinkRow, [number, number, number]>;
  readonly #kept = new Kept<string, Reached>(WALKS_KEPT);

  constructor(journal: Journal, steps: Steps) {
    this.#steps = steps;
    this.#links = journal.file.prepare(
      "SELECT seq, parent, cause FROM nodes WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
    );
  }

  /** Everything that is reached from `seq` and not newer than `newest`. */
  from(kind: Kind, seq: number, newest: number): Promise<Reached> {
    return this.#kept.from(`${kind} ${seq}`, (old) =>
      old === undefined || newest - old.upTo > EXTEND_MAX
        ? this.#walk(kind, seq, newest)
        : this.#extend(kind, old, newest),
    );
  }

  async #walk(kind: Kind, seq: number, upTo: number): Promise<Reached> {
    const members = new SeqSet();
    members.add(seq);
    const { below, caused } = this.#steps;
    await reach({ steps: kind === "effects" ? [below, caused] : [below], seeds: [seq], upTo, seen: members });
    return new Reached(members, upTo);
  }

  async #extend(kind: Kind, { members, upTo }: Reached, newest: number): Promise<Reached> {
    const pace = new Pace();
    for (let last = upTo; last < newest; await pace.rest()) {
      const rows = this.#links.all(last, newest, LINKS_PER_QUERY);
      for (const row of rows) if (follows(row, kind, members)) members.add(row.seq);
      last = rows.at(-1)?.seq ?? newest;
    }
    return new Reached(members, Math.max(upTo, newest));
  }
}

/** Parents and causes are older, so one look at each new node in order is enough. */
function follows(row: LinkRow, kind: Kind, members: SeqSet): boolean {
  if (row.parent !== null && members.has(row.parent)) return true;
  return kind === "effects" && row.cause !== null && members.has(row.cause);
}
