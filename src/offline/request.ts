// The border: what a Messages request has to look like, checked as strictly as the real endpoint where reef could err.
import { createHash } from "node:crypto";
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";

const Text = Type.Object({ type: Type.Literal("text"), text: Type.String() });
const Thinking = Type.Object({
  type: Type.Literal("thinking"),
  thinking: Type.String(),
  signature: Type.String(),
});
const ToolUse = Type.Object({
  type: Type.Literal("tool_use"),
  id: Type.String({ pattern: "^[a-zA-Z0-9_-]+$" }),
  name: Type.String({ pattern: "^[a-zA-Z0-9_-]{1,128}$" }),
  input: Type.Record(Type.String(), Type.Unknown()),
});
/** Images, documents and the like: let through, never looked into. */
const Other = Type.Object({ type: Type.String({ pattern: "^(?!(text|thinking|tool_use|tool_result)$)" }) });
const ToolResult = Type.Object({
  type: Type.Literal("tool_result"),
  tool_use_id: Type.String(),
  content: Type.Optional(Type.Union([Type.String(), Type.Array(Type.Union([Text, Other]))])),
  is_error: Type.Optional(Type.Boolean()),
});
const Block = Type.Union([Text, Thinking, ToolUse, ToolResult, Other]);
const Message = Type.Object({
  role: Type.Union([Type.Literal("user"), Type.Literal("assistant")]),
  content: Type.Union([Type.String(), Type.Array(Block)]),
});
const Body = Type.Object({
  model: Type.String({ minLength: 1 }),
  max_tokens: Type.Integer({ minimum: 1 }),
  messages: Type.Array(Message, { minItems: 1 }),
  stream: Type.Optional(Type.Boolean()),
  system: Type.Optional(Type.Union([Type.String(), Type.Array(Text)])),
  tools: Type.Optional(Type.Array(Type.Object({ name: Type.String() }))),
  tool_choice: Type.Optional(Type.Object({ type: Type.String() })),
  thinking: Type.Optional(Type.Object({ type: Type.String() })),
});

export type MessagesRequest = Static<typeof Body>;
export type RequestBlock = Static<typeof Block>;

/** An answer that is no message: an HTTP status with the endpoint's error body. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  readonly type: string;

  constructor(status: number, type: string, message: string) {
    super(message);
    this.status = status;
    this.type = type;
  }
}

/** Throws a `Refusal` (400 `invalid_request_error`) that says what was expected, and where. */
export function checkRequest(body: unknown): MessagesRequest {
  if (!Value.Check(Body, body)) throw malformed(body);
  checkTools(body);
  checkBlocks(body);
  checkCalls(body);
  return body;
}

export function blocksOf(message: MessagesRequest["messages"][number]): readonly RequestBlock[] {
  return typeof message.content === "string" ? [{ type: "text", text: message.content }] : message.content;
}

/** A thinking block is taken back only with the signature that it was sent with. */
export function signatureOf(thinking: string): string {
  return createHash("sha256").update(`offline:${thinking}`).digest("base64");
}

function malformed(body: unknown): Refusal {
  const fault = Value.Errors(Body, body).First();
  const where = fault?.path.slice(1).replaceAll("/", ".") || "body";
  return invalid(`${where}: ${fault?.message ?? "Unexpected value"}`);
}

function checkTools(request: MessagesRequest): void {
  const names = (request.tools ?? []).map((tool) => tool.name);
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice !== undefined) throw invalid(`tools: Tool names must be unique. Received twice: ${twice}`);
}

function checkBlocks(request: MessagesRequest): void {
  request.messages.forEach((message, at) => {
    blocksOf(message).forEach((block, index) => {
      const where = `messages.${at}.content.${index}`;
      if (isText(block) && block.text.trim() === "")
        throw invalid(`${where}: text content blocks must be non-empty`);
      if (isThinking(block) && block.signature !== signatureOf(block.thinking)) {
        throw invalid(`${where}: Invalid \`signature\` in \`thinking\` block`);
      }
    });
  });
}

/** Each call has its result in the next message of the user, and each result its call in the message before. */
function checkCalls({ messages }: MessagesRequest): void {
  const seen = new Set<string>();
  const open = new Set<string>();
  messages.forEach((message, at) => {
    const begins = message.role === "assistant" && messages[at - 1]?.role !== "assistant";
    if (begins) checkAnswered(open, at);
    for (const block of blocksOf(message)) {
      if (isToolUse(block)) checkCall(block.id, at, { seen, open });
      if (isToolResult(block)) checkResult(block.tool_use_id, at, open);
    }
  });
  checkAnswered(open, messages.length);
}

function checkCall(id: string, at: number, { seen, open }: { seen: Set<string>; open: Set<string> }): void {
  if (seen.has(id)) throw invalid(`messages.${at}: \`tool_use\` ids must be unique. Received twice: ${id}`);
  seen.add(id);
  open.add(id);
}

function checkResult(id: string, at: number, open: Set<string>): void {
  if (open.delete(id)) return;
  throw invalid(
    `messages.${at}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${id}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
  );
}

function checkAnswered(open: ReadonlySet<string>, at: number): void {
  if (open.size === 0) return;
  throw invalid(
    `messages.${at - 1}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${[...open].join(", ")}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
  );
}

function invalid(message: string): Refusal {
  return new Refusal(400, "invalid_request_error", message);
}

export function isText(block: RequestBlock): block is Static<typeof Text> {
  return block.type === "text";
}

export function isToolUse(block: RequestBlock): block is Static<typeof ToolUse> {
  return block.type === "tool_use";
}

export function isToolResult(block: RequestBlock): block is Static<typeof ToolResult> {
  return block.type === "tool_result";
}

export function isThinking(block: RequestBlock): block is Static<typeof Thinking> {
  return block.type === "thinking";
}
