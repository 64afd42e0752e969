// Whose rights a job has: those of who made it, less what whoever changed it later may not do. Kept with the job, since
// the token of a task is dead long before the job that it made fires.
import type { Caller } from "#core/types.js";

/** A caller as a job remembers it. */
export type Identity = Pick<
  Caller,
  "kind" | "agentName" | "agentRole" | "vmId" | "taskId" | "scopes" | "panel"
>;

export function identityOf(caller: Caller): Identity {
  const { kind, agentName, agentRole, vmId, taskId, scopes, panel } = caller;
  return { kind, agentName, agentRole, vmId, taskId, scopes, panel };
}

/** Who may do no more than either: what a task changed acts as that task, what it did not give it cannot take. */
export function narrowed(owner: Identity, editor: Identity): Identity {
  if (editor.kind !== "task") return owner;
  const { scopes = [] } = editor;
  if (owner.kind !== "task") return { ...editor, scopes };
  return { ...editor, scopes: scopes.filter((scope) => owner.scopes?.includes(scope)) };
}

/** As whom a run of the job calls this server. */
export function callerFor(job: { id: string; identity: Identity }): Caller {
  return { ...job.identity, jobId: job.id };
}

/** In the words of a task's `submittedBy`. */
export function nameOf({ kind, agentName, taskId, panel }: Identity): string {
  if (kind === "task") return `task:${taskId}`;
  if (kind === "panel") return `panel:${panel}`;
  if (kind === "session") return "session";
  return agentName === undefined ? "server" : `agent:${agentName}`;
}
