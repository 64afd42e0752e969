// Tools that came or went while a run's loop kept its old list: gathered, then told to the model in one text.
import type { AgentEvent } from "../agent/protocol.js";

const NAMES_MAX = 200;

export interface ToolChanges {
  heard(event: AgentEvent): void;
  /** The text for the model when something changed since the last time, else undefined. */
  take(): string | undefined;
}

export function createToolChanges(): ToolChanges {
  let changed = false;
  const added = new Set<string>();
  const removed = new Set<string>();

  return {
    heard(event) {
      if (event.type !== "tool_execution_end") return;
      const change = toolsChanged(event.result.details);
      if (!change) return;
      changed = true;
      for (const name of change.added) {
        added.add(name);
        removed.delete(name);
      }
      for (const name of change.removed) {
        removed.add(name);
        added.delete(name);
      }
    },
    take() {
      if (!changed) return undefined;
      const parts = [listed("New", added), listed("Gone", removed)].filter((part) => part !== "");
      changed = false;
      added.clear();
      removed.clear();
      return `Tools changed: ${parts.join(" ") || "some were updated."} Continue.`;
    },
  };
}

function listed(label: string, names: ReadonlySet<string>): string {
  return names.size === 0 ? "" : `${label}: ${[...names].slice(0, NAMES_MAX).join(", ")}.`;
}

function toolsChanged(details: unknown): { added: string[]; removed: string[] } | undefined {
  const change = (details as { toolsChanged?: unknown } | null | undefined)?.toolsChanged;
  if (typeof change !== "object" || change === null) return undefined;
  const { added, removed } = change as { added?: unknown; removed?: unknown };
  return { added: names(added), removed: names(removed) };
}

function names(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === "string") : [];
}
