// Jobs and runs on disk. Each change is one transaction that decides on what it finds, so of two fires that meet exactly
// one sees the other.
import type { Database } from "bun:sqlite";
import { ReefError } from "#core/errors.js";
import { ulid } from "#core/http.js";
import { openStorage } from "#core/storage.js";
import type { ServiceContext } from "#core/types.js";
import type { Fires } from "./fires.js";
import { type Identity, nameOf, narrowed } from "./identity.js";
import { type ChangeBody, changedPlan, type Plan } from "./input.js";
import type { Job, Outcome, Run, Trigger } from "./job.js";
import * as jobRows from "./job-rows.js";
import { MIGRATIONS } from "./migrations.js";
import * as runRows from "./run-rows.js";

/** Of all jobs together; a fire beyond is skipped. */
const RUNS_AT_ONCE_MAX = 200;
const BUSY = "a run of this job is still going on";
const QUEUED = "a run of this job is still going on, and another one waits";
const FULL = `${RUNS_AT_ONCE_MAX} runs are going on`;

/** Who asks for something, and on behalf of which node. */
export interface Asking {
  by: Identity;
  causeId: string | null;
}

export interface Begun {
  job: Job;
  run: Run;
}

export type Store = ReturnType<typeof openStore>;

export function openStore(ctx: ServiceContext, now: () => number = Date.now) {
  const { read, write } = openStorage(ctx, { migrations: MIGRATIONS });
  const jobId = ulid({ after: jobRows.newestJobId(read) });
  const runId = ulid({ after: runRows.newestRunId(read) });

  function newRun(job: Job, run: Pick<Run, "status" | "trigger"> & Partial<Run>): Run {
    const { id, name, type, causeId } = job;
    return { id: runId(), jobId: id, jobName: name, jobType: type, causeId, startedAt: now(), ...run };
  }

  /** Runs, waits for its turn, or is skipped with the reason. */
  function admitted(db: Database, job: Job, trigger: Trigger): Run {
    const refusal = refusalOf(db, job);
    if (refusal === undefined)
      return newRun(job, { trigger, status: isFree(db, job) ? "running" : "waiting" });
    return newRun(job, { trigger, status: "skipped", completedAt: now(), error: refusal });
  }

  return {
    jobs: (): Job[] => jobRows.readJobs(read),
    /** Throws `not_found`, as all that name a job do. */
    job: (id: string): Job => jobRows.knownJob(read, id),
    find: (id: string): Job | undefined => jobRows.readJob(read, id),
    due: (): Job[] => jobRows.readDueJobs(read, now()),
    nextDue: (): number | undefined => jobRows.nextDue(read),
    runs: (page: runRows.RunPage) => runRows.readRuns(read, page),
    count: (filter: runRows.RunFilter): number => runRows.countRuns(read, filter),
    running: (): Run[] => runRows.readRunning(read),
    unrecorded: (): Run[] => runRows.readUnrecorded(read),
    waitingJobs: (): string[] => runRows.readWaitingJobs(read),

    create(plan: Plan, { by, causeId }: Asking): Promise<Job> {
      const at = now();
      const times = { createdAt: at, updatedAt: at };
      const whose = { createdBy: nameOf(by), identity: by, causeId: causeId ?? undefined };
      return write((db) => jobRows.insertJob(db, { id: jobId(), ...whose, ...times }, plan));
    },

    /** All of it or nothing. A change that nobody has a node for leaves the cause as it was. */
    change(id: string, body: ChangeBody, { by, causeId }: Asking): Promise<Job> {
      return write((db) => {
        const job = jobRows.knownJob(db, id);
        if (Object.keys(body).length === 0) return job;
        const plan = changedPlan(job, body, now());
        const identity = narrowed(job.identity, by);
        // Whoever has read the job before can tell, also within one millisecond.
        const updatedAt = Math.max(now(), job.updatedAt + 1);
        const changed = { ...job, identity, causeId: causeId ?? job.causeId, updatedAt };
        return jobRows.updateJob(db, changed, plan);
      });
    },

    /** Its runs stay. Resolves to the one that waited, which is skipped now. */
    remove(id: string, reason: string): Promise<Run[]> {
      return write((db) => {
        jobRows.knownJob(db, id);
        jobRows.removeJob(db, id);
        return runRows.orphanRuns(db, id, reason, now());
      });
    },

    /** By hand: refused where a fire would be skipped. */
    begin(id: string, parentId: string | null): Promise<Begun> {
      return write((db) => {
        const job = jobRows.knownJob(db, id);
        const run = { ...admitted(db, job, "manual"), parentId: parentId ?? undefined };
        if (run.status === "skipped") throw refusedRun(run.error ?? "");
        return { job, run: runRows.insertRun(db, run) };
      });
    },

    /** By schedule: the last of the fires begins, those before it came while nobody could look. */
    fire(job: Job, fires: Fires): Promise<Run[]> {
      return write((db) => {
        if (!moveOn(db, job, fires)) return [];
        const missedCount = fires.count - 1;
        const late = { trigger: "schedule", status: "missed", completedAt: now(), missedCount } as const;
        const runs = missedCount > 0 ? [newRun(job, late)] : [];
        return [...runs, admitted(db, job, "schedule")].map((run) => runRows.insertRun(db, run));
      });
    },

    /** They came while reef was down: told in one run, and made up for by another where the job asks for that. */
    miss(job: Job, fires: Fires): Promise<Run[]> {
      return write((db) => {
        if (!moveOn(db, job, fires)) return [];
        const missed = { status: "missed", completedAt: now(), missedCount: fires.count } as const;
        const run = runRows.insertRun(db, newRun(job, { trigger: "schedule", ...missed }));
        const waits = runRows.countOpen(db, "waiting", job.id) > 0;
        if (job.missed === "run_once" && !waits) {
          runRows.insertRun(db, newRun(job, { trigger: "catch_up", status: "waiting" }));
        }
        return [run];
      });
    },

    /** The run that waits in a job begins, if nothing of the job is going on. */
    promote: (id: string): Promise<Begun | undefined> => write((db) => promoted(db, id)),

    /** These three resolve to the run as it is then. */
    noteNode: (run: Run, nodeId: string): Promise<Run> =>
      write((db) => runRows.noteNode(db, run.id, nodeId) ?? { ...run, nodeId }),
    noteTask: (run: Run, task: { taskId: string; turnId: string }): Promise<Run> =>
      write((db) => runRows.noteTask(db, run.id, task) ?? { ...run, ...task }),
    /** `next` is the run that has waited for this end, and begins now. */
    end(run: Run, outcome: Outcome): Promise<{ run: Run; next?: Begun }> {
      return write((db) => {
        const ended = runRows.endRun(db, run.id, outcome, now()) ?? run;
        return { run: ended, next: promoted(db, run.jobId) };
      });
    },
  };

  function promoted(db: Database, id: string): Begun | undefined {
    const job = jobRows.readJob(db, id);
    const run = job && isFree(db, job) ? runRows.promoteRun(db, id, now()) : undefined;
    return job && run && { job, run };
  }
}

/** False when the job was changed since it was read, or somebody else has seen to these fires. */
function moveOn(db: Database, job: Job, { next }: Fires): boolean {
  const current = jobRows.readJob(db, job.id);
  if (current?.dueAt !== job.dueAt || current?.updatedAt !== job.updatedAt) return false;
  jobRows.setDue(db, job.id, next);
  return true;
}

function isFree(db: Database, { id, overlap }: Job): boolean {
  return overlap === "allow" || runRows.countOpen(db, "running", id) === 0;
}

function refusalOf(db: Database, job: Job): string | undefined {
  if (runRows.countOpen(db, "running") >= RUNS_AT_ONCE_MAX) return FULL;
  if (isFree(db, job)) return undefined;
  if (job.overlap === "skip") return BUSY;
  return runRows.countOpen(db, "waiting", job.id) > 0 ? QUEUED : undefined;
}

function refusedRun(reason: string): ReefError {
  return reason === FULL ? new ReefError("rate_limited", reason) : new ReefError("conflict", reason);
}
