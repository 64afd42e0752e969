// Waiting with an end: the one place where the kernel gives up on somebody else's promise.

/** What `within` rejects with when the time is over. */
export class TookTooLong extends Error {
  override readonly name = "TookTooLong";

  constructor(limitMs: number) {
    super(`took longer than ${limitMs / 1000} s`);
  }
}

/** Rejects with TookTooLong when `work` has not settled by then. What `work` does later is ignored. */
export async function within<T>(limitMs: number, work: () => T | Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new TookTooLong(limitMs)), limitMs);
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
