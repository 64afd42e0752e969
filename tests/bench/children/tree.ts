// Trees that are filled and appended to in one process: a turn after another, of all the shapes that a task's nodes have.
import { taskProjection } from "../../../src/tasks/status.js";
import { freshName } from "../../../src/tasks/submit.js";
import type { NewNode, TreeNode } from "../../../src/tree/node.js";
import { openSearch } from "../../../src/tree/search.js";
import { openTree, type Tree } from "../../../src/tree/tree.js";
import { answer } from "../child.js";

const FILLED_AT_ONCE = 1000;
const CALLS = 3;
/** user, run_started, calls and results, assistant, task_done. */
const NODES_PER_TURN = 4 + 2 * CALLS;

const TEXT = "The quick brown fox jumps over the lazy dog, and the dog does not mind at all. ".repeat(4);
const USAGE = { input: 1200, output: 90, cacheRead: 800, cacheWrite: 0, totalTokens: 2090, cost: 0.0051 };

const quiet = { debug() {}, info() {}, warn: console.warn, error: console.error };

const trees = new Map<string, Tree<unknown>>();

interface Opened {
  name: string;
  dir: string;
  nodes: number;
  /** With an index that follows it, until the process ends. */
  search?: boolean;
}

answer({
  /** Opens the tree of a folder under a name, and fills it up to a number of nodes, a whole turn in each commit. */
  async open({ name, dir, nodes, search }: Opened): Promise<void> {
    const tree = await openTree({ dir, projection: taskProjection, systemPrompt: "bench" });
    trees.set(name, tree);
    if (search) await openSearch({ dir, tree, log: quiet });
    while (tree.newestSeq() < nodes) {
      const missing = Math.ceil((nodes - tree.newestSeq()) / NODES_PER_TURN);
      await Promise.all(Array.from({ length: Math.min(missing, FILLED_AT_ONCE) }, () => commitTurn(tree)));
    }
  },
  /** Appends whole turns node by node, so many tasks at the same time, and resolves with the nodes per second. */
  async append({ name, tasks, rounds }: { name: string; tasks: number; rounds: number }): Promise<number> {
    const tree = opened(name);
    const startedAt = performance.now();
    for (let round = 0; round < rounds; round++) {
      await Promise.all(Array.from({ length: tasks }, () => appendTurn(tree)));
    }
    return (rounds * tasks * NODES_PER_TURN * 1000) / (performance.now() - startedAt);
  },
  async close(): Promise<void> {
    for (const tree of trees.values()) await tree.close();
    trees.clear();
  },
});

function opened(name: string): Tree<unknown> {
  const tree = trees.get(name);
  if (tree === undefined) throw new Error(`No tree '${name}' is open`);
  return tree;
}

async function commitTurn(tree: Tree<unknown>): Promise<void> {
  await tree.commit((tx) => {
    const nodes: NewNode[] = [];
    const taskId = freshName(tx);
    const added = (node: NewNode) => {
      const id = tx.id();
      nodes.push({ ...node, id });
      return id;
    };
    const user = added(prompt(tree.root(), taskId));
    added(event(user, taskId, "run_started"));
    for (let n = 0; n < CALLS; n++) added(result(added(call(user, taskId, n)), taskId, n));
    const replyId = added(reply(user, taskId));
    added({ ...event(user, taskId, "task_done"), meta: { replyId, summary: TEXT, usage: USAGE } });
    return { nodes };
  });
}

async function appendTurn(tree: Tree<unknown>): Promise<void> {
  const append = async (node: NewNode) => (await tree.append(node)).id;
  const started = await tree.commit((tx) => ({ nodes: [prompt(tree.root(), freshName(tx))] }));
  const { id: user, taskId } = started[0] as TreeNode & { taskId: string };
  await append(event(user, taskId, "run_started"));
  for (let n = 0; n < CALLS; n++) await append(result(await append(call(user, taskId, n)), taskId, n));
  const replyId = await append(reply(user, taskId));
  await append({ ...event(user, taskId, "task_done"), meta: { replyId, summary: TEXT, usage: USAGE } });
}

function prompt(parentId: string, taskId: string): NewNode {
  const meta = {
    fresh: true,
    continuing: false,
    scopes: ["modules"],
    submittedBy: "server",
    depth: 0,
    priority: 0,
  };
  return { parentId, role: "user", content: TEXT.slice(0, 80), taskId, meta };
}

function event(parentId: string, taskId: string, eventType: string): NewNode {
  return {
    parentId,
    role: "event",
    content: eventType,
    eventType,
    source: "reef",
    taskId,
    meta: { attempt: 1 },
  };
}

function call(parentId: string, taskId: string, n: number): NewNode {
  const toolParams = { command: TEXT.slice(0, 60) };
  const meta = { iteration: n + 1, usage: USAGE };
  return {
    parentId,
    role: "tool_call",
    content: "bash",
    toolName: "bash",
    toolParams,
    toolCallId: `call-${n}`,
    taskId,
    meta,
  };
}

function result(parentId: string, taskId: string, n: number): NewNode {
  const result = { content: [{ type: "text" as const, text: TEXT }] };
  return {
    parentId,
    role: "tool_result",
    content: TEXT,
    toolName: "bash",
    toolCallId: `call-${n}`,
    result,
    isError: false,
    taskId,
  };
}

function reply(parentId: string, taskId: string): NewNode {
  const meta = {
    model: "scripted",
    provider: "offline",
    stopReason: "stop",
    iteration: CALLS + 1,
    usage: USAGE,
  };
  return {
    parentId,
    role: "assistant",
    content: TEXT,
    taskId,
    meta,
    raw: { role: "assistant", content: [{ type: "text", text: TEXT }] },
  };
}
