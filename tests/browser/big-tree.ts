// A tree of many nodes, written as the server writes them, for tests that scroll through it.
import { taskProjection } from "../../src/tasks/status.js";
import type { NewNode } from "../../src/tree/node.js";
import { openTree } from "../../src/tree/tree.js";

/** A task: prompt, start, call, result, reply, end; every third one goes on with the conversation before it. */
const NODES_PER_TASK = 6;
const TASKS_PER_COMMIT = 400;

/** Fills an empty DATA_DIR. Returns how many nodes there are, the root included. */
export async function fillTree(dir: string, nodes: number): Promise<number> {
  const tree = await openTree({ dir, projection: taskProjection, systemPrompt: "You are a reef agent" });
  const root = tree.root();
  const tasks = Math.floor((nodes - 1) / NODES_PER_TASK);
  let last = root;
  for (let from = 0; from < tasks; from += TASKS_PER_COMMIT) {
    await tree.commit((tx) => {
      const made: NewNode[] = [];
      for (let at = from; at < Math.min(tasks, from + TASKS_PER_COMMIT); at++) {
        const isNext = at % 3 === 2;
        const task = taskNodes(at, isNext ? last : root, () => tx.id());
        last = task.reply;
        made.push(...task.nodes);
      }
      return { nodes: made };
    });
  }
  await tree.close();
  return tasks * NODES_PER_TASK + 1;
}

function taskNodes(at: number, parentId: string, id: () => string): { nodes: NewNode[]; reply: string } {
  const [user, call, reply] = [id(), id(), id()] as [string, string, string];
  const taskId = `task-${at}`;
  const usage = { input: 900, output: 40, cacheRead: 0, cacheWrite: 0, totalTokens: 940, cost: 0.0031 };
  const settings = {
    fresh: at % 3 !== 2,
    continuing: at % 3 === 2,
    priority: 0,
    scopes: [],
    submittedBy: "server",
    depth: 0,
  };
  const event = (eventType: string, meta: Record<string, unknown>): NewNode => ({
    parentId: user,
    taskId,
    role: "event",
    eventType,
    source: "reef",
    content: eventType === "task_done" ? `Answer ${at}` : "run 1",
    meta,
  });
  return {
    reply,
    nodes: [
      {
        id: user,
        parentId,
        taskId,
        role: "user",
        content: `Prompt ${at}: how many are there?`,
        meta: settings,
      },
      event("run_started", { attempt: 1, model: "offline/scripted" }),
      {
        id: call,
        parentId: user,
        taskId,
        role: "tool_call",
        content: "bash",
        toolName: "bash",
        toolParams: { command: `ls -l /data/${at} | wc -l` },
        toolCallId: `call-${at}`,
        meta: { iteration: 1, usage },
      },
      {
        parentId: call,
        taskId,
        role: "tool_result",
        content: `${at}`,
        toolName: "bash",
        toolCallId: `call-${at}`,
        result: {
          content: [{ type: "text", text: `${at}\n${"a line of what it printed\n".repeat(at % 8)}` }],
        },
      },
      {
        id: reply,
        parentId: user,
        taskId,
        role: "assistant",
        content: `Answer ${at}: there are **${at}**.`,
        meta: { usage },
      },
      event("task_done", { summary: `Answer ${at}`, replyId: reply, usage }),
    ],
  };
}
