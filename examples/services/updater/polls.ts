// Looks by itself, again and again, and less often while it fails; applies what it finds, where that is wanted, once no
// task runs.
import { messageOf } from "#core/errors.js";
import type { Applying } from "./apply.js";
import type { Looks } from "./looks.js";
import type { Parts } from "./parts.js";

const DAY_MS = 86_400_000;

export interface Polls {
  /** Why the last look failed; undefined when it did not. */
  readonly error: string | undefined;
}

export function startPolls(
  parts: Parts,
  { looks, applying }: { looks: Pick<Looks, "join">; applying: Pick<Applying, "apply"> },
): Polls {
  const { ctx, limits } = parts;
  const { pollMs } = limits;
  let [error, failures]: [string | undefined, number] = [undefined, 0];

  async function poll(): Promise<void> {
    try {
      const { updateAvailable } = await looks.join();
      if (updateAvailable && ctx.config.updateAutoApply) {
        await untilIdle(parts);
        await applying.apply();
      }
      [error, failures] = [undefined, 0];
    } catch (failure) {
      // It is in the status, and no noise in the log: a machine may be without a network for days.
      [error, failures] = [messageOf(failure), failures + 1];
      ctx.log.debug("the look at the registry failed:", error);
    }
    next();
  }

  function next(): void {
    if (ctx.signal.aborted) return;
    ctx.setTimeout(poll, Math.min(pollMs * 2 ** failures, Math.max(pollMs, DAY_MS)));
  }

  if (pollMs > 0) next();
  return {
    get error() {
      return error;
    },
  };
}

async function untilIdle({ ctx, limits }: Parts): Promise<void> {
  const since = performance.now();
  while ((await isBusy(ctx)) && performance.now() - since < limits.idleMs && !ctx.signal.aborted)
    await new Promise<void>((resolve) => void ctx.setTimeout(resolve, limits.idleLookMs));
}

async function isBusy(ctx: Parts["ctx"]): Promise<boolean> {
  const answer = await ctx.fetch("/reef/tasks?status=running&limit=1");
  if (!answer.ok) return false;
  const { count }: { count?: number } = await answer.json();
  return (count ?? 0) > 0;
}
