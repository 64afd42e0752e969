// Pure: a committed node → the frame that listeners get. A replayed frame equals the live one, byte for byte.
import type { TreeNode } from "../tree/node.js";

const SUMMARY_CHARS_MAX = 200;

/** Event types that reef itself writes; a service that fires one of these gets its own name in front. */
const OWN_EVENTS = new Set([
  "run_started",
  "pending",
  "answer",
  "steer",
  "task_done",
  "task_error",
  "task_cancelled",
  "task_interrupted",
  "tools_changed",
  "ref_moved",
]);

/** Frame types that stand for something else than an event of a service. */
const FRAME_TYPES = new Set([
  ...OWN_EVENTS,
  "system",
  "task_started",
  "message_end",
  "tool_execution_start",
  "tool_execution_end",
  "answered",
  "task_steered",
  "resync",
  "agent_start",
  "agent_end",
  "turn_start",
  "turn_end",
  "message_start",
  "message_update",
  "tool_execution_update",
  "auto_retry_start",
  "auto_retry_end",
  "compaction_start",
  "compaction_end",
  "queue_update",
  "service_deploy_step",
  "extension_error",
  "extension_ui_request",
]);

export interface Frame {
  type: string;
  seq: number;
  nodeId: string;
  parentId: string | null;
  timestamp: number;
  taskId?: string;
  [field: string]: unknown;
}

export function isFrameType(type: string): boolean {
  return FRAME_TYPES.has(type);
}

export function frameOf(node: TreeNode): Frame {
  const common = {
    seq: node.seq,
    nodeId: node.id,
    parentId: node.parentId,
    timestamp: node.timestamp,
    ...(node.taskId !== undefined && { taskId: node.taskId }),
  };
  return { ...common, ...fieldsOf(node) };
}

function fieldsOf(node: TreeNode): { type: string; [field: string]: unknown } {
  const meta = node.meta ?? {};
  switch (node.role) {
    case "system":
      return { type: "system", content: node.content };
    case "user":
      return { type: "task_started", prompt: node.content, continuing: meta.continuing === true };
    case "assistant":
      return { type: "message_end", message: messageOf(node) };
    case "tool_call":
      return {
        type: "tool_execution_start",
        toolCallId: node.toolCallId,
        toolName: node.toolName,
        args: node.toolParams,
        ...(meta.usage !== undefined && { usage: meta.usage }),
      };
    case "tool_result":
      return {
        type: "tool_execution_end",
        toolCallId: node.toolCallId,
        toolName: node.toolName,
        result: node.result,
        isError: node.isError === true,
      };
    case "event":
      return eventFields(node, meta);
  }
}

function messageOf(node: TreeNode): Record<string, unknown> {
  const { model, provider, stopReason, usage } = node.meta ?? {};
  return { role: node.role, content: node.content, model, provider, stopReason, usage };
}

function eventFields(
  node: TreeNode,
  meta: Record<string, unknown>,
): { type: string; [field: string]: unknown } {
  switch (node.eventType) {
    case "run_started":
      return { type: "run_started", attempt: meta.attempt, model: meta.model };
    case "pending":
      return { type: "pending", request: meta.request };
    case "answer":
      return { type: "answered", pendingId: node.parentId, ...meta };
    case "steer":
      return { type: "task_steered", message: node.content, mode: meta.mode };
    case "task_done":
      return doneFields(node, meta);
    case "task_error":
      return { type: "task_error", error: node.content };
    case "task_cancelled":
      return { type: "task_cancelled", ...(node.content && { reason: node.content }) };
    case "task_interrupted":
      return { type: "task_interrupted", attempt: meta.attempt, ...(meta.clean === true && { clean: true }) };
    case "tools_changed":
      return { type: "tools_changed", content: node.content };
    case "ref_moved":
      return { type: "ref_moved", ref: meta.ref, from: meta.from, to: meta.to };
    default:
      return { type: node.eventType ?? "event", source: node.source, content: node.content, meta: node.meta };
  }
}

/** The frame of an end points at the reply, since that is what a reader wants next. */
function doneFields(
  node: TreeNode,
  meta: Record<string, unknown>,
): { type: string; [field: string]: unknown } {
  const replyId = typeof meta.replyId === "string" ? meta.replyId : node.id;
  const summary = typeof meta.summary === "string" ? meta.summary.slice(0, SUMMARY_CHARS_MAX) : "";
  return { type: "task_done", summary, nodeId: replyId, eventNodeId: node.id, usage: meta.usage };
}
