// The behaviors of a service that runs in a process: each agent session is opened there too, and what it hears is passed
// on in order. Nothing waits for the service, save the end of a session for its last handlers.
import { causeWith } from "../cause.js";
import { HEARD } from "../session.js";
import type { FleetClient, ServiceModule } from "../types.js";
import type { SessionStart } from "./protocol.js";
import type { Supervisor } from "./supervisor.js";

const FIRST = "session_start";
const LAST = "session_shutdown";

export interface Sessions {
  register: NonNullable<ServiceModule["registerBehaviors"]>;
  /** The service's behaviors in this session listen to these events, and perhaps to others before. */
  listens(session: number, events: string[]): void;
  /** The process is a new one: the sessions that are open begin anew there. */
  reopen(): void;
}

/** What the server's recorder offers: events of any name. */
interface Recorder {
  on(event: string, handler: (payload: unknown) => unknown): void;
  events: { on(event: string, handler: (payload: unknown) => unknown): unknown };
}

interface OpenSession {
  readonly pi: Recorder;
  readonly start: SessionStart;
  isStarted: boolean;
  /** Undefined until the service has said it: so long everything is passed on. */
  listens: Set<string> | undefined;
  /** Events of other names than pi's, which are passed on when the service has asked for them. */
  readonly others: Set<string>;
}

export function createSessions(supervisor: () => Supervisor): Sessions {
  const open = new Map<number, OpenSession>();
  let lastSession = 0;

  async function pass(session: OpenSession, event: string, payload: unknown): Promise<void> {
    if (event === FIRST) session.isStarted = true;
    const { causeId } = causeWith({});
    const heard = { session: session.start.session, event, payload, causeId };
    if (event === LAST) {
      open.delete(heard.session);
      if (supervisor().isServing) await supervisor().call("endSession", heard);
    } else if (session.listens?.has(event) ?? true) supervisor().tell("sessionEvent", heard);
  }

  return {
    register(api, client) {
      const pi: Recorder = api;
      const start = startOf(++lastSession, client);
      const session: OpenSession = { pi, start, isStarted: false, listens: undefined, others: new Set() };
      open.set(start.session, session);
      supervisor().tell("session", start);
      for (const event of HEARD) pi.on(event, (payload) => pass(session, event, payload));
    },
    listens(number, events) {
      const session = open.get(number);
      if (!session) return;
      session.listens ??= new Set();
      for (const event of events) {
        session.listens.add(event);
        if (HEARD.has(event) || session.others.has(event)) continue;
        session.others.add(event);
        session.pi.events.on(event, (payload) => pass(session, event, payload));
      }
    },
    reopen() {
      for (const session of open.values()) {
        const { start, isStarted } = session;
        session.listens = undefined;
        supervisor().tell("session", start);
        const payload = { type: FIRST, reason: "reload" };
        const heard = { session: start.session, event: FIRST, payload, causeId: null };
        if (isStarted) supervisor().tell("sessionEvent", heard);
      }
    },
  };
}

/** Called with the cause and the caller of the session, as whom its behaviors act. */
function startOf(session: number, client: FleetClient): SessionStart {
  const { agentName: name, agentRole: role, sessionId = "", vmId, taskId } = client;
  const { caller } = causeWith({});
  return { session, agent: { name, role, sessionId, vmId, taskId }, caller, baseUrl: client.getBaseUrl() };
}
