// When reef can take work: services come up before the agents do, and a task that is submitted in between fails.
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { ServiceContext } from "#core/types.js";

const LOOK_AGAIN_MS = 50;
const Starting = Type.Object({
  checks: Type.Object({ agent: Type.Object({ detail: Type.Literal("starting") }) }),
});

/** Resolves when it does, and when the service ends. */
export async function whenUp(ctx: Pick<ServiceContext, "fetch" | "signal">): Promise<void> {
  while (!ctx.signal.aborted) {
    const response = await ctx.fetch("/ready");
    if (!Value.Check(Starting, await response.json())) return;
    await Bun.sleep(LOOK_AGAIN_MS);
  }
}
