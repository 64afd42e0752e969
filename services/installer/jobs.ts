// The work that goes on: one piece at a time for each folder, so many at once, and all of it over when the module goes.
import { ReefError } from "#core/errors.js";
import { JOBS_MAX } from "./limits.js";

export interface Jobs {
  /** For what must be the first of its folder. Rejects `conflict` while another piece of work has it. */
  only<T>(dirName: string, work: () => Promise<T>): Promise<T>;
  /** Waits for what is under way on the folder. */
  next<T>(dirName: string, work: () => Promise<T>): Promise<T>;
  /** Keeps a module's name for `work`, which is part of a job. Rejects `conflict` while another has it. */
  naming<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Resolves when nothing goes on any more. */
  settled(): Promise<void>;
}

/** `only` and `next` reject `rate_limited` when too much is going on. */
export function createJobs(): Jobs {
  const last = new Map<string, Promise<unknown>>();
  const running = new Set<Promise<unknown>>();
  const names = new Set<string>();

  function begin<T>(dirName: string, work: () => Promise<T>): Promise<T> {
    if (running.size >= JOBS_MAX)
      throw new ReefError("rate_limited", `More than ${JOBS_MAX} are under way already`);
    const job = Promise.resolve(last.get(dirName)).then(work);
    const over = job.then(
      () => {},
      () => {},
    );
    last.set(dirName, over);
    running.add(over);
    void over.then(() => {
      running.delete(over);
      if (last.get(dirName) === over) last.delete(dirName);
    });
    return job;
  }

  return {
    async only(dirName, work) {
      if (last.has(dirName)) throw busy(dirName);
      return begin(dirName, work);
    },
    next: async (dirName, work) => begin(dirName, work),
    async naming(name, work) {
      if (names.has(name)) throw busy(name);
      names.add(name);
      try {
        return await work();
      } finally {
        names.delete(name);
      }
    },
    async settled() {
      await Promise.all(running);
    },
  };
}

function busy(name: string): ReefError {
  return new ReefError("conflict", `"${name}" is being worked on`);
}
