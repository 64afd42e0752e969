// An agent's session as the behaviors of services see it: they act as the server, named after the agent, and what they
// do is on behalf of the session's newest node.
import { createCallerClient, type InsideFetch } from "./caller-client.js";
import { causeWith, runWithCause } from "./cause.js";
import type { AgentSession } from "./session.js";
import type { Caller } from "./types.js";

export interface ObservedAgent {
  name: string;
  role?: string;
  vmId?: string;
  sessionId: string;
  taskId?: string;
  /** The newest node of the session, at the time of the call; null when the tree has none. */
  newestNode(): string | null;
}

export function agentSession(
  { fetch, baseUrl }: { fetch: InsideFetch; baseUrl(): string },
  { name, role = "worker", vmId, sessionId, taskId, newestNode }: ObservedAgent,
): AgentSession {
  const caller: Caller = { kind: "server", agentName: name, agentRole: role, vmId, taskId };
  return {
    name,
    role,
    sessionId,
    taskId,
    client: createCallerClient({ fetch, baseUrl, caller: () => caller, sessionId }),
    withCause: (fn) => runWithCause(causeWith({ causeId: newestNode(), caller }), fn),
  };
}
