// What pi says on its output, one JSON line at a time, as typed events and answers (spec pi §3, §4).

/** A content block of a message: `text`, `thinking`, `toolCall`, `image`, and whatever else pi may send. */
export interface PiBlock {
  type: string;
  text?: string;
  thinking?: string;
  thinkingSignature?: string;
  id?: string;
  name?: string;
  arguments?: Record<string, unknown>;
  data?: string;
  mimeType?: string;
  [field: string]: unknown;
}

/** Tokens, and US dollars from the model's price table. `input` leaves cached tokens out. */
export interface PiUsage {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  totalTokens: number;
  cost?: { input: number; output: number; cacheRead: number; cacheWrite: number; total: number };
}

/** A finished message. Roles: `user assistant toolResult custom`, and whatever else pi may send. */
export interface PiMessage {
  role: string;
  content: PiBlock[];
  api?: string;
  provider?: string;
  model?: string;
  usage?: PiUsage;
  stopReason?: string;
  errorMessage?: string;
  timestamp?: number;
  [field: string]: unknown;
}

/** A step of a message in progress. `id` and `name` are those of the call that `toolcall_start` begins. */
export interface PiDelta {
  type: string;
  contentIndex: number;
  delta?: string;
  content?: string;
  toolCall?: PiBlock;
  id?: string;
  name?: string;
}

export type AgentEvent =
  | { type: "agent_start" }
  | { type: "agent_end" }
  | { type: "turn_start" }
  | { type: "turn_end" }
  | { type: "message_start"; role: string }
  | { type: "message_update"; event: PiDelta }
  | { type: "message_end"; message: PiMessage }
  | { type: "tool_execution_start"; toolCallId: string; toolName: string; args: unknown }
  | { type: "tool_execution_update"; toolCallId: string; toolName: string; partialResult: unknown }
  | {
      type: "tool_execution_end";
      toolCallId: string;
      toolName: string;
      result: PiToolResult;
      isError: boolean;
    }
  | {
      type: "auto_retry_start";
      attempt: number;
      maxAttempts: number;
      delayMs: number;
      errorMessage: string;
    }
  | { type: "auto_retry_end"; success: boolean; attempt: number; finalError?: string }
  | { type: "compaction_start"; reason: string }
  | {
      type: "compaction_end";
      reason: string;
      aborted: boolean;
      willRetry: boolean;
      errorMessage?: string;
      /** Given when the context was really compacted. */
      summary?: string;
    }
  | { type: "queue_update"; steering: string[]; followUp: string[] }
  | PiDialog
  | { type: "extension_error"; extensionPath?: string; event?: string; error: string }
  /** Made by the reader: the run has nothing more to do (spec pi §5). */
  | { type: "settled" }
  | { type: "unknown"; name: string; data: Record<string, unknown> };

/** `content` is whatever the tool returned, text and image blocks by contract. */
export interface PiToolResult {
  content: ({ type: "text"; text: string } | { type: "image"; data: string; mimeType: string })[];
  details?: unknown;
  terminate?: boolean;
}

/** A UI request. `select`, `confirm`, `input` and `editor` want an answer, the other methods do not. */
export interface PiDialog {
  type: "extension_ui_request";
  id: string;
  method: string;
  title?: string;
  message?: string;
  options?: string[];
  placeholder?: string;
  prefill?: string;
  timeout?: number;
  [field: string]: unknown;
}

/** The answer to a command. An unknown command is answered without its id. */
export interface PiAnswer {
  id?: string;
  command: string;
  success: boolean;
  data?: unknown;
  error: string;
}

export type PiLine =
  | { kind: "event"; event: AgentEvent }
  | { kind: "answer"; answer: PiAnswer }
  | { kind: "noise" };

type Fields = Record<string, unknown>;

const DELTA_HEAD = Buffer.from('{"type":"message_update","assistantMessageEvent":{"type":"');
const DELTA_TYPES = ["text_delta", "thinking_delta", "toolcall_delta"].map((type) =>
  Buffer.from(`${type}",`),
);
const PARTIAL = ',"partial":{';

/** One line without its LF → what it says; `noise` is anything but a JSON object with a `type`. */
export function parseLine(line: Buffer): PiLine {
  const fields = parseObject(cutDelta(line) ?? line.toString("utf8"));
  if (typeof fields?.type !== "string") return { kind: "noise" };
  if (fields.type === "response") return { kind: "answer", answer: answerOf(fields) };
  return { kind: "event", event: eventOf(fields.type, fields) };
}

/**
 * A delta line carries its whole message twice, behind the few characters that count. They are cut off unparsed:
 * 60,000 characters of code would otherwise cost seconds of JSON.parse. pi writes `delta`, always a string, and then
 * `partial`, and inside a string the quotes of the mark would be escaped: the first mark is the real one. A line of any
 * other shape is parsed whole.
 */
function cutDelta(line: Buffer): string | undefined {
  if (!startsWith(line, DELTA_HEAD, 0)) return undefined;
  if (!DELTA_TYPES.some((type) => startsWith(line, type, DELTA_HEAD.length))) return undefined;
  const end = line.indexOf(PARTIAL);
  return end < 0 ? undefined : `${line.toString("utf8", 0, end)}}}`;
}

function startsWith(line: Buffer, head: Buffer, at: number): boolean {
  return line.length >= at + head.length && line.compare(head, 0, head.length, at, at + head.length) === 0;
}

function parseObject(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function answerOf(fields: Fields): PiAnswer {
  return {
    ...optional({ id: text(fields.id) }),
    command: text(fields.command) ?? "",
    success: fields.success === true,
    data: fields.data,
    error: text(fields.error) ?? "pi gave no reason",
  };
}

function eventOf(name: string, fields: Fields): AgentEvent {
  const read = Object.hasOwn(EVENTS, name) ? EVENTS[name] : undefined;
  return read?.(fields) ?? unknownEvent(name, fields);
}

/** What each event must have; one that lacks it passes through as `unknown`. */
const EVENTS: Record<string, (fields: Fields) => AgentEvent | undefined> = {
  agent_start: () => ({ type: "agent_start" }),
  agent_end: () => ({ type: "agent_end" }),
  turn_start: () => ({ type: "turn_start" }),
  turn_end: () => ({ type: "turn_end" }),
  message_start: ({ message }) => {
    const role = isFields(message) ? text(message.role) : undefined;
    return role === undefined ? undefined : { type: "message_start", role };
  },
  message_update: ({ assistantMessageEvent }) => {
    const event = isFields(assistantMessageEvent) ? deltaOf(assistantMessageEvent) : undefined;
    return event && { type: "message_update", event };
  },
  message_end: (fields) => {
    const message = isFields(fields.message) ? messageOf(fields.message) : undefined;
    return message && { type: "message_end", message };
  },
  tool_execution_start: (fields) => {
    const call = callOf(fields);
    return call && { type: "tool_execution_start", ...call, args: fields.args };
  },
  tool_execution_update: (fields) => {
    const call = callOf(fields);
    return call && { type: "tool_execution_update", ...call, partialResult: fields.partialResult };
  },
  tool_execution_end: (fields) => {
    const call = callOf(fields);
    if (!call) return undefined;
    return {
      type: "tool_execution_end",
      ...call,
      result: resultOf(fields.result),
      isError: fields.isError === true,
    };
  },
  auto_retry_start: (fields) => ({
    type: "auto_retry_start",
    attempt: number(fields.attempt) ?? 0,
    maxAttempts: number(fields.maxAttempts) ?? 0,
    delayMs: number(fields.delayMs) ?? 0,
    errorMessage: text(fields.errorMessage) ?? "",
  }),
  auto_retry_end: (fields) => ({
    type: "auto_retry_end",
    success: fields.success === true,
    attempt: number(fields.attempt) ?? 0,
    ...optional({ finalError: text(fields.finalError) }),
  }),
  compaction_start: (fields) => ({ type: "compaction_start", reason: text(fields.reason) ?? "" }),
  compaction_end: (fields) => ({
    type: "compaction_end",
    reason: text(fields.reason) ?? "",
    aborted: fields.aborted === true,
    willRetry: fields.willRetry === true,
    ...optional({
      errorMessage: text(fields.errorMessage),
      summary: isFields(fields.result) ? (text(fields.result.summary) ?? "") : undefined,
    }),
  }),
  queue_update: (fields) => ({
    type: "queue_update",
    steering: texts(fields.steering),
    followUp: texts(fields.followUp),
  }),
  extension_ui_request: (fields) => {
    const id = text(fields.id);
    const method = text(fields.method);
    if (id === undefined || method === undefined) return undefined;
    return { ...dialogFields(fields), type: "extension_ui_request", id, method };
  },
  extension_error: (fields) => ({
    type: "extension_error",
    error: text(fields.error) ?? "",
    ...optional({ extensionPath: text(fields.extensionPath), event: text(fields.event) }),
  }),
};

function unknownEvent(name: string, fields: Fields): AgentEvent {
  const { type: _type, ...data } = fields;
  return { type: "unknown", name, data };
}

function deltaOf(event: Fields): PiDelta | undefined {
  const type = text(event.type);
  const contentIndex = number(event.contentIndex);
  if (type === undefined || contentIndex === undefined) return undefined;
  const begun = type === "toolcall_start" ? blockOf(event.partial, contentIndex) : undefined;
  return {
    type,
    contentIndex,
    ...optional({
      delta: text(event.delta),
      content: text(event.content),
      toolCall: isBlock(event.toolCall) ? event.toolCall : undefined,
      id: begun?.id,
      name: begun?.name,
    }),
  };
}

/** The only thing for which a delta's message is needed: which call begins here. */
function blockOf(partial: unknown, index: number): PiBlock | undefined {
  const content = isFields(partial) && Array.isArray(partial.content) ? partial.content : [];
  const block: unknown = content[index];
  return isBlock(block) ? block : undefined;
}

function messageOf(fields: Fields): PiMessage | undefined {
  const role = text(fields.role);
  if (role === undefined) return undefined;
  return { ...fields, role, content: contentOf(fields.content) };
}

function contentOf(content: unknown): PiBlock[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return Array.isArray(content) ? content.filter(isBlock) : [];
}

function callOf(fields: Fields): { toolCallId: string; toolName: string } | undefined {
  const toolCallId = text(fields.toolCallId);
  const toolName = text(fields.toolName);
  return toolCallId === undefined || toolName === undefined ? undefined : { toolCallId, toolName };
}

/** A tool may return anything: content that is no text or image would reach the tree as it is, so it is left out. */
function resultOf(result: unknown): PiToolResult {
  if (!isFields(result)) return { content: [] };
  const content = Array.isArray(result.content) ? result.content.filter(isToolContent) : [];
  return {
    content,
    ...optional({ details: result.details, terminate: result.terminate === true ? true : undefined }),
  };
}

function isToolContent(block: unknown): block is PiToolResult["content"][number] {
  if (!isFields(block)) return false;
  if (block.type === "text") return typeof block.text === "string";
  return block.type === "image" && typeof block.data === "string" && typeof block.mimeType === "string";
}

function dialogFields(fields: Fields): Fields {
  const { title, message, options, placeholder, prefill, timeout, ...rest } = fields;
  return {
    ...rest,
    ...optional({
      title: text(title),
      message: text(message),
      options: Array.isArray(options) ? texts(options) : undefined,
      placeholder: text(placeholder),
      prefill: text(prefill),
      timeout: number(timeout),
    }),
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isBlock(value: unknown): value is PiBlock {
  return isFields(value) && typeof value.type === "string";
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

/** The fields that are there. */
function optional<T extends Fields>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
