// Pure: what a turn does at this moment, as live frames tell it: the text that the model writes, and what its calls print.
// Each message is forgotten when the node that holds it has come.
import type { Frame } from "./types.js";

export interface Writing {
  text: string;
  thinking: string;
  /** The tool whose call is being written. */
  calling?: string;
  /** True where the beginning was not heard. */
  isCut: boolean;
  /** Of the node that holds it, once there is one. */
  seq?: number;
}

export interface Live {
  /** Messages whose nodes have not come yet, oldest first. */
  messages: readonly Writing[];
  /** What running calls have printed so far, by `toolCallId`. */
  printed: ReadonlyMap<string, string>;
  /** What holds the model up. */
  notice?: string;
}

export const NOTHING: Live = { messages: [], printed: new Map() };
const EMPTY: Writing = { text: "", thinking: "", isCut: false };
const ENDS = ["task_done", "task_error", "task_cancelled", "task_interrupted", "agent_end"];

/** The prompt whose turn a frame tells of: live frames name it, and what is committed hangs under it. */
export function promptOf(frame: Frame): string | undefined {
  if (frame.seq === undefined) return frame.nodeId;
  return frame.type === "tool_execution_end" ? undefined : (frame.parentId ?? undefined);
}

export function heard(before: Live, frame: Frame): Live {
  switch (frame.type) {
    case "message_start":
      return frame.role === "assistant" ? { ...begun(before), notice: undefined } : before;
    case "message_update":
      return updated(before, frame.assistantMessageEvent);
    case "message_end":
    case "tool_execution_start":
      return bound(before, frame.seq);
    case "tool_execution_update":
      return printing(before, frame);
    case "auto_retry_start":
      return {
        ...dropped(before),
        notice: `The provider failed: ${textOr(frame.errorMessage)}. Trying again.`,
      };
    case "compaction_start":
      return { ...before, notice: "The conversation is being made shorter." };
    case "auto_retry_end":
    case "compaction_end":
      return { ...before, notice: undefined };
    default:
      return ENDS.includes(frame.type)
        ? { ...dropped(before), printed: NOTHING.printed, notice: undefined }
        : before;
  }
}

/** The nodes up to this one have come. */
export function settled(live: Live, seq: number): Live {
  const messages = live.messages.filter((one) => one.seq === undefined || one.seq > seq);
  return messages.length === live.messages.length ? live : { ...live, messages };
}

/** Without what is not known to be whole: the connection was lost in the middle of it. */
export function dropped(live: Live): Live {
  return { ...live, messages: live.messages.filter(({ seq }) => seq !== undefined) };
}

export function isNothing({ messages, printed, notice }: Live): boolean {
  return messages.length === 0 && printed.size === 0 && notice === undefined;
}

function begun(live: Live): Live {
  return { ...live, messages: [...dropped(live).messages, EMPTY] };
}

interface Update {
  type?: unknown;
  delta?: unknown;
  content?: unknown;
  name?: unknown;
}

function updated(live: Live, given: unknown): Live {
  const { type, delta, content, name } = (given ?? {}) as Update;
  if (type === "text_delta") return written(live, (one) => ({ ...one, text: one.text + textOr(delta) }));
  if (type === "thinking_delta")
    return written(live, (one) => ({ ...one, thinking: one.thinking + textOr(delta) }));
  if (type === "toolcall_start") return written(live, (one) => ({ ...one, calling: textOr(name) }));
  // The end of a block says all of it, also to those who came in the middle.
  if (type === "text_end" && typeof content === "string")
    return written(live, (one) => (one.isCut ? { ...one, text: content, isCut: false } : one));
  return live;
}

function written(live: Live, change: (one: Writing) => Writing): Live {
  const last = live.messages.at(-1);
  if (last && last.seq === undefined)
    return { ...live, messages: [...live.messages.slice(0, -1), change(last)] };
  return { ...live, messages: [...live.messages, change({ ...EMPTY, isCut: true })] };
}

function bound(live: Live, seq: number | undefined): Live {
  const last = live.messages.at(-1);
  if (!last || last.seq !== undefined) return live;
  return { ...live, messages: [...live.messages.slice(0, -1), { ...last, seq }] };
}

function printing(live: Live, { toolCallId, partialResult }: Frame): Live {
  const { content } = (partialResult ?? {}) as { content?: unknown };
  const parts = Array.isArray(content) ? (content as { text?: unknown }[]) : [];
  const text = parts.map((part) => textOr(part?.text)).join("\n");
  if (typeof toolCallId !== "string" || text === "") return live;
  return { ...live, printed: new Map([...live.printed, [toolCallId, text]]) };
}

function textOr(value: unknown): string {
  return typeof value === "string" ? value : "";
}
