// Finds out, at a start, how the update went that was on its way: the old version runs, and so it failed or was put back;
// or the new one does, and has to answer before it is taken for good.
import { messageOf } from "#core/errors.js";
import { isoTime } from "#core/http.js";
import { tellOutcome } from "./events.js";
import type { HistoryEntry } from "./history.js";
import { dropStage } from "./install.js";
import { takeLock } from "./lock.js";
import type { Parts } from "./parts.js";
import { putBack, putIn, readUpdate, removeUpdate, type Update, writeUpdate } from "./update.js";

/** Resolves when nothing is on its way any more. */
export async function settleUpdate(parts: Parts): Promise<void> {
  const update = readUpdate(parts.dir);
  const { version } = parts.manifest;
  if (update === undefined) return;
  if (version === update.from) await wasPutBack(parts, update);
  else if (version === update.to) await isTried(parts, update);
  // Somebody has installed yet another version.
  else await over(parts, update);
}

async function wasPutBack(parts: Parts, update: Update): Promise<void> {
  const hasBegun = update.state !== "ready";
  if (hasBegun) putBack(update);
  await record(parts, update, {
    status: hasBegun ? "rolled_back" : "failed",
    error: update.error ?? "reef ended before the new version was in place",
  });
  await over(parts, update);
}

async function isTried(parts: Parts, update: Update): Promise<void> {
  const { ctx, dir, restarts, limits } = parts;
  const release = held(parts, update);
  if (update.state === "ready") {
    putIn(update);
    writeUpdate(dir, { ...update, state: "started" });
  }
  const answers = restarts.isGuarded()
    ? () => readUpdate(dir)?.state === "answered"
    : () => update.state === "answered" || isHealthy(parts);
  const since = performance.now();
  while (!(await answers())) {
    if (ctx.signal.aborted) return;
    if (!restarts.isGuarded() && performance.now() - since > limits.answerMs)
      return restarts.back(update, `/health did not answer in ${limits.answerMs / 1000} s`);
    await later(parts, limits.answerLookMs);
  }
  await record(parts, update, { status: "applied" });
  await over(parts, update);
  release();
}

/** The stage holds the old version now, so no other update may use it. */
function held({ ctx }: Parts, { stage }: Update): () => void {
  try {
    return takeLock(stage);
  } catch (error) {
    ctx.log.warn("another process is updating this installation:", error);
    return () => undefined;
  }
}

async function isHealthy({ ctx, limits }: Parts): Promise<boolean> {
  const url = new URL("/health", ctx.url());
  // No port is bound yet.
  if (url.port === "") return false;
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(limits.answerMs) })).ok;
  } catch (error) {
    ctx.log.debug("no answer yet:", messageOf(error));
    return false;
  }
}

function later({ ctx }: Parts, ms: number): Promise<void> {
  return new Promise((resolve) => {
    ctx.setTimeout(resolve, ms);
    ctx.signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

async function record(
  { ctx, history }: Parts,
  { from, to }: Update,
  outcome: Pick<HistoryEntry, "status" | "error">,
): Promise<void> {
  const entry = { from, to, at: isoTime(Date.now()), ...outcome };
  await history.add(entry);
  tellOutcome(ctx, entry);
}

async function over({ dir }: Parts, { stage }: Update): Promise<void> {
  removeUpdate(dir);
  await dropStage(stage);
}
