// The server's bus as a service in a process has it: handlers stay here, and whatever is emitted goes through the server,
// from where it comes back to them once.
import type { BusMember } from "../events.js";
import type { ServiceEventBus } from "../types.js";
import type { ServerPeer } from "./guest.js";

type Handler = Parameters<ServiceEventBus["on"]>[1];

export interface GuestBus {
  /** The bus as the module sees it: what it subscribes ends with its scope. */
  face(member: BusMember): ServiceEventBus;
  /** Rejects with what the handler throws. */
  deliver(subscription: number, data: unknown): Promise<void>;
}

export function createGuestBus(server: ServerPeer): GuestBus {
  const handlers = new Map<number, Handler>();
  let lastSubscription = 0;

  function subscribe(event: string, handler: Handler): () => void {
    const subscription = ++lastSubscription;
    handlers.set(subscription, handler);
    server.tell("subscribe", { subscription, event });
    return () => {
      handlers.delete(subscription);
      server.tell("unsubscribe", { subscription });
    };
  }

  async function emit(event: string, data: unknown): Promise<void> {
    await server.call("emit", { event, data });
  }

  return {
    face: ({ scope, log }) => ({
      on: (event, handler) => scope.add("subscription", event, subscribe(event, handler)),
      emit,
      fire: (event, data) =>
        void emit(event, data).catch((error) => log.error(`"${event}" was not sent:`, error)),
    }),
    async deliver(subscription, data) {
      await handlers.get(subscription)?.(data);
    },
  };
}
