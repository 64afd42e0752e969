// Waiting for one thing or another, with nothing left behind by what did not come.

export function aborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return Promise.resolve(undefined);
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(undefined), { once: true }));
}

/** Resolves when the promise has settled, however it did, and at the latest after so many milliseconds. */
export async function settled(promise: Promise<unknown>, limitMs: number): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, limitMs);
  const done = () => resolve();
  promise.then(done, done);
  await over;
  clearTimeout(timer);
}
