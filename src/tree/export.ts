// The whole tree as one JSON text, in pieces: a reader at its own pace, and never more than a page of it in memory.
import type { TreeNode } from "./node.js";
import type { TaskEntry } from "./projection.js";
import { Pace } from "./walk.js";

const NODES_PER_CHUNK = 100;
const TASKS_PER_CHUNK = 500;

export interface ExportSource<S> {
  /** The newest node that is in it. */
  seq: number;
  root: string;
  refs: Record<string, string>;
  /** The oldest nodes above a seq. */
  nodes(after: number, limit: number): Promise<TreeNode[]>;
  tasks(after: number, limit: number): Promise<TaskEntry<S>[]>;
}

/**
 * `{root, seq, archivedTasks: [], refs, nodes: {id: node}, tasks: {name: show(state)}}`. Nodes and refs are those of
 * one moment, that of `seq`. A task is as it is when its turn comes, so it may already know of a node above `seq`:
 * keeping the states of that moment would mean keeping them all.
 */
export async function* exportText<S>(
  source: ExportSource<S>,
  show: (name: string, state: S) => unknown,
): AsyncGenerator<string> {
  const { root, seq, refs } = source;
  yield `${JSON.stringify({ root, seq, archivedTasks: [], refs }).slice(0, -1)},"nodes":{`;
  yield* members(nodePages(source), (node) => [node.id, node]);
  yield '},"tasks":{';
  yield* members(taskPages(source), ({ name, state }) => [name, show(name, state)]);
  yield "}}";
}

async function* members<T>(
  pages: AsyncGenerator<T[]>,
  entry: (item: T) => [key: string, value: unknown],
): AsyncGenerator<string> {
  let comma = "";
  const pace = new Pace();
  for await (const page of pages) {
    const texts = page.map(entry).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
    yield comma + texts.join(",");
    comma = ",";
    await pace.rest();
  }
}

async function* nodePages<S>(source: ExportSource<S>): AsyncGenerator<TreeNode[]> {
  for (let after = 0; after < source.seq; after += NODES_PER_CHUNK)
    yield await source.nodes(after, Math.min(NODES_PER_CHUNK, source.seq - after));
}

async function* taskPages<S>(source: ExportSource<S>): AsyncGenerator<TaskEntry<S>[]> {
  for (let after = 0; ; ) {
    const page = (await source.tasks(after, TASKS_PER_CHUNK)).filter((task) => task.created <= source.seq);
    if (page.length > 0) yield page;
    if (page.length < TASKS_PER_CHUNK) return;
    after = page.at(-1)?.created ?? source.seq;
  }
}
