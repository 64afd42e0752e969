// One run: a process is taken, given the session and the prompt, and then heard, steered and stopped (spec pi §17.2).
import { writeFileSync } from "node:fs";
import { messageOf, ReefError } from "../core/errors.js";
import type { Pool } from "./pool.js";
import type { PiExit, PiProcess } from "./process.js";
import type { AgentEvent } from "./protocol.js";

/** For each answer of the hand-over. */
const HANDOVER_ANSWER_MS = 30_000;

export interface RunOptions {
  pool: Pick<Pool, "take">;
  provider: string;
  modelId: string;
  /** The pool's when absent. */
  thinking?: string;
  /** The text of the session file; as a function when it names the process (`runId`). */
  session: string | ((process: PiProcess) => string);
  prompt: string;
  /** Written into the run file. */
  taskId?: string;
  /**
   * Called with each process before it is given anything: its token is to be bound to the task, in place of that of a
   * process that came before it. What it throws ends the start.
   */
  bind?(process: PiProcess): void | Promise<void>;
  /** Ends the start, wherever it is. */
  signal?: AbortSignal;
}

export type SteerMode = "steer" | "follow_up";

/** `confirmed` answers a `confirm`, `value` the other questions, `cancelled` any. */
export interface DialogAnswer {
  value?: string;
  confirmed?: boolean;
  cancelled?: boolean;
}

export interface Run {
  readonly process: PiProcess;
  /** Ends early when pi does; `exited` then tells why. `settled` may come more than once. */
  events(): AsyncIterable<AgentEvent>;
  /**
   * To be heard before the next model call (`follow_up`: after the model would have stopped). When no loop is on, the
   * text starts one, so that it is never lost; a `settled` follows again.
   */
  steer(text: string, mode: SteerMode): Promise<void>;
  /** Another prompt, for when the run has settled. */
  prompt(text: string): Promise<void>;
  answer(requestId: string, answer: DialogAnswer): void;
  /** Starts the next loop, with the tools as they are now; the model is told the text. */
  continueWith(text: string): Promise<void>;
  /** Resolves after the aborted loop has ended. */
  abort(): Promise<void>;
  stop(): Promise<void>;
  readonly exited: Promise<PiExit>;
}

/** Resolves when pi has accepted the prompt. Rejects `Failed to spawn pi: <message>`, or with what `bind` threw. */
export async function startRun(options: RunOptions): Promise<Run> {
  try {
    return await start(options, false);
  } catch (refusal) {
    throwUnlessRefused(refusal);
  }
  try {
    return await start(options, true);
  } catch (refusal) {
    throwUnlessRefused(refusal);
    throw new Error(`Failed to spawn pi: ${refusal.message}`, { cause: refusal.cause });
  }
}

/** pi cannot be started, or does not take what it is given: worth a second try. */
class Refusal extends Error {}

function throwUnlessRefused(error: unknown): asserts error is Refusal {
  if (!(error instanceof Refusal)) throw error;
}

async function start(options: RunOptions, fresh: boolean): Promise<Run> {
  const { pool, provider, modelId, thinking, signal } = options;
  signal?.throwIfAborted();
  const process = await refusable(pool.take({ provider, modelId, thinking, fresh, signal })).catch(
    (error) => {
      signal?.throwIfAborted();
      throw error;
    },
  );
  const stop = () => void process.stop();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    signal?.throwIfAborted();
    await options.bind?.(process);
    await refusable(handOver(process, options));
    signal?.throwIfAborted();
    return runOf(process);
  } catch (error) {
    await process.stop();
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

async function refusable<T>(step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (error) {
    if (error instanceof ReefError) throw error;
    throw new Refusal(messageOf(error), { cause: error });
  }
}

async function handOver(process: PiProcess, options: RunOptions): Promise<void> {
  const { session, provider, modelId, thinking, taskId } = options;
  const ask = (type: string, fields: object = {}) => process.request({ type, ...fields }, HANDOVER_ANSWER_MS);
  writeFileSync(process.sessionPath, typeof session === "string" ? session : session(process), {
    mode: 0o600,
  });
  if (taskId !== undefined) process.assign(taskId);
  const switched = await ask("switch_session", { sessionPath: process.sessionPath });
  if (isCancelled(switched)) throw new Error("an extension refused the session");
  const is = stateOf(await ask("get_state"));
  if (is.provider !== provider || is.modelId !== modelId) await ask("set_model", { provider, modelId });
  if (thinking !== undefined && is.thinking !== thinking)
    await ask("set_thinking_level", { level: thinking });
  await ask("prompt", { message: options.prompt });
}

function isCancelled(data: unknown): boolean {
  return (data as { cancelled?: unknown } | undefined)?.cancelled === true;
}

function stateOf(data: unknown): { provider?: string; modelId?: string; thinking?: string } {
  const { model, thinkingLevel } = (data ?? {}) as {
    model?: { provider?: string; id?: string };
    thinkingLevel?: string;
  };
  return { provider: model?.provider, modelId: model?.id, thinking: thinkingLevel };
}

function runOf(process: PiProcess): Run {
  const prompt = async (message: string, further: object = {}) => {
    await process.request({ type: "prompt", message, ...further });
  };
  return {
    process,
    events: process.events,
    async steer(text, mode) {
      // pi would begin a second compaction beside the first.
      await process.notCompacting();
      // Not pi's `steer`: that leaves the text in the queue when the loop ends in the same moment.
      await prompt(text, { streamingBehavior: mode === "steer" ? "steer" : "followUp" });
    },
    prompt: (text) => prompt(text),
    answer: (id, answer) => process.send({ type: "extension_ui_response", id, ...answer }),
    continueWith: (text) => prompt(`/reef-continue-${process.control} ${text}`),
    async abort() {
      await process.request({ type: "abort" });
    },
    stop: process.stop,
    exited: process.exited,
  };
}
