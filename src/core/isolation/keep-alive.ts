// The life of a service whose process may end at any time: it is started again after a pause that grows, until nobody
// wants it any more.
import type { Backoff } from "./backoff.js";
import type { ProcessEnd, ServiceProcess } from "./process.js";

export interface KeepAliveOptions {
  /** Aborts when nobody wants it any more. */
  over: AbortSignal;
  backoff: Backoff;
  ended(end: ProcessEnd, waitMs: number): void;
  /** Answers how it ended when it does not come up. */
  startAgain(): Promise<{ process: ServiceProcess } | { end: ProcessEnd }>;
}

/** Resolves when it is over. Never rejects. */
export async function keepAlive(first: ServiceProcess, options: KeepAliveOptions): Promise<void> {
  const { over, backoff, ended, startAgain } = options;
  let current: Awaited<ReturnType<KeepAliveOptions["startAgain"]>> = { process: first };
  while (!over.aborted) {
    const since = performance.now();
    const end = "process" in current ? await current.process.ended : current.end;
    if (over.aborted) return;
    const waitMs = backoff.next(performance.now() - since);
    ended(end, waitMs);
    await pause(waitMs, over);
    if (!over.aborted) current = await startAgain();
  }
}

async function pause(ms: number, over: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = () => resolve();
  const timer = setTimeout(end, ms);
  over.addEventListener("abort", end);
  await promise;
  clearTimeout(timer);
  over.removeEventListener("abort", end);
}
