// The routes of reef's server that the extension calls, with a list of tools that a test can change.
import type { ToolInfo, ToolResult } from "../../../src/core/types.js";

export interface ToolCall {
  name: string;
  params: Record<string, unknown>;
  toolCallId: string;
  signal: AbortSignal;
  update(text: string): void;
}

export interface TestTool {
  info?: Partial<ToolInfo>;
  /** Refused instead of run. */
  refuse?: {
    status: number;
    inStream?: boolean;
    error: string;
    errors?: { path: string; message: string }[];
  };
  /** Without a result the connection is closed. */
  run(call: ToolCall): ToolResult | undefined | Promise<ToolResult>;
}

export interface TestServer {
  url: string;
  /** Changing it changes the list's version. */
  tools: Map<string, TestTool>;
  widget: string[];
  /** Answers to the question for the list wait for it. */
  hold?: Promise<void>;
  /** Every request but those to the model: `POST /reef/tools/x`. */
  requests: { line: string; headers: Record<string, string>; body: unknown }[];
  reported: { session: string; events: { name: string; data: Record<string, unknown>; at: number }[] }[];
  /** Resolves when a request fits that is not counted yet. */
  next(line: string): Promise<void>;
  stop(): void;
}

export function startServer(tools: Record<string, TestTool> = {}, port = 0): TestServer {
  const waiting: { line: string; done: () => void }[] = [];
  const state: TestServer = {
    url: "",
    tools: new Map(Object.entries(tools)),
    widget: [],
    requests: [],
    reported: [],
    next: (line) => new Promise((done) => waiting.push({ line, done })),
    stop: () => void server.stop(true),
  };
  const server = Bun.serve({
    port,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      const line = `${request.method} ${pathname}`;
      const body = request.method === "POST" ? await request.json() : undefined;
      state.requests.push({ line, headers: request.headers.toJSON(), body });
      const answer = answerTo(state, line, body as never, request);
      for (const waiter of waiting.splice(0)) waiter.line === line ? waiter.done() : waiting.push(waiter);
      if (line === "GET /reef/tools") await state.hold;
      return answer;
    },
  });
  state.url = `http://127.0.0.1:${server.port}`;
  return state;
}

export function infoOf(name: string, info: Partial<ToolInfo> = {}): ToolInfo {
  const parameters = { type: "object", properties: { text: { type: "string" } } };
  return { name, label: name, description: `The tool ${name}`, parameters, service: "test", ...info };
}

type Body = { params: Record<string, unknown>; toolCallId: string } & TestServer["reported"][number];

function answerTo(state: TestServer, line: string, body: Body, request: Request): Response {
  if (line === "GET /reef/tools") return answerList(state, request);
  if (line === "GET /reef/widget") return Response.json({ lines: state.widget });
  if (line === "POST /reef/agent-events") {
    state.reported.push(body);
    return Response.json({ accepted: body.events.length }, { status: 202 });
  }
  const name = line.replace("POST /reef/tools/", "");
  const tool = state.tools.get(name);
  if (!tool) return Response.json({ error: "not found" }, { status: 404 });
  if (tool.refuse) return refusal(tool.refuse);
  return streamOf(state, tool, {
    name,
    params: body.params,
    toolCallId: body.toolCallId,
    signal: request.signal,
  });
}

function listOf(state: TestServer): { tools: ToolInfo[]; version: string } {
  const tools = [...state.tools].map(([name, tool]) => infoOf(name, tool.info));
  return { tools, version: Bun.hash(JSON.stringify(tools)).toString(36) };
}

function answerList(state: TestServer, request: Request): Response {
  const { tools, version } = listOf(state);
  const headers = { ETag: `"${version}"` };
  if (request.headers.get("if-none-match") === `"${version}"`)
    return new Response(null, { status: 304, headers });
  return Response.json({ tools, count: tools.length, version }, { headers });
}

/** As the server refuses: before the stream, or as its only frame. */
function refusal({ status, inStream, ...body }: NonNullable<TestTool["refuse"]>): Response {
  if (!inStream) return Response.json(body, { status });
  const frame = { type: "error", status, ...body };
  return new Response(`data: ${JSON.stringify(frame)}\n\n`, {
    headers: { "Content-Type": "text/event-stream" },
  });
}

function streamOf(state: TestServer, tool: TestTool, call: Omit<ToolCall, "update">): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      const send = (frame: object) =>
        controller.enqueue(encoder.encode(`data: ${JSON.stringify(frame)}\n\n`));
      controller.enqueue(encoder.encode(": ping\n\n"));
      const update = (text: string) =>
        send({ type: "update", partialResult: { content: [{ type: "text", text }] } });
      const result = await tool.run({ ...call, update });
      if (call.signal.aborted) return;
      if (result) send({ type: "result", result, toolsVersion: listOf(state).version });
      controller.close();
    },
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
}
