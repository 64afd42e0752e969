// How an agent calls reef over HTTP. Runs under Bun and Node and inside a compiled binary: nothing but the standard
// library, and nothing of the server.
import { isJsonType } from "./media-type.js";
import type { FleetClient, ToolResult } from "./types.js";

export interface FleetClientOptions {
  /** Each of these, when not given, comes from the environment at the time of the call. */
  baseUrl?: string;
  token?: string;
  agentName?: string;
  agentRole?: string;
  vmId?: string;
}

/** What `api` rejects with when the answer is not 2xx; `error` is the answer's own text, `answer` the whole of it. */
export interface ApiError extends Error {
  status: number;
  code?: string;
  error: string;
  answer: unknown;
}

/** For whom a client acts, looked up at each access. */
export type Identity = Pick<FleetClient, "agentName" | "agentRole" | "vmId" | "sessionId" | "taskId">;

/** The way to the server: over HTTP here, in process inside it. */
export interface Transport {
  baseUrl(): string | null;
  send(path: string, init: RequestInit): Promise<Response>;
}

export function createFleetClient(options: FleetClientOptions = {}): FleetClient {
  const { env } = process;
  const baseUrl = () => (options.baseUrl ?? env.VERS_INFRA_URL)?.trim().replace(/\/+$/, "") || null;
  const identity: Identity = {
    get agentName() {
      return options.agentName ?? (env.VERS_AGENT_NAME || `agent-${process.pid}`);
    },
    get agentRole() {
      return options.agentRole ?? (env.VERS_AGENT_ROLE || "worker");
    },
    get vmId() {
      return options.vmId ?? (env.VERS_VM_ID || undefined);
    },
    get taskId() {
      return env.REEF_TASK_ID || undefined;
    },
  };
  const send = (path: string, init: RequestInit) => {
    const headers = agentHeaders(identity, options.token ?? env.VERS_AUTH_TOKEN);
    return fetch(baseUrl() + path, { ...init, headers: { ...headers, ...init.headers } });
  };
  return createClient(identity, { baseUrl, send });
}

/** A client for `identity` over `transport`. */
export function createClient(identity: Identity, transport: Transport): FleetClient {
  return {
    get agentName() {
      return identity.agentName;
    },
    get agentRole() {
      return identity.agentRole;
    },
    get vmId() {
      return identity.vmId;
    },
    get sessionId() {
      return identity.sessionId;
    },
    get taskId() {
      return identity.taskId;
    },
    getBaseUrl: () => transport.baseUrl(),
    api: (method, path, body) => api(transport, method, path, body),
    ok: (text, details = {}) => ({ content: [{ type: "text", text }], details }),
    err,
    noUrl: () => err(NO_URL),
  };
}

const NO_URL = "VERS_INFRA_URL is not set.";

function err(message: string): ToolResult & { details: object } {
  return { content: [{ type: "text", text: `Error: ${message}` }], details: {}, isError: true };
}

function agentHeaders(identity: Identity, token: string | undefined): Record<string, string> {
  const headers: Record<string, string> = {
    "X-Agent-Name": inHeader(identity.agentName),
    "X-Agent-Role": inHeader(identity.agentRole),
  };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (identity.vmId) headers["X-Agent-Vm-Id"] = inHeader(identity.vmId);
  return headers;
}

/** `fetch` refuses other characters in a header, and a name must not keep an agent from calling at all. */
function inHeader(value: string): string {
  return value.replace(/[^\x20-\x7e]/g, "?");
}

async function api<T>(transport: Transport, method: string, path: string, body?: unknown): Promise<T> {
  if (transport.baseUrl() === null) throw new Error(NO_URL);
  const init: RequestInit = { method };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { "Content-Type": "application/json" };
  }
  const response = await transport.send(path, init);
  const answer = await readAnswer(response);
  if (!response.ok) throw apiError(`${method} ${path}`, response.status, answer);
  return answer as T;
}

/** JSON as its value, a body of another type as its text, an empty JSON body as null. */
async function readAnswer(response: Response): Promise<unknown> {
  const text = await response.text();
  if (!isJsonType(response.headers.get("content-type"))) return text;
  return text === "" ? null : JSON.parse(text);
}

function apiError(request: string, status: number, answer: unknown): ApiError {
  const { error, code } = typeof answer === "object" && answer !== null ? fieldsOf(answer) : {};
  const text = error ?? (typeof answer === "string" ? answer : JSON.stringify(answer));
  return Object.assign(new Error(`${request} (${status}): ${text}`), { status, code, error: text, answer });
}

function fieldsOf(answer: { error?: unknown; code?: unknown }): { error?: string; code?: string } {
  const { error, code } = answer;
  return {
    error: typeof error === "string" ? error : undefined,
    code: typeof code === "string" ? code : undefined,
  };
}

/** What the environment tells the `reef` command; nothing of it is checked yet. */
export interface CommandLineEnvironment {
  url?: string;
  port?: string;
  token?: string;
  tokenFile?: string;
  agentName?: string;
  /** False when colours are not wanted, whatever the terminal can do. */
  colors: boolean;
  /** Whether somebody sits at this machine who could look at a browser. */
  desktop: boolean;
}

export function commandLineEnvironment(env: NodeJS.ProcessEnv = process.env): CommandLineEnvironment {
  const get = (name: string) => env[name]?.trim() || undefined;
  return {
    url: get("VERS_INFRA_URL"),
    port: get("PORT"),
    token: get("VERS_AUTH_TOKEN"),
    tokenFile: get("VERS_AUTH_TOKEN_FILE"),
    agentName: get("VERS_AGENT_NAME"),
    colors: get("NO_COLOR") === undefined && get("TERM") !== "dumb",
    desktop: get("SSH_CONNECTION") === undefined && hasDisplay(get),
  };
}

function hasDisplay(get: (name: string) => string | undefined): boolean {
  if (process.platform === "darwin" || process.platform === "win32") return true;
  return get("DISPLAY") !== undefined || get("WAYLAND_DISPLAY") !== undefined;
}

/** What `reef start` was told by its flags goes before what the environment says. */
export function overrideEnvironment(values: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(values)) if (value !== undefined) process.env[name] = value;
}
