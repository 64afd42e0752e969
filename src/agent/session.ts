// Pure: a conversation in the tree → the session file from which pi goes on, and the text it is prompted with.
import { ReefError } from "../core/errors.js";
import type { RawNode } from "../tree/node.js";
import { historyOf } from "./history.js";
import type { HistoryMessage } from "./reply.js";

export interface SessionRequest {
  /** The conversation up to the new `user` node: whole turns, in `seq` order, with `raw`. */
  nodes: readonly RawNode[];
  /** The `user` node of the turn that is to run. */
  upTo: string;
  /** The working directory that pi's tools get. It has to exist. */
  cwd: string;
  /** What the extension is told about the run; no secrets. */
  handover: { runId: string; [field: string]: unknown };
  /** Epoch milliseconds. */
  now: number;
  /**
   * How a turn begins that does not begin with its own text: after a restart its nodes so far are history, and
   * the prompt is another. Without it, no node of the turn is history and the prompt is its text.
   */
  opening?: { history: readonly { id: string }[]; prompt: string };
}

export interface SessionFile {
  /** JSON lines, pi's session format v3. */
  text: string;
  prompt: string;
}

/** Throws ReefError("internal") when `upTo` is not a `user` node of `nodes`. */
export function sessionFile(request: SessionRequest): SessionFile {
  const { nodes, upTo, opening, now } = request;
  const path = pathTo(nodes, upTo);
  const newest = path.at(-1);
  if (newest?.role !== "user") {
    throw new ReefError(
      "internal",
      `A run needs its 'user' node. Received: ${newest?.role ?? "an unknown node"} '${upTo}'`,
    );
  }
  const past = turnsOn(path, nodes).flatMap((turn) =>
    turn.userId === upTo ? opened(turn.nodes, opening) : turn.nodes,
  );
  const told = new Set(
    path.slice(1).flatMap((node) => (node.role === "user" && node.parentId ? [node.parentId] : [])),
  );
  return {
    text: linesOf(request, historyOf(past, told), new Date(now).toISOString()),
    prompt: opening?.prompt ?? newest.content,
  };
}

/** The system prompt of a conversation: the text of the newest `system` node on its path. */
export function systemPromptOf(nodes: readonly RawNode[]): string {
  return nodes.findLast((node) => node.role === "system")?.content ?? "";
}

/** The way to a node, beginning at the nearest `user` node that starts a context of its own. */
function pathTo(nodes: readonly RawNode[], id: string): RawNode[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const path: RawNode[] = [];
  for (let node = byId.get(id); node; node = node.parentId === null ? undefined : byId.get(node.parentId)) {
    path.push(node);
    if (node.role === "user" && node.meta?.fresh === true) break;
  }
  return path.reverse();
}

interface Turn {
  userId: string;
  nodes: RawNode[];
}

/**
 * The turns on a path, each whole. An event on the path that belongs to no turn (a cron run that somebody replied
 * to) goes with the turn after it. Turns that merely hang below a call, such as sub-tasks, are not on the path.
 */
function turnsOn(path: readonly RawNode[], nodes: readonly RawNode[]): Turn[] {
  const turnOf = turnFinder(nodes);
  const turns = new Map<string, Turn>();
  const members = new Set<string>();
  let strays: RawNode[] = [];
  for (const node of path) {
    const userId = turnOf(node);
    if (userId === undefined) strays.push(node);
    if (node.role !== "user") continue;
    turns.set(node.id, { userId: node.id, nodes: strays });
    members.add(node.id);
    strays = [];
  }
  for (const node of nodes) {
    const userId = turnOf(node);
    if (userId !== undefined && members.has(userId)) turns.get(userId)?.nodes.push(node);
  }
  return [...turns.values()];
}

/** Finds the `user` node nearest above a node, itself included; undefined outside any turn. */
function turnFinder(nodes: readonly RawNode[]): (node: RawNode) => string | undefined {
  const found = new Map<string, string | undefined>();
  // Parents come before their children, so one pass in `seq` order knows each parent's turn.
  for (const node of nodes) {
    found.set(
      node.id,
      node.role === "user" || node.parentId === null ? userId(node) : found.get(node.parentId),
    );
  }
  return (node) => found.get(node.id);
}

function userId(node: RawNode): string | undefined {
  return node.role === "user" ? node.id : undefined;
}

/** Of the turn that is to run, only what its opening names is history; strays before it always are. */
function opened(nodes: readonly RawNode[], opening: SessionRequest["opening"]): RawNode[] {
  const shown = new Set(opening?.history.map((node) => node.id));
  const start = nodes.findIndex((node) => node.role === "user");
  return nodes.filter((node, index) => index < start || shown.has(node.id));
}

function linesOf(request: SessionRequest, messages: readonly HistoryMessage[], timestamp: string): string {
  const { cwd, handover } = request;
  const handoverId = `${handover.runId}-handover`;
  const lines: object[] = [
    { type: "session", version: 3, id: handover.runId, timestamp, cwd },
    { type: "custom", customType: "reef", id: handoverId, parentId: null, timestamp, data: handover },
  ];
  let parentId = handoverId;
  for (const { id, message } of messages) {
    lines.push({
      type: "message",
      id,
      parentId,
      timestamp: new Date(message.timestamp).toISOString(),
      message,
    });
    parentId = id;
  }
  return `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`;
}
