// Who may claim a task, and who still holds it: the rules, without the rows.
import { ReefError } from "#core/errors.js";
import { isoTime } from "#core/http.js";
import type { Caller } from "#core/types.js";
import { blockersOf, type TaskRow } from "./rows.js";
import type { Changed } from "./writes.js";

/** Throws why `agent` may not claim the task. `force` passes over all but a lease, a review and the end. */
export function refuseClaim(task: TaskRow, { agent, force }: { agent: string; force: boolean }): void {
  const { status, assignee, leaseAgent, leaseExpiresAt } = task;
  if (leaseAgent !== null && leaseExpiresAt !== null && leaseAgent !== agent)
    throw new ReefError("conflict", "task is claimed", {
      lease: { agent: leaseAgent, expiresAt: isoTime(leaseExpiresAt) },
    });
  if (!force && assignee !== null && assignee !== agent)
    throw new ReefError("conflict", `task is assigned to ${assignee}`);
  const blockers = force ? [] : blockersOf(task);
  if (blockers.length > 0) throw new ReefError("conflict", `task is blocked by: ${blockers.join(", ")}`);
  const isClaimable = status === "open" || status === "in_progress" || (force && status === "blocked");
  if (!isClaimable) throw new ReefError("conflict", `task is ${status}`);
}

export function leaseLost(): ReefError {
  return new ReefError("conflict", "lease lost");
}

/** Whether a write by somebody else than its holder takes a task away from that holder. */
export function isTakenAway({ leaseAgent }: TaskRow, { status, assignee }: Changed): boolean {
  const isMoved = status !== undefined && status !== "in_progress";
  return isMoved || (assignee !== undefined && assignee !== leaseAgent);
}

/** By what the board knows a caller again, in later calls and after a restart; null for one without a name. */
export function holderOf({ taskId, agentName }: Caller): string | null {
  if (taskId !== undefined) return `task ${taskId}`;
  return agentName === undefined ? null : `agent ${agentName}`;
}
