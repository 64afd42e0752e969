// The life of a run, from its node to its end: recorded, carried out within its time, recorded again. What the disk
// refuses is tried until it takes it, so no run stays open while the service lives.
import { messageOf } from "#core/errors.js";
import type { Log, ServiceContext } from "#core/types.js";
import { type Job, type Outcome, type Run, timeoutSecondsOf } from "./job.js";
import type { Nodes } from "./nodes.js";
import type { Store } from "./store.js";
import type { Turn } from "./task.js";

const RETRY_MS = 5_000;
export const INTERRUPTED = "interrupted by a restart";
export const DELETED = "job deleted";

export interface RunnerParts {
  ctx: Pick<ServiceContext, "setTimeout" | "signal"> & { log: Log };
  store: Store;
  nodes: Nodes;
  /** Does the work until `signal` aborts. */
  perform(run: Run, job: Job, live: Live): Promise<Outcome>;
  /** Runs `fn` on nobody's behalf: no request that asked for a run is part of it. */
  outside(fn: () => unknown): unknown;
}

/** What the work of a run is told, and tells. */
export interface Live {
  /** Aborts with the reason as an Error: its time is up, its job is gone, the service ends. */
  readonly signal: AbortSignal;
  /** The service ends, and what the run has begun elsewhere goes on without it. */
  readonly isDetached: boolean;
  /** An agent's run has its task: from now on nobody waits for more. */
  submitted(turn: Turn): Promise<void>;
}

export interface Runner {
  /** Sees to a run of any status that the store has just made. */
  take(run: Run, job: Job): void;
  /** Carries on with a run whose work goes on elsewhere; `work` does not begin anything. */
  resume(run: Run, job: Job | undefined, work: (live: Live) => Promise<Outcome>): void;
  /** These two resolve to the run as it is then, at once for one that is not alive. This one: when its node is on disk. */
  recorded(run: Run): Promise<Run>;
  /** At its end; for an agent's run with its task. Waits for a run that waits for its turn, too. */
  answered(run: Run): Promise<Run>;
  /** Ends the runs of a job, and resolves when they have ended. */
  end(jobId: string, reason: string): Promise<void>;
  /** Ends what would end with this process anyway; a task goes on without being watched. */
  close(): Promise<void>;
}

export function createRunner({ ctx, store, nodes, perform, outside }: RunnerParts): Runner {
  const live = new Map<string, LiveRun>();

  function open(run: Run): LiveRun {
    const opened = live.get(run.id) ?? new LiveRun(run, store);
    opened.run = run;
    live.set(run.id, opened);
    return opened;
  }

  function take(run: Run, job: Job): void {
    const opened = open(run);
    if (run.status !== "waiting") outside(() => see(opened, job));
  }

  async function see(opened: LiveRun, job: Job): Promise<void> {
    if (opened.run.status === "running") {
      return follow(opened, job, () => perform(opened.run, job, opened));
    }
    try {
      await insist(() => record(opened));
    } catch (error) {
      ctx.log.warn(`run ${opened.run.id} is recorded at the next start:`, messageOf(error));
    }
    close(opened);
  }

  /** Never rejects: what cannot be done now is done at the next start. */
  async function follow(opened: LiveRun, job: Job | undefined, work: () => Promise<Outcome>): Promise<void> {
    const forget = limit(opened, job);
    // Nothing begins any more, and the next start says so of what is on disk already.
    if (ctx.signal.aborted) opened.detach();
    try {
      const outcome = await attempt(opened, work);
      forget();
      if (!opened.isDetached) await finish(opened, outcome);
    } catch (error) {
      ctx.log.warn(`run ${opened.run.id} is ended at the next start:`, messageOf(error));
    } finally {
      forget();
      close(opened);
    }
  }

  async function attempt(opened: LiveRun, work: () => Promise<Outcome>): Promise<Outcome> {
    try {
      await record(opened);
      const outcome = opened.signal.aborted ? {} : await work();
      return opened.signal.aborted ? { ...outcome, error: messageOf(opened.signal.reason) } : outcome;
    } catch (error) {
      if (!ctx.signal.aborted)
        ctx.log.error(`run ${opened.run.id} of "${opened.run.jobName}" failed:`, error);
      opened.answer();
      return { error: messageOf(error) };
    }
  }

  /** No fire goes without a node, and nothing begins before that is on disk. */
  async function record(opened: LiveRun): Promise<void> {
    if (opened.run.nodeId === undefined) {
      const nodeId = await nodes.begin(opened.run);
      opened.run = { ...opened.run, nodeId };
      opened.run = await store.noteNode(opened.run, nodeId);
    }
    opened.recorded.resolve();
  }

  async function finish(opened: LiveRun, outcome: Outcome): Promise<void> {
    await insist(() => record(opened));
    await insist(() => nodes.end(opened.run, outcome));
    const { run, next } = await insist(() => store.end(opened.run, outcome));
    opened.run = run;
    if (next) take(next.run, next.job);
  }

  function limit(opened: LiveRun, job: Job | undefined): () => void {
    const seconds = job === undefined ? 0 : timeoutSecondsOf(job);
    if (seconds === 0) return () => {};
    return ctx.setTimeout(() => opened.abort(`timed out after ${seconds} s`), seconds * 1000);
  }

  async function insist<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (ctx.signal.aborted) throw error;
        ctx.log.error("tried again in a while:", error);
        await pause(RETRY_MS);
      }
    }
  }

  async function pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = () => resolve();
    const forget = ctx.setTimeout(done, ms);
    ctx.signal.addEventListener("abort", done);
    await promise;
    forget();
    ctx.signal.removeEventListener("abort", done);
  }

  function close(opened: LiveRun): void {
    live.delete(opened.run.id);
    opened.settle();
  }

  return {
    take,
    resume(run, job, work) {
      const opened = open(run);
      outside(() => follow(opened, job, () => work(opened)));
    },
    async recorded(run) {
      const opened = live.get(run.id);
      await opened?.recorded.promise;
      return opened?.run ?? run;
    },
    async answered(run) {
      const opened = live.get(run.id);
      await opened?.answered.promise;
      return opened?.run ?? run;
    },
    async end(jobId, reason) {
      const ending = [...live.values()].filter(({ run }) => run.jobId === jobId);
      for (const opened of ending) opened.abort(reason);
      await Promise.all(ending.map(({ done }) => done.promise));
    },
    async close() {
      for (const opened of live.values()) opened.detach();
      await Promise.all([...live.values()].map(({ done }) => done.promise));
    },
  };
}

/** A run that this process sees to. */
class LiveRun implements Live {
  run: Run;
  /** Nobody here sees to its end any more. */
  isDetached = false;
  readonly recorded = Promise.withResolvers<void>();
  readonly answered = Promise.withResolvers<void>();
  readonly done = Promise.withResolvers<void>();
  readonly #ending = new AbortController();
  readonly #store: Store;

  constructor(run: Run, store: Store) {
    this.run = run;
    this.#store = store;
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  async submitted(turn: Turn): Promise<void> {
    this.run = { ...this.run, ...turn };
    this.run = await this.#store.noteTask(this.run, turn);
    this.answered.resolve();
  }

  /** Whoever waits is told how it stands. */
  answer(): void {
    this.recorded.resolve();
    this.answered.resolve();
  }

  abort(reason: string): void {
    this.#ending.abort(new Error(reason));
  }

  detach(): void {
    this.isDetached = this.run.jobType === "agent" && !this.signal.aborted;
    this.abort(INTERRUPTED);
    if (this.run.status === "waiting") this.settle();
  }

  settle(): void {
    this.answer();
    this.done.resolve();
  }
}
