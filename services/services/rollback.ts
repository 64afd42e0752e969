// Back to an earlier deployed version: because somebody asks for it, or because a deployed one has failed its probation.
import { ReefError } from "#core/errors.js";
import type { ServiceContext } from "#core/types.js";
import type { Ledger, Probation } from "./ledger.js";
import type { Turns } from "./turns.js";

export interface RolledBack {
  name: string;
  action: "rolled_back";
  /** What was live; null when nothing was. */
  from: string | null;
  to: string;
  nodeId: string | null;
}

export interface Rollbacks {
  /** Rejects `not_found` for an unknown folder or hash, `conflict` when there is no earlier version. */
  asked(dir: string, hash?: string): Promise<RolledBack>;
  /** Without an earlier version the module is unloaded. */
  failed(probation: Probation, reason: string): Promise<void>;
}

export interface RollbackOptions {
  ctx: Pick<ServiceContext, "registry" | "record" | "log">;
  /** As it is at the time of the call. */
  ledger(): Ledger;
  /** Changes of one folder happen one after another. */
  changes: Turns;
}

export function createRollbacks({ ctx, ledger, changes }: RollbackOptions): Rollbacks {
  const { registry } = ctx;
  const now = () => new Date().toISOString();

  async function asked(dir: string, hash?: string): Promise<RolledBack> {
    const { name, from, to } = await registry.rollback(dir, hash);
    const node = await ctx.record(eventOf(name, from, to));
    const gone = from === null ? undefined : ledger().deployOf(dir, from);
    if (gone) await ledger().rolledBack(gone.id, now());
    return { name, action: "rolled_back", from, to, nodeId: node?.nodeId ?? null };
  }

  /** The deploy is recorded by now: it had its turn before. */
  async function failed({ dir, name, hash, deployId, errors }: Probation, reason: string): Promise<void> {
    const isLive = registry.list().some((module) => module.name === name && module.hash === hash);
    if (!isLive) return;
    const to = await back(dir, name);
    const parentId = ledger().get(deployId)?.nodeId;
    const why = { deployId, reason, errors, ...(parentId ? { parentId } : {}) };
    await ctx.record({ ...eventOf(name, hash, to), ...why });
    await ledger().rolledBack(deployId, now());
    ctx.log.warn(`"${name}" was ${to === null ? "unloaded" : "rolled back"}: ${reason}`);
  }

  /** The hash that is live now; null when there was nothing to go back to. */
  async function back(dir: string, name: string): Promise<string | null> {
    try {
      return (await registry.rollback(dir)).to;
    } catch (error) {
      if (!(error instanceof ReefError) || error.code !== "conflict") throw error;
      await registry.unload(name, { force: true });
      return null;
    }
  }

  return {
    asked: (dir, hash) => changes.take(dir, () => asked(dir, hash)),
    failed: (probation, reason) => changes.take(probation.dir, () => failed(probation, reason)),
  };
}

function eventOf(name: string, from: string | null, to: string | null): Record<string, unknown> {
  const source = "services";
  if (to === null)
    return { type: "service_unload", source, content: `service unloaded: ${name}`, name, hash: from };
  const previous = from === null ? {} : { previousHash: from };
  const content = `service rolled back: ${name}`;
  return { type: "service_rollback", source, content, name, hash: to, ...previous };
}
