// Pure: what sort of thing a node is, in a word that people know, and whether it is a failure.
import type { Role } from "./types.js";

export const KINDS = [
  "prompt",
  "reply",
  "call",
  "result",
  "question",
  "cron",
  "deploy",
  "event",
  "error",
  "system",
] as const;
export type Kind = (typeof KINDS)[number];

interface Sorted {
  role: Role;
  eventType?: string;
  isError?: boolean;
}

const FAILED_EVENTS = ["task_error", "cron_error", "service_deploy_failed", "service_rollback"];
/** Words for events that say more than their kind. */
const EVENT_WORDS: Record<string, string> = {
  answer: "answer",
  cron_done: "done",
  steer: "steer",
  task_cancelled: "cancelled",
  task_interrupted: "interrupted",
};

export function isFailure({ isError, eventType = "" }: Omit<Sorted, "role">): boolean {
  return isError === true || FAILED_EVENTS.includes(eventType);
}

export function kindOf(node: Sorted): Kind {
  if (isFailure(node)) return "error";
  switch (node.role) {
    case "user":
      return "prompt";
    case "assistant":
      return "reply";
    case "tool_call":
      return "call";
    case "tool_result":
      return "result";
    case "system":
      return "system";
    case "event":
      return kindOfEvent(node.eventType ?? "");
  }
}

/** How a node is called beside its icon. */
export function wordOf(node: Sorted): string {
  return EVENT_WORDS[node.role === "event" ? (node.eventType ?? "") : ""] ?? kindOf(node);
}

function kindOfEvent(type: string): Kind {
  if (type === "pending") return "question";
  if (type.startsWith("cron_")) return "cron";
  return type.startsWith("service_") ? "deploy" : "event";
}
