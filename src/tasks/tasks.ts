// The policy of tasks: submit, continue, cancel, steer, answer, resume after a restart; how many run at once.
import { ReefError } from "../core/errors.js";
import type { TreeNode } from "../tree/node.js";
import type { Tx } from "../tree/writer.js";
import { type Answer, answerNode, checkAnswer, chooseQuestion, type DialogRequest } from "./dialogs.js";
import { submitterOf } from "./handover.js";
import type { TurnPorts } from "./ports.js";
import { EMPTY_MEMORY, type TurnIdentity } from "./record.js";
import { interruption, turnEvent } from "./restart.js";
import { type RunInfo, runsOf } from "./runs.js";
import { isOver, statusOf, type TaskInfo, type TaskState, type TaskStatus, taskInfo } from "./status.js";
import type { SteerMode } from "./steering.js";
import { planSubmit, type SubmitInput, type SubmitRules, type Submitter } from "./submit.js";
import { endingNodes, runStarted, Turn } from "./turn.js";

const RESUME_PAGE = 500;
const RETRY_AFTER_SECONDS = 5;
/** Longer timers fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export interface TasksPorts extends Omit<TurnPorts, "earlierGone"> {
  maxQueued: number;
  /** Running time allowed to a turn that names no limit, in seconds; 0 = none. */
  timeoutSeconds: number;
  rules: SubmitRules;
}

export interface Submitted {
  id: string;
  status: TaskStatus;
  prompt: string;
  nodeId: string;
  parentId: string;
  seq: number;
}

export interface Tasks {
  submit(input: SubmitInput, by: Submitter): Promise<Submitted>;
  /** What a submit was answered whose `user` node got this id; undefined when there was none. */
  submitted(nodeId: string): Promise<Submitted | undefined>;
  cancel(
    name: string,
    options?: { reason?: string; children?: boolean },
  ): Promise<{ id: string; status: TaskStatus; nodeId: string }>;
  steer(name: string, message: string, mode?: SteerMode): Promise<{ id: string; nodeId: string }>;
  answer(name: string, answer: Answer & { nodeId?: string }): Promise<{ id: string; nodeId: string }>;
  info(state: TaskState): TaskInfo;
  /** Resolves with the task once it is over, or as it is when `signal` aborts. Unknown → undefined. */
  settled(name: string, signal: AbortSignal): Promise<TaskState | undefined>;
  /** Gives the slot of a live turn away while `wait` goes on. */
  whileWaiting<T>(name: string | undefined, wait: () => Promise<T>): Promise<T>;
  /** The live turn of a task. */
  turn(name: string): Turn | undefined;
  /** The live runs, or that of one task. */
  runs(name?: string): Promise<RunInfo[]>;
  /** Turns that have or had a slot, and turns in the queue. */
  counts(): { active: number; queued: number };
  /** Ends what an earlier life left open and queues it again. Call it once, before new work. */
  resume(): Promise<void>;
  /** Takes every run down, to be resumed at the next start. */
  close(): Promise<void>;
}

export function createTasks(ports: TasksPorts): Tasks {
  const { tree, slots } = ports;
  /** The newest turn of each task that has one. */
  const turns = new Map<string, Turn>();
  /** Those of which something is left: also one that is being stopped while a newer one of its task waits for that. */
  const open = new Set<Turn>();
  /** Accepted, and in the queue as soon as their commit is on disk. */
  let joining = 0;
  let closing = false;

  /** Registered at once, so that whoever comes next in the same commit group finds it. */
  function openTurn(who: TurnIdentity, parentId: string | null, timeoutSeconds = ports.timeoutSeconds): Turn {
    const earlier = turns.get(who.taskId);
    const earlierGone = earlier?.gone ?? Promise.resolve();
    const turn = new Turn({ ...ports, earlierGone: () => earlierGone }, { ...who, parentId, timeoutSeconds });
    turns.set(who.taskId, turn);
    open.add(turn);
    void turn.gone.then(() => forget(turn, earlier));
    return turn;
  }

  /** A turn that was refused or cancelled in the queue may be gone before the one that it waited for. */
  function forget(turn: Turn, earlier: Turn | undefined): void {
    const { taskId } = turn.who;
    open.delete(turn);
    if (turns.get(taskId) !== turn) return;
    if (earlier && open.has(earlier)) turns.set(taskId, earlier);
    else turns.delete(taskId);
  }

  function refuseWhileClosing(): void {
    if (closing) throw new ReefError("unavailable", "reef is shutting down");
  }

  async function submit(input: SubmitInput, by: Submitter): Promise<Submitted> {
    let turn: Turn | undefined;
    let joins = false;
    try {
      const nodes = await tree.commit((tx) => {
        refuseWhileClosing();
        const { taskId, user, settings } = planSubmit(tx, input, by, ports.rules);
        const who = { taskId, nodeId: user.id };
        turn = openTurn(who, user.parentId, settings.timeoutSeconds);
        if (turn.lease.tryTake())
          return { nodes: [user, runStarted(who, { ...settings, attempt: 0 }, ports)] };
        if (slots.queued() + joining >= ports.maxQueued) throw queueFull(ports.maxQueued);
        joins = true;
        joining += 1;
        return { nodes: [user] };
      });
      return begin(turn, nodes);
    } catch (error) {
      await turn?.stop();
      throw error;
    } finally {
      if (joins) joining -= 1;
    }
  }

  function begin(turn: Turn | undefined, [user, started]: TreeNode[]): Submitted {
    if (!turn || !user) throw new Error("The submit committed no user node.");
    if (started) turn.start();
    else turn.enqueue(Number(user.meta?.priority ?? 0), user.seq);
    return submittedOf(user, started);
  }

  async function submitted(nodeId: string): Promise<Submitted | undefined> {
    const user = await tree.get(nodeId);
    if (user?.role !== "user") return undefined;
    const [next] = await tree.since(user.seq, 1);
    return submittedOf(
      user,
      next?.eventType === "run_started" && next.parentId === user.id ? next : undefined,
    );
  }

  async function cancel(
    name: string,
    { reason = "", children = true }: { reason?: string; children?: boolean } = {},
  ) {
    let endId: string | undefined;
    let turn: Turn | undefined;
    const nodes = await tree.commit((tx) => {
      // What goes down with reef goes on at the next start; a sub-task whose caller goes down is no exception.
      refuseWhileClosing();
      const state = knownTask(tx, name);
      turn = liveTurn(state);
      if (state.turn.end?.status === "cancelled") endId = state.turn.end.nodeId;
      else if (isOver(state)) throw new ReefError("conflict", `Task '${name}' is ${statusOf(state.turn)}`);
      if (endId !== undefined) return { nodes: [] };
      const who = { taskId: name, nodeId: state.turn.nodeId };
      const ending = { type: "cancelled" as const, reason };
      return {
        nodes: turn?.endingNodes(state, ending) ?? endingNodes(EMPTY_MEMORY, state.turn, who, ending),
      };
    });
    const nodeId = endId ?? nodes.at(-1)?.id ?? "";
    await Promise.all([turn?.stop(), children ? cancelChildren(name, reason) : undefined]);
    return { id: name, status: "cancelled" as const, nodeId };
  }

  async function cancelChildren(name: string, reason: string): Promise<void> {
    const below: string[] = [];
    for (const child of turns.keys()) {
      const state = await tree.task(child);
      if (state && !isOver(state) && submitterOf(state) === name) below.push(child);
    }
    const results = await Promise.allSettled(
      below.map((child) => cancel(child, { reason: reason || `'${name}' was cancelled` })),
    );
    for (const result of results)
      if (result.status === "rejected") ports.log.debug("sub-task:", result.reason);
  }

  async function steer(name: string, message: string, mode: SteerMode = "steer") {
    let turn: Turn | undefined;
    const [node] = await tree.commit((tx) => {
      const state = knownTask(tx, name);
      turn = liveTurn(state);
      if (isOver(state)) {
        const status = statusOf(state.turn);
        throw new ReefError(
          "conflict",
          `Task '${name}' is ${status}; submit with taskId '${name}' to continue it`,
        );
      }
      return { nodes: [turnEvent({ taskId: name, nodeId: state.turn.nodeId }, "steer", message, { mode })] };
    });
    if (!node) throw new Error("The steer committed no node.");
    turn?.steer({ nodeId: node.id, text: message, mode });
    return { id: name, nodeId: node.id };
  }

  async function answer(
    name: string,
    { nodeId, ...given }: Answer & { nodeId?: string },
    source: "answer" | "timeout" = "answer",
  ) {
    let after: TaskState | undefined;
    let turn: Turn | undefined;
    const [node] = await tree.commit((tx) => {
      const state = knownTask(tx, name);
      turn = liveTurn(state);
      const pending = tx.get(chooseQuestion(state.turn.pending, nodeId));
      if (pending?.eventType !== "pending" || pending.taskId !== name)
        throw new ReefError("not_found", "not found");
      if (!state.turn.pending.includes(pending.id)) {
        throw new ReefError(
          "conflict",
          isOver(state) ? `Task '${name}' is ${statusOf(state.turn)}` : "Already answered",
        );
      }
      checkAnswer(pending.meta?.request as DialogRequest, given);
      after = {
        ...state,
        turn: { ...state.turn, pending: state.turn.pending.filter((id) => id !== pending.id) },
      };
      return { nodes: [answerNode(pending, given, source)] };
    });
    if (!node?.parentId || !after) throw new Error("The answer committed no node.");
    const passedOn = turn?.answered(node.parentId, given);
    if (turn && !passedOn && statusOf(after.turn) === "queued")
      turn.enqueue(after.turn.priority, after.turn.seq);
    return { id: name, nodeId: node.id };
  }

  function liveTurn(state: TaskState): Turn | undefined {
    const turn = turns.get(state.name);
    return turn?.who.nodeId === state.turn.nodeId ? turn : undefined;
  }

  async function settled(name: string, signal: AbortSignal): Promise<TaskState | undefined> {
    for (;;) {
      const changed = nextChange(name, signal);
      const state = await tree.task(name);
      if (!state || isOver(state) || signal.aborted) {
        changed.stop();
        return state;
      }
      await changed.happened;
    }
  }

  function nextChange(name: string, signal: AbortSignal): { happened: Promise<void>; stop(): void } {
    let finish: () => void = () => {};
    const happened = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const unsubscribe = tree.subscribe((nodes) => nodes.some((node) => node.taskId === name) && stop());
    signal.addEventListener("abort", stop);
    function stop(): void {
      unsubscribe();
      signal.removeEventListener("abort", stop);
      finish();
    }
    return { happened, stop };
  }

  async function resume(): Promise<void> {
    const unfinished: TaskState[] = [];
    for (let after = 0, more = true; more; ) {
      const page = await tree.tasks({ status: ["queued", "running", "waiting"], after, limit: RESUME_PAGE });
      unfinished.push(...page.tasks.map((task) => task.state));
      after = page.tasks.at(-1)?.created ?? after;
      more = page.more;
    }
    unfinished.sort((a, b) => a.turn.seq - b.turn.seq);
    for (const { name } of unfinished) {
      await resumeTask(name).catch((error) => ports.log.error(`task ${name} could not be resumed:`, error));
    }
  }

  /** Requests are served meanwhile: a turn that one of them opened is none of an earlier life. */
  async function resumeTask(name: string): Promise<void> {
    await tree.commit((tx) => {
      const { turn } = knownTask(tx, name);
      const who = { taskId: name, nodeId: turn.nodeId };
      const isCut = turn.started && !closing && !turns.has(name);
      return { nodes: isCut ? interruption(EMPTY_MEMORY, turn, who, false) : [] };
    });
    const state = await tree.task(name);
    if (!state || isOver(state) || closing || turns.has(name)) return;
    const user = await tree.get(state.turn.nodeId);
    const who = { taskId: name, nodeId: state.turn.nodeId };
    const turn = openTurn(who, user?.parentId ?? null, state.turn.timeoutSeconds);
    if (statusOf(state.turn) === "queued") turn.enqueue(state.turn.priority, state.turn.seq);
    for (const pending of state.turn.pending) await expireLater(turn, pending);
  }

  /** A question with a time limit settles itself, also when the run that asked is gone. */
  async function expireLater(turn: Turn, pendingId: string): Promise<void> {
    const pending = await tree.get(pendingId);
    const { timeoutMs } = (pending?.meta?.request ?? {}) as DialogRequest;
    if (!pending || timeoutMs === undefined) return;
    const expire = () =>
      answer(turn.who.taskId, { nodeId: pendingId, cancelled: true }, "timeout").catch((error) =>
        ports.log.debug("a question was settled before its time was up:", error),
      );
    const leftMs = Math.max(0, pending.timestamp + timeoutMs - ports.now());
    const timer = setTimeout(expire, Math.min(leftMs, TIMER_MS_MAX));
    void turn.gone.then(() => clearTimeout(timer));
  }

  /** Queued turns leave first, so that no slot that comes free on the way starts one. */
  async function close(): Promise<void> {
    closing = true;
    const all = [...open];
    const queued = all.filter((turn) => turn.phase === "queued").map((turn) => turn.stop());
    await Promise.all([...queued, ...all.map((turn) => turn.end({ type: "interrupted" }))]);
  }

  return {
    submit,
    submitted,
    cancel,
    steer,
    answer,
    settled,
    resume,
    close,
    info: (state) => taskInfo(state, liveTurn(state)?.lease.position()),
    counts: () => ({ active: turns.size - slots.queued(), queued: slots.queued() }),
    whileWaiting: (name, wait) =>
      (name === undefined ? undefined : turns.get(name))?.lease.whileWaiting(wait) ?? wait(),
    turn: (name) => turns.get(name),
    runs: (name) =>
      runsOf(
        [...open].filter(({ who }) => name === undefined || who.taskId === name),
        ports,
      ),
  };
}

/** The run begins in the same transaction when a slot is free. */
function submittedOf(user: TreeNode, started: TreeNode | undefined): Submitted {
  const { id: nodeId, taskId: id, content: prompt, parentId, seq } = user;
  if (id === undefined || parentId === null) throw new Error(`Node '${nodeId}' is no prompt of a task.`);
  return { id, status: started ? "running" : "queued", prompt, nodeId, parentId, seq };
}

function knownTask(tx: Tx<TaskState>, name: string): TaskState {
  const state = tx.task(name);
  if (!state) throw new ReefError("not_found", "not found");
  return state;
}

function queueFull(max: number): ReefError {
  return new ReefError("rate_limited", `The queue is full (${max} tasks)`, {
    retryAfter: RETRY_AFTER_SECONDS,
  });
}
