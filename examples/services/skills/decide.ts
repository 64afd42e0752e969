// What becomes of an item when somebody publishes, changes or removes it: decided and written within one transaction.
import type { Database } from "bun:sqlite";
import { ReefError } from "#core/errors.js";
import { isoTime, timeOf } from "#core/http.js";
import type { ChangeAction } from "./change.js";
import { hashOf, type ItemChange, type ItemRow, type ItemType, type Published } from "./item.js";
import { countItems, lastIncarnation, readItem, removeItem, writeItem, writeVersion } from "./rows.js";

export interface Decision {
  row: ItemRow;
  /** In the order in which they are told; none when nothing changes for agents. */
  actions: ChangeAction[];
}

export interface Rules {
  itemsMax: number;
  versionsMax: number;
  nextId(): string;
  now(): number;
}

export function decidePublish(db: Database, type: ItemType, input: Published, rules: Rules): Decision {
  const before = readItem(db, type, input.name);
  return before ? publishNext(db, before, input, rules) : publishNew(db, type, input, rules);
}

export function decideChange(
  db: Database,
  { type, name }: Pick<ItemRow, "type" | "name">,
  change: ItemChange,
  { now }: Rules,
): Decision {
  const before = found(readItem(db, type, name), type);
  const next = changed(before, change);
  if (isSame(before, next)) return { row: before, actions: [] };
  const row = { ...next, updatedAt: isoTime(now()) };
  writeItem(db, row);
  return { row, actions: toggle(before, row) };
}

export function decideRemove(db: Database, { type, name }: Pick<ItemRow, "type" | "name">): Decision {
  const row = found(readItem(db, type, name), type);
  removeItem(db, row);
  return { row, actions: ["remove"] };
}

/** Throws `not_found` in the words of the type. */
export function found<T>(row: T | undefined, type: ItemType): T {
  if (row !== undefined) return row;
  throw new ReefError("not_found", `${type} not found`);
}

function publishNew(db: Database, type: ItemType, input: Published, rules: Rules): Decision {
  if (countItems(db)[`${type}s`] >= rules.itemsMax)
    throw new ReefError("conflict", `there are ${rules.itemsMax} ${type}s already`);
  const { name, description, content, publishedBy, tags = [], enabled = true } = input;
  const id = rules.nextId();
  const at = isoTime(timeOf(id));
  const row: ItemRow = {
    ...{ type, name, id, version: 1, incarnation: lastIncarnation(db, type, name) + 1 },
    ...{ description, content, hash: hashOf(content), publishedBy, publishedAt: at, updatedAt: at },
    ...{ tags: JSON.stringify(tags), enabled: Number(enabled) },
  };
  return { row: written(db, row, rules), actions: ["publish"] };
}

function publishNext(db: Database, before: ItemRow, input: Published, rules: Rules): Decision {
  const { content, publishedBy } = input;
  const next = changed({ ...before, content, hash: hashOf(content) }, input);
  if (isSame(before, next)) return { row: before, actions: [] };
  const version = before.version + 1;
  const row = { ...next, version, publishedBy, updatedAt: isoTime(rules.now()) };
  return { row: written(db, row, rules), actions: ["update", ...toggle(before, row)] };
}

function written(db: Database, row: ItemRow, { versionsMax }: Rules): ItemRow {
  writeItem(db, row);
  writeVersion(db, row, versionsMax);
  return row;
}

/** With what was given; what was not stays. */
function changed(row: ItemRow, { description, tags, enabled }: ItemChange): ItemRow {
  return {
    ...row,
    ...(description !== undefined && { description }),
    ...(tags !== undefined && { tags: JSON.stringify(tags) }),
    ...(enabled !== undefined && { enabled: Number(enabled) }),
  };
}

function isSame(one: ItemRow, two: ItemRow): boolean {
  return (["description", "content", "tags", "enabled"] as const).every((key) => one[key] === two[key]);
}

function toggle(before: ItemRow, after: ItemRow): ChangeAction[] {
  if (before.enabled === after.enabled) return [];
  return [after.enabled === 1 ? "enable" : "disable"];
}
