// What an event of the feed is, and what a caller has to say of one.
import { isoTime, LIMITS, object, oneOf, optional, type Read, timeOf, verbatim } from "#core/http.js";

export const TYPES = [
  "task_started",
  "task_completed",
  "task_failed",
  "blocker_found",
  "question",
  "finding",
  "skill_proposed",
  "file_changed",
  "cost_update",
  "agent_started",
  "agent_stopped",
  "custom",
  "token_update",
] as const;

const SUMMARY_CHARS_MAX = 2_000;

/** What agents do by themselves: it is in the feed, and too much of it for the tree. */
const ROUTINE: ReadonlySet<string> = new Set(["token_update", "agent_started", "agent_stopped"]);

export const EVENT = {
  agent: verbatim(LIMITS.nameCharsMax, "Missing or invalid 'agent' field"),
  type: oneOf(TYPES, `Invalid 'type'. Must be one of: ${TYPES.join(", ")}`),
  summary: verbatim(SUMMARY_CHARS_MAX, "Missing or invalid 'summary' field"),
  detail: optional(verbatim(LIMITS.textCharsMax)),
  metadata: optional(object()),
};

export type EventInput = Pick<Read<typeof EVENT>, "agent" | "type" | "summary"> & Partial<Read<typeof EVENT>>;

export interface FeedEvent extends EventInput {
  id: string;
  /** ISO 8601. */
  timestamp: string;
}

/** The keys are in the order in which every answer shows them. */
export function eventOf(id: string, { agent, type, summary, detail, metadata }: EventInput): FeedEvent {
  const event: FeedEvent = { id, agent, type, summary, timestamp: isoTime(timeOf(id)) };
  if (detail !== undefined) event.detail = detail;
  if (metadata !== undefined) event.metadata = metadata;
  return event;
}

export function isRoutine({ type }: FeedEvent): boolean {
  return ROUTINE.has(type);
}
