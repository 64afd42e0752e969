// The first lines of a session file, as reef hands a run over to a pi that it started.
import { APPEND_MARKER, SYSTEM_MARKER } from "../../../src/extension/prompts.js";

export const CONTROL = "0123456789abcdef";

/** Flags with which reef starts every pi. */
export const MARKERS = ["--system-prompt", SYSTEM_MARKER, "--append-system-prompt", APPEND_MARKER];

export function handOver(profile: Record<string, unknown> = {}): { runId: string; [field: string]: unknown } {
  return {
    v: 1,
    runId: "run-1",
    taskId: "task-1",
    nodeId: "node-1",
    agentName: "task-1",
    toolsVersion: "0",
    profile: { systemPrompt: "You are a test.", ...profile },
    target: null,
  };
}

export function emptySession(cwd: string, handover: object = handOver()): string {
  const timestamp = new Date(0).toISOString();
  return [
    { type: "session", version: 3, id: "s1", timestamp, cwd },
    { type: "custom", customType: "reef", id: "h1", parentId: null, timestamp, data: handover },
  ]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join("");
}
