// Has one version of a service run in a process: initialised, started again however it ends, undone; and refuses what is
// asked of it while it is not there.
import { basename } from "node:path";
import { messageOf, ReefError } from "../errors.js";
import { putBackLeft } from "../migrations.js";
import { LoadFailed } from "../scope.js";
import type { Log, ServiceContext } from "../types.js";
import { TookTooLong, within } from "../within.js";
import { Backoff, type BackoffLimits } from "./backoff.js";
import { discard } from "./body.js";
import { onNobodysBehalf } from "./carrier.js";
import { createDiary, type Diary } from "./diary.js";
import type { AskOptions, Reply } from "./exchange.js";
import { keepAlive } from "./keep-alive.js";
import { ConnectionLost } from "./peer.js";
import { explained, type ProcessEnd, type ServiceProcess } from "./process.js";
import type { Description, ServiceCalls, ServiceHears } from "./protocol.js";
import { createStarter, type Starter, type StarterOptions } from "./starter.js";

export interface SupervisorLimits extends BackoffLimits {
  /** For an import and an `init` when the process is started again. */
  importMs: number;
  initMs: number;
  /** For what a version undoes that does not get to serve. */
  undoMs: number;
}

export interface SupervisorOptions
  extends Omit<StarterOptions, "name" | "context" | "isServing" | "fault" | "onStorage" | "limits" | "log"> {
  log(module?: string): Log;
  /** A fault of the module outside any request. */
  failed(error: unknown, module: string): void;
  /** It was started again, and knows nothing of what was before. */
  onBack(): void;
  limits: StarterOptions["limits"] & SupervisorLimits;
}

/** From `init` until it is undone. */
interface Life {
  readonly ctx: ServiceContext;
  /** Aborts when it is undone. */
  readonly over: AbortController;
  /** SQLite files that it has opened. */
  readonly storages: Set<string>;
  /** Set when that has begun. */
  undone?: Promise<void>;
  /** What the module was like when it was first initialised, as JSON. */
  looks?: string;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #starter: Starter;
  readonly #backoff: Backoff;
  #name: string;
  /** Imported, and not ended. */
  #process: ServiceProcess | undefined;
  /** Initialised, and not ended. */
  #serving: ServiceProcess | undefined;
  #life: Life | undefined;
  /** When it is tried again, on the clock of `performance.now()`. */
  #againAt = 0;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#name = basename(options.copy.source);
    this.#backoff = new Backoff(options.limits);
    this.#starter = createStarter({
      ...options,
      name: () => this.#name,
      log: {
        debug: this.#say("debug"),
        info: this.#say("info"),
        warn: this.#say("warn"),
        error: this.#say("error"),
      },
      context: () => this.#life?.ctx,
      isServing: (process) => process === this.#serving,
      onStorage: (path) => this.#life?.storages.add(path),
      fault: (error) => {
        this.#say("error")("a fault outside any request:", error);
        // Another version may be live under this name until this one serves.
        if (this.#serving && !this.#life?.over.signal.aborted) options.failed(error, this.#name);
      },
    });
  }

  /** Starts a process and imports the copy there. Rejects with the problem's text, leaving no process. */
  async import(limitMs: number): Promise<Description> {
    return (await onNobodysBehalf(() => this.#start(limitMs))).description;
  }

  /** From now on the process is kept alive, until the context's signal aborts. */
  async init(ctx: ServiceContext): Promise<Description> {
    const life: Life = { ctx, over: new AbortController(), storages: new Set() };
    this.#life = life;
    ctx.signal.addEventListener("abort", () => {
      life.undone = this.#undo(life);
    });
    ctx.onDispose("process", () => life.undone);
    const process = this.#process ?? (await this.#start(this.#options.limits.importMs)).process;
    const description = await this.#initIn(process, life);
    life.looks = JSON.stringify(description);
    if (!life.over.signal.aborted) void this.#keep(process, life);
    return description;
  }

  /** Rejects `unavailable` when the process is not there, or ends before it answers. */
  async call<Name extends keyof ServiceCalls>(
    name: Name,
    args: ServiceCalls[Name]["args"],
    options?: AskOptions,
  ): Promise<Reply<ServiceCalls[Name]["value"]>> {
    const process = this.#serving;
    if (!process) {
      void discard(options?.body);
      throw this.#unavailable();
    }
    try {
      return await process.peer.call(name, args, options);
    } catch (error) {
      throw error instanceof ConnectionLost ? this.#unavailable(error) : error;
    }
  }

  /** After whatever the version undoes by itself. Nothing is to be done for a process that is not there. */
  async settleStore(method: "flush" | "close"): Promise<void> {
    await this.#life?.undone;
    if (this.#serving) await this.call("store", { method });
  }

  /** Says nothing to a process that is not there. */
  tell<Name extends keyof ServiceHears>(name: Name, value: ServiceHears[Name]): void {
    this.#serving?.peer.tell(name, value);
  }

  /** Whether somebody is there to be asked. */
  get isServing(): boolean {
    return this.#serving !== undefined;
  }

  /** Ends the process for good. May be called twice. */
  async end(): Promise<void> {
    this.#life?.over.abort();
    await this.#starter.end();
    await this.#options.place.remove();
  }

  async #start(limitMs: number): Promise<{ process: ServiceProcess; description: Description }> {
    const imported = await this.#starter.start(limitMs);
    const { process, description } = imported;
    this.#name = description.name;
    this.#process = process;
    void process.ended.then(() => {
      if (this.#process === process) this.#process = undefined;
      if (this.#serving === process) this.#serving = undefined;
    });
    return imported;
  }

  async #initIn(process: ServiceProcess, life: Life): Promise<Description> {
    life.storages.clear();
    try {
      const { value } = await process.peer.call("init", { dir: life.ctx.dir });
      if (this.#process === process) this.#serving = process;
      return value;
    } catch (error) {
      throw await explained(error, process);
    }
  }

  /** Has the process undo what it has started. One that hangs then is ended by its watch. */
  async #undo(life: Life): Promise<void> {
    life.over.abort();
    const { reason } = life.ctx.signal;
    if (reason instanceof LoadFailed) return this.#takeBack(life, reason.message);
    try {
      await this.#process?.peer.call("undo", {});
    } catch (error) {
      this.#say("error")("it could not be undone:", error);
    }
  }

  /** Of a version that never served. When its process is gone, or does not hear, the files are put back from here. */
  async #takeBack(life: Life, failed: string): Promise<void> {
    const process = this.#process;
    try {
      const undo = async () => process?.peer.call("undo", { failed });
      if (await within(this.#options.limits.undoMs, undo)) return;
    } catch (error) {
      if (error instanceof TookTooLong)
        await process?.end("hung", "was ended: it did not undo what it had begun");
      else if (!(error instanceof ConnectionLost)) throw error;
    }
    await process?.ended;
    for (const path of life.storages) putBackLeft(path);
  }

  #keep(process: ServiceProcess, life: Life): Promise<void> {
    const { failed } = this.#options;
    const name = this.#name;
    const log = this.#options.log(name);
    const diary = createDiary({ ctx: life.ctx, log, failed: (error) => failed(error, name) });
    return onNobodysBehalf(() =>
      keepAlive(process, {
        over: life.over.signal,
        backoff: this.#backoff,
        ended: (end, waitMs) => {
          this.#againAt = performance.now() + waitMs;
          diary.ended(end, waitMs);
        },
        startAgain: () => this.#startAgain(life, diary),
      }),
    );
  }

  async #startAgain(life: Life, diary: Diary): Promise<{ process: ServiceProcess } | { end: ProcessEnd }> {
    const { importMs, initMs } = this.#options.limits;
    let process: ServiceProcess | undefined;
    try {
      ({ process } = await this.#start(importMs));
      const started = process;
      life.over.signal.throwIfAborted();
      const description = await within(initMs, () => this.#initIn(started, life));
      life.over.signal.throwIfAborted();
      diary.startedAgain();
      if (JSON.stringify(description) !== life.looks)
        this.#say("warn")("it is not as it was before: reload it to have its new routes and tools");
      this.#options.onBack();
      return { process };
    } catch (error) {
      const message = `could not be started again: ${messageOf(error)}`;
      const end = await process?.end("failed", message);
      return { end: end ?? { reason: "failed", message, exitCode: null, signal: null } };
    }
  }

  #unavailable(cause?: Error): ReefError {
    const retryAfter = Math.max(1, Math.ceil((this.#againAt - performance.now()) / 1000));
    const text = `service "${this.#name}" is being started again`;
    return new ReefError("unavailable", text, { retryAfter }, { cause });
  }

  /** The name is known when the module is imported; until then the folder's stands for it. */
  #say(level: keyof Log): Log[keyof Log] {
    return (...args) => this.#options.log(this.#name)[level](...args);
  }
}
