// On behalf of which node a caller acts: its open tool call, its turn, or what it says itself within its rights.
import { ReefError } from "../core/errors.js";
import type { Caller } from "../core/types.js";
import type { Tree } from "../tree/tree.js";
import type { TaskState } from "./status.js";
import type { Tasks } from "./tasks.js";

export interface Callers {
  /** The cause of a request; `header` is its `X-Reef-Cause`. One that only reads does not wait for its call's announcement. */
  causeOf(caller: Caller, header: string | undefined, isRead: boolean): Promise<string | null>;
  /** The node of a tool call of the caller's own turn, awaited while it is still in pi's pipe. */
  callOf(caller: Caller, toolCallId: string): Promise<string>;
}

export function createCallers(tree: Tree<TaskState>, tasks: Pick<Tasks, "turn">): Callers {
  async function causeOf(
    caller: Caller,
    header: string | undefined,
    isRead: boolean,
  ): Promise<string | null> {
    if (caller.kind !== "task") return header === undefined ? null : knownNode(header);
    if (header !== undefined) return ownCause(caller, header);
    const calls = turnOf(caller)?.calls;
    return (isRead ? calls?.only() : await calls?.soonOnly()) ?? caller.nodeId ?? null;
  }

  async function knownNode(id: string): Promise<string> {
    if (await tree.get(id)) return id;
    throw unknownCause(id);
  }

  /** A task names nodes of its own turn, or a call of it by toolCallId. */
  async function ownCause(caller: Caller, header: string): Promise<string> {
    const [node, user] = await Promise.all([tree.get(header), tree.get(caller.nodeId ?? "")]);
    if (!node) return callOf(caller, header);
    if (node.taskId === caller.taskId && user && node.seq >= user.seq) return node.id;
    throw new ReefError("forbidden", `Node '${header}' is not of this turn`);
  }

  async function callOf(caller: Caller, toolCallId: string): Promise<string> {
    const turn = turnOf(caller);
    if (!turn) throw unknownCause(toolCallId);
    return turn.calls.find(toolCallId);
  }

  function turnOf(caller: Caller) {
    const turn = caller.taskId === undefined ? undefined : tasks.turn(caller.taskId);
    return turn?.who.nodeId === caller.nodeId ? turn : undefined;
  }

  return { causeOf, callOf };
}

function unknownCause(id: string): ReefError {
  return new ReefError("bad_request", `Unknown cause "${id}"`);
}
