// What the tests of the command line share: a server that answers as it is told, and a terminal in memory.
import type { Frame } from "../../src/cli/events.js";
import { type Terminal, uncolored } from "../../src/cli/terminal.js";
import { runCommandLine } from "../../src/cli.js";

export interface Ran {
  code: number;
  out: string;
  err: string;
}

export interface RunOptions {
  stdin?: string;
  token?: string;
  /** As if a terminal of this width were at the other end. */
  columns?: number;
  /** Calls its argument to press Ctrl-C. */
  interrupts?(press: () => void): void;
  /** As if there were a desktop. */
  browse?(url: string): boolean;
}

/** Runs `reef <argv>` in this process against `url`. */
export async function reef(url: string, argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const written = { out: "", err: "" };
  const handlers = new Set<() => void>();
  const output = (to: "out" | "err") => ({
    write(text: string) {
      written[to] += text;
    },
    paint: uncolored,
    columns: options.columns,
  });
  const terminal: Terminal = {
    out: output("out"),
    err: output("err"),
    stdin: async () => options.stdin ?? "",
    onInterrupt(fn) {
      handlers.add(fn);
      options.interrupts?.(() => {
        for (const handler of handlers) handler();
      });
      return () => void handlers.delete(fn);
    },
    browse: options.browse,
  };
  const code = await runCommandLine(argv, terminal, { url, token: options.token });
  return { code, ...written };
}

export interface Received {
  method: string;
  path: string;
  body: unknown;
  headers: Headers;
}

export interface FakeServer extends AsyncDisposable {
  url: string;
  /** What was asked so far, oldest first. */
  requests: Received[];
}

/** Answers each `"METHOD /path"` (without the query) as the table says; 404 for all else. */
export function fakeServer(routes: Record<string, (request: Received) => Response | object>): FakeServer {
  const requests: Received[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      const url = new URL(request.url);
      const text = await request.text();
      const received = {
        method: request.method,
        path: url.pathname + url.search,
        body: text === "" ? undefined : JSON.parse(text),
        headers: request.headers,
      };
      requests.push(received);
      const answer = routes[`${request.method} ${url.pathname}`]?.(received);
      if (answer === undefined)
        return Response.json({ error: "not found", code: "not_found" }, { status: 404 });
      return answer instanceof Response ? answer : Response.json(answer);
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    requests,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

/** An event stream (spec §4.9) that sends these frames and closes, or stays open. */
export function eventStream(frames: readonly Frame[], { open = false, retryMs = 10 } = {}): Response {
  const body = new ReadableStream<string>({
    start(controller) {
      controller.enqueue(`: connected\n\nretry: ${retryMs}\n\n`);
      for (const frame of frames) {
        const id = frame.seq === undefined || frame.type === "resync" ? "" : `id: ${frame.seq}\n`;
        controller.enqueue(`${id}data: ${JSON.stringify(frame)}\n\n`);
      }
      if (!open) controller.close();
    },
  }).pipeThrough(new TextEncoderStream());
  return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
}

/** The committed frames of one turn of the task `name` with one call, as the server sends them (spec §4.8). */
export function turnFrames(name: string, end: Partial<Frame> & { type: string }): Frame[] {
  const usage = { input: 100, output: 20, cacheRead: 0, cacheWrite: 0, totalTokens: 120, cost: 0.0021 };
  const own = (seq: number, rest: Partial<Frame> & { type: string }): Frame => ({
    seq,
    nodeId: `n${seq}`,
    parentId: "n1",
    taskId: name,
    timestamp: 1_700_000_000_000 + seq * 100,
    ...rest,
  });
  const live = (rest: Partial<Frame> & { type: string }): Frame => ({ taskId: name, nodeId: "n1", ...rest });
  const delta = (text: string) =>
    live({
      type: "message_update",
      assistantMessageEvent: { type: "text_delta", contentIndex: 0, delta: text },
    });
  return [
    own(2, { type: "run_started", attempt: 1, model: "offline/scripted" }),
    own(3, {
      type: "tool_execution_start",
      toolCallId: "c1",
      toolName: "bash",
      args: { command: "echo 4" },
      usage,
    }),
    own(4, {
      type: "tool_execution_end",
      parentId: "n3",
      toolCallId: "c1",
      result: { content: [{ type: "text", text: "4\n" }] },
      isError: false,
    }),
    live({ type: "message_start" }),
    live({ type: "message_update", assistantMessageEvent: { type: "text_start", contentIndex: 0 } }),
    delta("2+2 "),
    delta("= 4"),
    own(5, { type: "message_end", message: { role: "assistant", content: "2+2 = 4", usage } }),
    own(6, end),
  ];
}
