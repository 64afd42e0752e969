// Work that many ask for at the same time and that is done once for all of them.

/**
 * Returns what does `work` at once, or once more after `everyMs` for all who ask again until then. What fails is left to
 * the next time: whoever asks sees what was known before.
 */
export function gathered(work: () => Promise<void>, everyMs: number): () => Promise<void> {
  let startedAt = Number.NEGATIVE_INFINITY;
  let current: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  async function run(): Promise<void> {
    startedAt = Date.now();
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
    }
    current = undefined;
  }

  function start(): Promise<void> {
    next = undefined;
    current = run();
    return current;
  }

  return () => {
    if (next) return next;
    const waitMs = startedAt + everyMs - Date.now();
    if (!current && waitMs <= 0) return start();
    next = Promise.all([current, new Promise((resolve) => setTimeout(resolve, waitMs))]).then(start);
    return next;
  };
}
