// One tool: reads its definition as pi's registerTool takes it, checks the parameters of a call, and runs it. A tool that
// throws, or answers with something else than a result, has failed; that is a result too.
import { Compile, type Validator } from "typebox/schema";
import { coerce } from "./coerce.js";
import { messageOf, ReefError } from "./errors.js";
import { toolNameProblem } from "./names.js";
import type { ToolContent, ToolInfo, ToolResult } from "./types.js";

const ERRORS_MAX = 20;

export interface Tool {
  readonly info: ToolInfo;
  readonly prepareArguments?: (params: unknown) => unknown;
  readonly execute: Execute;
  /** Compiled when the tool runs for the first time, for most tools of most versions never run. */
  validator?: Validator;
}

type Execute = (
  toolCallId: string,
  params: unknown,
  signal: AbortSignal,
  onUpdate: (partial: unknown) => void,
  ctx: object,
) => unknown;

export interface ToolCall {
  params?: unknown;
  toolCallId: string;
  signal: AbortSignal;
  onUpdate?: (partial: ToolResult) => void;
  ctx: { cwd: string; agentName: string; taskId?: string; nodeId?: string };
}

/** Throws the problem's text. */
export function readTool(definition: unknown, service: string): Tool {
  const given = isObject(definition) ? definition : {};
  const problem = toolNameProblem(given.name);
  if (problem) throw new Error(problem);
  const name = String(given.name);
  const { execute, prepareArguments } = given;
  if (typeof execute !== "function") throw new Error(`tool "${name}" has no execute()`);
  return {
    info: {
      name,
      label: typeof given.label === "string" ? given.label : name,
      description: typeof given.description === "string" ? given.description : "",
      parameters: readParameters(name, given.parameters),
      ...readOptions(given),
      service,
    },
    ...(typeof prepareArguments === "function"
      ? { prepareArguments: prepareArguments.bind(definition) }
      : {}),
    execute: execute.bind(definition),
  };
}

/** The parameters as `execute` gets them: coerced as pi does, and fitting the schema. */
export function checkParams(tool: Tool, given: unknown): unknown {
  const { name, parameters } = tool.info;
  const prepared = tool.prepareArguments ? tool.prepareArguments(given ?? {}) : (given ?? {});
  const params = coerce(prepared, parameters);
  tool.validator ??= Compile(parameters);
  const [fits, errors] = tool.validator.Errors(params);
  if (fits) return params;
  const details = errors
    .slice(0, ERRORS_MAX)
    .map(({ instancePath, message }) => ({ path: instancePath, message }));
  const text = details.map(({ path, message }) => (path ? `${path} ${message}` : message)).join("; ");
  throw new ReefError("bad_request", `Invalid parameters for tool "${name}": ${text}`, { errors: details });
}

/** Never rejects. A tool that has not heeded its aborted signal after `graceMs` is left behind. */
export async function runTool(
  tool: Tool,
  params: unknown,
  call: ToolCall,
  graceMs: number,
): Promise<ToolResult> {
  let over = false;
  const onUpdate = (partial: unknown) => {
    if (!over && isResult(partial)) call.onUpdate?.(clean(partial));
  };
  const ctx = { ...call.ctx, hasUI: false };
  const running = (async () => tool.execute(call.toolCallId, params, call.signal, onUpdate, ctx))();
  const deadline = afterAbort(call.signal, graceMs);
  try {
    return resultOf(tool, await Promise.race([running, deadline.passed]));
  } catch (error) {
    return failure(messageOf(error));
  } finally {
    over = true;
    deadline.forget();
  }
}

function readParameters(name: string, parameters: unknown): Record<string, unknown> {
  if (parameters === undefined) return { type: "object", properties: {} };
  // TypeBox schemas carry symbols that only mean something in this process.
  const plain: unknown = isObject(parameters) ? JSON.parse(JSON.stringify(parameters)) : undefined;
  if (isObject(plain) && (plain.type === undefined || plain.type === "object")) return plain;
  throw new Error(`tool "${name}": parameters must be a JSON Schema of an object`);
}

function readOptions(given: Record<string, unknown>): Partial<ToolInfo> {
  const { promptSnippet, promptGuidelines, executionMode, annotations } = given;
  const isMode = executionMode === "sequential" || executionMode === "parallel";
  const isGuidelines =
    Array.isArray(promptGuidelines) && promptGuidelines.every((line) => typeof line === "string");
  return {
    ...(typeof promptSnippet === "string" ? { promptSnippet } : {}),
    ...(isGuidelines ? { promptGuidelines } : {}),
    ...(isMode ? { executionMode } : {}),
    ...(isObject(annotations) ? { annotations } : {}),
  };
}

function afterAbort(signal: AbortSignal, graceMs: number): { passed: Promise<never>; forget(): void } {
  const { promise: passed, reject } = Promise.withResolvers<never>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const aborted = () => {
    timer = setTimeout(() => reject(new Error("aborted")), graceMs);
  };
  if (signal.aborted) aborted();
  else signal.addEventListener("abort", aborted, { once: true });
  return {
    passed,
    forget() {
      clearTimeout(timer);
      signal.removeEventListener("abort", aborted);
    },
  };
}

function resultOf(tool: Tool, value: unknown): ToolResult {
  if (typeof value === "string") return { content: [{ type: "text", text: value }], details: {} };
  if (isResult(value)) return clean(value);
  return failure(`tool "${tool.info.name}" answered without content`);
}

function failure(message: string): ToolResult {
  return { content: [{ type: "text", text: `Error: ${message}` }], details: {}, isError: true };
}

function isResult(value: unknown): value is ToolResult {
  return isObject(value) && Array.isArray(value.content) && value.content.every(isContent);
}

function isContent(value: unknown): value is ToolContent {
  if (!isObject(value)) return false;
  if (value.type === "text") return typeof value.text === "string";
  return value.type === "image" && typeof value.data === "string" && typeof value.mimeType === "string";
}

/** What may go into JSON: details that cannot are dropped, for they only go along with the content. */
function clean({ content, details, isError, terminate }: ToolResult): ToolResult {
  return {
    content,
    details: isJson(details) ? details : {},
    ...(isError ? { isError: true } : {}),
    ...(terminate ? { terminate: true } : {}),
  };
}

function isJson(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined;
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
