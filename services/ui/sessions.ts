// Who is signed in: links that can be used once, and the sessions that they open. Only hashes are stored, so that both
// survive a restart and reading the file gives neither away.
import { createHash, randomBytes } from "node:crypto";
import { openStorage } from "#core/storage.js";
import type { ServiceContext } from "#core/types.js";

const LINK_MS = 5 * 60_000;
const SESSION_MS = 24 * 3_600_000;
const LINKS_MAX = 100;
const SESSIONS_MAX = 1_000;

export const SESSION_SECONDS = SESSION_MS / 1000;

export interface Session {
  /** The hash of the session's id: names the session and opens nothing. */
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** Aborts when the session ends; another version of the dashboard knows the same sessions. */
  readonly ended: AbortSignal;
}

export interface Sessions {
  /** A new token for a link. Resolves when it is on disk. */
  invite(): Promise<{ token: string; expiresAt: number }>;
  /** Whether a link with this token would open a session. */
  isInvited(token: string): boolean;
  /** Uses a link up. Undefined when there is none. */
  open(token: string): Promise<{ id: string; expiresAt: number } | undefined>;
  find(id: string): Session | undefined;
  /** Ends the session with this key, if there is one. */
  end(key: string): Promise<void>;
  endAll(): Promise<void>;
  /** Calls `listener` with the key of each session that ends. */
  onEnd(listener: (key: string) => void): void;
}

const MIGRATIONS = [
  `CREATE TABLE links (hash TEXT PRIMARY KEY, expiresAt INTEGER NOT NULL) WITHOUT ROWID;
   CREATE INDEX links_by_end ON links (expiresAt);
   CREATE TABLE sessions (hash TEXT PRIMARY KEY, expiresAt INTEGER NOT NULL) WITHOUT ROWID;
   CREATE INDEX sessions_by_end ON sessions (expiresAt);`,
];

interface Row {
  hash: string;
  expiresAt: number;
}

export function openSessions(ctx: ServiceContext, { now = Date.now }: { now?: () => number } = {}): Sessions {
  const { read, write } = openStorage(ctx, { migrations: MIGRATIONS });
  const live = new Map<string, AbortController>();
  const listeners: ((key: string) => void)[] = [];
  const findLink = read.query<Row, [string, number]>("SELECT * FROM links WHERE hash = ? AND expiresAt > ?");
  const findSession = read.query<Row, [string, number]>(
    "SELECT * FROM sessions WHERE hash = ? AND expiresAt > ?",
  );
  function endedSignal(key: string): AbortSignal {
    const controller = live.get(key) ?? new AbortController();
    live.set(key, controller);
    return controller.signal;
  }

  function ended(keys: readonly string[]): void {
    for (const key of keys) {
      live.get(key)?.abort();
      live.delete(key);
      for (const listener of listeners) listener(key);
    }
  }

  function endStale(): void {
    const stale = [...live.keys()].filter((key) => findSession.get(key, now()) === null);
    ended(stale);
  }
  ctx.setInterval(endStale, 60_000);

  return {
    async invite() {
      const token = randomToken();
      const expiresAt = now() + LINK_MS;
      await write((db) => {
        db.run("DELETE FROM links WHERE expiresAt <= ?", [now()]);
        db.run("INSERT INTO links VALUES (?, ?)", [hashOf(token), expiresAt]);
        db.run(
          "DELETE FROM links WHERE hash IN (SELECT hash FROM links ORDER BY expiresAt DESC LIMIT -1 OFFSET ?)",
          [LINKS_MAX],
        );
      });
      return { token, expiresAt };
    },
    isInvited: (token) => findLink.get(hashOf(token), now()) !== null,
    async open(token) {
      const id = randomToken();
      const expiresAt = now() + SESSION_MS;
      const isOpened = await write((db) => {
        const used = db.run("DELETE FROM links WHERE hash = ? AND expiresAt > ?", [hashOf(token), now()]);
        if (used.changes === 0) return false;
        db.run("DELETE FROM sessions WHERE expiresAt <= ?", [now()]);
        db.run("INSERT INTO sessions VALUES (?, ?)", [hashOf(id), expiresAt]);
        db.run(
          "DELETE FROM sessions WHERE hash IN (SELECT hash FROM sessions ORDER BY expiresAt DESC LIMIT -1 OFFSET ?)",
          [SESSIONS_MAX],
        );
        return true;
      });
      if (isOpened) endStale();
      return isOpened ? { id, expiresAt } : undefined;
    },
    find(id) {
      const row = findSession.get(hashOf(id), now());
      return row ? { key: row.hash, expiresAt: row.expiresAt, ended: endedSignal(row.hash) } : undefined;
    },
    async end(key) {
      await write((db) => db.run("DELETE FROM sessions WHERE hash = ?", [key]));
      ended([key]);
    },
    async endAll() {
      const keys = await write((db) => db.query<Row, []>("DELETE FROM sessions RETURNING *").all());
      ended([...new Set([...keys.map(({ hash }) => hash), ...live.keys()])]);
    },
    onEnd: (listener) => void listeners.push(listener),
  };
}

/** 256 random bits: 43 characters. */
export function randomToken(): string {
  return randomBytes(32).toString("base64url");
}

function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
