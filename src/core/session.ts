// One agent session as behaviors hear it: a queue of events, and for each module the handlers that it registered.
import { createRecorder } from "./recorder.js";
import type { FleetClient, Log, ServiceModule } from "./types.js";
import { TookTooLong, within } from "./within.js";

/** A session whose handlers fall further behind loses its newest events, with one warning. */
const EVENTS_WAITING_MAX = 1_000;
const HANDLERS_PER_MODULE_MAX = 100;
/** What `pi.on` hears. `pi.events.on` hears what begins with `vers:`. */
export const HEARD: ReadonlySet<string> = new Set([
  "session_start",
  "agent_start",
  "turn_start",
  "message_end",
  "tool_call",
  "tool_result",
  "turn_end",
  "agent_end",
  "session_shutdown",
  "model_select",
]);

export interface AgentSession {
  name: string;
  role: string;
  sessionId: string;
  taskId?: string;
  /** Acts as the server, named after the agent. */
  client: FleetClient;
  /** Runs `fn` with the session's newest node as cause. */
  withCause<T>(fn: () => T): T;
}

export interface BehaviorSession {
  /** pi's events, and forwarded `vers:*` ones. Queued: returns at once and never throws. */
  emit(event: string, payload?: unknown): void;
  /** Makes `session_shutdown` up unless it was emitted, and resolves when every handler is done. */
  close(reason: string): Promise<void>;
}

export interface SessionOptions {
  log(module?: string): Log;
  handlerMs: number;
  ended(): void;
}

type Handler = (event: unknown, ctx: object) => unknown;

/** One module in one session. It hears nothing before it is registered, nor after it is removed. */
interface Listener {
  readonly module: ServiceModule;
  readonly handlers: Set<{ event: string; handler: Handler }>;
  state: "new" | "listening" | "removed";
}

export class Session implements BehaviorSession {
  readonly #agent: AgentSession;
  readonly #options: SessionOptions;
  readonly #listeners = new Map<ServiceModule, Listener>();
  readonly #jobs: (() => Promise<void>)[] = [];
  #running: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #isStarted = false;
  #isShutDown = false;
  #lostEvents = 0;

  constructor(agent: AgentSession, options: SessionOptions) {
    this.#agent = agent;
    this.#options = options;
  }

  emit(event: string, payload: unknown = { type: event }): void {
    if (this.#closing) return;
    if (event === "session_start") this.#isStarted = true;
    if (event === "session_shutdown") this.#isShutDown = true;
    if (this.#jobs.length >= EVENTS_WAITING_MAX && !this.#isShutDown) this.#lose(event);
    else this.#enqueue(() => this.#tellAll(event, payload));
  }

  close(reason: string): Promise<void> {
    if (!this.#isShutDown) this.emit("session_shutdown", { type: "session_shutdown", reason });
    this.#closing ??= (this.#running ?? Promise.resolve()).then(this.#options.ended);
    return this.#closing;
  }

  /** In the queue like an event, so that the module hears nothing that came before it. */
  add(module: ServiceModule, warned: Set<string>): void {
    const listener: Listener = { module, handlers: new Set(), state: "new" };
    const isLate = this.#isStarted && !this.#isShutDown;
    this.#listeners.set(module, listener);
    this.#enqueue(async () => {
      if (listener.state === "removed") return;
      this.#register(listener, warned);
      if (isLate) await this.#tell(listener, "session_start", { type: "session_start", reason: "reload" });
    });
  }

  /** Ahead of all that waits: the module hears none of it any more, and its end should not wait for other modules. */
  remove(module: ServiceModule): void {
    const listener = this.#listeners.get(module);
    if (!listener) return;
    const heardOfStart = listener.state === "listening" && this.#isStarted && !this.#isShutDown;
    listener.state = "removed";
    this.#listeners.delete(module);
    const goodbye = { type: "session_shutdown", reason: "reload" };
    if (heardOfStart) this.#enqueue(() => this.#call(listener, "session_shutdown", goodbye), "first");
  }

  #enqueue(job: () => Promise<void>, place: "first" | "last" = "last"): void {
    if (place === "first") this.#jobs.unshift(job);
    else this.#jobs.push(job);
    this.#running ??= this.#work();
  }

  async #work(): Promise<void> {
    // Whoever emits goes on first: not even the synchronous part of a handler may keep it waiting.
    await Promise.resolve();
    for (let job = this.#jobs.shift(); job; job = this.#jobs.shift()) await job();
    this.#running = undefined;
  }

  #register(listener: Listener, warned: Set<string>): void {
    const { module } = listener;
    const log = this.#options.log(module.name);
    const warnOnce = (text: string) => {
      if (!warned.has(text)) log.warn(text);
      warned.add(text);
    };
    const on = (event: string, handler: Handler, isHeard: boolean): (() => void) => {
      const entry = { event, handler };
      if (!isHeard) warnOnce(`"${event}" is never heard in the server`);
      else if (listener.handlers.size >= HANDLERS_PER_MODULE_MAX)
        warnOnce("too many handlers; the last are left out");
      else listener.handlers.add(entry);
      return () => void listener.handlers.delete(entry);
    };
    const pi = {
      on: (event: string, handler: Handler) => void on(event, handler, HEARD.has(event)),
      events: {
        on: (event: string, handler: Handler) => on(event, handler, event.startsWith("vers:")),
        emit: (event: string) => warnOnce(`"${event}" was emitted, and nobody hears it in the server`),
      },
    };
    try {
      this.#agent.withCause(() =>
        module.registerBehaviors?.(createRecorder(pi, { log, warned }), this.#agent.client),
      );
      listener.state = "listening";
    } catch (error) {
      log.error("registerBehaviors() failed:", error);
    }
  }

  async #tellAll(event: string, payload: unknown): Promise<void> {
    for (const listener of this.#listeners.values()) await this.#tell(listener, event, payload);
  }

  async #tell(listener: Listener, event: string, payload: unknown): Promise<void> {
    if (listener.state === "listening") await this.#call(listener, event, payload);
  }

  async #call({ module, handlers }: Listener, event: string, payload: unknown): Promise<void> {
    const { name: agentName, role: agentRole, sessionId, taskId, withCause } = this.#agent;
    const ctx = { hasUI: false, agentName, agentRole, sessionId, taskId };
    for (const entry of [...handlers]) {
      if (entry.event !== event) continue;
      try {
        await within(this.#options.handlerMs, () => withCause(() => entry.handler(payload, ctx)));
      } catch (error) {
        this.#options.log(module.name).error(`the behavior for "${event}" failed:`, error);
        if (error instanceof TookTooLong) handlers.delete(entry);
      }
    }
  }

  #lose(event: string): void {
    this.#lostEvents++;
    if (this.#lostEvents > 1) return;
    const text = `behaviors of "${this.#agent.name}" are ${EVENTS_WAITING_MAX} events behind; "${event}" is lost`;
    this.#options.log().warn(text);
  }
}
