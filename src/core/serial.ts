// Work on one key happens one piece at a time, in the order of the calls; other keys do not wait.

export type Serially = <T>(key: string, work: () => Promise<T>) => Promise<T>;

export function createSerially(): Serially {
  const last = new Map<string, Promise<unknown>>();
  return async (key, work) => {
    const previous = last.get(key);
    const { promise: mine, resolve: done } = Promise.withResolvers<void>();
    last.set(key, mine);
    await previous;
    try {
      return await work();
    } finally {
      done();
      if (last.get(key) === mine) last.delete(key);
    }
  };
}
