// Keeps idle pi processes warm: started, answered, and used for one run each (spec pi §17.2).
import { messageOf, ReefError } from "../core/errors.js";
import type { Log } from "../core/types.js";
import type { Binary, Command } from "./binary.js";
import { type PiModel, piFlags } from "./flags.js";
import { type PiProcess, startPi } from "./process.js";

export interface PoolLimits {
  /** From spawn to the first answer, when a task waits for it. */
  startMs: number;
  /** The same while nobody waits; and how long an idle process may be silent. */
  silentMs: number;
  /** How often idle processes are asked. */
  checkEveryMs: number;
  /** How long the pool rests after too many failures. */
  pauseMs: number;
}

const LIMITS: PoolLimits = { startMs: 30_000, silentMs: 10_000, checkEveryMs: 30_000, pauseMs: 30_000 };
/** So many in a row stop the pool for a while. */
const FAILURES_MAX = 3;
const PROBLEM_CHARS_MAX = 500;

export interface PoolOptions {
  binary: Pick<Binary, "command" | "status" | "version">;
  /** What the warm processes are started with. */
  model: PiModel;
  /** How many of them are kept. */
  warm: number;
  /** The environment of a process for this provider (`piEnv`). */
  env(provider: string): Record<string, string>;
  /** `DATA_DIR/run`. */
  runDir: string;
  serverId: string;
  log?: Log;
  limits?: Partial<PoolLimits>;
}

export interface Need {
  provider: string;
  /** The default model's when absent. */
  modelId?: string;
  thinking?: string;
  /** Started for this need alone, with exactly its flags. */
  fresh?: boolean;
  /** Gives up the waiting; what was started for this need alone is ended first. */
  signal?: AbortSignal;
}

export interface PoolStatus {
  ok: boolean;
  detail?: string;
  mode: Command["kind"];
  version: string | null;
  path: string;
}

export interface Pool {
  /** The process is the caller's from now on, who stops it. Rejects when none can be started. */
  take(need: Need): Promise<PiProcess>;
  status(): PoolStatus;
  /** Ends what nobody has taken. */
  close(): Promise<void>;
  /** How many are ready to be taken. */
  idle(): number;
}

/** A process that nobody has taken yet. */
interface Spare {
  process: PiProcess;
  /** What it was started with; when that is no longer what it would be, it is of no use. */
  recipe: string;
}

/** Starts filling at once. */
export function createPool(options: PoolOptions): Pool {
  const { binary, model, log } = options;
  const limits: PoolLimits = { ...LIMITS, ...options.limits };
  const idle: Spare[] = [];
  const starting = new Set<Promise<Spare>>();
  const unready = new Set<PiProcess>();
  const ending = new Set<Promise<void>>();
  const health = createHealth(limits.pauseMs, fill);
  let closed = false;
  let version: string | null = null;

  function fill(): void {
    while (!closed && !health.paused() && idle.length + starting.size < options.warm) void warmUp();
  }

  async function warmUp(): Promise<void> {
    const started = start(model, limits.silentMs);
    starting.add(started);
    try {
      const spare = await started;
      // Somebody who could not wait may have taken it.
      if (starting.delete(started)) keep(spare);
    } catch (error) {
      starting.delete(started);
      if (!closed) log?.warn("a warm pi process could not be started:", messageOf(error));
      fill();
    }
  }

  function keep(spare: Spare): void {
    if (closed) {
      end(spare.process);
      return;
    }
    idle.push(spare);
    void spare.process.exited.then(({ code, signal }) => {
      discard(spare, new Error(`an idle pi ended (${signal ?? `code ${code}`})`));
    });
  }

  async function start(wanted: PiModel, limitMs: number, signal?: AbortSignal): Promise<Spare> {
    let process: PiProcess | undefined;
    const giveUp = () => void process?.stop();
    signal?.addEventListener("abort", giveUp, { once: true });
    try {
      const recipe = recipeOf(wanted);
      process = startPi({ ...options, argv: [...binary.command().argv, ...recipe.flags], env: recipe.env });
      unready.add(process);
      await process.request({ type: "get_state" }, limitMs);
      if (closed) throw closedError();
      if (wanted === model) health.started();
      return { process, recipe: JSON.stringify(recipe) };
    } catch (error) {
      await process?.stop();
      // What a task asks for may not exist; that says nothing about the pool.
      if (wanted === model && !closed && !signal?.aborted) health.failed(error);
      throw error;
    } finally {
      signal?.removeEventListener("abort", giveUp);
      if (process) unready.delete(process);
    }
  }

  function recipeOf(wanted: PiModel): { flags: string[]; env: Record<string, string> } {
    return { flags: piFlags(wanted), env: options.env(wanted.provider) };
  }

  /** Takes it out of the pool, if it still is in it. */
  function discard(spare: Spare, why: unknown): void {
    const at = idle.indexOf(spare);
    if (at < 0) return;
    idle.splice(at, 1);
    log?.warn("a warm pi process is replaced:", messageOf(why));
    health.failed(why);
    end(spare.process);
    fill();
  }

  function end(process: PiProcess): void {
    const ended = process.stop().finally(() => ending.delete(ended));
    ending.add(ended);
  }

  async function check(spare: Spare): Promise<void> {
    try {
      await spare.process.request({ type: "get_state" }, limits.silentMs);
    } catch (error) {
      discard(spare, error);
    }
  }

  /** The oldest that still is what it would be if it were started now. */
  function takeIdle(): PiProcess | undefined {
    const recipe = JSON.stringify(recipeOf(model));
    for (let spare = idle.shift(); spare; spare = idle.shift()) {
      if (spare.recipe === recipe) return spare.process;
      end(spare.process);
    }
    return undefined;
  }

  async function takeWarm(signal?: AbortSignal): Promise<PiProcess> {
    const ready = takeIdle();
    if (ready) return ready;
    const [underway] = starting;
    if (!underway) return takeNew(model, signal);
    starting.delete(underway);
    return joined(underway, signal);
  }

  /** Who gives up leaves the process to the pool. */
  async function joined(underway: Promise<Spare>, signal?: AbortSignal): Promise<PiProcess> {
    const aborted = Promise.withResolvers<never>();
    const giveUp = () => aborted.reject(signal?.reason);
    signal?.addEventListener("abort", giveUp, { once: true });
    try {
      return (await Promise.race([underway, aborted.promise])).process;
    } catch (error) {
      // Only now is it certain that this caller does not have it. Where the start failed, that is known already.
      void underway.then(keep, () => undefined);
      throw error;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }

  async function takeNew(wanted: PiModel, signal?: AbortSignal): Promise<PiProcess> {
    return (await start(wanted, limits.startMs, signal)).process;
  }

  const timer = setInterval(() => idle.map(check), limits.checkEveryMs);
  timer.unref();
  void binary.version().then((found) => {
    version = found;
  });
  fill();

  return {
    async take({ provider, modelId = model.id, thinking = model.thinking, fresh = false, signal }) {
      if (closed) throw closedError();
      signal?.throwIfAborted();
      const isWarm = provider === model.provider && !fresh;
      const process = await (isWarm
        ? takeWarm(signal)
        : takeNew({ provider, id: modelId, thinking }, signal));
      health.handedOver();
      // Not before its prompt is on the way: to start the next one takes what this one needs now.
      void process.prompted.then(fill);
      return process;
    },
    status() {
      const problem = health.problem();
      const found = binary.status();
      const { argv, kind } = binary.command();
      const detail = problem ?? found.detail;
      return {
        ok: found.ok && problem === undefined,
        ...(detail !== undefined && { detail }),
        mode: kind,
        version,
        path: (kind === "script" ? argv.find((arg) => arg.endsWith(".js")) : argv[0]) ?? "",
      };
    },
    async close() {
      closed = true;
      clearInterval(timer);
      health.close();
      for (const process of [...idle.splice(0).map((spare) => spare.process), ...unready]) end(process);
      await Promise.allSettled([...ending, ...starting]);
    },
    idle: () => idle.length,
  };
}

/** Counts what fails between two hand-overs, and stops the filling for a while when that is too much. */
function createHealth(pauseMs: number, resume: () => void) {
  let failures = 0;
  let problem: string | undefined;
  let pause: Timer | undefined;
  return {
    paused: () => pause !== undefined,
    problem: () => problem,
    started() {
      problem = undefined;
    },
    handedOver() {
      failures = 0;
    },
    failed(error: unknown) {
      failures += 1;
      if (failures < FAILURES_MAX) return;
      problem = `${FAILURES_MAX} pi processes in a row failed: ${messageOf(error)}`.slice(
        0,
        PROBLEM_CHARS_MAX,
      );
      clearTimeout(pause);
      pause = setTimeout(() => {
        pause = undefined;
        failures = 0;
        resume();
      }, pauseMs);
      pause.unref();
    },
    close: () => clearTimeout(pause),
  };
}

function closedError(): ReefError {
  return new ReefError("unavailable", "The pool of pi processes is closed.");
}
