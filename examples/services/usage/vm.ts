// What the ledger of machines holds: a record for each VM that was created, and for each commit of one.
import { isoTime, LIMITS, oneOf, optional, plainLine, type Read, text, time } from "#core/http.js";

export const ROLES = ["orchestrator", "lieutenant", "worker", "infra", "golden", "custom"] as const;

const name = text(LIMITS.nameCharsMax);

export const VM = {
  vmId: name,
  role: optional(
    oneOf(ROLES, (sent) => `invalid role: ${sent}`),
    "worker",
  ),
  agent: name,
  createdAt: time(),
  commitId: optional(name),
  destroyedAt: optional(time()),
};

export type VmInput = Read<typeof VM>;

export interface VmRecord {
  id: string;
  vmId: string;
  role: (typeof ROLES)[number];
  agent: string;
  commitId?: string;
  createdAt: string;
  destroyedAt?: string;
  recordedAt: string;
}

/** The keys are in the order in which every answer shows them. */
export function vmRecordOf(
  { id, recordedMs }: { id: string; recordedMs: number },
  { vmId, role, agent, commitId, createdAt, destroyedAt }: VmInput,
): VmRecord {
  return {
    id,
    vmId,
    role,
    agent,
    ...(commitId !== undefined && { commitId }),
    createdAt: isoTime(createdAt),
    ...(destroyedAt !== undefined && { destroyedAt: isoTime(destroyedAt) }),
    recordedAt: isoTime(recordedMs),
  };
}

/** `recordedAt` stays the last key, and what it was. */
export function destroyed({ recordedAt, ...record }: VmRecord, atMs: number): VmRecord {
  return { ...record, destroyedAt: isoTime(atMs), recordedAt };
}

export function treeEvent({ vmId, role, agent, destroyedAt }: VmRecord): Record<string, unknown> {
  const what = destroyedAt === undefined ? `created (${role})` : "destroyed";
  const content = plainLine(`VM ${vmId} ${what} by ${agent}`);
  return { type: "usage_vm", source: "usage", content, vmId: plainLine(vmId) };
}
