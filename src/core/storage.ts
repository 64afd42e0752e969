// A service's own SQLite file: migrated when it is opened, written in groups that are on disk when they are
// acknowledged, and closed with the module's version.
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { diskError } from "./disk.js";
import { messageOf, ReefError } from "./errors.js";
import { createBackup, migrate } from "./migrations.js";
import type { ServiceContext } from "./types.js";

// biome-ignore lint/performance/noBarrelFile: of these files a plugin may import this one only.
export { flush, writeDurably } from "./durable.js";

/** Writes that wait for one commit. More than the disk can take is refused, not collected. */
const WRITES_WAITING_MAX = 10_000;
/** What one turn of the event loop commits, so that requests are served in between. */
const GROUP_MAX = 1_000;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
/** `DATA_DIR/tree.sqlite` is the event tree. */
const TAKEN_NAMES = ["tree"];

export interface StorageOptions {
  /** SQL, only ever added to: each runs once, in order, in a transaction of its own. */
  migrations: string[];
  /** The file is `DATA_DIR/<name>.sqlite`. Default: the module's name. */
  name?: string;
}

export interface Storage {
  /** A connection that only reads. It sees what is committed. */
  readonly read: Database;
  /**
   * Runs `fn` in a transaction and resolves to its result when the commit is on disk. `fn` has to be synchronous; when
   * it throws, its own changes are undone and only its own promise rejects. A disk that fails: `insufficient_storage`.
   */
  write<T>(fn: (db: Database) => T): Promise<T>;
}

type StorageContext = Pick<ServiceContext, "name" | "dataDir" | "log" | "signal" | "events" | "onDispose">;

/** Call it in `init`. When the version's `init` or verification fails, migrations that ran now are taken back. */
export function openStorage(ctx: StorageContext, { migrations, name = ctx.name }: StorageOptions): Storage {
  if (!NAME.test(name) || TAKEN_NAMES.includes(name)) throw new Error(`storage cannot be named "${name}"`);
  const path = join(ctx.dataDir, `${name}.sqlite`);
  try {
    return open(ctx, path, migrations);
  } catch (error) {
    throw diskError(error) ?? new Error(`${path}: ${messageOf(error)}`, { cause: error });
  }
}

function open(ctx: StorageContext, path: string, migrations: string[]): Storage {
  const db = new Database(path, { create: true, readwrite: true, strict: true });
  const backup = createBackup(path);
  const writer = new Writer(db);
  let read: Database | undefined;
  ctx.onDispose(`storage: ${path}`, () => {
    writer.close();
    read?.close();
    db.close();
    backup.settle(ctx.signal.reason);
  });
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA synchronous = FULL");
  db.run("PRAGMA busy_timeout = 1000");
  migrate(db, migrations, { backup, log: ctx.log });
  const up = ({ name }: { name: string }) => {
    if (name === ctx.name) backup.drop();
  };
  for (const event of ["module:added", "module:updated"]) if (backup.exists()) ctx.events.on(event, up);
  read = new Database(path, { readonly: true, strict: true });
  return { read, write: (fn) => writer.write(fn) };
}

interface Job {
  fn: (db: Database) => unknown;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

class Writer {
  readonly #db: Database;
  #waiting: Job[] = [];
  #isScheduled = false;
  #isClosed = false;

  constructor(db: Database) {
    this.#db = db;
  }

  write<T>(fn: (db: Database) => T): Promise<T> {
    if (this.#isClosed) return Promise.reject(new ReefError("unavailable", "storage is closed"));
    if (this.#waiting.length >= WRITES_WAITING_MAX) {
      return Promise.reject(new ReefError("unavailable", "too many writes wait for the disk"));
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#waiting.push({ fn, resolve: resolve as Job["resolve"], reject });
    this.#schedule();
    return promise;
  }

  /** What waits is committed first. */
  close(): void {
    while (this.#waiting.length > 0) this.#commit();
    this.#isClosed = true;
  }

  /** Per turn of the event loop: a microtask would come between any two requests, and a timer would make them wait. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#commit();
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  #commit(): void {
    const group = this.#waiting.splice(0, GROUP_MAX);
    if (group.length === 0) return;
    const settled: (() => void)[] = [];
    try {
      this.#db.query("BEGIN IMMEDIATE").run();
      for (const job of group) settled.push(this.#attempt(job));
      this.#db.query("COMMIT").run();
    } catch (error) {
      if (this.#db.inTransaction) this.#db.run("ROLLBACK");
      for (const { reject } of group) reject(diskError(error) ?? error);
      return;
    }
    for (const settle of settled) settle();
  }

  /** Runs one job in a savepoint and says how its promise settles after the commit. Throws when the group is lost. */
  #attempt({ fn, resolve, reject }: Job): () => void {
    this.#db.query("SAVEPOINT job").run();
    try {
      const result = fn(this.#db);
      if (result instanceof Promise) throw new TypeError("write(fn): fn must not be async");
      this.#db.query("RELEASE job").run();
      return () => resolve(result);
    } catch (error) {
      // SQLite ends the whole transaction by itself when the disk is full.
      if (!this.#db.inTransaction) throw error;
      this.#db.query("ROLLBACK TO job").run();
      this.#db.query("RELEASE job").run();
      return () => reject(diskError(error) ?? error);
    }
  }
}
