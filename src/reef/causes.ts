// Events that services fire become nodes under what caused them.
import type { NewNode, TreeNode } from "../tree/node.js";
import type { Tx } from "../tree/writer.js";
import { isFrameType } from "./frames.js";

const CONTENT_BYTES_MAX = 16 * 1024;
const META_BYTES_MAX = 64 * 1024;

/** Where and by whom an event is fired. */
export interface EventOrigin {
  /** The node on whose behalf the request goes on; null outside any request. */
  causeId: string | null;
  /** The node that put the firing module live, for what it does outside any request. */
  moduleCauseId?: string;
  module?: string;
}

/** The node of one event; its parent is `parentId` if there is such a node, else the cause, else `main`. */
export function eventNode<S>(tx: Pick<Tx<S>, "get" | "ref">, event: unknown, origin: EventOrigin): NewNode {
  const { type, source, content, parentId, ...rest } = fieldsOf(event);
  const eventType = typeof type === "string" && type ? type : "event";
  const from = typeof source === "string" && source ? source : (origin.module ?? "reef");
  const cause = origin.causeId === null ? undefined : tx.get(origin.causeId);
  const parent = (typeof parentId === "string" ? tx.get(parentId) : undefined) ?? cause;
  const setUp = cause ?? (origin.moduleCauseId === undefined ? undefined : tx.get(origin.moduleCauseId));
  return {
    parentId: parent?.id ?? tx.ref("main") ?? null,
    ...taskAndCause(parent, setUp),
    role: "event",
    eventType: isFrameType(eventType) ? `${from}:${eventType}` : eventType,
    source: from,
    content: clipBytes(contentText(content, eventType)),
    ...metaOf(rest),
  };
}

/** The task is the cause's; `causeId` is given only when the cause is not the parent. */
function taskAndCause(
  parent: TreeNode | undefined,
  cause: TreeNode | undefined,
): Pick<NewNode, "taskId" | "causeId"> {
  const taskId = cause?.taskId ?? parent?.taskId;
  return {
    ...(taskId !== undefined && { taskId }),
    ...(cause && cause.id !== parent?.id && { causeId: cause.id }),
  };
}

function fieldsOf(event: unknown): Record<string, unknown> {
  return typeof event === "object" && event !== null ? { ...event } : { content: event };
}

function contentText(content: unknown, eventType: string): string {
  if (content === undefined) return eventType;
  return typeof content === "string" ? content : (jsonOf(content) ?? eventType);
}

function metaOf(rest: Record<string, unknown>): { meta?: Record<string, unknown> } {
  if (Object.keys(rest).length === 0) return {};
  const json = jsonOf(rest);
  if (json === undefined || Buffer.byteLength(json) > META_BYTES_MAX) return { meta: { dropped: true } };
  return { meta: JSON.parse(json) };
}

/** Undefined for what JSON cannot hold: cycles, BigInts, a toJSON that throws. */
export function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

/** Cuts at a whole character. */
function clipBytes(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= CONTENT_BYTES_MAX) return text;
  let end = CONTENT_BYTES_MAX;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end).toString();
}
