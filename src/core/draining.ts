// For requests that wait for something: a signal that says when a replace waits for them in turn.
import type { ServiceContext } from "./types.js";

/**
 * Call it in `init`. The returned function gives the signal that aborts when this module's requests in flight should
 * come to their end, because a new version is to take its place. Should that fail, later requests get a new signal.
 */
export function watchDraining(ctx: Pick<ServiceContext, "events" | "name">): () => AbortSignal {
  let current = new AbortController();
  ctx.events.on("module:draining", ({ name }: { name: string }) => {
    if (name !== ctx.name) return;
    current.abort();
    current = new AbortController();
  });
  return () => current.signal;
}
