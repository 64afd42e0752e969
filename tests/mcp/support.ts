// What the tests of /mcp share: a server in this process on a port of its own, and clients of the official SDK.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { ServerOptions } from "../../src/core/server.js";
import type { Caller } from "../../src/core/types.js";
import { createMcpModule } from "../../src/mcp/index.js";
import { startServer, type TestServer, TOKEN } from "../core/servers.js";

/** Task tokens that every one of these servers knows. */
export const TASKS: Record<string, Caller> = {
  rt_a: { kind: "task", taskId: "a", agentName: "a", nodeId: "node-a", scopes: ["modules"] },
  rt_b: { kind: "task", taskId: "b", agentName: "b", nodeId: "node-b", scopes: [] },
  rt_admin: { kind: "task", taskId: "c", agentName: "c", nodeId: "node-c", scopes: ["modules", "admin"] },
};

export interface McpServer extends TestServer {
  url: string;
  skillsDir: string;
  /** Moves the clock by which sessions grow old. */
  pass(ms: number): void;
  /** The composition root's signal that the stop has begun. */
  stopping: AbortController;
  /** A client that has shaken hands; closed at the end. */
  connect(token?: string, headers?: Record<string, string>): Promise<Connected>;
  /** A request to /mcp as it stands, with the server token unless `headers` say otherwise. */
  raw(init: RequestInit): Promise<Response>;
  /** One message on a session, or the first one without. */
  send(message: unknown, session?: string, headers?: Record<string, string>): Promise<Response>;
  /** Opens a session by hand and returns its id. */
  open(headers?: Record<string, string>): Promise<string>;
}

export interface Connected {
  client: Client;
  transport: StreamableHTTPClientTransport;
}

export const INITIALIZE = {
  jsonrpc: "2.0",
  id: "init",
  method: "initialize",
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1" } },
};

export async function startMcp(options: ServerOptions = {}): Promise<McpServer> {
  const skillsDir = await mkdtemp(join(tmpdir(), "reef-skills-"));
  const stopping = new AbortController();
  let passed = 0;
  const server = await startServer({
    builtIns: (kernel) => [
      createMcpModule({ kernel, skillsDir, stopping: stopping.signal, now: () => Date.now() + passed }),
    ],
    resolveToken: (token) => TASKS[token],
    resolveCause: (_header, caller) => caller.nodeId ?? null,
    ...options,
  });
  const http = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: server.app.fetch });
  const url = `http://127.0.0.1:${http.port}`;
  server.listening(url);
  const clients: Client[] = [];

  const raw = (init: RequestInit) => {
    const headers = new Headers(init.headers);
    if (!headers.has("Authorization")) headers.set("Authorization", `Bearer ${TOKEN}`);
    return fetch(`${url}/mcp`, { ...init, headers });
  };
  const send: McpServer["send"] = (message, session, headers) =>
    raw({
      method: "POST",
      body: typeof message === "string" ? message : JSON.stringify(message),
      headers: {
        Accept: "application/json, text/event-stream",
        "Content-Type": "application/json",
        ...(session !== undefined && { "Mcp-Session-Id": session }),
        ...headers,
      },
    });

  return Object.assign(server, {
    url,
    skillsDir,
    stopping,
    raw,
    send,
    pass: (ms: number) => {
      passed += ms;
    },
    async connect(token = TOKEN, headers: Record<string, string> = {}) {
      const connected = await connectTo(url, { Authorization: `Bearer ${token}`, ...headers });
      clients.push(connected.client);
      return connected;
    },
    async open(headers?: Record<string, string>) {
      const answer = await send(INITIALIZE, undefined, headers);
      await answer.text();
      return answer.headers.get("mcp-session-id") ?? `no session: ${answer.status}`;
    },
    end: endOf(server.end, async () => {
      for (const client of clients) await client.close();
      await http.stop(true);
      await rm(skillsDir, { recursive: true, force: true });
    }),
  });
}

/** A client of the server at `url` that has shaken hands. */
export async function connectTo(url: string, headers: Record<string, string> = {}): Promise<Connected> {
  const client = new Client({ name: "test", version: "1" });
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } });
  await client.connect(transport);
  return { client, transport };
}

function endOf(endServer: () => Promise<void>, endRest: () => Promise<void>): () => Promise<void> {
  return async () => {
    await endServer();
    await endRest();
  };
}

/** The messages of an answer that is a stream, which has to end. */
// biome-ignore lint/suspicious/noExplicitAny: a test says what it expects by looking at it.
export async function messagesOf(answer: Response): Promise<any[]> {
  return Array.from((await answer.text()).matchAll(/^data: (.*)$/gm), ([, data = ""]) => JSON.parse(data));
}

/** The one text of a tool's result. */
export function textOf(result: unknown): string | undefined {
  return (result as { content: { text?: string }[] }).content[0]?.text;
}
