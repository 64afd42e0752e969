// What modules do by themselves while an agent works: registerBehaviors is called once per agent session, and its
// handlers hear that session's events in order, one at a time, without ever delaying the agent.
import { type AgentSession, type BehaviorSession, Session } from "./session.js";
import type { Log, ServiceModule } from "./types.js";

export type { AgentSession, BehaviorSession } from "./session.js";

const HANDLER_MS = 30_000;

export interface BehaviorBox {
  openSession(agent: AgentSession): BehaviorSession;
  /** The module hears the sessions that are open from now on, first `session_start` with reason `reload`. */
  add(module: ServiceModule): void;
  /** The module's handlers get `session_shutdown` of each open session, after what they are just doing, and no more. */
  remove(module: ServiceModule): void;
}

export interface BehaviorBoxOptions {
  log(module?: string): Log;
  /** A handler that takes longer is not called again in its session. */
  handlerMs?: number;
}

export function createBehaviorBox({ log, handlerMs = HANDLER_MS }: BehaviorBoxOptions): BehaviorBox {
  /** What each module was warned about, for all of its sessions. */
  const modules = new Map<ServiceModule, Set<string>>();
  const sessions = new Set<Session>();

  return {
    openSession(agent) {
      const session = new Session(agent, { log, handlerMs, ended: () => sessions.delete(session) });
      for (const [module, warned] of modules) session.add(module, warned);
      sessions.add(session);
      return session;
    },
    add(module) {
      if (!module.registerBehaviors || modules.has(module)) return;
      const warned = new Set<string>();
      modules.set(module, warned);
      for (const session of sessions) session.add(module, warned);
    },
    remove(module) {
      if (modules.delete(module)) for (const session of sessions) session.remove(module);
    },
  };
}
