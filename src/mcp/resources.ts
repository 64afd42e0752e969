// Nodes and tasks as resources: read through reef's own API, as whoever asks, so that the same rights hold.
import type {
  ReadResourceResult,
  Resource,
  ResourceTemplate,
  TextResourceContents,
} from "@modelcontextprotocol/sdk/types.js";
import { codeOf, ReefError } from "../core/errors.js";
import type { TaskInfo } from "../tasks/status.js";
import type { TreeNode } from "../tree/node.js";
import type { McpParts } from "./parts.js";
import { resourceNotFound } from "./rpc-error.js";

const LISTED_TASKS_MAX = 100;
const DESCRIPTION_CHARS_MAX = 200;
/** The newest nodes of a conversation that a task shows; all of it is at `GET /reef/tasks/:name`. */
const NODES_CHARS_MAX = 1_048_576;
const DRAWING_CHARS_MAX = 65_536;
const JSON_TYPE = "application/json";

type NamedTask = TaskInfo & { name: string; leafId: string };

export const RESOURCE_TEMPLATES: ResourceTemplate[] = [
  {
    name: "node",
    title: "A node of the tree",
    uriTemplate: "reef://node/{id}",
    description: "One event with its text, parameters and result, and a drawing of what hangs under it",
    mimeType: JSON_TYPE,
  },
  {
    name: "task",
    title: "A task",
    uriTemplate: "reef://task/{name}",
    description: "Status, cost and result of a task, and its conversation",
    mimeType: JSON_TYPE,
  },
];

/** The node of `main`, and the newest tasks. */
export async function listResources(parts: McpParts): Promise<Resource[]> {
  const { refs = {} } = (await read<{ refs: Record<string, string> }>(parts, "/reef/tree?limit=1")) ?? {};
  const path = `/reef/tasks?order=newest&limit=${LISTED_TASKS_MAX}`;
  const { tasks = [] } = (await read<{ tasks: NamedTask[] }>(parts, path)) ?? {};
  return [...(refs.main === undefined ? [] : [mainResource(refs.main)]), ...tasks.map(taskResource)];
}

export async function readResource(parts: McpParts, uri: string): Promise<ReadResourceResult> {
  const [, kind, encoded = ""] = /^reef:\/\/(node|task)\/([^/?#]+)$/.exec(uri) ?? [];
  const name = decoded(encoded);
  // A URL drops `.` and `..`, which would make another route of it.
  if (kind === undefined || name === undefined || /^\.\.?$/.test(name)) throw resourceNotFound(uri);
  const contents =
    kind === "node" ? await nodeContents(parts, uri, name) : await taskContents(parts, uri, name);
  return { contents };
}

async function nodeContents(parts: McpParts, uri: string, id: string): Promise<TextResourceContents[]> {
  const found = await read<{ node: TreeNode }>(parts, `/reef/tree/${encodeURIComponent(id)}?limit=1`);
  if (!found) throw resourceNotFound(uri);
  return [json(uri, found.node), await drawing(parts, uri, found.node.id)];
}

/** Drawn is what the task did itself, from its first turn on. */
async function taskContents(parts: McpParts, uri: string, name: string): Promise<TextResourceContents[]> {
  const path = `/reef/tasks/${encodeURIComponent(name)}`;
  const task = await read<NamedTask & { nodes: TreeNode[] }>(parts, path);
  if (!task) throw resourceNotFound(uri);
  const shown = newest(task.nodes);
  const omitted = task.nodes.length - shown.length;
  const first = task.nodes.find((node) => node.taskId === name) ?? { id: task.nodeId };
  const body = { ...task, nodes: shown, ...(omitted > 0 && { nodesOmitted: omitted }) };
  return [json(uri, body), await drawing(parts, uri, first.id)];
}

/** As many of the newest as fit, in their order. */
function newest(nodes: readonly TreeNode[]): TreeNode[] {
  let room = NODES_CHARS_MAX;
  const before = nodes.findLastIndex((node) => {
    room -= JSON.stringify(node).length;
    return room < 0;
  });
  return nodes.slice(before + 1);
}

function json(uri: string, value: unknown): TextResourceContents {
  return { uri, mimeType: JSON_TYPE, text: JSON.stringify(value, null, 2) };
}

/** The drawing of a node and what is below it, cut at its limit; the rest of it is never read. */
async function drawing(parts: McpParts, uri: string, root: string): Promise<TextResourceContents> {
  const answer = await get(parts, `/reef/tree?format=text&root=${encodeURIComponent(root)}`);
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of answer?.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > DRAWING_CHARS_MAX) break;
  }
  return { uri, mimeType: "text/plain", text: cutAtLine(text) };
}

function cutAtLine(text: string): string {
  if (text.length <= DRAWING_CHARS_MAX) return text;
  return `${text.slice(0, text.lastIndexOf("\n", DRAWING_CHARS_MAX) + 1)}…\n`;
}

/** Undefined for what is not there. */
async function read<T>(parts: McpParts, path: string): Promise<T | undefined> {
  const answer = await get(parts, path);
  return answer && ((await answer.json()) as T);
}

async function get({ context }: McpParts, path: string): Promise<Response | undefined> {
  const answer = await context.fetch(path, { as: context.caller() });
  if (answer.ok) return answer;
  if (answer.status === 404) return undefined;
  const { error } = (await answer.json()) as { error: string };
  throw new ReefError(codeOf(answer.status), error);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

function mainResource(id: string): Resource {
  return {
    uri: `reef://node/${encodeURIComponent(id)}`,
    name: "main",
    description: "Where new tasks begin: the system prompt, and the tree under it",
    mimeType: JSON_TYPE,
  };
}

function taskResource({ name, status, trigger, artifacts }: NamedTask): Resource {
  const text = (artifacts?.summary || trigger).replace(/\s+/g, " ").trim();
  return {
    uri: `reef://task/${encodeURIComponent(name)}`,
    name,
    description: `${status}: ${text}`.slice(0, DESCRIPTION_CHARS_MAX),
    mimeType: JSON_TYPE,
  };
}
