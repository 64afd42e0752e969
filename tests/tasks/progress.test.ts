// What a run has done so far, counted from nodes and events.
import { expect, test } from "bun:test";
import { Progress } from "../../src/tasks/progress.js";
import { addUsage } from "../../src/tasks/status.js";
import type { TreeNode } from "../../src/tree/node.js";
import { node } from "./samples.js";

const USAGE = { input: 10, output: 2, cacheRead: 1, cacheWrite: 0, totalTokens: 13, cost: 0.5 };
const call = (toolCallId: string, more: Partial<TreeNode> = {}) =>
  node({ role: "tool_call", toolCallId, toolName: "bash", ...more });
const result = (toolCallId: string) => node({ role: "tool_result", toolCallId, toolName: "bash" });

test("turns are the model calls that began, and nothing else that pi says", () => {
  const progress = new Progress(1, 0);
  for (const type of ["agent_start", "turn_start", "turn_end", "turn_start"] as const)
    progress.heard({ type });
  expect(progress.turns).toBe(2);
});

test("usage is the sum over model messages: replies, and first calls of messages without text", () => {
  const progress = new Progress(1, 0);
  progress.committed(node({ role: "assistant", meta: { usage: USAGE } }));
  progress.committed(call("a", { meta: { usage: USAGE } }));
  progress.committed(call("b", { meta: { iteration: 2 } }));
  progress.committed(node({ eventType: "task_done", meta: { usage: USAGE } }));
  expect(progress.usage).toEqual(addUsage(USAGE, USAGE));
  expect(progress.toolCalls).toBe(2);
});

test("the current tool is the open call that began first, by its own result", () => {
  const progress = new Progress(1, 0);
  expect(progress.currentTool).toBeUndefined();
  const first = call("a");
  const second = call("b", { toolName: "read" });
  for (const one of [first, second]) progress.committed(one);
  expect(progress.currentTool).toEqual({ toolCallId: "a", toolName: "bash", startedAt: first.timestamp });
  progress.committed(result("a"));
  expect(progress.currentTool).toEqual({ toolCallId: "b", toolName: "read", startedAt: second.timestamp });
  progress.committed(result("b"));
  expect(progress.currentTool).toBeUndefined();
});
