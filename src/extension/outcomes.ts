// Marks tool calls as failed without losing what they answered: pi itself knows failure only as a thrown text.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";

export interface Outcomes {
  /** The call's result, when it comes, is shown to the model as an error with its content and details whole. */
  failed(toolCallId: string): void;
}

export function createOutcomes(pi: ExtensionAPI): Outcomes {
  const failures = new Set<string>();
  pi.on("tool_result", (event) => (failures.delete(event.toolCallId) ? { isError: true } : undefined));
  return { failed: (toolCallId) => void failures.add(toolCallId) };
}
