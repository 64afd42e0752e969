// The ledger: sessions and VMs on disk, their sums kept with them, and each told to the bus after its commit.
import { type Browse, type TextPage, ulid } from "#core/http.js";
import { openStorage } from "#core/storage.js";
import type { ServiceContext } from "#core/types.js";
import { MIGRATIONS } from "./migrations.js";
import { checkSession, type Session, type SessionInput, sessionOf } from "./session.js";
import { insertSession, listSessions, readNewest, replaceSession, type SessionFilter } from "./sessions.js";
import { treeEvent, type VmInput, type VmRecord, vmRecordOf } from "./vm.js";
import { destroyVm, insertVm, listVms, type VmFilter } from "./vms.js";
import { openWindow, type Window } from "./window.js";

/** How far back, in milliseconds; undefined: since ever. */
export type Range = number | undefined;

export interface Ledger {
  /** Both resolve when it is on disk, with its sums. `upsert`: in place of the newest one of that session and agent. */
  addSession(
    input: SessionInput,
    options: { upsert: boolean },
  ): Promise<{ session: Session; isNew: boolean }>;
  addVm(input: VmInput): Promise<VmRecord>;
  sessions(filter: SessionFilter, list: { page: Browse<unknown>; range: Range }): TextPage;
  vms(filter: VmFilter, list: { page: Browse<unknown>; range: Range }): TextPage;
  window(range: Range): Window;
}

export function openLedger(ctx: ServiceContext, { now = Date.now }: { now?: () => number } = {}): Ledger {
  const { read, write } = openStorage(ctx, { migrations: MIGRATIONS });
  const newestSql =
    "SELECT max(coalesce(max(sessions.id), ''), coalesce((SELECT max(id) FROM vms), '')) AS id FROM sessions";
  const newest = read.query<{ id: string }, []>(newestSql).get();
  const nextId = ulid({ after: newest?.id ?? "", now });
  const from = (range: Range) => (range === undefined ? undefined : now() - range);

  return {
    async addSession(input, { upsert }) {
      checkSession(input);
      const added = await write((db) => {
        const old = upsert ? readNewest(db, input) : undefined;
        const startedAt = Math.min(input.startedAt, old?.started_at ?? input.startedAt);
        const session = sessionOf({ id: old?.id ?? nextId(), recordedMs: now() }, { ...input, startedAt });
        if (old) replaceSession(db, old, session);
        else insertSession(db, session);
        return { session, isNew: old === undefined };
      });
      ctx.events.fire("usage:session", { session: added.session });
      return added;
    },
    async addVm(input) {
      const vm = await write((db) => {
        const { destroyedAt } = input;
        const marked = destroyedAt === undefined ? undefined : destroyVm(db, input, destroyedAt);
        if (marked) return marked;
        const record = vmRecordOf({ id: nextId(), recordedMs: now() }, input);
        insertVm(db, record);
        return record;
      });
      ctx.events.fire("usage:vm", { vm });
      ctx.events.fire("reef:event", treeEvent(vm));
      return vm;
    },
    sessions: (filter, { page, range }) => listSessions(read, filter, { page, fromMs: from(range) }),
    vms: (filter, { page, range }) => listVms(read, filter, { page, fromMs: from(range) }),
    window: (range) => openWindow(read, from(range)),
  };
}
