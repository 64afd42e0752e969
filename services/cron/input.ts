// What the routes accept: the bodies that create and change a job, and the filters of the list of runs.
import { type Static, Type } from "@sinclair/typebox";
import { refused } from "#core/http.js";
import type { Job, Work } from "./job.js";
import { readSchedule } from "./schedule.js";
import { readWork } from "./work.js";

const NAME_CHARS_MAX = 200;
const SCHEDULE_CHARS_MAX = 500;
const ZONE_CHARS_MAX = 100;
/** 23 days: a timer that is given more milliseconds fires at once. */
const TIMEOUT_SECONDS_MAX = 2_000_000;
const STATUSES = ["running", "success", "error", "skipped", "missed"] as const;

const name = Type.String({ minLength: 1, maxLength: NAME_CHARS_MAX });
const schedule = Type.String({ minLength: 1, maxLength: SCHEDULE_CHARS_MAX });
const type = Type.String({ minLength: 1 });
const timezone = Type.String({ minLength: 1, maxLength: ZONE_CHARS_MAX });
const settings = {
  enabled: Type.Optional(Type.Boolean()),
  timeoutSeconds: Type.Optional(Type.Number({ minimum: 0, maximum: TIMEOUT_SECONDS_MAX })),
  overlap: Type.Optional(Type.Union([Type.Literal("skip"), Type.Literal("queue"), Type.Literal("allow")])),
  missed: Type.Optional(Type.Union([Type.Literal("record"), Type.Literal("run_once")])),
};

export const CreateBody = Type.Object({
  name,
  schedule,
  type,
  config: Type.Optional(Type.Unknown()),
  timezone: Type.Optional(timezone),
  ...settings,
});
export type CreateBody = Static<typeof CreateBody>;

export const ChangeBody = Type.Object({
  name: Type.Optional(name),
  schedule: Type.Optional(schedule),
  type: Type.Optional(type),
  config: Type.Optional(Type.Unknown()),
  /** Null goes back to the server's zone. */
  timezone: Type.Optional(Type.Union([timezone, Type.Null()])),
  ...settings,
});
export type ChangeBody = Static<typeof ChangeBody>;

/** What a caller decides of a job, and when it therefore fires next. */
export interface Plan {
  work: Work;
  settings: Pick<
    Job,
    "name" | "schedule" | "timezone" | "enabled" | "timeoutSeconds" | "overlap" | "missed" | "dueAt"
  >;
}

/** Throws `bad_request` for the first thing that is wrong. */
export function newPlan(body: CreateBody, now: number): Plan {
  const work = readWork(body.type, body.config);
  const { enabled = true, timezone, timeoutSeconds, overlap = "skip", missed = "record" } = body;
  const name = tidy(body.name);
  const schedule = tidy(body.schedule);
  const first = readSchedule(schedule, timezone, now).first(now);
  const dueAt = enabled ? first : undefined;
  return { work, settings: { name, schedule, timezone, enabled, timeoutSeconds, overlap, missed, dueAt } };
}

/** The same for a change of a job. What it leaves alone is not checked again. */
export function changedPlan(job: Job, body: ChangeBody, now: number): Plan {
  const keepsWork = body.type === undefined && body.config === undefined;
  const work = keepsWork ? job : readWork(body.type ?? job.type, body.config ?? job.config);
  const { enabled = job.enabled, overlap = job.overlap, missed = job.missed } = body;
  const name = tidy(body.name ?? job.name);
  const schedule = tidy(body.schedule ?? job.schedule);
  const timezone = body.timezone === undefined ? job.timezone : (body.timezone ?? undefined);
  const timeoutSeconds = body.timeoutSeconds ?? job.timeoutSeconds;
  const dueAt = changedDue(job, { schedule, timezone, enabled }, now);
  return { work, settings: { name, schedule, timezone, enabled, timeoutSeconds, overlap, missed, dueAt } };
}

/** A change that is not about the schedule leaves the next fire where it is; any other begins anew. */
function changedDue(
  job: Job,
  { schedule, timezone, enabled }: Pick<Job, "schedule" | "timezone" | "enabled">,
  now: number,
): number | undefined {
  const keepsSchedule = schedule === job.schedule && timezone === job.timezone;
  if (keepsSchedule && enabled === job.enabled) return job.dueAt;
  if (keepsSchedule && !enabled) return undefined;
  const first = readSchedule(schedule, timezone, now).first(now);
  return enabled ? first : undefined;
}

function tidy(text: string): string {
  return text.trim().toWellFormed();
}

/** The status that a list of runs is narrowed to. */
export function statusIn(text: string | undefined): (typeof STATUSES)[number] | undefined {
  const status = STATUSES.find((one) => one === text);
  if (status !== undefined || text === undefined) return status;
  throw refused(`status must be one of ${STATUSES.join(", ")}. Received: ${text}`);
}

/** `?wait=false` does not wait for the end. */
export function waitIn(text: string | undefined): boolean {
  if (text === undefined || text === "true" || text === "false") return text !== "false";
  throw refused(`wait must be true or false. Received: ${JSON.stringify(text)}`);
}
