// What a file of the single-file form holds, and one node of it read leniently: what is of another type than expected is kept as text or in `meta`.
import type { ToolResult } from "../core/types.js";
import type { NewNode, Role } from "./node.js";

export type LegacyNode = NewNode & { id: string; timestamp: number };

/** The parsed contents of `tree.json` and of `archive/*.json`, not yet trusted. */
export interface LegacyFiles {
  tree: unknown;
  archives: unknown[];
}

export interface LegacyContext {
  /** The root that is there already, when an earlier attempt made one. */
  root?: string;
  systemPrompt: string;
  newId: () => string;
  now: number;
}

const ROLES: readonly string[] = ["system", "user", "assistant", "tool_call", "tool_result", "event"];

/** Throws when it cannot be a node: no object, or without an id. */
export function readNode(value: unknown, key: string | undefined, now: number): LegacyNode {
  if (!isRecord(value)) throw new Error(`node '${key ?? "?"}' is not an object`);
  const id = textOf(value.id) ?? key;
  if (id === undefined) throw new Error("a node has no id");
  const role = isRole(value.role) ? value.role : "event";
  return {
    id,
    parentId: textOf(value.parentId) ?? null,
    role,
    content: contentOf(value.content),
    timestamp: timeOf(value.timestamp) ?? now,
    ...defined({
      taskId: textOf(value.taskId),
      source: textOf(value.source),
      eventType: textOf(value.eventType) ?? (isRole(value.role) ? undefined : textOf(value.role)),
      meta: metaOf(value.meta),
      toolName: textOf(value.toolName),
      toolParams: value.toolParams,
      toolCallId: textOf(value.toolCallId),
      result: resultOf(value.result),
      isError: errorOf(value),
    }),
  };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Epoch milliseconds, or a date as text. */
export function timeOf(value: unknown): number | undefined {
  const time = typeof value === "string" ? Date.parse(value) : value;
  return typeof time === "number" && Number.isFinite(time) ? Math.trunc(time) : undefined;
}

function isRole(value: unknown): value is Role {
  return typeof value === "string" && ROLES.includes(value);
}

function contentOf(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : JSON.stringify(value);
}

function metaOf(value: unknown): Record<string, unknown> | undefined {
  if (value === undefined || value === null) return undefined;
  return isRecord(value) ? value : { value };
}

function resultOf(value: unknown): ToolResult | undefined {
  if (value === undefined || value === null) return undefined;
  if (isRecord(value) && Array.isArray(value.content) && value.content.every(isBlock))
    return { ...value, content: value.content };
  return { content: [{ type: "text", text: contentOf(value) }] };
}

function isBlock(value: unknown): value is ToolResult["content"][number] {
  if (!isRecord(value)) return false;
  if (value.type === "text") return typeof value.text === "string";
  return value.type === "image" && typeof value.data === "string" && typeof value.mimeType === "string";
}

function errorOf(value: Record<string, unknown>): boolean | undefined {
  if (typeof value.isError === "boolean") return value.isError;
  return isRecord(value.result) && value.result.isError === true ? true : undefined;
}

function defined<T extends Record<string, unknown>>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
