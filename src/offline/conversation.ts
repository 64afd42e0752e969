// Pure: a request's messages -> the turns that wait for an answer, and what the model did for each of them so far.
import {
  blocksOf,
  isText,
  isToolResult,
  isToolUse,
  type MessagesRequest,
  type RequestBlock,
} from "./request.js";
import type { CallResult, RecordedCall, Scene } from "./script.js";

/** One text of a user and what came after it. */
export interface Turn extends Pick<Scene, "before"> {
  text: string;
  /** The calls of each model message since, oldest first; a message without calls is an empty list. */
  messages: RecordedCall[][];
}

export interface Conversation {
  tools: Scene["tools"];
  /** True when the request wants a message without calls. */
  toolsForbidden: boolean;
  thinking: boolean;
  /** Turns without an answer, oldest first. More than one after a steer. Empty when nobody asked anything. */
  open: readonly Turn[];
}

/** Texts that stand in a user message and are no prompt: reef's labels and restarts, the agent's summaries. */
const KINDS: readonly [RegExp, "resume" | "end" | "note"][] = [
  [/^reef restarted\. /, "resume"],
  [/^You asked: /, "resume"],
  [/^tools changed\b/i, "resume"],
  [/^(continue|go on)\.?$/i, "resume"],
  [/^\[(error|cancelled)\](\s|$)/, "end"],
  [/^\[[a-z_]+\](\s|$)/, "note"],
  [/^The conversation history before this point was compacted into the following summary:/, "note"],
  [/^The following is a summary of a branch that this conversation came back from:/, "note"],
];

/** Results that say that a call was cut off, so that the model has to make it again. */
const INTERRUPTED = /^(interrupted: |No result provided$)/;

export function readConversation(request: MessagesRequest): Conversation {
  const reader = new Reader();
  for (const message of request.messages) {
    const blocks = blocksOf(message);
    if (message.role === "assistant") reader.model(blocks);
    else reader.user(blocks);
  }
  return {
    tools: new Set((request.tools ?? []).map((tool) => tool.name)),
    toolsForbidden: request.tool_choice?.type === "none",
    thinking: request.thinking !== undefined && request.thinking.type !== "disabled",
    open: reader.turns(),
  };
}

/** A turn while the messages are read: `from` is how much had been said before it. */
type Reading = Omit<Turn, "before"> & { from: number };

class Reader {
  #open: Reading[] = [];
  /** The turns that were answered last: a resume opens them again. */
  #answered: Reading[] = [];
  readonly #said: string[] = [];
  readonly #calls = new Map<string, RecordedCall>();

  turns(): Turn[] {
    return this.#open.map(({ text, from, messages }) => ({
      text,
      messages,
      before: this.#said.slice(0, from),
    }));
  }

  model(blocks: readonly RequestBlock[]): void {
    const uses = blocks.filter(isToolUse);
    const calls = uses.map(({ name, input }): RecordedCall => ({ name, input }));
    uses.forEach((use, at) => {
      const call = calls[at];
      if (call) this.#calls.set(use.id, call);
    });
    this.#say(textOf(blocks));
    for (const turn of this.#open) turn.messages.push(calls);
    if (calls.length === 0) this.#close();
  }

  user(blocks: readonly RequestBlock[]): void {
    for (const block of blocks.filter(isToolResult)) this.#result(block.tool_use_id, resultOf(block));
    const text = textOf(blocks);
    if (text !== "") this.#prompt(text);
  }

  #result(id: string, result: CallResult): void {
    this.#say(result.text);
    const call = this.#calls.get(id);
    if (call && !(result.isError && INTERRUPTED.test(result.text))) call.result = result;
  }

  #prompt(text: string): void {
    const kind = KINDS.find(([pattern]) => pattern.test(text))?.[1];
    if (kind === "note") return;
    if (kind === "end") this.#close();
    if (kind === "resume") this.#reopen();
    if (kind === "end" || (kind === "resume" && this.#open.length > 0)) return;
    this.#open.push({ text, from: this.#said.length, messages: [] });
    this.#say(text);
  }

  #close(): void {
    if (this.#open.length > 0) this.#answered = this.#open;
    this.#open = [];
  }

  #reopen(): void {
    if (this.#open.length === 0) this.#open = this.#answered;
  }

  #say(text: string): void {
    if (text !== "") this.#said.push(text);
  }
}

function resultOf(block: Extract<RequestBlock, { tool_use_id: string }>): CallResult {
  const { content = "", is_error = false } = block;
  const text = typeof content === "string" ? content : textOf(content);
  return { text: text.trim(), isError: is_error };
}

function textOf(blocks: readonly RequestBlock[]): string {
  const texts = blocks.filter(isText).map((block) => block.text);
  return texts.join("\n").trim();
}
