// Sessions of agents elsewhere, told by their reports: opened by the first one, ended by their last word or by silence.
import type { ObservedAgent } from "../core/agent-session.js";
import { ReefError } from "../core/errors.js";
import type { BehaviorSession } from "../core/session.js";
import type { Caller } from "../core/types.js";
import { Recent } from "../tree/recent.js";

const SESSIONS_MAX = 1_000;
/** Of sessions that ended: a report that comes twice does not begin them again. */
const ENDED_KEPT = 1_000;
/** An agent that has nothing to say reports just that, every minute. */
const SILENCE_MS = 5 * 60_000;

export interface AgentReport {
  name: string;
  data?: unknown;
}

export interface AgentSessions {
  /** Returns how many of the events were passed on. */
  report(from: Reporter, events: readonly AgentReport[]): number;
  /** Ends all of them. */
  close(): void;
}

export interface Reporter {
  session: string;
  caller: Caller;
  /** On behalf of which node it reports. */
  causeId: string | null;
}

interface SessionPorts {
  open(agent: ObservedAgent): BehaviorSession;
  /** `setTimeout` of the module's context. */
  after(fn: () => void, ms: number): () => void;
}

interface OpenSession {
  behaviors: BehaviorSession;
  causeId: string | null;
  forgetSilence: () => void;
}

export function createAgentSessions({ open, after }: SessionPorts): AgentSessions {
  const sessions = new Map<string, OpenSession>();
  const ended = new Recent<string, true>(ENDED_KEPT);

  /** `first` is what it begins with; when that is no beginning, one is made up. */
  function begin(key: string, from: Reporter, first: AgentReport | undefined): OpenSession {
    if (sessions.size >= SESSIONS_MAX)
      throw new ReefError("unavailable", `More than ${SESSIONS_MAX} sessions of agents elsewhere`);
    const { agentName, agentRole, vmId, taskId } = from.caller;
    const session: OpenSession = {
      behaviors: open({
        name: agentName ?? from.session,
        role: agentRole,
        vmId,
        sessionId: from.session,
        taskId,
        newestNode: () => session.causeId,
      }),
      causeId: from.causeId,
      forgetSilence: () => {},
    };
    sessions.set(key, session);
    if (first?.name !== "session_start")
      session.behaviors.emit("session_start", { type: "session_start", reason: "resume" });
    return session;
  }

  /** The session makes its `session_shutdown` up unless it was told. */
  function end(key: string, session: OpenSession): void {
    session.forgetSilence();
    sessions.delete(key);
    void session.behaviors.close("quit");
  }

  function heard(key: string, from: Reporter, session: OpenSession): void {
    session.causeId = from.causeId;
    session.forgetSilence();
    session.forgetSilence = after(() => end(key, session), SILENCE_MS);
  }

  /** Undefined for what comes after the end. */
  function sessionFor(key: string, from: Reporter, event: AgentReport | undefined): OpenSession | undefined {
    const isOver = ended.get(key) && event?.name !== "session_start";
    const session = sessions.get(key) ?? (isOver ? undefined : begin(key, from, event));
    if (session) heard(key, from, session);
    return session;
  }

  function pass(key: string, from: Reporter, event: AgentReport): boolean {
    const session = sessionFor(key, from, event);
    if (!session) return false;
    session.behaviors.emit(event.name, event.data ?? undefined);
    ended.delete(key);
    if (event.name !== "session_shutdown") return true;
    ended.set(key, true);
    end(key, session);
    return true;
  }

  return {
    report(from, events) {
      const key = keyOf(from);
      if (events.length === 0) sessionFor(key, from, undefined);
      return events.filter((event) => pass(key, from, event)).length;
    },
    close() {
      for (const [key, session] of sessions) end(key, session);
    },
  };
}

/** A session is its reporter's: nobody else ends it or speaks in it. */
function keyOf({ session, caller: { kind, agentName, taskId } }: Reporter): string {
  return JSON.stringify([kind, agentName, taskId, session]);
}
