// What is derived from the nodes and kept beside them: where the refs point, and the state of every task.
import type { Statement } from "bun:sqlite";
import type { TreeFile } from "./file.js";
import type { TreeNode } from "./node.js";
import { Recent } from "./recent.js";

/** How the nodes of a task become its state. Pure: `fold` returns a new state and leaves the old one as it is. */
export interface Projection<S> {
  /** Called for each node of the task in commit order; `state` is undefined for the first. S is plain JSON. */
  fold(state: S | undefined, node: TreeNode): S;
  status(state: S): string;
  /** Another number than the one in the file makes the states again from the nodes, once. Default 1. */
  version?: number;
}

export interface TaskRow<S> {
  /** The seq of its first node: its place in the order of creation. */
  created: number;
  /** The seq of the newest node that is in the state. */
  head: number;
  status: string;
  /** The status that the table holds; undefined before the first write. */
  stored: string | undefined;
  state: S;
}

interface Source<S> {
  ref(name: string): string | undefined;
  task(name: string): TaskRow<S> | undefined;
}

/** Changes in memory, seen through to what lies below: a decision's over its group's over the tables. */
export class Changes<S> implements Source<S> {
  readonly refs = new Map<string, string | null>();
  readonly tasks = new Map<string, TaskRow<S>>();
  readonly #below: Source<S>;

  constructor(below: Source<S>) {
    this.#below = below;
  }

  ref(name: string): string | undefined {
    const changed = this.refs.get(name);
    return changed === undefined ? this.#below.ref(name) : (changed ?? undefined);
  }

  task(name: string): TaskRow<S> | undefined {
    return this.tasks.get(name) ?? this.#below.task(name);
  }

  fold(projection: Projection<S>, node: TreeNode): void {
    if (node.taskId === undefined) return;
    const old = this.task(node.taskId);
    const state = projection.fold(old?.state, node);
    this.tasks.set(node.taskId, {
      created: old?.created ?? node.seq,
      head: node.seq,
      status: projection.status(state),
      stored: old?.stored,
      state,
    });
  }

  addTo(below: Changes<S>): void {
    for (const [name, id] of this.refs) below.refs.set(name, id);
    for (const [name, row] of this.tasks) below.tasks.set(name, row);
  }
}

export interface TaskEntry<S> {
  name: string;
  created: number;
  state: S;
}

const TASK_STATES_KEPT = 512;

type Statuses = Map<string, number>;
interface StoredTask {
  created: number;
  head: number;
  status: string;
  state: string;
}

export interface TaskQuery {
  status?: readonly string[];
  newestFirst?: boolean;
  /** The `created` of the last one seen. */
  after?: number;
  limit: number;
}

interface StoredEntry {
  name: string;
  created: number;
  state: string;
}

/** The tasks in one order: all of them, and those of one status. */
interface Pages {
  all: Statement<StoredEntry, [number, number]>;
  of: Statement<StoredEntry, [string, number, number]>;
}

function preparePages(file: TreeFile, order: string): Pages {
  const select = "SELECT name, created, state FROM tasks WHERE";
  return {
    all: file.prepare(`${select} ${order} LIMIT ?`),
    of: file.prepare(`${select} status = ? AND ${order} LIMIT ?`),
  };
}

/** The tables `refs`, `tasks` and `statuses`. */
export class Tables<S> implements Source<S> {
  readonly #file: TreeFile;
  readonly #recent = new Recent<string, TaskRow<S>>(TASK_STATES_KEPT);
  #statuses: Statuses;
  /** As the open group leaves them; they count once it is on disk. */
  #next: Statuses;
  readonly #ref: Statement<{ id: string }, [string]>;
  readonly #setRef: Statement<unknown, [string, string]>;
  readonly #dropRef: Statement<unknown, [string]>;
  readonly #task: Statement<StoredTask, [string]>;
  readonly #setTask: Statement<unknown, [number, string, string, number, string]>;
  readonly #setStatus: Statement<unknown, [string, number]>;
  readonly #oldest: Pages;
  readonly #newest: Pages;

  constructor(file: TreeFile) {
    this.#file = file;
    this.#ref = file.prepare("SELECT id FROM refs WHERE name = ?");
    this.#setRef = file.prepare("INSERT INTO refs VALUES (?, ?) ON CONFLICT DO UPDATE SET id = excluded.id");
    this.#dropRef = file.prepare("DELETE FROM refs WHERE name = ?");
    this.#task = file.prepare("SELECT created, head, status, state FROM tasks WHERE name = ?");
    this.#setTask =
      file.prepare(`INSERT INTO tasks (created, name, status, head, state) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (created) DO UPDATE SET status = excluded.status, head = excluded.head, state = excluded.state`);
    this.#setStatus = file.prepare(
      "INSERT INTO statuses VALUES (?, ?) ON CONFLICT DO UPDATE SET tasks = excluded.tasks",
    );
    this.#oldest = preparePages(file, "created > ? ORDER BY created");
    this.#newest = preparePages(file, "created < ? ORDER BY created DESC");
    this.#statuses = this.#readStatuses();
    this.#next = this.#statuses;
  }

  ref(name: string): string | undefined {
    return this.#ref.get(name)?.id;
  }

  refs(): Record<string, string> {
    const rows = this.#file.db
      .query<{ name: string; id: string }, []>("SELECT name, id FROM refs ORDER BY name")
      .all();
    return Object.fromEntries(rows.map(({ name, id }) => [name, id]));
  }

  task(name: string): TaskRow<S> | undefined {
    return this.#recent.get(name) ?? this.#readTask(name);
  }

  /** By creation. One query per status, merged, since an index gives each of them in order but not their union. */
  list(query: TaskQuery): TaskEntry<S>[] {
    const { status, newestFirst = false, limit } = query;
    const { all, of } = newestFirst ? this.#newest : this.#oldest;
    const after = query.after ?? (newestFirst ? Number.MAX_SAFE_INTEGER : 0);
    const rows =
      status === undefined
        ? all.all(after, limit)
        : [...new Set(status)].flatMap((one) => of.all(one, after, limit));
    rows.sort((a, b) => (newestFirst ? b.created - a.created : a.created - b.created));
    return rows
      .slice(0, limit)
      .map(({ name, created, state }) => ({ name, created, state: JSON.parse(state) }));
  }

  statuses(): Record<string, number> {
    return Object.fromEntries(this.#statuses);
  }

  begin(): void {
    this.#next = new Map(this.#statuses);
  }

  /** Each changed row once, however many nodes changed it. */
  write(changes: Changes<S>): void {
    for (const [name, id] of changes.refs) {
      if (id === null) this.#dropRef.run(name);
      else this.#setRef.run(name, id);
    }
    const moved = new Set<string>();
    for (const [name, row] of changes.tasks) {
      this.#setTask.run(row.created, name, row.status, row.head, JSON.stringify(row.state));
      this.#countMove(row.stored, row.status, moved);
      row.stored = row.status;
    }
    for (const status of moved) this.#setStatus.run(status, this.#next.get(status) ?? 0);
  }

  committed(changes: Changes<S>): void {
    this.#statuses = this.#next;
    for (const [name, row] of changes.tasks) this.#recent.set(name, row);
  }

  /** For a rebuild, inside its transaction. */
  clearTasks(): void {
    this.#file.db.run("DELETE FROM tasks");
    this.#file.db.run("DELETE FROM statuses");
    this.#recent.clear();
    this.#next = new Map();
  }

  #countMove(from: string | undefined, to: string, moved: Set<string>): void {
    if (from === to) return;
    this.#next.set(to, (this.#next.get(to) ?? 0) + 1);
    moved.add(to);
    if (from === undefined) return;
    const left = (this.#next.get(from) ?? 0) - 1;
    if (left > 0) this.#next.set(from, left);
    else this.#next.delete(from);
    moved.add(from);
  }

  #readTask(name: string): TaskRow<S> | undefined {
    const row = this.#task.get(name);
    if (row === null) return undefined;
    return { ...row, stored: row.status, state: JSON.parse(row.state) };
  }

  #readStatuses(): Statuses {
    const rows = this.#file.db
      .query<{ status: string; tasks: number }, []>("SELECT status, tasks FROM statuses WHERE tasks > 0")
      .all();
    return new Map(rows.map(({ status, tasks }) => [status, tasks]));
  }
}
