// The bus on which modules hear each other and the kernel. A handler that fails is its own module's trouble: it is
// logged under that module's name and neither the other handlers nor the emitter notice.
import { causeWith, runWithCause } from "./cause.js";
import type { Scope } from "./scope.js";
import type { ServiceEventBus as Bus, Log } from "./types.js";

// biome-ignore lint/suspicious/noExplicitAny: payloads are a plugin's own, and the contract leaves them open.
type Handler = (data: any) => unknown;

interface Subscription {
  readonly handler: Handler;
  readonly log: Log;
  readonly module?: string;
}

/** What `face` needs of the module that it is for. */
export interface BusMember {
  name: string;
  scope: Scope;
  log: Log;
}

export class ServiceEventBus implements Bus {
  readonly #subscriptions = new Map<string, Set<Subscription>>();
  readonly #log: Log;

  constructor(log: Log = console) {
    this.#log = log;
  }

  on(event: string, handler: Handler): () => void {
    return this.#subscribe(event, { handler, log: this.#log });
  }

  async emit(event: string, data?: unknown): Promise<void> {
    for (const subscription of [...(this.#subscriptions.get(event) ?? [])]) {
      const stillThere = this.#subscriptions.get(event)?.has(subscription);
      if (stillThere) await deliver(event, data, subscription);
    }
  }

  fire(event: string, data?: unknown): void {
    void this.emit(event, data);
  }

  /** The bus as one module sees it: what it subscribes ends with its scope, what it emits carries its name. */
  face(member: BusMember): Bus {
    const emit = (event: string, data?: unknown) =>
      runWithCause(causeWith({ module: member.name }), () => this.emit(event, data));
    return {
      on: (event, handler) =>
        member.scope.add(
          "subscription",
          event,
          this.#subscribe(event, { handler, log: member.log, module: member.name }),
        ),
      emit,
      fire: (event, data) => void emit(event, data),
    };
  }

  #subscribe(event: string, subscription: Subscription): () => void {
    const subscriptions = this.#subscriptions.get(event) ?? new Set();
    this.#subscriptions.set(event, subscriptions.add(subscription));
    return () => {
      subscriptions.delete(subscription);
      if (subscriptions.size === 0 && this.#subscriptions.get(event) === subscriptions)
        this.#subscriptions.delete(event);
    };
  }
}

async function deliver(event: string, data: unknown, { handler, log }: Subscription): Promise<void> {
  try {
    await handler(data);
  } catch (error) {
    log.error(`a handler of "${event}" failed:`, error);
  }
}
