// A tree in the single-file form as nodes of this one. Pure: from what the files held to what is to be written.

import { isRecord, type LegacyContext, type LegacyFiles, type LegacyNode, readNode } from "./legacy-node.js";
import { endTurns, nameTasks, tasksOf } from "./legacy-tasks.js";
import { MAIN } from "./rules.js";

export interface LegacyTree {
  /** Parents first, and then by time. */
  nodes: LegacyNode[];
  refs: Record<string, string>;
  /** What did not fit and was left out. */
  warnings: string[];
}

/** Throws an Error that says what is wrong when the files are not of this form. */
export function mapLegacy(files: LegacyFiles, context: LegacyContext): LegacyTree {
  const nodes = readNodes(files, context.now);
  const warnings: string[] = [];
  const top = findRoot(files, nodes, context);
  hangOrphans(nodes, top);
  matchCalls(nodes);
  const refs = readRefs(files, nodes, warnings);
  const tasks = tasksOf(files, nodes, refs);
  if (context.root === undefined) refs[MAIN] ??= top;
  nameTasks(tasks, nodes, refs[MAIN] ?? top);
  for (const end of endTurns(tasks, nodes, context, warnings)) nodes.set(end.id, end);
  return { nodes: inheritTasks(inOrder(nodes), nodes), refs, warnings };
}

/** A node that stands in several files is taken from the first: an archived task leaves its prompt in `tree.json`. */
function readNodes(files: LegacyFiles, now: number): Map<string, LegacyNode> {
  const nodes = new Map<string, LegacyNode>();
  for (const file of [files.tree, ...files.archives]) {
    const held = isRecord(file) ? file.nodes : undefined;
    if (typeof held !== "object" || held === null) throw new Error("there is no object 'nodes' in it");
    for (const [key, value] of Object.entries(held)) {
      const node = readNode(value, Array.isArray(held) ? undefined : key, now);
      if (!nodes.has(node.id)) nodes.set(node.id, node);
    }
  }
  return nodes;
}

/** The node that all others hang under in the end; made where the files have none that can be it. */
function findRoot(files: LegacyFiles, nodes: Map<string, LegacyNode>, context: LegacyContext): string {
  const named =
    isRecord(files.tree) && typeof files.tree.root === "string" ? nodes.get(files.tree.root) : undefined;
  const root = [named, ...nodes.values()].find((node) => node?.parentId === null && node.role === "system");
  if (root !== undefined) root.parentId = context.root ?? null;
  if (context.root !== undefined) return context.root;
  return root?.id ?? addRoot(nodes, context);
}

function addRoot(nodes: Map<string, LegacyNode>, context: LegacyContext): string {
  const id = context.newId();
  const timestamp = [...nodes.values()].reduce((first, node) => Math.min(first, node.timestamp), context.now);
  nodes.set(id, { id, parentId: null, role: "system", content: context.systemPrompt, timestamp });
  return id;
}

/** Afterwards every way up ends at `top`, also where the files had a circle. */
function hangOrphans(nodes: Map<string, LegacyNode>, top: string): void {
  const settled = new Set<string>([top]);
  for (const start of nodes.values()) {
    const way = new Set<string>();
    let node: LegacyNode | undefined = start;
    while (node !== undefined && !settled.has(node.id)) {
      way.add(node.id);
      const parent: string | null = node.parentId;
      if (parent === null || way.has(parent) || !(nodes.has(parent) || parent === top)) hangUnder(top, node);
      node = nodes.get(node.parentId ?? "");
    }
    for (const id of way) settled.add(id);
  }
}

function hangUnder(top: string, node: LegacyNode): void {
  node.meta = { ...node.meta, orphanOf: node.parentId };
  node.parentId = top;
}

/** A call and its result need the same id to be sent to a model again; parents stay as they were. */
function matchCalls(nodes: Map<string, LegacyNode>): void {
  const results = [...nodes.values()].filter((node) => node.role === "tool_result");
  for (const result of results) {
    const call = nodes.get(result.parentId ?? "");
    if (call?.role === "tool_call") call.toolCallId ??= result.toolCallId;
  }
  for (const node of nodes.values()) if (node.role === "tool_call") node.toolCallId ??= node.id;
  for (const result of results) result.toolCallId ??= nodes.get(result.parentId ?? "")?.toolCallId;
}

function readRefs(
  files: LegacyFiles,
  nodes: Map<string, LegacyNode>,
  warnings: string[],
): Record<string, string> {
  const refs: Record<string, string> = {};
  const held = isRecord(files.tree) && isRecord(files.tree.refs) ? files.tree.refs : {};
  for (const [name, id] of Object.entries(held))
    if (typeof id === "string" && nodes.has(id)) refs[name] = id;
    else warnings.push(`ref '${name}' points at no node`);
  return refs;
}

function inOrder(nodes: Map<string, LegacyNode>): LegacyNode[] {
  const ordered = new Set<LegacyNode>();
  const byTime = [...nodes.values()].sort((a, b) => a.timestamp - b.timestamp);
  for (const start of byTime) {
    const first: LegacyNode[] = [];
    for (
      let node = nodes.get(start.id);
      node !== undefined && !ordered.has(node);
      node = nodes.get(node.parentId ?? "")
    )
      first.push(node);
    for (const node of first.reverse()) ordered.add(node);
  }
  return [...ordered];
}

/** What hangs in a task's turn belongs to the task; a prompt that no task leads to begins a turn of none. */
function inheritTasks(ordered: LegacyNode[], nodes: Map<string, LegacyNode>): LegacyNode[] {
  for (const node of ordered) {
    if (node.role === "user" || node.role === "system") continue;
    const inherited = node.taskId ?? nodes.get(node.parentId ?? "")?.taskId;
    if (inherited !== undefined) node.taskId = inherited;
  }
  return ordered;
}
