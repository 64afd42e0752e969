// The registry: who is there. It tells the bus and the tree who came, changed, fell silent and went.
import { ReefError } from "#core/errors.js";
import { type Browse, browse, isoTime, type TextPage } from "#core/http.js";
import { openStorage } from "#core/storage.js";
import type { ServiceContext } from "#core/types.js";
import { createNews } from "./news.js";
import {
  changeRow,
  type Filter,
  listing,
  MIGRATIONS,
  markStale,
  putRow,
  readPresent,
  readRow,
  readStats,
  removeRow,
  removeSilent,
  type Stats,
  type VmRow,
  vmOf,
} from "./rows.js";
import { type Change, FINISHED, mayReplace, type Registration, type Vm } from "./vm.js";

const STALE_MS = 5 * 60_000;
const KEEP_DAYS = 7;
const SWEEP_MS = 60_000;
/** Swept in one transaction. */
const SWEPT_MAX = 500;
/** Of one answer of `discover`, which has no further pages. */
const DISCOVERED_MAX = 5_000;
const DAY_MS = 86_400_000;

export interface Registry {
  /** Resolves when it is on disk, and whoever listens was told. `isOwn`: of the server itself, whatever was there. */
  register(input: Registration, options?: { isUpsert?: boolean; isOwn?: boolean }): Promise<Vm>;
  read(id: string): Vm | undefined;
  list(page: Browse<Filter>): TextPage;
  discover(role: string): Vm[];
  update(id: string, change: Change): Promise<Vm>;
  beat(id: string): Promise<{ id: string; lastSeen: string }>;
  remove(id: string): Promise<void>;
  stats(): Stats;
  /** Tells who has become stale, each once, and forgets who was not seen for days. By itself it does so every minute. */
  sweep(): Promise<void>;
}

export interface RegistryOptions {
  now?: () => number;
  staleMs?: number;
  keepDays?: number;
  sweptMax?: number;
}

export function openRegistry(ctx: ServiceContext, options: RegistryOptions = {}): Registry {
  const { now = Date.now, staleMs = STALE_MS, keepDays = KEEP_DAYS, sweptMax = SWEPT_MAX } = options;
  const storage = openStorage(ctx, { migrations: MIGRATIONS });
  const news = createNews(ctx.events);
  const silentBefore = () => now() - staleMs;
  const shown = (row: VmRow) => vmOf(row, silentBefore());

  const registry: Registry = {
    async register(input, { isUpsert = false, isOwn = false } = {}) {
      const { before, row } = await storage.write((db) => {
        const before = readRow(db, input.id);
        const { registeredBy } = input;
        if (before && !isOwn && !mayReplace(shown(before), { registeredBy, isUpsert }))
          throw new ReefError("conflict", "VM already registered");
        return { before: before && shown(before), row: putRow(db, input, now()) };
      });
      const vm = shown(row);
      news.registered(vm, before);
      return vm;
    },
    read(id) {
      const row = readRow(storage.read, id);
      return row && shown(row);
    },
    list: (page) =>
      browse<VmRow>(storage.read, listing(page.filters, silentBefore()), {
        page,
        toText: (row) => JSON.stringify(shown(row)),
      }),
    discover: (role) =>
      readPresent(storage.read, { role, silentBefore: silentBefore(), limit: DISCOVERED_MAX }),
    async update(id, change) {
      const { before, row } = await storage.write((db) => {
        const before = known(readRow(db, id));
        return { before, row: changeRow(db, before, change, now()) };
      });
      const vm = shown(row);
      news.updated(vm, before.status);
      return vm;
    },
    async beat(id) {
      const { before, row } = await storage.write((db) => {
        const before = known(readRow(db, id));
        const isBack = before.status === "stopped" && before.status_reason === FINISHED;
        return { before, row: changeRow(db, before, isBack ? { status: "running" } : {}, now()) };
      });
      if (row.status !== before.status) news.updated(shown(row), before.status);
      return { id, lastSeen: isoTime(row.last_seen) };
    },
    async remove(id) {
      const row = await storage.write((db) => known(removeRow(db, id)));
      news.removed(shown(row));
    },
    stats: () => readStats(storage.read, silentBefore()),
    async sweep() {
      for (let isDone = false; !isDone && !ctx.signal.aborted; ) {
        const { stale, removed } = await storage.write((db) => ({
          removed: removeSilent(db, now() - keepDays * DAY_MS, sweptMax),
          stale: markStale(db, silentBefore(), sweptMax),
        }));
        for (const row of stale) news.stale(shown(row));
        for (const row of removed) news.removed(shown(row));
        isDone = stale.length < sweptMax && removed.length < sweptMax;
      }
    },
  };
  ctx.setInterval(registry.sweep, SWEEP_MS);
  return registry;
}

function known(row: VmRow | undefined): VmRow {
  if (!row) throw new ReefError("not_found", "VM not found");
  return row;
}
