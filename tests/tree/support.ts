// What the tests of the tree share: a tree in a folder of its own, a small projection, and a turn to fill it with.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Log } from "../../src/core/types.js";
import type { NewNode, TreeNode } from "../../src/tree/node.js";
import type { Projection } from "../../src/tree/projection.js";
import { openTree, type Tree, type TreeOptions } from "../../src/tree/tree.js";

export interface Count {
  status: string;
  nodes: number;
  last: string;
}

const STATUS: Record<string, string> = {
  run_started: "running",
  task_done: "done",
  task_error: "error",
  task_cancelled: "cancelled",
};

/** Counts a task's nodes and takes its status from the newest event that has one. */
export const counting: Projection<Count> = {
  fold(state, node) {
    const status =
      node.role === "user" ? "queued" : (STATUS[node.eventType ?? ""] ?? state?.status ?? "queued");
    return { status, nodes: (state?.nodes ?? 0) + 1, last: node.id };
  },
  status: (state) => state.status,
};

/** A folder that goes away with the test file. */
export function tempDir(): string {
  return mkdtempSync(join(tmpdir(), "reef-tree-"));
}

export function removeDir(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
}

export function open(dir: string, options: Partial<TreeOptions<Count>> = {}): Promise<Tree<Count>> {
  return openTree({ dir, projection: counting, systemPrompt: "You are a reef agent", ...options });
}

export async function withTree<T>(
  use: (tree: Tree<Count>, dir: string) => Promise<T>,
  options: Partial<TreeOptions<Count>> = {},
): Promise<T> {
  const dir = tempDir();
  const tree = await open(dir, options);
  try {
    return await use(tree, dir);
  } finally {
    await tree.close();
    removeDir(dir);
  }
}

export function user(parentId: string, taskId: string, content = "do it"): NewNode {
  return { parentId, role: "user", content, taskId };
}

export function call(parentId: string, taskId: string, toolCallId: string): NewNode {
  return {
    parentId,
    role: "tool_call",
    content: "bash",
    toolName: "bash",
    toolParams: {},
    toolCallId,
    taskId,
  };
}

export function result(parentId: string, taskId: string, toolCallId: string, isError = false): NewNode {
  const text = { type: "text" as const, text: "4" };
  return {
    parentId,
    role: "tool_result",
    content: "4",
    toolCallId,
    result: { content: [text] },
    isError,
    taskId,
  };
}

export function reply(parentId: string, taskId: string, content = "4"): NewNode {
  return { parentId, role: "assistant", content, taskId };
}

export function event(parentId: string, eventType: string, more: Partial<NewNode> = {}): NewNode {
  return { parentId, role: "event", content: eventType, eventType, ...more };
}

export interface Turn {
  user: TreeNode;
  call: TreeNode;
  result: TreeNode;
  reply: TreeNode;
  end: TreeNode;
}

/** A prompt, one call with its result, the reply, and the end. */
export async function addTurn(tree: Tree<Count>, parentId: string, taskId: string): Promise<Turn> {
  const prompt = await tree.append(user(parentId, taskId));
  const started = await tree.append(call(prompt.id, taskId, "call-1"));
  const returned = await tree.append(result(started.id, taskId, "call-1"));
  const answer = await tree.append(reply(prompt.id, taskId));
  const end = await tree.append(event(prompt.id, "task_done", { taskId }));
  return { user: prompt, call: started, result: returned, reply: answer, end };
}

export interface Line {
  level: keyof Log;
  text: string;
}

export function recordingLog(lines: Line[]): Log {
  const at =
    (level: keyof Log) =>
    (...args: unknown[]) =>
      void lines.push({ level, text: args.map(String).join(" ") });
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

export function ids(nodes: readonly { id: string }[]): string[] {
  return nodes.map((node) => node.id);
}
