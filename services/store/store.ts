// The key-value store: reads what is committed, and for each write tells after the commit those who wait for the key
// and those who listen on the bus.
import { watchDraining } from "#core/http.js";
import { openStorage } from "#core/storage.js";
import type { ServiceContext } from "#core/types.js";
import { NO_VERSION, type Precondition } from "./conditions.js";
import { MIGRATIONS } from "./migrations.js";
import {
  type Change,
  deleteEntry,
  deleteExpired,
  type Entry,
  type KeyInfo,
  type KeyQuery,
  type Limits,
  nextExpiry,
  readEntry,
  readKeys,
  writeEntry,
} from "./rows.js";
import { startSweep } from "./sweep.js";
import { createWaiters } from "./waiters.js";

const LIMITS: Limits = { keysMax: 1_000_000, bytesMax: 4 * 1024 ** 3 };
/** Removed in one write; other writes have their turn between two. */
const SWEEP_ROWS_MAX = 500;

/** Says whether the caller has seen this version of a key; 0 stands for no such key. */
export type IsKnown = (version: number) => boolean;

export interface Look {
  /** Absent when there is no such key. */
  entry?: Entry;
  /** False when the caller has seen this already. */
  isNews: boolean;
}

export interface KeyValueStore {
  list(query: KeyQuery): { keys: KeyInfo[]; more: boolean };
  look(key: string, isKnown?: IsKnown): Look;
  /** Resolves when there is news, when the time is over or when a signal aborts. Without `isKnown` only a change is news. */
  wait(key: string, query: { isKnown?: IsKnown; ms: number; signal: AbortSignal }): Promise<Look>;
  /** Resolves when it is on disk. Rejects `precondition_failed` with `version`, `insufficient_storage` when full. */
  put(key: string, input: { json: string; ttlMs?: number }, allows: Precondition): Promise<Entry>;
  /** Rejects `not_found`, and as `put` does. */
  delete(key: string, allows: Precondition): Promise<void>;
  /** How many requests wait. */
  waiting(): number;
}

export interface StoreOptions {
  now?: () => number;
  limits?: Partial<Limits>;
}

export function openStore(ctx: ServiceContext, options: StoreOptions = {}): KeyValueStore {
  const { now = Date.now } = options;
  const limits = { ...LIMITS, ...options.limits };
  const storage = openStorage(ctx, { migrations: MIGRATIONS });
  const waiters = createWaiters();
  const draining = watchDraining(ctx);
  const sweep = startSweep({
    ctx,
    now,
    next: () => nextExpiry(storage.read),
    remove: async () => {
      const changes = await storage.write((db) => deleteExpired(db, SWEEP_ROWS_MAX, now()));
      changes.forEach(changed);
    },
  });

  function changed(change: Change): void {
    waiters.wake(change.key);
    ctx.events.fire("store:changed", change);
  }

  function look(key: string, isKnown: IsKnown = () => false): Look {
    const entry = readEntry(storage.read, key, now());
    return { entry, isNews: !isKnown(entry?.version ?? NO_VERSION) };
  }

  return {
    look,
    list(query) {
      const keys = readKeys(storage.read, { ...query, limit: query.limit + 1 }, now());
      return { keys: keys.slice(0, query.limit), more: keys.length > query.limit };
    },
    async wait(key, { isKnown, ms, signal }) {
      const deadline = performance.now() + ms;
      const first = look(key).entry?.version ?? NO_VERSION;
      const signals = [signal, ctx.signal, draining()];
      const known = isKnown ?? ((version) => version === first);
      for (;;) {
        const found = look(key, known);
        const leftMs = deadline - performance.now();
        if (found.isNews || leftMs <= 0) return found;
        const aliveMs = (found.entry?.expiresAt ?? Number.POSITIVE_INFINITY) - now();
        await waiters.wait(key, Math.min(leftMs, aliveMs), signals);
        // The file may be closed by now, so what was found before stands.
        if (signals.some(({ aborted }) => aborted)) return found;
      }
    },
    async put(key, { json, ttlMs }, allows) {
      const entry = await storage.write((db) => {
        const at = now();
        const expiresAt = ttlMs === undefined ? undefined : at + ttlMs;
        return writeEntry(db, { key, json, expiresAt, allows, limits }, at);
      });
      if (entry.expiresAt !== undefined) sweep.expect(entry.expiresAt);
      changed({ key, version: entry.version });
      return entry;
    },
    async delete(key, allows) {
      changed(await storage.write((db) => deleteEntry(db, key, allows, now())));
    },
    waiting: waiters.count,
  };
}
