// What a start finds of an earlier life: processes that nobody watches, runs without an end, fires without a run.
import type { Log } from "#core/types.js";
import { endFamily, familyOf } from "./family.js";
import { firesUntil } from "./fires.js";
import type { Job, Outcome, Run } from "./job.js";
import type { Nodes } from "./nodes.js";
import { DELETED, INTERRUPTED, type Live, type Runner } from "./runner.js";
import { readSchedule } from "./schedule.js";
import type { Store } from "./store.js";
import type { Tasks, Turn } from "./task.js";

const ENDS = ["cron_done", "cron_error"];

export interface RecoveryParts {
  store: Store;
  nodes: Nodes;
  tasks: Tasks;
  runner: Runner;
  /** Awaits the end of a task that a run has submitted. */
  watch(turn: Turn, live: Live): Promise<Outcome>;
  log: Log;
}

/** What there was at the start, before anything else happened. */
export interface Found {
  /** Runs without an end. */
  cut: readonly Run[];
  /** Runs with an end and without a node. */
  unrecorded: readonly Run[];
  /** Jobs whose fires came while nobody looked. */
  due: readonly Job[];
  now: number;
}

/** One after another; what fails with one keeps no other back. */
export async function recover(parts: RecoveryParts, { cut, unrecorded, due, now }: Found): Promise<void> {
  const commands = cut.filter(({ jobType }) => jobType === "exec").map(({ id }) => id);
  const steps = [
    () => endCommands(commands, parts.log),
    ...cut.map((run) => () => takeUp(parts, run)),
    ...unrecorded.map((run) => () => recordLate(parts, run)),
    ...due.map((job) => () => miss(parts, job, now)),
    () => promoteAll(parts),
  ];
  for (const step of steps) {
    await step().catch((error) => parts.log.error("not all of an earlier life could be taken up:", error));
  }
}

async function endCommands(runIds: readonly string[], log: Log): Promise<void> {
  if (runIds.length > 0) await endFamily(familyOf(runIds), log);
}

/** A run whose end is in the tree has ended; an agent's run goes on with its task; any other was cut. */
async function takeUp(parts: RecoveryParts, found: Run): Promise<void> {
  const { store, nodes, tasks, runner, watch } = parts;
  const run = await recordLate(parts, found);
  const nodeId = run.nodeId ?? "";
  const end = await nodes.effect(nodeId, ENDS, ({ parentId }) => parentId === nodeId);
  if (end) {
    const { content, eventType } = end;
    const { next } = await store.end(
      run,
      eventType === "cron_done" ? { output: content } : { error: content },
    );
    if (next) runner.take(next.run, next.job);
    return;
  }
  const turn = run.jobType === "agent" ? (turnOf(run) ?? (await tasks.submittedUnder(nodeId))) : undefined;
  const job = store.find(run.jobId);
  if (turn) await store.noteTask(run, turn);
  runner.resume(run, job, turn ? (live) => watch(turn, live) : async () => ({ error: INTERRUPTED }));
  if (!turn) await runner.answered(run);
  else if (!job) await runner.end(run.jobId, DELETED);
}

/** The server died between a run and its node; which of the two it still wrote is looked up. */
async function recordLate({ store, nodes }: RecoveryParts, run: Run): Promise<Run> {
  if (run.nodeId !== undefined) return run;
  return store.noteNode(run, await nodes.begin(run, { mayExist: true }));
}

async function miss({ store, runner }: RecoveryParts, job: Job, now: number): Promise<void> {
  if (job.dueAt === undefined) return;
  const fires = await firesUntil(now, readSchedule(job.schedule, job.timezone, now), job.dueAt);
  for (const run of await store.miss(job, fires)) {
    runner.take(run, job);
    await runner.answered(run);
  }
}

/** What waited for a run that is over, or makes up for fires that were missed. */
async function promoteAll({ store, runner }: RecoveryParts): Promise<void> {
  for (const id of store.waitingJobs()) {
    const begun = await store.promote(id);
    if (begun) runner.take(begun.run, begun.job);
  }
}

function turnOf({ taskId, turnId }: Run): Turn | undefined {
  return taskId === undefined || turnId === undefined ? undefined : { taskId, turnId };
}
