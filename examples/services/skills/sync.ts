// What an agent has to do to have what the hub has: decided from what it reports and what is enabled.
import { items, LIMITS, number, optional, type Read, text } from "#core/http.js";
import type { ItemType } from "./item.js";
import type { EnabledRow } from "./rows.js";

const HELD = {
  name: text(LIMITS.nameCharsMax),
  version: number({ isInteger: true, min: 0 }),
  hash: optional(text(LIMITS.nameCharsMax)),
};

export const SYNC = {
  agentId: text(LIMITS.nameCharsMax),
  vmId: optional(text(LIMITS.nameCharsMax)),
  skills: optional(items(HELD), []),
  extensions: optional(items(HELD), []),
};

export type SyncReport = Read<typeof SYNC>;
export type Held = SyncReport["skills"][number];

export interface Update {
  type: ItemType;
  name: string;
  version: number;
  action: "install" | "update" | "remove";
  /** What the hub has; told to those who speak of hashes themselves. */
  hash?: string;
}

/** Of one type: what is to be installed or updated by name, then what the hub does not have. */
export function updatesFor(
  type: ItemType,
  held: readonly Held[],
  enabled: readonly EnabledRow[],
  isHashed: boolean,
): Update[] {
  const has = new Map(held.map((item) => [item.name, item]));
  const wanted = new Set(enabled.map(({ name }) => name));
  const due = enabled.flatMap(({ name, version, hash }): Update[] => {
    const action = actionFor(has.get(name), version, hash);
    return action ? [{ type, name, version, action, ...(isHashed && { hash }) }] : [];
  });
  const left = [...has.values()].filter(({ name }) => !wanted.has(name));
  return [...due, ...left.map(({ name, version }): Update => ({ type, name, version, action: "remove" }))];
}

function actionFor(held: Held | undefined, version: number, hash: string): "install" | "update" | undefined {
  if (!held) return "install";
  const isOther = held.hash !== undefined && held.hash !== hash;
  return held.version < version || isOther ? "update" : undefined;
}
