// What each kind of write wants of a task, decided from the task as it is: pure, so that it says nothing of rows.
import type { Read } from "#core/http.js";
import { refuseClaim } from "./claims.js";
import type { LeaseRow, NewLease } from "./leases.js";
import { scoreOf, type TaskRow } from "./rows.js";
import type { APPROVAL, ArtifactInput, Changes, NoteInput, REJECTION, REVIEW, Status } from "./task.js";
import { type Edit, hasRoomForNote } from "./writes.js";

export interface Decision extends Edit {
  lease?: "end" | NewLease;
  /** Who does it, when it says so itself. */
  by?: string;
}

/** Throws ReefError when the task is in no state for it. */
export type Decide = (task: TaskRow) => Decision;

const BOARD = "board";

export function patched(fields: Changes): Decide {
  return () => ({ fields });
}

export function noted(note: NoteInput): Decide {
  return () => ({ notes: [note] });
}

export function withArtifacts(artifacts: readonly ArtifactInput[]): Decide {
  return () => ({ artifacts });
}

export function reviewed({ summary, reviewedBy, artifacts }: Read<typeof REVIEW>): Decide {
  return () => ({
    fields: { status: "in_review" },
    notes: [{ author: reviewedBy, content: summary, type: "update" }],
    artifacts: artifacts.map(({ addedBy = reviewedBy, ...artifact }) => ({ ...artifact, addedBy })),
    lease: "end",
    by: reviewedBy,
  });
}

export function approved({ approvedBy, comment }: Read<typeof APPROVAL>): Decide {
  const content = `Approved by ${approvedBy}${comment === undefined ? "" : `: ${comment}`}`;
  return () => settled("done", approvedBy, content);
}

export function rejected({ rejectedBy, reason }: Read<typeof REJECTION>): Decide {
  return () => settled("open", rejectedBy, `Rejected by ${rejectedBy}: ${reason}`);
}

export function bumped(task: TaskRow): Decision {
  return { fields: { score: scoreOf(task) + 1 } };
}

export function claimed(lease: NewLease, { force }: { force: boolean }): Decide {
  const { agent } = lease;
  return (task) => {
    refuseClaim(task, { agent, force });
    return { fields: { status: "in_progress", assignee: agent }, lease, by: agent };
  };
}

export function released(status: Status): Decide {
  return () => ({ fields: { status, ...(status === "open" && { assignee: null }) }, lease: "end" });
}

/** Somebody else is to go on; what was moved on before only loses its lease. */
export function expired({ agent }: LeaseRow, lastNode: string | undefined): Decide {
  const content = `Lease of ${agent} expired${lastNode === undefined ? "" : `, last node ${lastNode}`}`;
  return (task) => {
    if (task.status !== "in_progress") return { lease: "end" };
    return {
      fields: { status: "open", assignee: null },
      notes: hasRoomForNote(task) ? [{ author: BOARD, content, type: "update" }] : [],
      lease: "end",
      by: BOARD,
    };
  };
}

function settled(status: Status, by: string, content: string): Decision {
  return { fields: { status }, notes: [{ author: by, content, type: "update" }], lease: "end", by };
}
