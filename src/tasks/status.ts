// Pure: the nodes of a task, folded one by one into its state. A status is never stored by itself.
import { movesRef, type TreeNode, type Usage } from "../tree/node.js";
import type { Projection } from "../tree/projection.js";

export type TaskStatus = "queued" | "running" | "waiting" | "done" | "error" | "cancelled";

export const TASK_STATUSES: readonly TaskStatus[] = [
  "queued",
  "running",
  "waiting",
  "done",
  "error",
  "cancelled",
];

const SUMMARY_CHARS_MAX = 500;
const FILES_CHANGED_MAX = 1000;
const DEPLOYS_MAX = 1000;

/** What a caller is told of a task; times are epoch milliseconds. */
export interface TaskInfo {
  status: TaskStatus;
  /** The text of the first turn. */
  trigger: string;
  createdAt: number;
  /** Start and end of the newest turn. */
  startedAt?: number;
  completedAt?: number;
  artifacts?: Artifacts;
  /** The `user` node of the newest turn. */
  nodeId: string;
  /** Runs of the newest turn so far. */
  attempt: number;
  turns: number;
  queuePosition?: number;
  model?: string;
  thinking?: string;
  cwd?: string;
  priority: number;
  timeoutSeconds?: number;
  scopes: string[];
  submittedBy: string;
  /** Unsettled pending nodes. */
  pending: string[];
  usage: Usage;
}

export interface Artifacts {
  summary: string;
  filesChanged: string[];
  testsRun?: { passed: number; failed: number };
  servicesDeployed?: string[];
  error?: string;
}

/** The settings of a turn, as its `user` node keeps them in `meta`. */
export interface TurnSettings {
  fresh: boolean;
  continuing: boolean;
  model?: string;
  thinking?: string;
  cwd?: string;
  priority: number;
  timeoutSeconds?: number;
  scopes: string[];
  submittedBy: string;
  /** How many tasks stand above this one. */
  depth: number;
  profile?: RunProfile;
}

/** What a server caller may change of a run. */
export interface RunProfile {
  systemPrompt?: string;
  appendSystemPrompt?: string;
  tools?: string[];
}

interface OpenCall {
  nodeId: string;
  toolName: string;
  /** The path that a `write` or `edit` names. */
  file?: string;
}

/** The newest turn of a task, and what all of its turns sum up to. Plain JSON: the tree keeps it in a row. */
export interface TaskState {
  name: string;
  trigger: string;
  createdAt: number;
  usage: Usage;
  /** How many there were, the newest included. */
  turns: number;
  turn: TurnState;
}

export interface TurnState extends TurnSettings {
  nodeId: string;
  seq: number;
  /** The newest node that is not an event: where the ref stands. */
  leafId: string;
  startedAt?: number;
  completedAt?: number;
  attempt: number;
  /** True from `run_started` to the end or the interruption of that run. */
  started: boolean;
  /** Unclean interruptions so far. */
  interruptions: number;
  /** Model messages so far. */
  iteration: number;
  pending: string[];
  openCalls: Record<string, OpenCall>;
  usage: Usage;
  reply?: { nodeId: string; summary: string; stopReason?: string };
  /** The newest message that was sent to the turn while it was not over. */
  steeredBy?: string;
  filesChanged: string[];
  servicesDeployed: string[];
  testsRun?: { passed: number; failed: number };
  end?: { status: "done" | "error" | "cancelled"; nodeId: string; error?: string };
}

export const NO_USAGE: Usage = {
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  totalTokens: 0,
  cost: 0,
};

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    input: a.input + b.input,
    output: a.output + b.output,
    cacheRead: a.cacheRead + b.cacheRead,
    cacheWrite: a.cacheWrite + b.cacheWrite,
    totalTokens: a.totalTokens + b.totalTokens,
    cost: a.cost + b.cost,
  };
}

/** What the tree keeps beside the nodes, moved by the same transaction. */
export const taskProjection: Projection<TaskState> = {
  version: 2,
  fold: foldTask,
  status: (state) => statusOf(state.turn),
};

/** Of the newest turn, the first that applies in the order end, waiting, queued, running. */
export function statusOf(turn: TurnState): TaskStatus {
  if (turn.end) return turn.end.status;
  if (turn.pending.length > 0) return "waiting";
  return turn.started ? "running" : "queued";
}

export function isOver(state: TaskState): boolean {
  return state.turn.end !== undefined;
}

/** The calls that have no result yet. */
export function openCallsOf(turn: TurnState): (OpenCall & { toolCallId: string })[] {
  return Object.entries(turn.openCalls).map(([toolCallId, call]) => ({ ...call, toolCallId }));
}

export function taskInfo(state: TaskState, queuePosition?: number): TaskInfo {
  const { turn } = state;
  return {
    status: statusOf(turn),
    trigger: state.trigger,
    createdAt: state.createdAt,
    startedAt: turn.startedAt,
    completedAt: turn.completedAt,
    artifacts: turn.end && artifactsOf(turn),
    nodeId: turn.nodeId,
    attempt: turn.attempt,
    turns: state.turns,
    queuePosition,
    model: turn.model,
    thinking: turn.thinking,
    cwd: turn.cwd,
    priority: turn.priority,
    timeoutSeconds: turn.timeoutSeconds,
    scopes: turn.scopes,
    submittedBy: turn.submittedBy,
    pending: turn.pending,
    usage: state.usage,
  };
}

function artifactsOf(turn: TurnState): Artifacts {
  const error = turn.end?.error;
  return {
    summary: error === undefined ? (turn.reply?.summary ?? "") : cut(`Failed: ${error}`),
    filesChanged: turn.filesChanged,
    testsRun: turn.testsRun,
    servicesDeployed: turn.servicesDeployed.length > 0 ? turn.servicesDeployed : undefined,
    error,
  };
}

/** The next state after one more node of the task. Nodes that say nothing of its status change nothing. */
export function foldTask(state: TaskState | undefined, node: TreeNode): TaskState {
  if (node.role === "user") return openTurn(state, node);
  const known = state ?? openTurn(undefined, node);
  const turn = foldTurn(known.turn, node);
  const usage = usageOf(node);
  if (!usage) return { ...known, turn };
  return {
    ...known,
    usage: addUsage(known.usage, usage),
    turn: { ...turn, usage: addUsage(turn.usage, usage) },
  };
}

function openTurn(state: TaskState | undefined, node: TreeNode): TaskState {
  const settings = (node.meta ?? {}) as Partial<TurnSettings>;
  return {
    name: node.taskId ?? node.id,
    trigger: state?.trigger ?? node.content,
    createdAt: state?.createdAt ?? node.timestamp,
    usage: state?.usage ?? NO_USAGE,
    turns: (state?.turns ?? 0) + 1,
    turn: {
      fresh: settings.fresh ?? state === undefined,
      continuing: settings.continuing ?? state !== undefined,
      model: settings.model,
      thinking: settings.thinking,
      cwd: settings.cwd,
      priority: settings.priority ?? 0,
      timeoutSeconds: settings.timeoutSeconds,
      scopes: settings.scopes ?? [],
      submittedBy: settings.submittedBy ?? "server",
      depth: settings.depth ?? 0,
      profile: settings.profile,
      nodeId: node.id,
      seq: node.seq,
      leafId: node.id,
      attempt: 0,
      started: false,
      interruptions: 0,
      iteration: 0,
      pending: [],
      openCalls: {},
      usage: NO_USAGE,
      filesChanged: [],
      servicesDeployed: [],
    },
  };
}

function foldTurn(turn: TurnState, node: TreeNode): TurnState {
  const moved = movesRef(node) ? { ...turn, leafId: node.id } : turn;
  switch (node.role) {
    case "assistant":
      return foldReply(moved, node);
    case "tool_call":
      return foldCall(moved, node);
    case "tool_result":
      return foldResult(moved, node);
    case "event":
      return foldEvent(moved, node);
    default:
      return moved;
  }
}

function foldReply(turn: TurnState, node: TreeNode): TurnState {
  const failed = node.meta?.stopReason === "error" || node.meta?.stopReason === "aborted";
  const reply = failed ? turn.reply : replyOf(node);
  return { ...turn, reply, iteration: iterationOf(turn, node) };
}

function replyOf(node: TreeNode): TurnState["reply"] {
  return {
    nodeId: node.id,
    summary: cut(node.content),
    stopReason: stringOr(node.meta?.stopReason, undefined),
  };
}

function foldCall(turn: TurnState, node: TreeNode): TurnState {
  if (node.toolCallId === undefined) return turn;
  const call: OpenCall = { nodeId: node.id, toolName: node.toolName ?? "", file: changedFile(node) };
  const openCalls = { ...turn.openCalls, [node.toolCallId]: call };
  return { ...turn, openCalls, iteration: iterationOf(turn, node) };
}

function foldResult(turn: TurnState, node: TreeNode): TurnState {
  if (node.toolCallId === undefined) return turn;
  const { [node.toolCallId]: call, ...openCalls } = turn.openCalls;
  const file = node.isError ? undefined : call?.file;
  const isNew = file !== undefined && !turn.filesChanged.includes(file);
  const room = turn.filesChanged.length < FILES_CHANGED_MAX;
  const filesChanged = isNew && room ? [...turn.filesChanged, file] : turn.filesChanged;
  return { ...turn, openCalls, filesChanged };
}

function foldEvent(turn: TurnState, node: TreeNode): TurnState {
  switch (node.eventType) {
    case "run_started":
      return {
        ...turn,
        started: true,
        attempt: turn.attempt + 1,
        startedAt: turn.startedAt ?? node.timestamp,
        model: stringOr(node.meta?.model, turn.model),
        thinking: stringOr(node.meta?.thinking, turn.thinking),
      };
    case "task_interrupted":
      return { ...turn, started: false, interruptions: turn.interruptions + (node.meta?.clean ? 0 : 1) };
    case "pending":
      return { ...turn, pending: [...turn.pending, node.id] };
    case "answer":
      return { ...turn, pending: turn.pending.filter((id) => id !== node.parentId) };
    case "steer":
      return { ...turn, steeredBy: node.id };
    case "task_done":
      return endTurn(turn, node, "done");
    case "task_error":
      return endTurn(turn, node, "error", node.content);
    case "task_cancelled":
      return endTurn(turn, node, "cancelled");
    case "service_deploy":
      return foldDeploy(turn, node);
    default:
      return turn;
  }
}

function endTurn(
  turn: TurnState,
  node: TreeNode,
  status: "done" | "error" | "cancelled",
  error?: string,
): TurnState {
  const end = { status, nodeId: node.id, error };
  return { ...turn, started: false, pending: [], openCalls: {}, completedAt: node.timestamp, end };
}

function foldDeploy(turn: TurnState, node: TreeNode): TurnState {
  const name = node.meta?.name;
  if (typeof name !== "string") return turn;
  const known = turn.servicesDeployed.includes(name) || turn.servicesDeployed.length >= DEPLOYS_MAX;
  const tests = node.meta?.tests as { passed: number; failed: number } | undefined;
  return {
    ...turn,
    servicesDeployed: known ? turn.servicesDeployed : [...turn.servicesDeployed, name],
    testsRun: tests ?? turn.testsRun,
  };
}

/** What a node says that a model message has cost. */
export function usageOf(node: TreeNode): Usage | undefined {
  return node.role === "assistant" || node.role === "tool_call"
    ? (node.meta?.usage as Usage | undefined)
    : undefined;
}

function iterationOf(turn: TurnState, node: TreeNode): number {
  const iteration = node.meta?.iteration;
  return typeof iteration === "number" ? Math.max(turn.iteration, iteration) : turn.iteration;
}

function changedFile(node: TreeNode): string | undefined {
  if (node.toolName !== "write" && node.toolName !== "edit") return undefined;
  const path = (node.toolParams as { path?: unknown } | undefined)?.path;
  return typeof path === "string" ? path : undefined;
}

function stringOr(value: unknown, fallback: string | undefined): string | undefined {
  return typeof value === "string" ? value : fallback;
}

function cut(text: string): string {
  return text.length <= SUMMARY_CHARS_MAX ? text : `${text.slice(0, SUMMARY_CHARS_MAX - 1)}…`;
}
