// Pure: whether a submit is accepted, where its `user` node hangs, and with which settings its turn begins.
import { ReefError } from "../core/errors.js";
import type { Caller } from "../core/types.js";
import type { NewNode, TreeNode } from "../tree/node.js";
import type { Tx } from "../tree/writer.js";
import { submitterOf } from "./handover.js";
import { isOver, type RunProfile, statusOf, type TaskState, type TurnSettings } from "./status.js";

export const TASK_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const ANCESTOR_TASKS_MAX = 1000;
/** Three digits to the base of 36. */
const NAMES_PER_SECOND = 36 ** 3;

export interface SubmitInput {
  task: string;
  taskId?: string;
  parentId?: string;
  model?: string;
  thinking?: string;
  cwd?: string;
  priority?: number;
  timeoutSeconds?: number;
  scopes?: string[];
  profile?: RunProfile;
}

/** Who submits, and on whose behalf. */
export interface Submitter {
  caller: Caller;
  causeId: string | null;
  /** The id that the `user` node is to have, for whoever wants to find it again. */
  nodeId?: string;
}

export interface SubmitRules {
  maxDepth: number;
  /** Scopes of tasks whose submitter names none. */
  scopes: string[];
}

export interface SubmitPlan {
  taskId: string;
  user: NewNode & { id: string; parentId: string };
  settings: TurnSettings;
}

export function planSubmit(
  tx: Tx<TaskState>,
  input: SubmitInput,
  by: Submitter,
  rules: SubmitRules,
): SubmitPlan {
  const taskId = input.taskId ?? freshName(tx);
  const known = tx.task(taskId);
  refuseTaken(tx, taskId, known);
  const { parentId, fresh } = placeOf(tx, input, by, taskId, known);
  const settings = settingsOf(tx, input, by, rules, { known, fresh });
  const user = {
    id: by.nodeId ?? tx.id(),
    parentId,
    taskId,
    role: "user" as const,
    content: input.task,
    ...(by.causeId !== null && by.causeId !== parentId && { causeId: by.causeId }),
    meta: { ...settings },
  };
  return { taskId, user, settings };
}

/**
 * Begins with the time, so that names come in their order: each new task would otherwise change a page of its own in two
 * indexes of a large tree, and appending would become slower the more tasks there are.
 */
export function freshName(tx: Pick<Tx<unknown>, "task" | "ref" | "newestSeq">): string {
  const second = Math.floor(Date.now() / 1000).toString(36);
  for (let seq = tx.newestSeq() + 1; ; seq++) {
    const name = `task-${second}${(seq % NAMES_PER_SECOND).toString(36).padStart(3, "0")}`;
    if (!tx.task(name) && tx.ref(name) === undefined) return name;
  }
}

function refuseTaken(tx: Tx<TaskState>, taskId: string, known: TaskState | undefined): void {
  if (taskId === "main" || (!known && tx.ref(taskId) !== undefined)) {
    throw new ReefError("conflict", `'${taskId}' is the name of a ref that is no task.`);
  }
  if (!known || isOver(known)) return;
  const status = statusOf(known.turn);
  throw new ReefError("conflict", `Task '${taskId}' is ${status}`, {
    id: taskId,
    status,
    nodeId: known.turn.nodeId,
  });
}

/** A new task without a parent starts fresh, under its cause or `main`; everything else continues from a node. */
function placeOf(
  tx: Tx<TaskState>,
  input: SubmitInput,
  by: Submitter,
  taskId: string,
  known: TaskState | undefined,
): { parentId: string; fresh: boolean } {
  if (input.parentId !== undefined) {
    const parent = tx.get(input.parentId);
    if (!parent) throw new ReefError("not_found", `Unknown parentId '${input.parentId}'`);
    refuseRunningTurn(tx, parent);
    refuseForeignNode(tx, parent, by.caller);
    return { parentId: parent.id, fresh: false };
  }
  if (known) refuseForeignTask(tx, taskId, by.caller);
  const parentId = known ? (tx.ref(taskId) ?? known.turn.leafId) : (by.causeId ?? tx.ref("main"));
  if (parentId === undefined) throw new Error("The ref 'main' is missing.");
  // Its ref may have been moved by hand, to where another task is at work.
  const parent = known && tx.get(parentId);
  if (parent) refuseRunningTurn(tx, parent);
  return { parentId, fresh: !known };
}

function refuseRunningTurn(tx: Tx<TaskState>, parent: TreeNode): void {
  const task = parent.taskId === undefined ? undefined : tx.task(parent.taskId);
  if (task && !isOver(task) && parent.seq >= task.turn.seq) {
    throw new ReefError("conflict", `Node '${parent.id}' is in a turn that is still running`);
  }
}

/** Going on with a task by its name asks for the same right as going on from one of its nodes. */
function refuseForeignTask(tx: Tx<TaskState>, taskId: string, caller: Caller): void {
  if (caller.kind !== "task" || caller.scopes?.includes("admin")) return;
  if (!isOwn(tx, taskId, caller))
    throw new ReefError("forbidden", `Task '${taskId}' belongs to another task`);
}

/** A task may continue only from nodes of its own or of tasks below it. */
function refuseForeignNode(tx: Tx<TaskState>, parent: TreeNode, caller: Caller): void {
  if (caller.kind !== "task" || caller.scopes?.includes("admin")) return;
  if (parent.taskId !== undefined && isOwn(tx, parent.taskId, caller)) return;
  throw new ReefError("forbidden", `Node '${parent.id}' belongs to another task`);
}

/** The caller's own, one below it, or one that the job which acts with its rights has submitted before. */
function isOwn(tx: Tx<TaskState>, taskId: string, caller: Caller): boolean {
  if (isSelfOrAbove(tx, caller.taskId, taskId)) return true;
  return caller.jobId !== undefined && tx.task(taskId)?.turn.submittedBy === submitterName(caller);
}

/** True when `name` is `below` itself or a task that submitted it, however far up. */
export function isSelfOrAbove(
  tx: Pick<Tx<TaskState>, "task">,
  name: string | undefined,
  below: string | undefined,
): boolean {
  let at = below;
  for (let steps = 0; at !== undefined && steps < ANCESTOR_TASKS_MAX; steps++) {
    if (at === name) return true;
    const state = tx.task(at);
    at = state && submitterOf(state);
  }
  return false;
}

function settingsOf(
  tx: Tx<TaskState>,
  input: SubmitInput,
  by: Submitter,
  rules: SubmitRules,
  { known, fresh }: { known: TaskState | undefined; fresh: boolean },
): TurnSettings {
  const { caller } = by;
  const submitting =
    caller.kind === "task" && caller.taskId !== undefined ? tx.task(caller.taskId) : undefined;
  if (submitting) refuseCancelled(submitting, caller);
  const depth = submitting ? submitting.turn.depth + 1 : 0;
  if (depth > rules.maxDepth)
    throw new ReefError("forbidden", `Task depth limit (${rules.maxDepth}) reached`);
  return {
    fresh,
    continuing: !fresh,
    model: input.model,
    thinking: input.thinking,
    cwd: input.cwd ?? known?.turn.cwd,
    priority: input.priority ?? 0,
    timeoutSeconds: input.timeoutSeconds,
    scopes: input.scopes ?? caller.scopes ?? submitting?.turn.scopes ?? rules.scopes,
    submittedBy: submitterName(caller),
    depth,
    profile: input.profile ?? known?.turn.profile,
  };
}

/** A request that was under way when its task was cancelled would leave a sub-task that nobody cancels. */
function refuseCancelled({ name, turn }: TaskState, caller: Caller): void {
  if (turn.nodeId === caller.nodeId && turn.end?.status === "cancelled")
    throw new ReefError("conflict", `Task '${name}' is cancelled`);
}

function submitterName(caller: Caller): string {
  if (caller.jobId !== undefined) return `cron:${caller.jobId}`;
  if (caller.kind === "task") return `task:${caller.taskId}`;
  if (caller.kind === "session") return "session";
  return caller.agentName === undefined ? "server" : `agent:${caller.agentName}`;
}
