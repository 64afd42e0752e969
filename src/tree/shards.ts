// The file of the search index, `tree.search.sqlite`: full-text tables of a limited size each, and how far they reach.
// It holds nothing that the tree does not, so a file that is damaged is thrown away and made again.
import { Database, SQLiteError, type Statement } from "bun:sqlite";
import { rmSync } from "node:fs";
import { messageOf } from "../core/errors.js";
import type { TreeNode } from "./node.js";
import { spaced, tagsOf, textOf } from "./search-text.js";

const FORM = 1;
const CACHE_KIB = 4096;
/** Nobody else should hold it; the whole server would wait. */
const BUSY_MS = 50;
/**
 * A phrase that nowhere stands together is looked for in every text that has its words, and no query can be told to
 * stop in between; a table of this size takes 10 ms at most.
 */
const SHARD_NODES_MAX = 16_384;
const SHARD_CHARS_MAX = 16 * 1024 * 1024;
/** FTS5 merges by itself for up to 90 ms at once; a few pages after each batch keep up with it in under 2 ms. */
const MERGED_PAGES = 16;
/** Never reached; the default would merge everything at once when it is. */
const CRISIS_SEGMENTS = 1000;

/** The newest node that is in the index. */
export interface Mark {
  seq: number;
  id: string;
}

export interface Shard {
  id: number;
  /** Seqs of its oldest and its newest node. */
  first: number;
  last: number;
  chars: number;
  /** Epoch milliseconds between which its nodes were made. */
  oldest: number;
  newest: number;
}

const NOTHING: Mark = { seq: 0, id: "" };

const TABLES = `
  CREATE TABLE shards (
    id INTEGER PRIMARY KEY,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    chars INTEGER NOT NULL,
    oldest INTEGER NOT NULL,
    newest INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE mark (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, id TEXT NOT NULL) STRICT;
  PRAGMA user_version = ${FORM};`;

/**
 * Opens the file, made when it is missing, damaged or of another form. Throws an Error that says in one line what is
 * wrong and what to do.
 */
export function openShards(path: string): Shards {
  try {
    return open(path);
  } catch (cause) {
    const message = `The search index in ${path} cannot be opened (${messageOf(cause)}). Check rights and free space; deleted, it is made again.`;
    throw new Error(message, { cause });
  }
}

function open(path: string): Shards {
  try {
    return new Shards(path);
  } catch (error) {
    if (!isDamage(error) && !(error instanceof OtherForm)) throw error;
    removeFile(path);
    return new Shards(path);
  }
}

export function isDamage(error: unknown): boolean {
  return error instanceof SQLiteError && /^SQLITE_(NOTADB|CORRUPT)/.test(error.code ?? "");
}

class OtherForm extends Error {}

export class Shards {
  readonly #path: string;
  #db: Database;
  #shards: Shard[] = [];
  #mark: Mark = NOTHING;
  /** Of the newest shard. */
  #open: { id: number; insert: Statement; merge: Statement } | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#db = new Database(path, { create: true, readwrite: true });
    try {
      this.#begin();
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  get mark(): Mark {
    return this.#mark;
  }

  /** Adds nodes in their order, in one transaction, until they are all in or the time is over. */
  add(nodes: readonly TreeNode[], ms: number): void {
    const until = performance.now() + ms;
    try {
      this.#db.run("BEGIN IMMEDIATE");
      for (const node of nodes) {
        this.#insert(node);
        if (performance.now() >= until) break;
      }
      this.#open?.merge.run();
      this.#save();
      this.#db.run("COMMIT");
    } catch (error) {
      if (this.#db.inTransaction) this.#db.run("ROLLBACK");
      this.#load();
      throw error;
    }
  }

  /** The newest first: those that may hold a node under `before` that was made between these times. */
  reaching(range: { before: number; from?: number; to?: number }): Shard[] {
    const { before, from = 0, to = Number.POSITIVE_INFINITY } = range;
    return this.#shards
      .filter(({ first, oldest, newest }) => first < before && newest >= from && oldest <= to)
      .reverse();
  }

  /** The newest first. */
  match({ id }: Shard, expression: string, before: number, limit: number): number[] {
    const name = nameOf(id);
    const select = this.#db.prepare<{ seq: number }, [string, number, number]>(
      `SELECT rowid AS seq FROM ${name} WHERE ${name} MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?`,
    );
    try {
      return select.all(expression, before, limit).map(({ seq }) => seq);
    } finally {
      select.finalize();
    }
  }

  /** Forgets everything. */
  reset(): void {
    this.close();
    removeFile(this.#path);
    this.#db = new Database(this.#path, { create: true, readwrite: true });
    this.#begin();
  }

  close(): void {
    this.#finish();
    this.#db.close();
  }

  #begin(): void {
    this.#db.run(`PRAGMA busy_timeout = ${BUSY_MS}`);
    this.#db.run("PRAGMA journal_mode = WAL");
    // What a power failure takes back is found missing at the next start, and indexed again.
    this.#db.run("PRAGMA synchronous = NORMAL");
    this.#db.run(`PRAGMA cache_size = -${CACHE_KIB}`);
    const form = this.#db.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version;
    if (form === 0) this.#db.transaction(() => this.#db.run(TABLES)).immediate();
    else if (form !== FORM) throw new OtherForm();
    this.#load();
  }

  #load(): void {
    this.#finish();
    this.#shards = this.#db.query<Shard, []>("SELECT * FROM shards ORDER BY id").all();
    this.#mark = this.#db.query<Mark, []>("SELECT seq, id FROM mark").get() ?? NOTHING;
  }

  #save(): void {
    const shard = this.#shards.at(-1);
    if (!shard) return;
    const { id, first, last, chars, oldest, newest } = shard;
    this.#db.run("INSERT OR REPLACE INTO shards VALUES (?, ?, ?, ?, ?, ?)", [
      id,
      first,
      last,
      chars,
      oldest,
      newest,
    ]);
    this.#db.run("INSERT OR REPLACE INTO mark VALUES (1, ?, ?)", [this.#mark.seq, this.#mark.id]);
  }

  #insert(node: TreeNode): void {
    const text = textOf(node);
    const shard = this.#shardFor(node);
    this.#statements(shard).insert.run(node.seq, spaced(text), tagsOf(node));
    shard.last = node.seq;
    shard.chars += text.length;
    shard.oldest = Math.min(shard.oldest, node.timestamp);
    shard.newest = Math.max(shard.newest, node.timestamp);
    this.#mark = { seq: node.seq, id: node.id };
  }

  /** The newest one, or a new one when that is full. */
  #shardFor({ seq, timestamp }: TreeNode): Shard {
    const newest = this.#shards.at(-1);
    if (newest && seq - newest.first < SHARD_NODES_MAX && newest.chars < SHARD_CHARS_MAX) return newest;
    if (newest) this.#save();
    const id = (newest?.id ?? 0) + 1;
    const shard = { id, first: seq, last: seq, chars: 0, oldest: timestamp, newest: timestamp };
    const name = nameOf(id);
    this.#db.run(`CREATE VIRTUAL TABLE ${name} USING fts5 (words, tags, content = '', columnsize = 0,
      tokenize = 'unicode61 remove_diacritics 2')`);
    this.#db.run(`INSERT INTO ${name} (${name}, rank) VALUES ('automerge', 0)`);
    this.#db.run(`INSERT INTO ${name} (${name}, rank) VALUES ('crisismerge', ${CRISIS_SEGMENTS})`);
    this.#shards.push(shard);
    return shard;
  }

  #statements({ id }: Shard): { insert: Statement; merge: Statement } {
    if (this.#open?.id === id) return this.#open;
    this.#finish();
    const name = nameOf(id);
    this.#open = {
      id,
      insert: this.#db.prepare(`INSERT INTO ${name} (rowid, words, tags) VALUES (?, ?, ?)`),
      merge: this.#db.prepare(`INSERT INTO ${name} (${name}, rank) VALUES ('merge', ${MERGED_PAGES})`),
    };
    return this.#open;
  }

  #finish(): void {
    this.#open?.insert.finalize();
    this.#open?.merge.finalize();
    this.#open = undefined;
  }
}

function nameOf(id: number): string {
  return `words_${id}`;
}

function removeFile(path: string): void {
  for (const part of ["", "-wal", "-shm"]) rmSync(path + part, { force: true });
}
