// Pure: the nodes of a branch → the turns of a conversation, each with what happened in it, in order.
import { goesOn } from "./prompts.js";
import { NO_USAGE, plus, usageOf } from "./spend.js";
import type { TreeNode, Usage } from "./types.js";

export type Item =
  | { kind: "reply"; node: TreeNode }
  | { kind: "call"; node: TreeNode; result: TreeNode | undefined; effects: TreeNode[] }
  | { kind: "question"; node: TreeNode; answer: TreeNode | undefined }
  | { kind: "note"; node: TreeNode };

export interface Turn {
  user: TreeNode;
  items: Item[];
  /** When a run took it up first; undefined while it is queued. */
  startedAt: number | undefined;
  /** What ended it; undefined while it goes on. */
  end: TreeNode | undefined;
  usage: Usage;
  model: string | undefined;
}

export interface Conversation {
  /** What the first prompt came from: the call, the job, the event; nearest first. */
  origin: TreeNode[];
  turns: Turn[];
}

const ENDS = ["task_done", "task_error", "task_cancelled"];
/** Said elsewhere: by the status, the end, the question. */
const UNSAID = ["run_started", "answer", ...ENDS];

/** `nodes` in the order of `seq`. What the model does not see, since the context begins later, is the origin. */
export function conversationOf(nodes: readonly TreeNode[]): Conversation {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const turns = turnsOf(nodes, byId);
  const first = turns.findLastIndex(({ user }) => !continues(user, byId));
  const shown = turns.slice(Math.max(0, first));
  const [begin] = shown;
  return { origin: begin ? above(begin.user, byId) : [], turns: shown };
}

/** Whether the conversation that these nodes make has a place for a node. What only led to it has none. */
export function isPartOf(nodes: readonly TreeNode[], id: string): boolean {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const prompt = promptAbove(byId.get(id), byId);
  return prompt !== undefined && conversationOf(nodes).turns.some(({ user }) => user.id === prompt.id);
}

/** A prompt, as far as one needs it to tell where it goes on. */
export interface Prompt {
  id: string;
  seq: number;
  parentId: string | null;
  /** Whether its context begins with it; undefined where nobody said so. */
  fresh?: boolean;
}

export function promptOf({ id, seq, parentId, meta }: TreeNode): Prompt {
  return { id, seq, parentId, fresh: typeof meta?.fresh === "boolean" ? meta.fresh : undefined };
}

/** All prompts that go on from the same turn as one of the branch, itself among them, oldest first. */
export function waysBeside(
  user: TreeNode,
  branch: readonly TreeNode[],
  prompts: readonly Prompt[],
): Prompt[] {
  const byId = new Map(branch.map((node) => [node.id, node]));
  const before = promptAbove(byId.get(user.parentId ?? ""), byId);
  if (!before || !continues(user, byId)) return [];
  return prompts
    .filter(({ parentId, fresh }) => {
      const above = byId.get(parentId ?? "");
      return goesOn(fresh, above?.role) && promptAbove(above, byId) === before;
    })
    .toSorted((a, b) => a.seq - b.seq);
}

type ById = ReadonlyMap<string, TreeNode>;

/** The nearest one, which may be the node itself. */
function promptAbove(node: TreeNode | undefined, byId: ById): TreeNode | undefined {
  for (let at = node; at; at = byId.get(at.parentId ?? "")) if (at.role === "user") return at;
  return undefined;
}

function continues({ meta, parentId }: TreeNode, byId: ById): boolean {
  return goesOn(meta?.fresh, byId.get(parentId ?? "")?.role);
}

function above(node: TreeNode, byId: ById): TreeNode[] {
  const found: TreeNode[] = [];
  for (let at = byId.get(node.parentId ?? ""); at && at.role !== "system"; at = byId.get(at.parentId ?? "")) {
    found.push(at);
    if (at.role === "user") break;
  }
  return found;
}

function turnsOf(nodes: readonly TreeNode[], byId: ById): Turn[] {
  const turns = new Map<string, Turn>();
  for (const node of nodes) {
    if (node.role === "user") {
      turns.set(node.id, {
        user: node,
        items: [],
        startedAt: undefined,
        end: undefined,
        usage: NO_USAGE,
        model: undefined,
      });
      continue;
    }
    // One that belongs to no turn leads to the first prompt.
    const turn = turns.get(promptAbove(node, byId)?.id ?? "");
    if (turn) add(turn, node);
  }
  return [...turns.values()];
}

function add(turn: Turn, node: TreeNode): void {
  turn.usage = plus(turn.usage, usageOf(node));
  if (typeof node.meta?.model === "string") turn.model = node.meta.model;
  switch (node.role) {
    case "assistant":
      turn.items.push({ kind: "reply", node });
      break;
    case "tool_call":
      turn.items.push({ kind: "call", node, result: undefined, effects: [] });
      break;
    case "tool_result":
      addResult(turn, node);
      break;
    case "event":
      addEvent(turn, node);
  }
}

function addResult(turn: Turn, node: TreeNode): void {
  const call = callIn(turn, node.parentId);
  if (call) call.result = node;
  else turn.items.push({ kind: "note", node });
}

function addEvent(turn: Turn, node: TreeNode): void {
  const type = node.eventType ?? "";
  if (type === "run_started") turn.startedAt ??= node.timestamp;
  if (ENDS.includes(type) && node.parentId === turn.user.id) turn.end = node;
  else if (type === "pending") turn.items.push({ kind: "question", node, answer: undefined });
  else if (type === "answer") answer(turn, node);
  else if (!UNSAID.includes(type)) {
    const call = callIn(turn, node.parentId);
    if (call) call.effects.push(node);
    else turn.items.push({ kind: "note", node });
  }
}

function answer(turn: Turn, node: TreeNode): void {
  const question = turn.items.find((item) => item.kind === "question" && item.node.id === node.parentId);
  if (question?.kind === "question") question.answer = node;
}

function callIn(turn: Turn, id: string | null): Extract<Item, { kind: "call" }> | undefined {
  const call = turn.items.find((item) => item.kind === "call" && item.node.id === id);
  return call?.kind === "call" ? call : undefined;
}

/** Whether a turn still goes on, as far as its nodes say. */
export function isOpen(turn: Turn): boolean {
  return turn.end === undefined && turn.user.taskId !== undefined;
}

/** The nodes that an item shows, the newest last. */
export function nodesOf(item: Item): TreeNode[] {
  if (item.kind === "call") return [item.node, ...item.effects, ...(item.result ? [item.result] : [])];
  if (item.kind === "question") return [item.node, ...(item.answer ? [item.answer] : [])];
  return [item.node];
}

/** How long the model wrote at an item: since what stands before it was over. */
export function writingMs({ user, items, startedAt }: Turn, at: number): number {
  const before = items
    .slice(0, at)
    .flatMap(nodesOf)
    .reduce((last, { timestamp }) => Math.max(last, timestamp), 0);
  return Math.max(0, (items[at]?.node.timestamp ?? 0) - Math.max(before, startedAt ?? user.timestamp));
}

/** How a turn ended that did not end well. */
export function failureOf({ end }: Turn): { word: "Failed" | "Cancelled"; reason: string } | undefined {
  if (end?.eventType === "task_error") return { word: "Failed", reason: end.content };
  return end?.eventType === "task_cancelled" ? { word: "Cancelled", reason: end.content } : undefined;
}

/** Where a reply at the end of a conversation goes on: at the last reply, else at the last call, else at the prompt. */
export function leafOf({ user, items }: Turn): string {
  const last =
    items.findLast(({ kind }) => kind === "reply") ?? items.findLast(({ kind }) => kind === "call");
  return last?.node.id ?? user.id;
}

/** Of newer nodes those that go on a branch: they hang under one of its nodes, and open no branch beside it. */
export function continued(branch: readonly TreeNode[], newer: readonly TreeNode[]): TreeNode[] {
  const byId = new Map(branch.map((node) => [node.id, node]));
  let newest = branch.findLast(({ role }) => role === "user");
  const found: TreeNode[] = [];
  for (const node of newer.toSorted((a, b) => a.seq - b.seq)) {
    if (byId.has(node.id) || !byId.has(node.parentId ?? "")) continue;
    if (node.role === "user") {
      if (!newest || !continues(node, byId) || !isBelow(node, newest.id, byId)) continue;
      newest = node;
    }
    byId.set(node.id, node);
    found.push(node);
  }
  return found;
}

function isBelow(node: TreeNode, id: string, byId: ById): boolean {
  for (let at: TreeNode | undefined = node; at; at = byId.get(at.parentId ?? ""))
    if (at.id === id) return true;
  return false;
}
