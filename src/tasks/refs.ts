// Pure: whether a ref may be moved or deleted by hand, and the node that tells of it.
import { ReefError } from "../core/errors.js";
import type { NewNode } from "../tree/node.js";
import type { Decision, Tx } from "../tree/writer.js";
import { isOver, statusOf, type TaskState } from "./status.js";

export const REF_NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;
const MAIN = "main";

export interface RefMove {
  name: string;
  /** Null deletes it. */
  to: string | null;
  /** Where it has to be now; null = it must not exist, absent = anywhere. */
  expected?: string | null;
  /** On behalf of which node. */
  causeId: string | null;
}

/** `from` is where it was; null when it is new. */
export function planRefMove(
  tx: Pick<Tx<TaskState>, "get" | "ref" | "task">,
  move: RefMove,
): Decision & { from: string | null } {
  const { name, to } = move;
  const from = tx.ref(name) ?? null;
  if (to === null ? from === null : !tx.get(to)) throw new ReefError("not_found", "not found");
  refuseElsewhere(move, from);
  refuseUnfinished(name, tx.task(name));
  return { nodes: [movedNode(tx, move, from)], refs: { [name]: to }, from };
}

function refuseElsewhere({ name, to, expected }: RefMove, from: string | null): void {
  if (name === MAIN && to !== null && expected === undefined)
    throw new ReefError("bad_request", `expected is required to move '${MAIN}'`);
  if (expected === undefined || expected === from) return;
  const where = from === null ? "does not exist" : `is at '${from}'`;
  throw new ReefError("conflict", `Ref '${name}' ${where}`, { actual: from });
}

function refuseUnfinished(name: string, task: TaskState | undefined): void {
  if (!task || isOver(task)) return;
  const status = statusOf(task.turn);
  throw new ReefError("conflict", `Task '${name}' is ${status}`, {
    id: name,
    status,
    nodeId: task.turn.nodeId,
  });
}

/** Under what caused it, else where `main` is. */
function movedNode(
  tx: Pick<Tx<TaskState>, "get" | "ref">,
  { name, to, causeId }: RefMove,
  from: string | null,
): NewNode {
  const cause = causeId === null ? undefined : tx.get(causeId);
  return {
    parentId: cause?.id ?? tx.ref(MAIN) ?? null,
    ...(cause?.taskId !== undefined && { taskId: cause.taskId }),
    role: "event",
    eventType: "ref_moved",
    source: "reef",
    content: to === null ? `ref deleted: ${name}` : `ref moved: ${name}`,
    meta: { ref: name, from, to },
  };
}
