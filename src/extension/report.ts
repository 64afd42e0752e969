// Tells the server what an agent elsewhere does, so that behaviors hear it. reef's own tasks are heard directly.
import type { ExtensionAPI, ExtensionContext } from "@mariozechner/pi-coding-agent";
import type { FleetClient } from "../core/types.js";
import { hearPrompts } from "./loops.js";
import { createOutbox, type Outbox } from "./outbox.js";
import { fitting } from "./payload.js";

/** What extensions beside this one say of the agents that they start and end. */
const FORWARDED = ["vers:agent_spawned", "vers:agent_destroyed", "vers:lt_created", "vers:lt_destroyed"];

export interface Report {
  start(client: FleetClient, ctx: ExtensionContext): void;
}

/** Nothing is reported before `start`, which counts as the session's `session_start`. */
export function reportLifecycle(pi: ExtensionAPI): Report {
  let outbox: Outbox | undefined;
  let sessionStart: object = {};
  const tell = (name: string) => (event: object) => outbox?.add(name, fitting(event));
  /** Behaviors run elsewhere and cannot look. */
  const startedAt = new Date(Date.now() - process.uptime() * 1000).toISOString();
  const parentAgent = process.env.VERS_PARENT_AGENT || undefined;
  const begun = (event: object) => ({ ...event, parentAgent, process: { pid: process.pid, startedAt } });

  pi.on("session_start", (event) => {
    sessionStart = event;
  });
  hearPrompts(pi, (event) => tell(event.type)(event.type === "agent_start" ? begun(event) : event));
  pi.on("turn_start", tell("turn_start"));
  pi.on("message_end", tell("message_end"));
  pi.on("tool_call", tell("tool_call"));
  pi.on("tool_result", tell("tool_result"));
  pi.on("turn_end", tell("turn_end"));
  pi.on("model_select", (event) => {
    // A model's headers may hold keys.
    const name = (model: typeof event.previousModel) => model && { provider: model.provider, id: model.id };
    tell("model_select")({ ...event, model: name(event.model), previousModel: name(event.previousModel) });
  });
  const forgets = FORWARDED.map((name) => pi.events.on(name, (data) => outbox?.add(name, fitting(data))));
  pi.on("session_shutdown", async (event) => {
    for (const forget of forgets) forget();
    tell("session_shutdown")(event);
    await outbox?.close();
    outbox = undefined;
  });

  return {
    start(client, ctx) {
      const session = ctx.sessionManager.getSessionId();
      outbox = createOutbox((events) => client.api("POST", "/reef/agent-events", { session, events }));
      tell("session_start")(begun(sessionStart));
    },
  };
}
