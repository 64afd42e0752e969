// Pure: what of a node can be found: its text, and tags for what searches are narrowed by.
import { labelOf, type TreeNode } from "./node.js";

/** Of one node; what is beyond cannot be found. */
const TEXT_CHARS_MAX = 64 * 1024;
/** A value that is longer is told apart by whoever reads the node. */
const TAG_BYTES_MAX = 64;

/** Scripts that put no space between words: each character is a word, so that a part of a sentence is found. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/gu;

const TAG_KINDS = { node: "n", failed: "f", task: "k", type: "y", source: "s" } as const;

/** Its content; of a call also the arguments, of a result the whole text. */
export function textOf(node: TreeNode): string {
  return partsOf(node).join("\n").slice(0, TEXT_CHARS_MAX).toWellFormed();
}

/** About as much as the node holds. */
export function charsOf(node: TreeNode): number {
  return partsOf(node).reduce((chars, part) => chars + part.length, 0);
}

export function tagsOf(node: TreeNode): string {
  const { role, eventType, taskId, source } = node;
  const tags = [tag("node"), tag("type", role)];
  if (eventType !== undefined) tags.push(tag("type", eventType));
  if (taskId !== undefined) tags.push(tag("task", taskId));
  if (source !== undefined) tags.push(tag("source", source));
  if (isFailure(node)) tags.push(tag("failed"));
  return tags.join(" ");
}

/** One token for any value: letters and digits alone, as the tokenizer wants them. */
export function tag(kind: keyof typeof TAG_KINDS, value = ""): string {
  return TAG_KINDS[kind] + Buffer.from(value).subarray(0, TAG_BYTES_MAX).toString("hex");
}

/** A failed call, and an event that a drawing labels as an error. */
export function isFailure(node: TreeNode): boolean {
  return node.isError === true || labelOf(node) === "error";
}

export function spaced(text: string): string {
  return text.replace(UNSPACED, " $& ");
}

function partsOf({ role, content, toolParams, result }: TreeNode): string[] {
  if (role === "tool_call") return [content, ...stringsIn(toolParams)];
  const texts = result?.content.flatMap((block) => (block.type === "text" ? [block.text] : [])) ?? [];
  // The content of a result is the beginning of its text.
  return texts.length > 0 ? texts : [content];
}

/** Strings and numbers at any depth, without recursion: arguments may be nested as deep as a model likes. */
function stringsIn(value: unknown): string[] {
  const strings: string[] = [];
  const left = [value];
  let chars = 0;
  while (left.length > 0 && chars < TEXT_CHARS_MAX) {
    const item = left.pop();
    if (typeof item === "string" || typeof item === "number") {
      strings.push(String(item));
      chars += String(item).length;
    } else if (typeof item === "object" && item !== null) {
      for (const inner of Object.values(item).reverse()) left.push(inner);
    }
  }
  return strings;
}
