// What the tree says about modules that came, changed or went.
import type { ModuleStatus, ReloadAction } from "#core/types.js";

/** The content of the folder that each live module was loaded from, by module name; null for one without a folder. */
export type Hashes = ReadonlyMap<string, string | null>;

export type Change = { name: string; action: Exclude<ReloadAction, "unchanged"> };

const EVENTS = {
  added: { type: "service_load", done: "loaded" },
  updated: { type: "service_reload", done: "reloaded" },
  removed: { type: "service_unload", done: "unloaded" },
} as const;

export function hashesOf(modules: readonly ModuleStatus[]): Hashes {
  return new Map(modules.map(({ name, hash }) => [name, hash]));
}

/** The event for one change. `hash` is what is live now or, for a module that went, what was live last. */
export function eventOf({ name, action }: Change, before: Hashes, after: Hashes): Record<string, unknown> {
  const { type, done } = EVENTS[action];
  const previousHash = action === "updated" ? before.get(name) : undefined;
  return {
    type,
    source: "services",
    content: `service ${done}: ${name}`,
    name,
    hash: (action === "removed" ? before : after).get(name) ?? null,
    ...(previousHash ? { previousHash } : {}),
  };
}
