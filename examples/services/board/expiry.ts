// Leases that run out: a timer for the next one, and a look before everything that is read or written. What follows is
// done on behalf of the node that claimed the task, whoever happens to look.
import { AsyncLocalStorage } from "node:async_hooks";
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { ServiceContext } from "#core/types.js";
import type { LeaseRow } from "./leases.js";

/** Before those that could not be ended are tried again. */
const RETRY_MS = 1_000;

export interface Expiry {
  /** Resolves when no lease is over that is not ended; undefined when there is none. */
  check(): Promise<void> | undefined;
  /** To be called when leases were given, renewed or ended. */
  arm(): void;
}

interface ExpiryPorts {
  now(): number;
  /** Some of the leases that are over. */
  due(): LeaseRow[];
  /** When the next one is. */
  next(): number | undefined;
  end(lease: LeaseRow, lastNode: string | undefined): Promise<void>;
}

type ExpiryContext = Pick<ServiceContext, "fetch" | "log" | "setTimeout" | "signal" | "withCause">;

/** Call it in `init`. */
export function watchExpiry(ctx: ExpiryContext, { now, due, next, end }: ExpiryPorts): Expiry {
  // What `init` starts is nobody's request; whoever looks at the board must not become the cause of what it finds.
  const outside = AsyncLocalStorage.snapshot();
  let ending: Promise<void> | undefined;
  let timer: { atMs: number; cancel(): void } | undefined;

  async function endOne(lease: LeaseRow): Promise<void> {
    const lastNode = await lastNodeOf(ctx, lease);
    const work = () => end(lease, lastNode);
    await (lease.causeId === null ? work() : ctx.withCause(lease.causeId, work));
  }

  async function endAll(): Promise<void> {
    try {
      for (let leases = due(); leases.length > 0; leases = due()) await Promise.all(leases.map(endOne));
    } catch (error) {
      if (!ctx.signal.aborted) ctx.log.error("leases that are over could not be ended:", error);
    }
  }

  function check(): Promise<void> | undefined {
    if (ending || due().length === 0) return ending;
    ending = outside(endAll).then(() => {
      ending = undefined;
      arm();
    });
    return ending;
  }

  function arm(): void {
    if (ctx.signal.aborted) return;
    const atMs = next();
    if (atMs === timer?.atMs) return;
    timer?.cancel();
    timer = atMs === undefined ? undefined : { atMs, cancel: outside(() => wakeAt(atMs)) };
  }

  function wakeAt(atMs: number): () => void {
    const leftMs = atMs - now();
    return ctx.setTimeout(
      async () => {
        timer = undefined;
        await check();
        arm();
      },
      leftMs > 0 ? leftMs : RETRY_MS,
    );
  }

  return { check, arm };
}

const Node = Type.Object({
  node: Type.Object({ seq: Type.Integer(), taskId: Type.Optional(Type.String()) }),
});
const Page = Type.Object({ refs: Type.Record(Type.String(), Type.String()) });

/** Where the work of who claimed the task has come to: the leaf of the conversation in which it was claimed. */
async function lastNodeOf(
  ctx: Pick<ExpiryContext, "fetch" | "log">,
  { causeId }: LeaseRow,
): Promise<string | undefined> {
  if (causeId === null) return undefined;
  try {
    const found = await readTree(ctx, `/${encodeURIComponent(causeId)}?limit=1`, Node);
    if (!found) return undefined;
    const { seq, taskId } = found.node;
    // A page shows the leaves of the tasks that have a node on it.
    const page = await readTree(ctx, `?since=${seq - 1}&limit=1`, Page);
    return (taskId === undefined ? undefined : page?.refs[taskId]) ?? causeId;
  } catch (error) {
    ctx.log.warn(`the tree could not be asked for what came after ${causeId}:`, error);
    return undefined;
  }
}

/** Undefined where there is no tree, or no such node in it. */
async function readTree<S extends TSchema>(
  ctx: Pick<ExpiryContext, "fetch">,
  path: string,
  answer: S,
): Promise<Static<S> | undefined> {
  const response = await ctx.fetch(`/reef/tree${path}`);
  const body: unknown = await response.json();
  return Value.Check(answer, body) ? body : undefined;
}
