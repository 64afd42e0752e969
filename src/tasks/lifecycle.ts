// Pure: what an agent does, under the names and in the shapes in which pi tells its extensions (spec §5.5).
import type { AgentEvent } from "../agent/protocol.js";

export interface LifecycleEvent {
  name: string;
  payload: Record<string, unknown>;
}

/** Undefined for what behaviors do not hear. */
export function lifecycleOf(event: AgentEvent): LifecycleEvent | undefined {
  switch (event.type) {
    case "agent_start":
    case "agent_end":
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
