// What a turn needs of the world around it; the composition root and tests hand it in.
import type { Pool } from "../agent/pool.js";
import type { Caller, Log } from "../core/types.js";
import type { NewNode, TreeNode } from "../tree/node.js";
import type { Tree } from "../tree/tree.js";
import type { LivePorts } from "./live.js";
import type { Slots } from "./slots.js";
import type { TaskState } from "./status.js";

/** Appends to a turn that is not over; resolves to nothing, and commits nothing, when it is. */
export type CommitForTurn = (decide: (state: TaskState) => NewNode[]) => Promise<TreeNode[]>;

export interface ModelRef {
  provider: string;
  id: string;
}

/** Hears what an agent does, in order, for behaviors; it never delays the agent. */
export interface AgentObserver {
  emit(event: string, payload: unknown): void;
  close(reason: string): unknown;
}

export interface RunIdentity {
  taskId: string;
  nodeId: string;
  agentName: string;
  runId: string;
  /** The newest node of the turn, at the time of the call. */
  newestNode(): string;
}

export interface TurnPorts {
  tree: Tree<TaskState>;
  slots: Slots;
  pool: Pick<Pool, "take">;
  log: Log;
  live: LivePorts;
  now(): number;
  /** Working directory of tasks that name none. */
  cwd: string;
  /** Model and thinking level of tasks that name none. */
  model: ModelRef;
  thinking?: string;
  /** Silence of pi after which a run is given up, in milliseconds. */
  idleMs: number;
  toolsVersion(): string;
  /** Makes a process's token stand for a task. Returns how to revoke it. */
  bindToken(token: string, caller: Caller): () => void;
  observe(run: RunIdentity): AgentObserver | undefined;
  /** Settles when an earlier turn of the same task has left nothing behind. */
  earlierGone(taskId: string): Promise<void>;
}

/** Parses `provider/id`; ids may hold further slashes. */
export function parseModel(text: string): ModelRef | undefined {
  const slash = text.indexOf("/");
  if (slash < 1 || slash === text.length - 1 || /\s/.test(text)) return undefined;
  return { provider: text.slice(0, slash), id: text.slice(slash + 1) };
}
