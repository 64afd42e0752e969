// Waiting with an end, for what another process may never do.

/** Rejects with `<what> within <n> s` when the promise has not settled by then. What it does later is ignored. */
export async function within<T>(promise: Promise<T>, limitMs: number, what: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${what} within ${limitMs / 1000} s`)), limitMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** True when the promise has settled by then, however it did. */
export async function settles(promise: Promise<unknown>, limitMs: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), limitMs);
  const done = () => true;
  try {
    return await Promise.race([promise.then(done, done), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
