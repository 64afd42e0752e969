// Live runs as a caller sees them: each pi process with the turn that it works on, from its hand-over to its end.
import type { Tree } from "../tree/tree.js";
import type { CurrentTool, Progress } from "./progress.js";
import type { TurnIdentity } from "./record.js";
import { isOver, statusOf, type TaskInfo, type TaskState } from "./status.js";

export interface RunInfo
  extends Pick<TaskInfo, "nodeId" | "model" | "thinking" | "attempt" | "usage" | "pending"> {
  taskId: string;
  /** Of the pi process, which is gone when the run is. */
  pid: number;
  status: "running" | "waiting";
  cwd: string;
  /** The hand-over, in epoch milliseconds. */
  startedAt: number;
  elapsedMs: number;
  /** Model calls and tool calls that this run began, and `usage` what it has cost; not those of runs before it. */
  turns: number;
  toolCalls: number;
  currentTool?: CurrentTool;
}

/** As much of a turn as is needed to tell of its run. */
interface RunningTurn {
  readonly who: TurnIdentity;
  /** Undefined before the hand-over. */
  readonly progress: Progress | undefined;
  /** Settles when its process is gone. */
  readonly gone: Promise<void>;
}

interface RunPorts {
  tree: Pick<Tree<TaskState>, "task">;
  now(): number;
  /** Working directory of tasks that name none. */
  cwd: string;
}

/**
 * By start time. Answers when the processes of those that are left out, because their turn is over, are gone: at most
 * as long as it takes to stop one.
 */
export async function runsOf(turns: Iterable<RunningTurn>, ports: RunPorts): Promise<RunInfo[]> {
  const begun = Array.from(turns).filter(({ progress }) => progress !== undefined);
  const infos = await Promise.all(begun.map((turn) => infoOf(turn, ports)));
  await Promise.all(begun.filter((_, index) => !infos[index]).map(({ gone }) => gone));
  return infos.filter((info) => info !== undefined).sort((a, b) => a.startedAt - b.startedAt);
}

async function infoOf({ who, progress }: RunningTurn, ports: RunPorts): Promise<RunInfo | undefined> {
  const state = await ports.tree.task(who.taskId);
  if (!progress || !state || isOver(state) || state.turn.nodeId !== who.nodeId) return undefined;
  const { turn } = state;
  const { pid, startedAt, turns, toolCalls, currentTool, usage } = progress;
  return {
    taskId: who.taskId,
    nodeId: who.nodeId,
    pid,
    status: statusOf(turn) === "waiting" ? "waiting" : "running",
    model: turn.model,
    thinking: turn.thinking,
    cwd: turn.cwd ?? ports.cwd,
    attempt: turn.attempt,
    startedAt,
    elapsedMs: ports.now() - startedAt,
    turns,
    toolCalls,
    currentTool,
    usage,
    pending: turn.pending,
  };
}
