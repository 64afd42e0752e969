// Pure: the questions that a run asks, and what counts as an answer to one.
import type { AgentEvent } from "../agent/protocol.js";
import { ReefError } from "../core/errors.js";
import type { NewNode, TreeNode } from "../tree/node.js";
import type { TurnIdentity } from "./record.js";
import type { TurnState } from "./status.js";

export type DialogEvent = Extract<AgentEvent, { type: "extension_ui_request" }>;
export type DialogMethod = "select" | "confirm" | "input" | "editor";

/** A question as its `pending` node keeps it in `meta.request`. */
export interface DialogRequest {
  method: DialogMethod;
  title: string;
  message?: string;
  options?: string[];
  placeholder?: string;
  prefill?: string;
  timeoutMs?: number;
}

export interface Answer {
  value?: string;
  confirmed?: boolean;
  cancelled?: boolean;
}

const ASKING = new Set<string>(["select", "confirm", "input", "editor"]);

/** True for the kinds that wait for an answer; the others are live frames only. */
export function asks(event: DialogEvent): boolean {
  return ASKING.has(event.method);
}

export function requestOf(event: DialogEvent): DialogRequest {
  const request: DialogRequest = { method: event.method as DialogMethod, title: event.title ?? "" };
  if (event.message !== undefined) request.message = event.message;
  if (event.options !== undefined) request.options = event.options;
  if (event.placeholder !== undefined) request.placeholder = event.placeholder;
  if (event.prefill !== undefined) request.prefill = event.prefill;
  if (event.timeout !== undefined) request.timeoutMs = event.timeout;
  return request;
}

/** The question's node: under the open call when exactly one is open, else under the `user` node. */
export function pendingNode(request: DialogRequest, turn: TurnState, who: TurnIdentity): NewNode {
  const calls = Object.values(turn.openCalls);
  const parentId = calls.length === 1 && calls[0] ? calls[0].nodeId : who.nodeId;
  return {
    parentId,
    taskId: who.taskId,
    role: "event",
    eventType: "pending",
    source: "reef",
    content: request.title,
    meta: { request },
  };
}

export function answerNode(pending: TreeNode, answer: Answer, source: string): NewNode {
  return {
    parentId: pending.id,
    taskId: pending.taskId,
    role: "event",
    eventType: "answer",
    source,
    content: textOfAnswer(answer),
    meta: { ...answer },
  };
}

export function textOfAnswer(answer: Answer): string {
  if (answer.cancelled) return "cancelled";
  if (answer.confirmed !== undefined) return answer.confirmed ? "yes" : "no";
  return answer.value ?? "";
}

/** Which of the unsettled questions an answer is for. */
export function chooseQuestion(unsettled: readonly string[], nodeId: string | undefined): string {
  if (nodeId !== undefined) return nodeId;
  const [only, ...others] = unsettled;
  if (only === undefined) throw new ReefError("conflict", "No question is open.");
  if (others.length > 0) {
    throw new ReefError("bad_request", "Several questions are open; say which one with 'nodeId'.", {
      pending: unsettled,
    });
  }
  return only;
}

/** Refuses an answer that does not fit its question. */
export function checkAnswer(request: DialogRequest, answer: Answer): void {
  if (answer.cancelled === true) return;
  if (request.method === "confirm") {
    if (typeof answer.confirmed !== "boolean")
      throw new ReefError("bad_request", "A 'confirm' needs 'confirmed', true or false.");
    return;
  }
  if (typeof answer.value !== "string") {
    throw new ReefError("bad_request", `'value' must be a string for '${request.method}'.`);
  }
  if (request.method === "select" && !request.options?.includes(answer.value)) {
    throw new ReefError("bad_request", `'value' must be one of: ${(request.options ?? []).join(", ")}.`);
  }
}

/** Two questions are the same when everything but their time limit is. */
export function isSameQuestion(a: DialogRequest, b: DialogRequest): boolean {
  return (
    a.method === b.method &&
    a.title === b.title &&
    a.message === b.message &&
    JSON.stringify(a.options ?? []) === JSON.stringify(b.options ?? [])
  );
}

/** The answers that somebody gave in a turn, oldest first, each with its question. */
export function answersOf(nodes: readonly TreeNode[]): { request: DialogRequest; answer: Answer }[] {
  const questions = new Map<string, DialogRequest>();
  const answers: { request: DialogRequest; answer: Answer }[] = [];
  for (const node of nodes) {
    if (node.eventType === "pending") questions.set(node.id, node.meta?.request as DialogRequest);
    const given = node.eventType === "answer" && node.source !== "timeout";
    const request = given && node.parentId ? questions.get(node.parentId) : undefined;
    if (request) answers.push({ request, answer: (node.meta ?? {}) as Answer });
  }
  return answers;
}
