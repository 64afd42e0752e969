// Jobs that run by schedule or by hand: the parts of the service put together, and what its routes ask of it.
import { AsyncLocalStorage } from "node:async_hooks";
import { messageOf } from "#core/errors.js";
import type { ServiceContext } from "#core/types.js";
import { commandEnv, runCommand } from "./exec.js";
import { firesUntil } from "./fires.js";
import { callerFor, identityOf } from "./identity.js";
import { type ChangeBody, type CreateBody, newPlan } from "./input.js";
import type { Job, Outcome, Run } from "./job.js";
import { createNodes } from "./nodes.js";
import { recover } from "./recovery.js";
import { sendRequest } from "./request.js";
import type { RunFilter, RunPage } from "./run-rows.js";
import { createRunner, DELETED, type Live, type Runner } from "./runner.js";
import { readSchedule } from "./schedule.js";
import { openStore, type Store } from "./store.js";
import { createTasks, type Tasks, type Turn } from "./task.js";
import { startTimetable } from "./timetable.js";
import { whenUp } from "./up.js";
import { aborted, settled } from "./waiting.js";

/** So long a start waits for what an earlier life has left; the rest is seen to while requests are served. */
const RECOVERY_WAIT_MS = 5_000;
/** A thousand jobs that are due in the same second would hold up everybody else. */
const FIRED_PER_BURST = 20;

export interface Cron {
  jobs(): Job[];
  /** Throws `not_found`, as all that name a job do. */
  job(id: string): Job;
  create(body: CreateBody): Promise<Job>;
  change(id: string, body: ChangeBody): Promise<Job>;
  /** Resolves when nothing of the job runs any more. */
  remove(id: string): Promise<void>;
  /** By hand. Resolves with the run at its end (an agent's when its task is submitted), or when it has begun. */
  run(id: string, options: { wait: boolean }): Promise<Run>;
  runs(page: RunPage): { runs: Run[]; last?: number };
  count(filter: RunFilter): number;
}

export async function openCron(ctx: ServiceContext, baseUrl: () => string | undefined): Promise<Cron> {
  const store = openStore(ctx);
  const nodes = createNodes(ctx);
  const tasks = createTasks(ctx, nodes);
  const outside = AsyncLocalStorage.snapshot();
  const perform = createWork({ ctx, store, tasks, baseUrl, up: whenUp(ctx) });
  const runner = createRunner({ ctx, store, nodes, outside, perform });
  ctx.onDispose("runs", runner.close);

  const watch = (turn: Turn, live: Live) => watchTask(tasks, turn, live);
  const recovery = { store, nodes, tasks, runner, watch, log: ctx.log };
  const found = { cut: store.running(), unrecorded: store.unrecorded(), due: store.due(), now: Date.now() };
  const recovered = recover(recovery, found);
  const timetable = recovered.then(() =>
    startTimetable({ ctx, now: Date.now, next: store.nextDue, fire: () => fireAll(ctx, store, runner) }),
  );
  const changed = () => void timetable.then((one) => one.changed());
  await settled(recovered, RECOVERY_WAIT_MS);
  const asking = () => ({ by: identityOf(ctx.caller()), causeId: ctx.cause() });

  return {
    jobs: store.jobs,
    job: store.job,
    runs: store.runs,
    count: store.count,
    async create(body) {
      const job = await store.create(newPlan(body, Date.now()), asking());
      changed();
      return job;
    },
    async change(id, body) {
      const job = await store.change(id, body, asking());
      changed();
      return job;
    },
    async remove(id) {
      const job = store.job(id);
      for (const run of await store.remove(id, DELETED)) runner.take(run, job);
      await runner.end(id, DELETED);
    },
    async run(id, { wait }) {
      const { run, job } = await store.begin(id, ctx.cause());
      runner.take(run, job);
      if (wait) return runner.answered(run);
      return run.status === "running" ? runner.recorded(run) : run;
    },
  };
}

/** Every job whose time has come. */
async function fireAll(ctx: ServiceContext, store: Store, runner: Runner): Promise<void> {
  const now = Date.now();
  const firing: Promise<void>[] = [];
  const failures: unknown[] = [];
  for (const job of store.due()) {
    const fired = fire(job).catch((error) => void failures.push(error));
    if (firing.push(fired) % FIRED_PER_BURST === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(firing);
  if (failures.length > 0) throw failures[0];

  async function fire(job: Job): Promise<void> {
    const fires = await firesOf(job);
    for (const run of await store.fire(job, fires)) runner.take(run, job);
  }

  /** A schedule that was good once may have become none, for zones come and go: this fire is its last. */
  async function firesOf(job: Job) {
    try {
      return await firesUntil(now, readSchedule(job.schedule, job.timezone, now), job.dueAt ?? now);
    } catch (error) {
      ctx.log.error(`job "${job.name}" fires no more:`, messageOf(error));
      return { count: 1, next: undefined };
    }
  }
}

interface WorkParts {
  ctx: ServiceContext;
  store: Store;
  tasks: Tasks;
  baseUrl(): string | undefined;
  /** Settles when reef can take work. */
  up: Promise<void>;
}

/** What a run does, by the type of its job. */
function createWork({ ctx, store, tasks, baseUrl, up }: WorkParts) {
  const env = () => commandEnv(ctx.config, baseUrl());

  async function doTask(job: Job & { type: "agent" }, live: Live): Promise<Outcome> {
    const turn = await tasks.submit(job.config, callerFor(job));
    if (typeof turn === "string") return { error: turn };
    await live.submitted(turn);
    return watchTask(tasks, turn, live);
  }

  function work(run: Run, job: Job, live: Live): Promise<Outcome> {
    const { signal } = live;
    switch (job.type) {
      case "agent":
        return doTask(job, live);
      case "http":
        return sendRequest(ctx, job.config, { as: callerFor(job), signal });
      case "exec":
        return runCommand(job.config, {
          runId: run.id,
          dir: ctx.config.dir,
          env: env(),
          signal,
          log: ctx.log,
        });
    }
  }

  return async (run: Run, job: Job, live: Live): Promise<Outcome> => {
    await Promise.race([up, aborted(live.signal)]);
    if (live.signal.aborted) return {};
    if (!store.find(job.id)) return { error: DELETED };
    return run.nodeId ? ctx.withCause(run.nodeId, () => work(run, job, live)) : work(run, job, live);
  };
}

/** Until the task is over, or cancelled because the run has to end; a detached one goes on unwatched. */
async function watchTask(tasks: Tasks, turn: Turn, live: Live): Promise<Outcome> {
  const outcome = await Promise.race([tasks.over(turn), aborted(live.signal)]);
  if (outcome) return outcome;
  if (!live.isDetached) await tasks.cancel(turn, messageOf(live.signal.reason));
  return {};
}
