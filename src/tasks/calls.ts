// The tool calls of a live run: found by toolCallId as soon as their node is committed.
import { ReefError } from "../core/errors.js";
import type { TreeNode } from "../tree/node.js";

/** How long a call is awaited whose announcement is still in pi's pipe, in milliseconds. */
const ANNOUNCEMENT_WAIT_MS = 5_000;
/** The same for whichever call comes, where none has to. */
const ANY_WAIT_MS = 500;
/** What waits for whichever call comes. */
const ANY = "";

export interface Calls {
  /** A node of the turn was committed. */
  committed(node: TreeNode): void;
  /** How many calls have no result yet. */
  open(): number;
  /** The node of the open call when there is exactly one. */
  only(): string | undefined;
  /** The same, and when none is open yet, the next one's: what a command sends may overtake the line that announces it. */
  soonOnly(): Promise<string | undefined>;
  /** The node of an open call. Rejects with `bad_request` when it is not announced in time. */
  find(toolCallId: string): Promise<string>;
  close(): void;
}

export function createCalls(waitMs = ANNOUNCEMENT_WAIT_MS, anyWaitMs = ANY_WAIT_MS): Calls {
  const open = new Map<string, string>();
  const waiters = new Map<string, Set<() => void>>();

  function wake(toolCallId: string): void {
    for (const wakeUp of waiters.get(toolCallId) ?? []) wakeUp();
    waiters.delete(toolCallId);
  }

  function announced(toolCallId: string, limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const known = waiters.get(toolCallId) ?? new Set();
      waiters.set(toolCallId, known);
      const timer = setTimeout(finish, limitMs);
      function finish(): void {
        clearTimeout(timer);
        known.delete(finish);
        if (known.size === 0) waiters.delete(toolCallId);
        resolve();
      }
      known.add(finish);
    });
  }

  const only = () => (open.size === 1 ? [...open.values()][0] : undefined);

  return {
    committed(node) {
      if (node.toolCallId === undefined) return;
      if (node.role === "tool_result") open.delete(node.toolCallId);
      if (node.role !== "tool_call") return;
      open.set(node.toolCallId, node.id);
      wake(node.toolCallId);
      wake(ANY);
    },
    open: () => open.size,
    only,
    async soonOnly() {
      if (open.size === 0) await announced(ANY, anyWaitMs);
      return only();
    },
    async find(toolCallId) {
      if (!open.has(toolCallId)) await announced(toolCallId, waitMs);
      const nodeId = open.get(toolCallId);
      if (nodeId === undefined) throw new ReefError("bad_request", `Unknown cause "${toolCallId}"`);
      return nodeId;
    },
    close() {
      open.clear();
      for (const toolCallId of [...waiters.keys()]) wake(toolCallId);
    },
  };
}
