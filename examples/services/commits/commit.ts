// What an entry of the ledger is, and what a caller has to say of a snapshot.
import { isoTime, LIMITS, object, optional, type Read, text, tidyTexts, time, timeOf } from "#core/http.js";

export const COMMIT = {
  commitId: text(LIMITS.nameCharsMax),
  vmId: text(LIMITS.nameCharsMax),
  label: optional(text(LIMITS.nameCharsMax)),
  agent: optional(text(LIMITS.nameCharsMax)),
  tags: optional(tidyTexts(LIMITS.tagsMax, LIMITS.tagCharsMax)),
  metadata: optional(object()),
  createdAt: optional(time()),
};

export type CommitInput = Pick<Read<typeof COMMIT>, "commitId" | "vmId"> & Partial<Read<typeof COMMIT>>;

export interface Commit {
  id: string;
  commitId: string;
  vmId: string;
  /** ISO 8601, as all times here: when it was recorded. */
  timestamp: string;
  label?: string;
  agent?: string;
  tags?: string[];
  metadata?: Record<string, unknown>;
  /** When the snapshot was taken, if the caller knew; else when it was recorded. */
  createdAt: string;
  recordedAt: string;
}

/** The keys are in the order in which every answer shows them. */
export function commitOf(id: string, input: CommitInput): Commit {
  const { commitId, vmId, label, agent, tags, metadata, createdAt } = input;
  const timestamp = isoTime(timeOf(id));
  return {
    id,
    commitId,
    vmId,
    timestamp,
    ...(label !== undefined && { label }),
    ...(agent !== undefined && { agent }),
    ...(tags !== undefined && { tags }),
    ...(metadata !== undefined && { metadata }),
    createdAt: createdAt === undefined ? timestamp : isoTime(createdAt),
    recordedAt: timestamp,
  };
}
