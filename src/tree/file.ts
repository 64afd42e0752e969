// The SQLite file of the tree: opens it, refuses what must not be touched, puts a damaged one aside, closes it cleanly.
import { Database, SQLiteError, type SQLQueryBindings, type Statement } from "bun:sqlite";
import { existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../core/errors.js";
import type { Log } from "../core/types.js";
import { createTables, SCHEMA_VERSION } from "./schema.js";

const FILE = "tree.sqlite";
/** Another program holding the write lock makes a group fail after this, since waiting stops the whole server. */
const BUSY_MS = 250;
const CACHE_KIB = 16_384;
/** Finds a row when nodes are missing: with no seq left out and each parent older than its child, every parent is there. */
const LOST_NODES = `SELECT 1 WHERE (SELECT count(*) <> coalesce(max(seq), 0) FROM nodes)
  OR EXISTS (SELECT 1 FROM nodes WHERE parent >= seq OR (parent IS NULL AND seq > 1))`;
const WAL_BYTES_KEPT = 64 * 1024 * 1024;

/** Opens `dir/tree.sqlite`, made when it is missing. Throws an Error that says in one line what is wrong and what to do. */
export function openFile(options: { dir: string; now: () => number; log?: Log }): TreeFile {
  mkdirSync(options.dir, { recursive: true });
  const path = join(options.dir, FILE);
  if (existsSync(path)) inspect(path, options.now);
  else warnOfDamaged(options.dir, options.log);
  let db: Database | undefined;
  try {
    db = new Database(path, { create: true, readwrite: true });
    configure(db);
    if (versionOf(db) === 0) createTables(db);
    const file = new TreeFile(db, path);
    file.setMeta("open", String(options.now()));
    return file;
  } catch (error) {
    db?.close();
    throw cannotWrite(path, error);
  }
}

export function cannotWrite(path: string, cause: unknown): Error {
  return new Error(
    `The tree in ${path} cannot be written (${messageOf(cause)}). Check free space, rights, and that nothing else uses it.`,
    {
      cause,
    },
  );
}

/** The open file, with the statements that have to be finalized before SQLite lets go of it. */
export class TreeFile {
  readonly db: Database;
  readonly path: string;
  readonly #prepared: Statement[] = [];

  constructor(db: Database, path: string) {
    this.db = db;
    this.path = path;
  }

  prepare<Row, Args extends SQLQueryBindings[]>(sql: string): Statement<Row, Args> {
    // Its type depends on Args being a list, which tsc cannot see through the parameter.
    const statement = this.db.prepare<Row, Args>(sql) as Statement<Row, Args>;
    this.#prepared.push(statement);
    return statement;
  }

  meta(key: string): string | undefined {
    return this.db.query<{ value: string }, [string]>("SELECT value FROM meta WHERE key = ?").get(key)?.value;
  }

  setMeta(key: string, value: string): void {
    this.db.run("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", [
      key,
      value,
    ]);
  }

  /** Without `clean` the mark of an unclean stop stays, and the next open checks the file for damage. */
  close({ clean }: { clean: boolean }): void {
    try {
      if (clean) this.db.run("DELETE FROM meta WHERE key = 'open'");
    } finally {
      for (const statement of this.#prepared) statement.finalize();
      this.db.close();
    }
  }
}

function configure(db: Database): void {
  db.run(`PRAGMA busy_timeout = ${BUSY_MS}`);
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA synchronous = FULL");
  db.run(`PRAGMA cache_size = -${CACHE_KIB}`);
  db.run(`PRAGMA journal_size_limit = ${WAL_BYTES_KEPT}`);
}

/** Looks through a connection that cannot write, so that a file which is not to be used stays as it is, byte for byte. */
function inspect(path: string, now: () => number): void {
  const verdict = examine(path);
  if (verdict.damage !== undefined) {
    const aside = setAside(path, now());
    throw new Error(
      `The tree in ${path} is damaged (${verdict.damage}). It was kept as ${aside}. Put a backup at ${path}, or save what is readable with: sqlite3 ${aside} .recover; started again as it is, reef makes a new tree.`,
    );
  }
  if (verdict.refusal !== undefined) throw new Error(verdict.refusal);
}

function examine(path: string): { damage?: string; refusal?: string } {
  let db: Database | undefined;
  try {
    db = new Database(path, { readonly: true });
    return { refusal: refusalOf(db, path), damage: uncleanDamage(db) };
  } catch (error) {
    if (isDamage(error)) return { damage: messageOf(error) };
    throw new Error(`The tree in ${path} cannot be opened (${messageOf(error)}).`, { cause: error });
  } finally {
    db?.close();
  }
}

function refusalOf(db: Database, path: string): string | undefined {
  const version = versionOf(db);
  if (version > SCHEMA_VERSION)
    return `The tree in ${path} was made by a newer reef (its form is ${version}, this one knows ${SCHEMA_VERSION}). Start that version, or another DATA_DIR.`;
  if (version === 0 && db.query("SELECT 1 FROM sqlite_master LIMIT 1").get() !== null)
    return `${path} is a SQLite file, but not a tree of reef. Move it away, or use another DATA_DIR.`;
  return undefined;
}

/** The whole file is read only after an unclean stop: that takes seconds at a million nodes. */
function uncleanDamage(db: Database): string | undefined {
  if (versionOf(db) !== SCHEMA_VERSION) return undefined;
  if (db.query("SELECT 1 FROM meta WHERE key = 'open'").get() === null) return undefined;
  const found = db.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").get()?.quick_check;
  if (found !== "ok") return found ?? "no answer to quick_check";
  return db.query(LOST_NODES).get() === null ? undefined : "nodes are missing";
}

function versionOf(db: Database): number {
  return db.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
}

function isDamage(error: unknown): boolean {
  return error instanceof SQLiteError && /^SQLITE_(NOTADB|CORRUPT)/.test(error.code ?? "");
}

/** Moves the file and what belongs to it to a name beside it; never over another. */
function setAside(path: string, time: number): string {
  const stamp = new Date(time).toISOString().replaceAll(":", "").replace(/\..*/, "Z");
  let aside = `${path}.damaged-${stamp}`;
  for (let n = 2; existsSync(aside); n++) aside = `${path}.damaged-${stamp}-${n}`;
  for (const part of ["", "-wal", "-shm"]) if (existsSync(path + part)) renameSync(path + part, aside + part);
  return aside;
}

function warnOfDamaged(dir: string, log: Log | undefined): void {
  const kept = readdirSync(dir).filter(
    (name) => name.startsWith(`${FILE}.damaged-`) && !/-(wal|shm)$/.test(name),
  );
  if (kept.length > 0)
    log?.warn(`Making a new tree in ${dir}. Damaged ones lie beside it: ${kept.join(", ")}`);
}
