// `reef task`: one task with its conversation; also watches it, or waits for its end.
import type { TreeNode } from "../tree/node.js";
import { type Call, type Command, DONE, FAILED, JSON_OPTION } from "./command.js";
import type { Connection } from "./connection.js";
import { CTRL_C, followTask } from "./follow.js";
import { spentOf, spentText } from "./spent.js";
import { type ListedTask, paintStatus } from "./task-lines.js";
import type { Paint, Terminal } from "./terminal.js";
import { call, duration, head, plain } from "./text.js";

/** A task as the server answers for it alone: with the nodes of its conversation. */
export type ReadTask = ListedTask & { nodes: TreeNode[] };

const WAIT_SECONDS = 60;
const RESULT_LINES_MAX = 4;
const COLUMNS_DEFAULT = 120;
const UNFINISHED = new Set(["queued", "running", "waiting"]);

export const task: Command = {
  name: "task",
  about: "show one task and its conversation",
  positionals: "<name>",
  takes: [1, 1],
  options: {
    follow: { type: "boolean", short: "f", about: "watch its newest turn until it ends" },
    wait: { type: "boolean", about: "wait for the end of its newest turn first" },
    json: JSON_OPTION,
  },
  detail: `With --follow: ${CTRL_C}
With --follow or --wait it exits with 1 when the task failed or was cancelled.`,
  run,
};

async function run({ args, options, server, terminal }: Call): Promise<number> {
  const name = args[0] ?? "";
  if (options.flag("follow")) return await follow(server, terminal, name);
  const waits = options.flag("wait");
  const found = waits ? await readWhenOver(server, name) : await read(server, name);
  const text = options.flag("json")
    ? JSON.stringify(found, null, 2)
    : conversation(found, terminal).join("\n");
  terminal.out.write(`${text}\n`);
  return waits && found.status !== "done" ? FAILED : DONE;
}

/** A task without its conversation, and with the whole text of its last reply. */
export function withoutNodes({ nodes, ...task }: ReadTask): ListedTask & { reply?: string } {
  return { ...task, reply: nodes.findLast(({ role }) => role === "assistant")?.content };
}

/** From the first frame after the `user` node of the newest turn: what has happened of it, then what happens. */
async function follow(server: Connection, terminal: Terminal, name: string): Promise<number> {
  const { nodeId, nodes } = await read(server, name);
  const turn = nodes.find(({ id }) => id === nodeId) ?? (await readNode(server, nodeId));
  return await followTask({ server, terminal, name, since: turn.seq });
}

async function readNode(server: Connection, id: string): Promise<TreeNode> {
  const { node } = await server.api<{ node: TreeNode }>("GET", `/reef/tree/${encodeURIComponent(id)}`);
  return node;
}

async function readWhenOver(server: Connection, name: string): Promise<ReadTask> {
  for (;;) {
    const found = await read(server, name, `?wait=${WAIT_SECONDS}`);
    if (!UNFINISHED.has(found.status)) return found;
  }
}

function read(server: Connection, name: string, query = ""): Promise<ReadTask> {
  return server.api<ReadTask>("GET", `/reef/tasks/${encodeURIComponent(name)}${query}`);
}

function conversation(found: ReadTask, { out }: Terminal): string[] {
  const { name, status, usage, startedAt, completedAt } = found;
  const took =
    startedAt !== undefined && completedAt !== undefined ? ` in ${duration(completedAt - startedAt)}` : "";
  const title = `${out.paint("bold", name)} ${paintStatus(status, out.paint)}${took} ${out.paint("dim", spentText(spentOf(usage)))}`;
  const columns = out.columns ?? COLUMNS_DEFAULT;
  return [title, ...found.nodes.flatMap((node) => nodeLines(node, out.paint, columns))];
}

function nodeLines(node: TreeNode, paint: Paint, columns: number): string[] {
  switch (node.role) {
    case "user":
      return ["", `${paint("green", "❯")} ${paint("bold", plain(node.content))}`];
    case "assistant":
      return node.content === "" ? [] : ["", plain(node.content)];
    case "tool_call":
      return [`${paint("cyan", "▸")} ${call(node.toolName ?? node.content, node.toolParams, columns - 2)}`];
    case "tool_result":
      return head(node.content, RESULT_LINES_MAX, columns - 2).map(
        (line) => `  ${paint(node.isError ? "red" : "dim", line)}`,
      );
    default:
      return eventLines(node, paint);
  }
}

function eventLines(node: TreeNode, paint: Paint): string[] {
  switch (node.eventType) {
    case "task_error":
      return [paint("red", `failed: ${plain(node.content)}`)];
    case "task_cancelled":
      return [paint("red", node.content ? `cancelled: ${plain(node.content)}` : "cancelled")];
    case "pending":
      return [`${paint("yellow", "?")} ${plain(node.content)}`];
    case "answer":
    case "steer":
      return [`${paint("yellow", "»")} ${plain(node.content)}`];
    default:
      return [];
  }
}
