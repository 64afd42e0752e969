// The tasks of the single-file form: which nodes belong to them, and the end node without which a turn would be unfinished.
import {
  isRecord,
  type LegacyContext,
  type LegacyFiles,
  type LegacyNode,
  textOf,
  timeOf,
} from "./legacy-node.js";
import { isEnd, MAIN } from "./rules.js";

const INTERRUPTED = "Interrupted before import";

export interface LegacyTask {
  name: string;
  status: string;
  createdAt: number;
  completedAt?: number;
  summary?: string;
  error?: string;
  /** Where its ref points. */
  leaf?: LegacyNode;
}

/** Those that `tree.json` lists, and those that have only an archive; oldest first. */
export function tasksOf(
  files: LegacyFiles,
  nodes: Map<string, LegacyNode>,
  refs: Record<string, string>,
): LegacyTask[] {
  const tasks = new Map<string, LegacyTask>();
  const listed = isRecord(files.tree) && isRecord(files.tree.tasks) ? files.tree.tasks : {};
  for (const [name, info] of Object.entries(listed))
    tasks.set(name, readTask(name, isRecord(info) ? info : {}, nodes.get(refs[name] ?? "")));
  for (const archive of files.archives) {
    const name = isRecord(archive) ? textOf(archive.taskName) : undefined;
    if (name === undefined || tasks.has(name)) continue;
    const leaf = nodes.get(refs[name] ?? "") ?? lastReply(archive, nodes);
    tasks.set(name, readTask(name, { status: "done" }, leaf));
  }
  tasks.delete(MAIN);
  return [...tasks.values()].sort((a, b) => a.createdAt - b.createdAt);
}

/**
 * From each leaf up to the first prompt of its task: that is the topmost `user` node below another task's nodes, a
 * system node or the node of `main`. The oldest task takes its nodes first, so that one which continues from another
 * stops there.
 */
export function nameTasks(tasks: LegacyTask[], nodes: Map<string, LegacyNode>, main: string): void {
  for (const { name, leaf } of tasks) {
    const way: LegacyNode[] = [];
    for (let node = leaf; node !== undefined; node = nodes.get(node.parentId ?? "")) {
      const foreign = node.taskId !== undefined && node.taskId !== name;
      if (foreign || node.role === "system" || (node.id === main && node !== leaf)) break;
      way.push(node);
    }
    const first = way.findLastIndex((node) => node.role === "user");
    for (const node of way.slice(0, first + 1)) node.taskId = name;
  }
}

/** One for the newest turn of each task: status is a fold of nodes, and without it the task would be queued and run. */
export function endTurns(
  tasks: LegacyTask[],
  nodes: Map<string, LegacyNode>,
  context: LegacyContext,
  warnings: string[],
): LegacyNode[] {
  const ended = new Set<string | null>();
  for (const node of nodes.values()) if (isEnd(node)) ended.add(node.parentId);
  const ends: LegacyNode[] = [];
  for (const task of tasks) {
    const turn = turnOf(task, nodes);
    if (turn === undefined) warnings.push(`task '${task.name}' has no prompt of its own`);
    if (turn === undefined || ended.has(turn.id)) continue;
    ended.add(turn.id);
    ends.push(endOf(task, turn, context));
  }
  return ends;
}

function readTask(name: string, info: Record<string, unknown>, leaf: LegacyNode | undefined): LegacyTask {
  const artifacts = isRecord(info.artifacts) ? info.artifacts : {};
  return {
    name,
    status: textOf(info.status) ?? "",
    createdAt: timeOf(info.createdAt) ?? leaf?.timestamp ?? 0,
    completedAt: timeOf(info.completedAt),
    summary: textOf(artifacts.summary),
    error: textOf(artifacts.error),
    leaf,
  };
}

function lastReply(archive: unknown, nodes: Map<string, LegacyNode>): LegacyNode | undefined {
  const held =
    isRecord(archive) && typeof archive.nodes === "object" ? Object.values(archive.nodes ?? {}) : [];
  const ids = held.flatMap((node) => (isRecord(node) ? (textOf(node.id) ?? []) : []));
  const found = ids.flatMap((id) => nodes.get(id) ?? []);
  return (
    found.filter((node) => node.role === "assistant").at(-1) ?? found.find((node) => node.role === "user")
  );
}

function turnOf(task: LegacyTask, nodes: Map<string, LegacyNode>): LegacyNode | undefined {
  for (let node = task.leaf; node?.taskId === task.name; node = nodes.get(node.parentId ?? ""))
    if (node.role === "user") return node;
  return undefined;
}

function endOf(task: LegacyTask, turn: LegacyNode, context: LegacyContext): LegacyNode {
  const { leaf } = task;
  const over = Math.max(task.completedAt ?? 0, leaf?.timestamp ?? 0, turn.timestamp);
  const base = {
    id: context.newId(),
    parentId: turn.id,
    role: "event" as const,
    taskId: task.name,
    timestamp: over,
  };
  if (task.status === "done") {
    const summary = task.summary ?? leaf?.content ?? "";
    const reply = leaf?.role === "assistant" ? { replyId: leaf.id } : {};
    return { ...base, eventType: "task_done", content: summary, meta: { imported: true, summary, ...reply } };
  }
  const meta = { imported: true };
  if (task.status === "error")
    return { ...base, eventType: "task_error", content: task.error ?? task.summary ?? "Failed", meta };
  if (task.status === "cancelled")
    return { ...base, eventType: "task_cancelled", content: task.error ?? "", meta };
  return { ...base, eventType: "task_error", content: INTERRUPTED, timestamp: context.now, meta };
}
