// What the process of a service may ask of the server, and tell it: calls back in, events, nodes, lines for the log.
import type { InsideFetch } from "../caller-client.js";
import { ReefError } from "../errors.js";
import type { Log, ServiceContext } from "../types.js";
import { unpackFailure } from "./failure.js";
import { answerHead, requestInit } from "./heads.js";
import { type Answers, ConnectionLost, type Hearers } from "./peer.js";
import type { ServicePeer } from "./process.js";
import type { ServerCalls, ServerHears } from "./protocol.js";

export interface OffersOptions {
  log: Log;
  fetch: InsideFetch;
  /** The context of the version that runs there, once it was initialised. */
  context(): ServiceContext | undefined;
  peer(): ServicePeer;
  fault(error: unknown): void;
  onStorage(path: string): void;
  onListens(session: number, events: string[]): void;
}

export interface Offers {
  answers: Answers<ServerCalls>;
  hearers: Hearers<ServerHears>;
  /** Ends what the process had subscribed to. */
  close(): void;
}

export function createOffers(options: OffersOptions): Offers {
  const subscriptions = new Subscriptions(options);
  const context = () => initialised(options.context());
  return {
    answers: {
      async fetch({ as, url, ...head }, call) {
        const response = await options.fetch(url, requestInit(head, call.body(), call.signal), as);
        return { value: answerHead(response), body: response.body };
      },
      emit: async ({ event, data }) => ({ value: await context().events.emit(event, data) }),
      record: async (event) => ({ value: await context().record(event) }),
    },
    hearers: {
      log: ({ level, text }) => options.log[level](text),
      fault: (failure) => options.fault(unpackFailure(failure)),
      subscribe: ({ subscription, event }) => subscriptions.add(subscription, event),
      unsubscribe: ({ subscription }) => subscriptions.remove(subscription),
      storage: ({ path }) => options.onStorage(path),
      listens: ({ session, events }) => options.onListens(session, events),
    },
    close: () => subscriptions.clear(),
  };
}

function initialised(context: ServiceContext | undefined): ServiceContext {
  if (context) return context;
  throw new ReefError("unavailable", "the service is not initialised");
}

/** Each of the service's own subscriptions is one here, so that handlers keep their place in the order of all. */
class Subscriptions {
  readonly #options: OffersOptions;
  readonly #undos = new Map<number, () => void>();

  constructor(options: OffersOptions) {
    this.#options = options;
  }

  add(subscription: number, event: string): void {
    const { context, log } = this.#options;
    try {
      const { events } = initialised(context());
      this.#undos.set(
        subscription,
        events.on(event, (data) => this.#forward(subscription, data)),
      );
    } catch (error) {
      log.error(`it does not hear "${event}":`, error);
    }
  }

  remove(subscription: number): void {
    this.#undos.get(subscription)?.();
    this.#undos.delete(subscription);
  }

  clear(): void {
    for (const undo of this.#undos.values()) undo();
    this.#undos.clear();
  }

  /** What the handler throws is thrown here, and so logged by the bus as of any module. */
  async #forward(subscription: number, data: unknown): Promise<void> {
    try {
      await this.#options.peer().call("event", { subscription, data });
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
    }
  }
}
