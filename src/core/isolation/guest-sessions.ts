// The behaviors of a service in a process: agent sessions as the server opens and feeds them, with the kernel's own order
// and limits for what hears them.
import { type BehaviorSession, createBehaviorBox } from "../behaviors.js";
import { createCallerClient, type InsideFetch } from "../caller-client.js";
import { causeWith, runWithCause } from "../cause.js";
import type { Caller, FleetClient, Log, ServiceModule } from "../types.js";
import type { ServerPeer } from "./guest.js";
import type { SessionEvent, SessionStart } from "./protocol.js";

export interface GuestSessions {
  open(start: SessionStart): void;
  hear(event: SessionEvent): void;
  /** Resolves when its handlers are done. */
  end(event: SessionEvent): Promise<void>;
}

interface OpenSession {
  readonly session: BehaviorSession;
  /** The newest node of the agent. */
  causeId: string | null;
}

/** As much of `pi` as there is to listen with. */
interface Listening {
  on(event: string, handler: unknown): void;
  events: { on(event: string, handler: unknown): () => void };
}

export function createGuestSessions(
  module: ServiceModule,
  { server, fetch, log }: { server: ServerPeer; fetch: InsideFetch; log: Log },
): GuestSessions {
  const sessions = new Map<number, OpenSession>();
  const numbers = new WeakMap<FleetClient, number>();
  const box = createBehaviorBox({ log: () => log });
  box.add({ ...module, registerBehaviors: (pi, client) => register(pi, client) });

  /** Tells the server what to send: all that a session listens to when it is registered, and each that it adds later. */
  const register: NonNullable<ServiceModule["registerBehaviors"]> = (pi, client) => {
    const session = numbers.get(client) ?? 0;
    const first: string[] = [];
    let isRegistered = false;
    const tell = (events: string[]) => server.tell("listens", { session, events });
    const note = (event: string) => void (isRegistered ? tell([event]) : first.push(event));
    try {
      module.registerBehaviors?.(noting(pi, note), client);
    } finally {
      isRegistered = true;
      tell(first);
    }
  };

  function open({ session: number, agent, caller, baseUrl }: SessionStart): void {
    const { name, role, sessionId, vmId, taskId } = agent;
    const asAgent: Caller = { ...caller, agentName: name, agentRole: role, vmId, taskId };
    const url = () => baseUrl ?? "";
    const client = createCallerClient({ fetch, baseUrl: url, caller: () => asAgent, sessionId });
    numbers.set(client, number);
    const withCause = <T>(work: () => T) => {
      const causeId = sessions.get(number)?.causeId ?? null;
      return runWithCause(causeWith({ causeId, caller }), work);
    };
    const session = box.openSession({ name, role, sessionId, taskId, client, withCause });
    sessions.set(number, { session, causeId: null });
  }

  function hear({ session: number, event, payload, causeId }: SessionEvent): void {
    const known = sessions.get(number);
    if (!known) return;
    known.causeId = causeId;
    known.session.emit(event, payload);
  }

  return {
    open,
    hear,
    async end(event) {
      hear(event);
      const known = sessions.get(event.session);
      await known?.session.close("reload");
      sessions.delete(event.session);
    },
  };
}

/** `pi` as it is, save that `note` hears what is listened to. */
function noting(
  pi: Parameters<NonNullable<ServiceModule["registerBehaviors"]>>[0],
  note: (event: string) => void,
) {
  const listening: Listening = pi;
  const on = (event: string, handler: unknown) => {
    note(event);
    listening.on(event, handler);
  };
  const onBus = (event: string, handler: unknown) => {
    note(event);
    return listening.events.on(event, handler);
  };
  const events = { ...listening.events, on: onBus };
  return new Proxy(pi, {
    get(target, name) {
      if (name === "on") return on;
      return name === "events" ? events : Reflect.get(target, name);
    },
  });
}
