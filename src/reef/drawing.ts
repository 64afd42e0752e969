// The tree as text: one line per node, streamed, so that a large tree never stands in memory.
import { labelOf, type TreeNode } from "../tree/node.js";

export const WIDTH_DEFAULT = 120;
const CHUNK_CHARS = 16 * 1024;
const CHILDREN_PAGE = 500;

export interface DrawingOptions {
  root: TreeNode;
  /** Columns; longer lines end with `…`. */
  width: number;
  /** Levels below the root; undefined = all. */
  depth?: number;
  /** Also the bookkeeping of runs. */
  all: boolean;
}

type ReadChildren = (
  id: string,
  page: { after?: number; limit: number },
) => Promise<{ nodes: TreeNode[]; more: boolean }>;

const BOOKKEEPING = new Set(["run_started", "task_done"]);

/** Lines in chunks; children stand in the order of their commit. */
export async function* drawTree(children: ReadChildren, options: DrawingOptions): AsyncGenerator<string> {
  let chunk = "";
  for await (const line of lines(children, options)) {
    chunk += `${line}\n`;
    if (chunk.length < CHUNK_CHARS) continue;
    yield chunk;
    chunk = "";
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (chunk) yield chunk;
}

/** Where the drawing stands on one level: the children still to come, one of them known ahead. */
interface Level {
  indent: string;
  rest: AsyncGenerator<TreeNode>;
  next: TreeNode | undefined;
}

/** Depth first with a stack of its own: a conversation may be thousands of levels deep. */
async function* lines(children: ReadChildren, options: DrawingOptions): AsyncGenerator<string> {
  const stack: Level[] = [];
  const descend = async (node: TreeNode, indent: string) => {
    if (options.depth !== undefined && stack.length >= options.depth) return;
    const rest = shownChildren(children, node.id, options.all);
    stack.push({ indent, rest, next: (await rest.next()).value });
  };
  yield lineOf(options.root, options.width);
  await descend(options.root, "");
  for (let level = stack.at(-1); level; level = stack.at(-1)) {
    const node = level.next;
    if (!node) {
      stack.pop();
      continue;
    }
    level.next = (await level.rest.next()).value;
    yield `${level.indent}${level.next ? "├─ " : "└─ "}${lineOf(node, options.width)}`;
    await descend(node, `${level.indent}${level.next ? "│  " : "   "}`);
  }
}

async function* shownChildren(children: ReadChildren, id: string, all: boolean): AsyncGenerator<TreeNode> {
  for (let after: number | undefined, more = true; more; ) {
    const page = await children(id, { after, limit: CHILDREN_PAGE });
    for (const node of page.nodes) if (all || !BOOKKEEPING.has(node.eventType ?? "")) yield node;
    after = page.nodes.at(-1)?.seq;
    more = page.more;
  }
}

/** `[label] text`, the text on one line and cut at `width` characters. */
export function lineOf(node: TreeNode, width: number): string {
  const text = oneLine(node.role === "tool_call" ? callText(node) : node.content);
  return `[${labelOf(node)}] ${cut(text, width)}`.trimEnd();
}

function cut(text: string, width: number): string {
  if (text.length <= width) return text;
  // Never half of a character beyond U+FFFF.
  return `${text.slice(0, width - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

/** `name(args)`: the one string argument, or for `bash` the command, else compact JSON. */
function callText(node: TreeNode): string {
  const params = (node.toolParams ?? {}) as Record<string, unknown>;
  const values = Object.values(params);
  const [only] = values;
  if (node.toolName === "bash" && typeof params.command === "string") return `bash(${params.command})`;
  if (values.length === 1 && typeof only === "string") return `${node.toolName}(${only})`;
  return `${node.toolName}(${values.length === 0 ? "" : JSON.stringify(params)})`;
}

function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what has to go.
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").trim();
}
