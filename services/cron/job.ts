// What a job and a run are: as they are kept, and as the routes show them. Inside, a time is epoch milliseconds.
import { isoTime } from "#core/http.js";
import type { Identity } from "./identity.js";

export const JOB_TYPES = ["agent", "http", "exec"] as const;
export type JobType = (typeof JOB_TYPES)[number];
export type Overlap = "skip" | "queue" | "allow";
export type Missed = "record" | "run_once";
export type Trigger = "schedule" | "manual" | "catch_up";

export interface AgentConfig {
  prompt: string;
  taskId?: string;
  parentId?: string;
  model?: string;
  cwd?: string;
}

export interface HttpConfig {
  method: string;
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
}

export interface ExecConfig {
  command: string;
  cwd?: string;
}

/** What a job does. */
export type Work =
  | { type: "agent"; config: AgentConfig }
  | { type: "http"; config: HttpConfig }
  | { type: "exec"; config: ExecConfig };

export type Job = Work & {
  id: string;
  name: string;
  schedule: string;
  /** Undefined: the server's. */
  timezone?: string;
  enabled: boolean;
  /** Undefined: what its type has. */
  timeoutSeconds?: number;
  overlap: Overlap;
  missed: Missed;
  createdBy: string;
  /** Whose rights its runs have. */
  identity: Identity;
  /** The node that caused the job to be created or last changed. */
  causeId?: string;
  createdAt: number;
  updatedAt: number;
  /** When it fires next; undefined while it is disabled. */
  dueAt?: number;
};

/** How a run stands; `waiting` is for its turn, and no list shows it before that has come. */
export type RunStatus = "waiting" | "running" | "success" | "error" | "skipped" | "missed";

export interface Run {
  id: string;
  jobId: string;
  jobName: string;
  jobType: JobType;
  status: RunStatus;
  trigger: Trigger;
  startedAt: number;
  completedAt?: number;
  output?: string;
  error?: string;
  missedCount?: number;
  /** The task that an agent's run has submitted, and the `user` node of its turn. */
  taskId?: string;
  turnId?: string;
  /** Its node in the tree: undefined until that is recorded, empty where there is no tree. */
  nodeId?: string;
  /** Under which its node belongs; undefined: under `main`. */
  parentId?: string;
  /** The job's, at the time. */
  causeId?: string;
}

/** How a run ended. */
export interface Outcome {
  output?: string;
  /** Undefined when it went well. */
  error?: string;
}

const TIMEOUT_SECONDS: Record<JobType, number> = { agent: 3600, http: 60, exec: 300 };

/** 0 = no limit. */
export function timeoutSecondsOf(job: Pick<Job, "type" | "timeoutSeconds">): number {
  return job.timeoutSeconds ?? TIMEOUT_SECONDS[job.type];
}

/** A job as the routes show it. */
export function jobView(job: Job) {
  const { id, name, schedule, type, config, enabled, timezone, overlap, missed, createdBy } = job;
  return {
    id,
    name,
    schedule,
    type,
    config,
    enabled,
    ...(timezone !== undefined && { timezone }),
    timeoutSeconds: timeoutSecondsOf(job),
    overlap,
    missed,
    createdBy,
    createdAt: isoTime(job.createdAt),
    updatedAt: isoTime(job.updatedAt),
    nextRunAt: job.dueAt === undefined ? null : isoTime(job.dueAt),
  };
}

/** A run as the routes show it. One that waits for its turn has been accepted, and no other word says so. */
export function runView(run: Run) {
  const { id, jobId, jobName, trigger, output, error, taskId, nodeId = "", missedCount } = run;
  const status = run.status === "waiting" ? "running" : run.status;
  return {
    id,
    jobId,
    jobName,
    startedAt: isoTime(run.startedAt),
    ...(run.completedAt !== undefined && { completedAt: isoTime(run.completedAt) }),
    status,
    trigger,
    ...(output !== undefined && { output }),
    ...(error !== undefined && { error }),
    ...(taskId !== undefined && { taskId }),
    nodeId,
    ...(missedCount !== undefined && { missedCount }),
  };
}
