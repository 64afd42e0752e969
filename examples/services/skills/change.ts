// A change of what agents are to have: what streams, the bus and the tree are told of it.
import { isoTime, plainLine, timeOf } from "#core/http.js";
import type { ItemRow, ItemType } from "./item.js";

export type ChangeAction = "publish" | "update" | "remove" | "enable" | "disable";

export interface Change {
  id: string;
  type: ItemType;
  name: string;
  version: number;
  action: ChangeAction;
  /** ISO 8601. */
  timestamp: string;
}

export function changeOf(id: string, { type, name, version }: ItemRow, action: ChangeAction): Change {
  return { id, type, name, version, action, timestamp: isoTime(timeOf(id)) };
}

/** For people: which kind of event it is in the tree, and one line. */
export function treeEvent({ type, name, version, action }: Change, row: ItemRow): Record<string, unknown> {
  const rest = { source: "skills", itemId: row.id };
  if (action === "remove")
    return { type: "skills_removed", content: plainLine(`${type} ${name} was removed`), ...rest };
  if (action === "enable" || action === "disable")
    return { type: "skills_toggled", content: plainLine(`${type} ${name} was ${action}d`), ...rest };
  const content = plainLine(`${row.publishedBy} published ${type} ${name}, version ${version}`);
  return { type: "skills_published", content, ...rest };
}
