// One turn while it is not over: queued → starting → running → stopping → gone, with at most one pi process at a time.
import type { AgentEvent } from "../agent/protocol.js";
import { type Run, startRun } from "../agent/run.js";
import { messageOf, ReefError } from "../core/errors.js";
import type { NewNode } from "../tree/node.js";
import { createCalls } from "./calls.js";
import { createDeadline } from "./deadline.js";
import { type Answer, asks } from "./dialogs.js";
import { modelOf, prepareHandover } from "./handover.js";
import { createLease } from "./lease.js";
import { createLifecycle } from "./lifecycle.js";
import { createLiveFrames } from "./live.js";
import type { AgentObserver, CommitForTurn, TurnPorts } from "./ports.js";
import { Progress } from "./progress.js";
import { createQuestions, type Questions } from "./questions.js";
import {
  becomesNodes,
  cutOff,
  EMPTY_MEMORY,
  type Memory,
  record,
  remember,
  type TurnIdentity,
} from "./record.js";
import { interruption, turnEvent } from "./restart.js";
import { isOver, type TaskState, type TurnState } from "./status.js";
import { createSteering, type SteerMessage } from "./steering.js";
import { createToolChanges } from "./tool-changes.js";

export type Phase = "queued" | "starting" | "running" | "stopping" | "gone";

/** The ways in which a turn, or a run of it, is ended from outside; `error` is the text of a failure. */
export type Ending =
  | { type: "cancelled"; reason: string }
  | { type: "error"; error: string; meta?: Record<string, unknown> }
  | { type: "interrupted" };

const STDERR_CHARS_MAX = 2000;
const COMMIT_TRIES_MAX = 10;
const COMMIT_RETRY_MS = 500;

export class Turn {
  readonly who: TurnIdentity;
  /** Settles when nothing of this turn is left: no process, no slot, no token. */
  readonly gone: Promise<void>;
  readonly calls = createCalls();
  readonly lease;
  #phase: Phase = "queued";
  #over = false;
  readonly #ended = new AbortController();
  #memory: Memory = EMPTY_MEMORY;
  #newestNode: string;
  #delivering: Promise<void> = Promise.resolve();
  #silenceAllowed = false;
  #run: Run | undefined;
  #progress: Progress | undefined;
  #questions: Questions | undefined;
  #observer: AgentObserver | undefined;
  #revoke: () => void = () => {};
  #resolveGone: () => void = () => {};
  readonly #ports: TurnPorts;
  readonly #steering = createSteering();
  readonly #toolChanges = createToolChanges();
  readonly #lifecycle = createLifecycle((name, payload) => this.#observer?.emit(name, payload));
  readonly #showLive;
  readonly #running;
  readonly #idle;

  constructor(ports: TurnPorts, turn: TurnIdentity & { parentId: string | null; timeoutSeconds: number }) {
    const { taskId, nodeId, parentId, timeoutSeconds } = turn;
    this.#ports = ports;
    this.who = { taskId, nodeId };
    this.#newestNode = nodeId;
    this.gone = new Promise((resolve) => {
      this.#resolveGone = resolve;
    });
    this.#showLive = createLiveFrames({ taskId, nodeId, parentId }, ports.live);
    this.#running = createDeadline(timeoutSeconds * 1000, () =>
      this.#timeOut(`Timed out after ${timeoutSeconds} s`),
    );
    this.#idle = createDeadline(ports.idleMs, () =>
      this.#timeOut(`No output from pi for ${ports.idleMs / 1000} s`),
    );
    this.lease = createLease(ports.slots, (waiting) => this.#setWaiting(waiting));
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Of the newest run; undefined before its hand-over. */
  get progress(): Progress | undefined {
    return this.#progress;
  }

  /** Begins the run. The slot is taken and `run_started` is committed by now. */
  start(): void {
    if (this.#phase !== "queued" || this.#over) return;
    this.#phase = "starting";
    void this.#live();
  }

  /** Joins the queue; once a slot is taken, the run is committed and begins. */
  enqueue(priority: number, seq: number): void {
    this.lease.queue({ priority, seq }, () => {
      void this.#commit((state) => [runStarted(this.who, state.turn, this.#ports)])
        .then(() => this.start())
        .catch((error) => this.end({ type: "error", error: messageOf(error) }));
    });
  }

  /** A message for the model; its node is committed already. */
  steer(message: SteerMessage): void {
    this.#steering.add(message);
    this.#deliverSteers();
  }

  /** Passes the committed answer of a question on. False when no live run waits for it. */
  answered(pendingId: string, answer: Answer): boolean {
    return this.#questions?.answered(pendingId, answer) ?? false;
  }

  /** The nodes with which this turn ends, for the commit of whoever ends it; `stop` has to follow. */
  endingNodes(state: TaskState, ending: Ending): NewNode[] {
    return endingNodes(this.#memory, state.turn, this.who, ending);
  }

  /** Ends the turn for a reason of its own, and leaves nothing behind. */
  async end(ending: Ending): Promise<void> {
    await this.#endWith(ending);
    await this.stop();
  }

  /** The turn is over, or given up for now: takes its process down and waits until nothing is left. */
  async stop(): Promise<void> {
    this.#close();
    if (this.#phase === "queued") this.#leave();
    else await this.#run?.stop();
    await this.gone;
  }

  /** No output is taken, no token accepted and no answer passed on from here on. */
  #close(): void {
    this.#over = true;
    this.#ended.abort(new ReefError("conflict", `The turn of task '${this.who.taskId}' is over.`));
    this.#revoke();
    this.#questions?.close();
    this.#running.hold();
    this.#idle.hold();
    this.#lifecycle.end();
  }

  #leave(): void {
    if (this.#phase === "gone") return;
    this.#close();
    this.#phase = "gone";
    this.calls.close();
    this.#observer?.close("quit");
    this.lease.drop();
    this.#resolveGone();
  }

  async #live(): Promise<void> {
    try {
      await this.#ports.earlierGone(this.who.taskId);
      await this.#handOver();
      if (this.#run && !this.#over) await this.#listen(this.#run);
    } catch (error) {
      await this.#endWith({ type: "error", error: messageOf(error) });
    }
    this.#phase = "stopping";
    await this.#run
      ?.stop()
      .catch((error) => this.#ports.log.error(`task ${this.who.taskId}: pi did not stop:`, error));
    this.#leave();
  }

  async #handOver(): Promise<void> {
    const handover = await prepareHandover(this.#ports, this.who);
    const { model, thinking, session, prompt, caller, before, parentAgent } = handover;
    if (this.#over) return;
    this.#running.run();
    this.#steering.shown(before.map((node) => node.id));
    const run = await startRun({
      pool: this.#ports.pool,
      provider: model.provider,
      modelId: model.id,
      thinking,
      session: (process) => session(process.runId),
      prompt,
      taskId: this.who.taskId,
      signal: this.#ended.signal,
      bind: (process) => {
        this.#revoke();
        this.#revoke = this.#ports.bindToken(process.token, caller);
        this.#progress = new Progress(process.pid, this.#ports.now());
      },
    });
    this.#run = run;
    this.#steering.prompted();
    this.#observer = this.#ports.observe({
      ...this.who,
      agentName: this.who.taskId,
      runId: run.process.runId,
      newestNode: () => this.#newestNode,
    });
    this.#observer?.emit("session_start", { type: "session_start", reason: "startup", parentAgent });
    this.#questions = createQuestions(this.who, {
      commit: this.#commit,
      lease: this.lease,
      before,
      log: this.#ports.log,
      reply: (requestId, answer) => {
        if (!this.#over) run.answer(requestId, answer);
      },
    });
    this.#phase = "running";
    this.#deliverSteers();
  }

  async #listen(run: Run): Promise<void> {
    this.#watchSilence();
    for await (const event of run.events()) {
      if (this.#over) return;
      this.#idle.reset();
      if (event.type === "settled") await this.#settle(run);
      else await this.#hear(event);
      if (this.#over) return;
    }
    if (!this.#over) await this.#endWith(await earlyEnd(run));
  }

  async #hear(event: AgentEvent): Promise<void> {
    this.#showLive(event);
    this.#steering.heard(event);
    this.#toolChanges.heard(event);
    this.#progress?.heard(event);
    if (event.type === "extension_ui_request" && asks(event)) await this.#questions?.ask(event);
    if (event.type === "auto_retry_start") this.#silenceAllowed = true;
    if (event.type === "agent_start" || event.type === "auto_retry_end") this.#silenceAllowed = false;
    if (becomesNodes(this.#memory, event)) await this.#record(event);
    else this.#memory = remember(this.#memory, event);
    this.#lifecycle.hear(event);
    this.#watchSilence();
  }

  async #record(event: AgentEvent): Promise<void> {
    const nodes = await this.#commit((state) => {
      const step = record(this.#memory, event, state.turn, this.who);
      this.#memory = step.memory;
      return step.nodes;
    });
    for (const node of nodes) {
      this.calls.committed(node);
      this.#progress?.committed(node);
    }
    this.#newestNode = nodes.at(-1)?.id ?? this.#newestNode;
  }

  /** pi has nothing more to do: another loop when something is left to say to the model, else the end. */
  async #settle(run: Run): Promise<void> {
    await this.#delivering;
    // Steering may have begun another loop meanwhile, after which this is said again.
    if (this.#over || run.process.phase() !== "settled") return;
    await this.#questions?.lapse();
    const { failure, called } = this.#memory;
    // What is left to say would only be said to a model that has just failed for good.
    if (failure !== undefined) return this.#endWith({ type: "error", error: failure });
    const change = this.#toolChanges.take();
    if (change !== undefined && called) {
      await this.#commit(() => [turnEvent(this.who, "tools_changed", change)]);
      return run.continueWith(change);
    }
    const unheard = this.#steering.takeUnheard();
    if (unheard !== undefined) {
      this.#steering.prompted();
      return run.prompt(unheard);
    }
    await this.#commitEnd((state) =>
      this.#steering.hasNews(state.turn.steeredBy) ? [] : this.#doneNodes(state.turn),
    );
  }

  #doneNodes(turn: TurnState): NewNode[] {
    const rest = record(this.#memory, { type: "settled" }, turn, this.who).nodes;
    return [...rest, ...cutOff(EMPTY_MEMORY, turn, this.who, "no result"), doneNode(this.who, turn)];
  }

  #deliverSteers(): void {
    if (this.#phase !== "running" || this.#over) return;
    for (const message of this.#steering.takeWaiting()) {
      this.#delivering = this.#delivering.then(() => this.#deliver(message));
    }
  }

  async #deliver(message: SteerMessage): Promise<void> {
    try {
      await this.#run?.steer(message.text, message.mode);
    } catch (error) {
      if (this.#over) return;
      this.#ports.log.warn(`task ${this.who.taskId}: pi refused a message:`, error);
      this.#steering.refused(message);
      // A turn that only waited for this message to be heard has nothing more to wait for.
      setImmediate(
        () => this.#run && void this.#settle(this.#run).catch((late) => this.#ports.log.error(late)),
      );
    }
  }

  async #endWith(ending: Ending): Promise<void> {
    await this.#commitEnd((state) => this.endingNodes(state, ending));
    this.#close();
  }

  /** The end of a turn must reach the disk: a full one is tried again for a while, then the next start ends it. */
  async #commitEnd(decide: (state: TaskState) => NewNode[]): Promise<void> {
    for (let tries = 1; tries <= COMMIT_TRIES_MAX && !this.#over; tries++) {
      try {
        const nodes = await this.#commit(decide);
        if (nodes.length > 0) this.#close();
        return;
      } catch (error) {
        this.#ports.log.error(`task ${this.who.taskId}: its end could not be stored (try ${tries}):`, error);
        await Bun.sleep(COMMIT_RETRY_MS * tries);
      }
    }
    this.#close();
  }

  readonly #commit: CommitForTurn = async (decide) =>
    this.#ports.tree.commit((tx) => {
      const state = tx.task(this.who.taskId);
      const stale = this.#over || !state || isOver(state) || state.turn.nodeId !== this.who.nodeId;
      return { nodes: stale ? [] : decide(state) };
    });

  #timeOut(error: string): void {
    void this.end({ type: "error", error });
  }

  #setWaiting(waiting: boolean): void {
    if (waiting) this.#running.hold();
    else if (!this.#over) this.#running.run();
    this.#watchSilence();
  }

  /** Silence counts only while it is pi's turn to say something. */
  #watchSilence(): void {
    const expected = this.calls.open() > 0 || (this.#questions?.open() ?? 0) > 0 || this.#silenceAllowed;
    if (expected || this.#over || this.#phase !== "running") this.#idle.hold();
    else this.#idle.run();
  }
}

/** The event with which a run begins, and with it the attempt. */
export function runStarted(
  who: TurnIdentity,
  turn: Pick<TurnState, "attempt" | "model" | "thinking">,
  ports: Pick<TurnPorts, "model" | "thinking">,
): NewNode {
  const model = modelOf(turn, ports.model);
  const attempt = turn.attempt + 1;
  const thinking = turn.thinking ?? ports.thinking;
  return turnEvent(who, "run_started", `run ${attempt}`, {
    attempt,
    model: `${model.provider}/${model.id}`,
    thinking,
  });
}

export function endingNodes(memory: Memory, turn: TurnState, who: TurnIdentity, ending: Ending): NewNode[] {
  switch (ending.type) {
    case "cancelled":
      return [...cutOff(memory, turn, who, "cancelled"), turnEvent(who, "task_cancelled", ending.reason)];
    case "error": {
      const cut = cutOff(memory, turn, who, `not finished: ${ending.error}`);
      return [...cut, turnEvent(who, "task_error", ending.error, ending.meta)];
    }
    case "interrupted":
      return turn.started ? interruption(memory, turn, who, true) : [];
  }
}

function doneNode(who: TurnIdentity, turn: TurnState): NewNode {
  const { reply } = turn;
  return turnEvent(who, "task_done", reply?.summary ?? "", {
    summary: reply?.summary ?? "",
    replyId: reply?.nodeId,
    usage: turn.usage,
    ...(reply?.stopReason === "length" && { stopReason: "length" }),
  });
}

/** pi ended, or closed its output, before it had settled. */
async function earlyEnd(run: Run): Promise<Ending> {
  const exit = await run.exited;
  const how = exit.signal ? `on signal ${exit.signal}` : `with code ${exit.code}`;
  const error = exit.reason ?? `pi exited ${how}`;
  return { type: "error", error, meta: { stderr: exit.stderr.slice(-STDERR_CHARS_MAX) } };
}
