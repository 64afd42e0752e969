// Walks down the tree from some nodes to everything below them, in small queries, and lets others work in between.
import type { Statement } from "bun:sqlite";
import type { TreeFile } from "./file.js";
import type { SeqSet } from "./seqset.js";

const PARENTS_PER_QUERY = 500;
const STEPS_PER_QUERY = 2000;
/** How long something that may be as large as the tree works before others have their turn. */
const SLICE_MS = 5;

/** One kind of step down: from a list of seqs, resumed behind one child of one of them. */
export type Step = Statement<{ parent: number; seq: number }, [string, number, number, number]>;

export interface Steps {
  /** To the children. */
  below: Step;
  /** To the children that are not `user` nodes: what belongs to the same turn. */
  inTurn: Step;
  /** To the nodes that name this one as their cause. */
  caused: Step;
}

export function prepareSteps(file: TreeFile): Steps {
  const step = (column: string, extra = ""): Step =>
    file.prepare(`SELECT f.value AS parent, n.seq FROM json_each(?1) f CROSS JOIN nodes n INDEXED BY nodes_${column}
      ON n.${column} = f.value AND n.seq > iif(f.value = ?2, ?3, 0) ${extra} LIMIT ?4`);
  return { below: step("parent"), inTurn: step("parent", "AND n.role <> 'user'"), caused: step("cause") };
}

/** Adds everything that `steps` reach from `seeds`, up to the seq `upTo`, to `seen`; the seeds only if they are in it. */
export async function reach(walk: {
  steps: readonly Step[];
  seeds: readonly number[];
  upTo: number;
  seen: SeqSet;
}): Promise<void> {
  const pace = new Pace();
  let frontier = walk.seeds;
  while (frontier.length > 0) {
    const next: number[] = [];
    for (const batch of slices(frontier, PARENTS_PER_QUERY))
      for (const step of walk.steps)
        for (const found of stepsFrom(step, batch)) {
          for (const { seq } of found) if (seq <= walk.upTo && walk.seen.add(seq)) next.push(seq);
          await pace.rest();
        }
    frontier = next;
  }
}

/** Gives the event loop its turn when enough time has gone by since the last one. */
export class Pace {
  #since = performance.now();

  async rest(): Promise<void> {
    if (performance.now() - this.#since < SLICE_MS) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#since = performance.now();
  }
}

export function* slices<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let slice: T[] = [];
  for (const item of items) {
    slice.push(item);
    if (slice.length < size) continue;
    yield slice;
    slice = [];
  }
  if (slice.length > 0) yield slice;
}

/** One parent may have more children than fit one query: the next one then starts behind the last child seen. */
function* stepsFrom(step: Step, parents: number[]): Generator<{ parent: number; seq: number }[]> {
  let left = parents;
  let after = 0;
  for (;;) {
    const found = step.all(JSON.stringify(left), left[0] ?? 0, after, STEPS_PER_QUERY);
    yield found;
    const last = found.at(-1);
    if (last === undefined || found.length < STEPS_PER_QUERY) return;
    left = left.slice(left.indexOf(last.parent));
    after = last.seq;
  }
}
