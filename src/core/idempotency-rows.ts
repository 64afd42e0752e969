// The keys that were used within a day, each with the answer that it came to.
import type { Database } from "bun:sqlite";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { ReefError } from "./errors.js";
import { openStorage, type Storage } from "./storage.js";
import { ulid } from "./ulid.js";

/** What a request is answered; `body` as JSON. */
export interface Outcome {
  status: ContentfulStatusCode;
  body: object;
  /** The work had been done before, and was not done again. */
  replayed?: boolean;
}

export interface KeyLimits {
  now: () => number;
  /** What would pass one of these is refused: to forget a key early would be to do its work twice. */
  keysMax: number;
  bytesMax: number;
}

const LIMITS: KeyLimits = { now: Date.now, keysMax: 100_000, bytesMax: 512 * 1024 * 1024 };
const KEPT_MS = 24 * 60 * 60 * 1000;
/** For each key that comes, so many go whose day is over. */
const SWEPT_MAX = 100;
const RETRY_AFTER_SECONDS = 60;
/** Leaves room in the file's name for what follows. */
const MODULE_CHARS_MAX = 50;

const MIGRATIONS = [
  `CREATE TABLE keys (
     id TEXT PRIMARY KEY,
     scope TEXT NOT NULL,
     key TEXT NOT NULL,
     hash TEXT NOT NULL,
     at INTEGER NOT NULL,
     status INTEGER,
     bytes INTEGER NOT NULL DEFAULT 0,
     body TEXT,
     UNIQUE (scope, key)
   ) STRICT;
   CREATE INDEX keys_at ON keys (at);
   CREATE TABLE totals (one INTEGER PRIMARY KEY CHECK (one = 1), keys INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
   INSERT INTO totals VALUES (1, 0, 0);
   CREATE TRIGGER keys_added AFTER INSERT ON keys
     BEGIN UPDATE totals SET keys = keys + 1; END;
   CREATE TRIGGER keys_answered AFTER UPDATE OF bytes ON keys
     BEGIN UPDATE totals SET bytes = bytes + new.bytes - old.bytes; END;
   CREATE TRIGGER keys_removed AFTER DELETE ON keys
     BEGIN UPDATE totals SET keys = keys - 1, bytes = bytes - old.bytes; END;`,
];

/** A key as an attempt finds it, or makes it. */
interface Begun {
  id: string;
  hash: string;
  /** Undefined while there is no answer. */
  outcome: Outcome | undefined;
  /** It was there, and without an answer. */
  isRetry: boolean;
}

interface Row {
  id: string;
  hash: string;
  status: ContentfulStatusCode | null;
  body: string | null;
}

export class KeyRows {
  readonly #storage: Storage;
  readonly #limits: KeyLimits;
  readonly #newId = ulid();

  constructor(ctx: Parameters<typeof openStorage>[0], limits: Partial<KeyLimits>) {
    // A module's name has no underscore, so this is the file of none.
    const name = `${ctx.name.slice(0, MODULE_CHARS_MAX)}_idempotency`;
    this.#storage = openStorage(ctx, { migrations: MIGRATIONS, name });
    this.#limits = { ...LIMITS, ...limits };
  }

  begin(scope: string, key: string, hash: string): Promise<Begun> {
    return this.#storage.write((db) => {
      const now = this.#limits.now();
      sweep(db, { scope, key, before: now - KEPT_MS });
      const row = db
        .query<Row, [string, string]>("SELECT id, hash, status, body FROM keys WHERE scope = ? AND key = ?")
        .get(scope, key);
      if (row) return { id: row.id, hash: row.hash, outcome: outcomeOf(row), isRetry: row.status === null };
      this.#refuseFull(db);
      const id = this.#newId();
      db.query("INSERT INTO keys (id, scope, key, hash, at) VALUES (?, ?, ?, ?, ?)").run(
        id,
        scope,
        key,
        hash,
        now,
      );
      return { id, hash, outcome: undefined, isRetry: false };
    });
  }

  async keep(id: string, { status, body }: Outcome): Promise<void> {
    const text = JSON.stringify(body);
    const bytes = Buffer.byteLength(text);
    await this.#storage.write((db) => {
      db.query("UPDATE keys SET status = ?, bytes = ?, body = ? WHERE id = ?").run(status, bytes, text, id);
    });
  }

  async release(id: string): Promise<void> {
    await this.#storage.write((db) => void db.query("DELETE FROM keys WHERE id = ?").run(id));
  }

  #refuseFull(db: Database): void {
    const { keysMax, bytesMax } = this.#limits;
    const totals = db.query<{ keys: number; bytes: number }, []>("SELECT keys, bytes FROM totals").get();
    if (!totals || (totals.keys < keysMax && totals.bytes < bytesMax)) return;
    const message = `The keys of the last 24 h fill their place (${keysMax} keys, ${bytesMax} bytes)`;
    throw new ReefError("rate_limited", message, { retryAfter: RETRY_AFTER_SECONDS });
  }
}

function sweep(db: Database, { scope, key, before }: { scope: string; key: string; before: number }): void {
  db.query("DELETE FROM keys WHERE scope = ? AND key = ? AND at <= ?").run(scope, key, before);
  db.query("DELETE FROM keys WHERE id IN (SELECT id FROM keys WHERE at <= ? ORDER BY at LIMIT ?)").run(
    before,
    SWEPT_MAX,
  );
}

function outcomeOf({ status, body }: Row): Outcome | undefined {
  return status === null || body === null ? undefined : { status, body: JSON.parse(body) };
}
