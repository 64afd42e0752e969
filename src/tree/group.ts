// Group commit: everything that was asked for before the event loop turns is one transaction, one fsync.
import { type Database, SQLiteError, type Statement } from "bun:sqlite";
import { messageOf, ReefError } from "../core/errors.js";
import type { TreeFile } from "./file.js";

/** More than this waits for the next transaction, so that a burst cannot hold up the server. */
const GROUP_MAX = 1000;
const WAITING_MAX = 100_000;

/** What a group does around its work. Called in this order, `seal` still inside the transaction. */
export interface GroupSteps {
  begin(): void;
  seal(): void;
  /** The group is on disk. MUST NOT throw. */
  committed(): void;
}

interface Waiting {
  work(): unknown;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

type Outcome = { value: unknown } | { error: unknown };

export class GroupCommit {
  readonly #db: Database;
  readonly #steps: GroupSteps;
  readonly #savepoint: Statement;
  readonly #release: Statement;
  readonly #undo: Statement;
  #waiting: Waiting[] = [];
  #scheduled = false;
  #closed = false;
  #failure: string | undefined;

  constructor(file: TreeFile, steps: GroupSteps) {
    this.#db = file.db;
    this.#steps = steps;
    this.#savepoint = file.prepare("SAVEPOINT work");
    this.#release = file.prepare("RELEASE work");
    this.#undo = file.prepare("ROLLBACK TO work");
  }

  /** Why the newest write failed; undefined when it succeeded. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** `work` runs synchronously with the others of its group, in a savepoint of its own; a throw fails it alone. */
  enqueue<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#closed) return reject(new ReefError("unavailable", "The tree is closed"));
      if (this.#waiting.length >= WAITING_MAX)
        return reject(new ReefError("unavailable", "Too many writes wait"));
      this.#waiting.push({ work, resolve: resolve as (value: unknown) => void, reject });
      this.#schedule();
    });
  }

  /** A group of its own, at once: for what happens while the tree is opened. */
  now<T>(work: () => T): T {
    const [outcome] = this.#commit([work]);
    if (outcome === undefined || "error" in outcome) throw outcome?.error;
    return outcome.value as T;
  }

  flush(): void {
    while (this.#waiting.length > 0) this.#runGroup();
  }

  close(): void {
    this.#closed = true;
    this.flush();
  }

  /** Per setImmediate, never per microtask: Bun drains microtasks between two requests, and groups would have one member. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#runGroup();
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  #runGroup(): void {
    const group = this.#waiting.splice(0, GROUP_MAX);
    if (group.length === 0) return;
    const outcomes = this.#commit(group.map(({ work }) => work));
    for (const [i, { resolve, reject }] of group.entries()) {
      const outcome = outcomes[i] as Outcome;
      if ("error" in outcome) reject(outcome.error);
      else resolve(outcome.value);
    }
  }

  #commit(works: (() => unknown)[]): Outcome[] {
    const outcomes: Outcome[] = [];
    try {
      this.#transaction(works, outcomes);
    } catch (cause) {
      this.#failure = messageOf(cause);
      this.#rollback();
      const error = storageError(cause);
      return works.map((_, i) => failedItself(outcomes[i]) ?? { error });
    }
    this.#steps.committed();
    return outcomes;
  }

  #transaction(works: (() => unknown)[], outcomes: Outcome[]): void {
    if (this.#db.inTransaction) this.#rollback();
    this.#db.run("BEGIN IMMEDIATE");
    this.#steps.begin();
    for (const work of works) outcomes.push(this.#attempt(work));
    this.#steps.seal();
    this.#db.run("COMMIT");
    if (outcomes.some((outcome) => "value" in outcome)) this.#failure = undefined;
  }

  #attempt(work: () => unknown): Outcome {
    this.#savepoint.run();
    try {
      const value = work();
      this.#release.run();
      return { value };
    } catch (error) {
      if (isStorageFailure(error)) throw error;
      this.#undo.run();
      this.#release.run();
      return { error };
    }
  }

  /** SQLite has rolled back by itself after some failures. What fails here is tried again before the next group. */
  #rollback(): void {
    try {
      if (this.#db.inTransaction) this.#db.run("ROLLBACK");
    } catch (error) {
      this.#failure += `; ${messageOf(error)}`;
    }
  }
}

/** What a caller gets when the disk refused its group; the reason is in `cause`. */
function storageError(cause: unknown): ReefError {
  return new ReefError("insufficient_storage", "storage unavailable", {}, { cause });
}

export function isStorageError(error: unknown): error is ReefError {
  return error instanceof ReefError && error.code === "insufficient_storage";
}

function failedItself(outcome: Outcome | undefined): Outcome | undefined {
  return outcome !== undefined && "error" in outcome ? outcome : undefined;
}

/** A broken constraint is the mistake of one commit; anything else that SQLite says concerns the disk, and all of them. */
function isStorageFailure(error: unknown): boolean {
  return error instanceof SQLiteError && !error.code?.startsWith("SQLITE_CONSTRAINT");
}
