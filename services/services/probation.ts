// A deployed version is on probation for a while: one that fails its requests, or throws where nobody catches it, is
// handed over to be rolled back. The counts survive a restart, and a reload of the services manager.
import type { ServiceContext } from "#core/types.js";
import type { Ledger, Probation } from "./ledger.js";

const PROBATION_MS = 5 * 60_000;
const REQUESTS_MAX = 200;
const FAILURES_MIN = 3;
const FAILURES_SHARE = 0.2;
/** Of what was thrown, as much as a reader needs. */
const ERRORS_MAX = 10;
const ERROR_CHARS_MAX = 500;

/** What the kernel fires at each failure of a live version. */
interface Failure {
  name: string;
  hash: string | null;
  kind: "request" | "fault";
  message: string;
}

export interface Probations {
  /** Before the version is live, for its first failure may come at once. It takes the place of an earlier one. */
  begin(of: Pick<Probation, "name" | "dir" | "hash" | "deployId">): BegunProbation;
  /** Takes over what has begun with another version of the services manager. False when it has ended by now. */
  goOn(probation: Probation): boolean;
  /** Epoch milliseconds; undefined when this live version is not on probation. */
  until(name: string, hash: string | null): number | undefined;
}

export interface BegunProbation {
  /** To be saved with the deploy. */
  probation: Probation;
  /** The version did not get live, and the one before it is on probation again if it was. */
  cancel(): void;
}

export interface ProbationOptions {
  ctx: Pick<ServiceContext, "events" | "registry" | "onDispose" | "log">;
  ledger: Ledger;
  /** Called once for a version that has failed, after its probation has ended. */
  failed(probation: Probation, reason: string): Promise<void>;
  now?: () => number;
}

interface Watch {
  probation: Probation;
  /** How many requests of the version that is live are counted in `probation` already. */
  seen: number;
}

export function createProbations({ ctx, ledger, failed, now = Date.now }: ProbationOptions): Probations {
  const { registry, log } = ctx;
  /** By module name. */
  const watches = new Map<string, Watch>();
  const known = new WeakSet<Probation>();
  for (const probation of ledger.probations()) watch(probation);
  endOld();
  ctx.events.on("module:failed", note);
  ctx.onDispose("counts of probations", () => {
    for (const { name, hash } of registry.list()) {
      const probation = watchOf(name, hash)?.probation;
      if (probation) save(probation);
    }
  });

  async function note({ name, hash, kind, message }: Failure): Promise<void> {
    const probation = watchOf(name, hash)?.probation;
    if (!probation) return;
    if (kind === "request") probation.failures++;
    if (probation.errors.length < ERRORS_MAX) probation.errors.push(message.slice(0, ERROR_CHARS_MAX));
    const reason = kind === "fault" ? "an exception that nobody caught" : verdict(probation);
    if (reason === undefined) return save(probation);
    end(probation);
    await failed(probation, reason);
  }

  /** Of a version that is live. */
  function watchOf(name: string, hash: string | null): Watch | undefined {
    const found = watches.get(name);
    if (found?.probation.hash !== hash) return undefined;
    count(found);
    if (found.probation.until > now() && found.probation.requests <= REQUESTS_MAX) return found;
    end(found.probation);
    return undefined;
  }

  /** A version that is started again counts its requests from 0. */
  function count(watch: Watch): void {
    const { probation, seen } = watch;
    const current = registry.traffic(probation.name)?.requests ?? 0;
    probation.requests += current >= seen ? current - seen : current;
    watch.seen = current;
  }

  function watch(probation: Probation): void {
    known.add(probation);
    watches.set(probation.name, { probation, seen: 0 });
  }

  function endOld(): void {
    for (const { probation } of watches.values()) if (probation.until <= now()) end(probation);
  }

  function end(probation: Probation): void {
    watches.delete(probation.name);
    const stays = (error: unknown) => log.warn(`the probation of "${probation.name}" stays on disk:`, error);
    ledger.endProbation(probation.name).catch(stays);
  }

  function save(probation: Probation): void {
    const unsaved = (error: unknown) => log.warn(`the counts of "${probation.name}" are not saved:`, error);
    ledger.saveProbation(probation).catch(unsaved);
  }

  return {
    begin(of) {
      endOld();
      const probation = { ...of, until: now() + PROBATION_MS, requests: 0, failures: 0, errors: [] };
      const before = watches.get(of.name);
      watch(probation);
      const cancel = () => void (before ? watches.set(of.name, before) : watches.delete(of.name));
      return { probation, cancel };
    },
    goOn(probation) {
      if (!known.has(probation)) watch(probation);
      return watches.get(probation.name)?.probation === probation;
    },
    until: (name, hash) => watchOf(name, hash)?.probation.until,
  };
}

/** Why a version has failed too often; undefined when it has not. */
export function verdict(counts: Pick<Probation, "requests" | "failures">): string | undefined {
  const { failures } = counts;
  const requests = Math.max(counts.requests, failures);
  if (failures < FAILURES_MIN || failures < FAILURES_SHARE * requests) return undefined;
  return `${failures} of ${requests} requests failed`;
}
