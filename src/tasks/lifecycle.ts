// What an agent does, under the names and in the shapes in which pi tells its extensions (spec §5.5). pi works in loops,
// and begins another one for a retry, after a compaction and for new tools: behaviors hear of one beginning and one end.
import type { AgentEvent } from "../agent/protocol.js";

/** Of one run, which works on one prompt. */
export interface Lifecycle {
  /** Tells what behaviors are to hear of it. */
  hear(event: AgentEvent): void;
  /** Tells the `agent_end` when no loop follows any more: once, and only after a beginning. */
  end(): void;
}

interface LifecycleEvent {
  name: string;
  payload: object;
}

export function createLifecycle(tell: (name: string, payload: object) => void): Lifecycle {
  let state: "before" | "on" | "over" = "before";
  return {
    hear(event) {
      if (event.type === "agent_end" || (event.type === "agent_start" && state !== "before")) return;
      if (event.type === "agent_start") state = "on";
      const told = eventOf(event);
      if (told) tell(told.name, told.payload);
    },
    end() {
      const wasOn = state === "on";
      state = "over";
      if (wasOn) tell("agent_end", { type: "agent_end" });
    },
  };
}

/** Undefined for what behaviors do not hear. */
function eventOf(event: AgentEvent): LifecycleEvent | undefined {
  switch (event.type) {
    case "agent_start":
    case "turn_start":
    case "turn_end":
      return { name: event.type, payload: { ...event } };
    case "message_end":
      return { name: "message_end", payload: { type: "message_end", message: event.message } };
    case "tool_execution_start": {
      const { toolCallId, toolName, args } = event;
      return { name: "tool_call", payload: { type: "tool_call", toolCallId, toolName, input: args } };
    }
    case "tool_execution_end": {
      const { toolCallId, toolName, isError } = event;
      const { content, details } = event.result;
      return {
        name: "tool_result",
        payload: { type: "tool_result", toolCallId, toolName, content, details, isError },
      };
    }
    default:
      return undefined;
  }
}
