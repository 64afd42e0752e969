// Who is calling: the server's own token, a task's token, or nobody; compared in constant time.
import { timingSafeEqual } from "node:crypto";
import type { Caller } from "./types.js";

export interface AuthOptions {
  /** The server token. Without one every caller that passed the Host and Origin checks is the server. */
  token?: string;
  /** Whose task token (`rt_…`) this is; undefined for an unknown or expired one. */
  resolveToken?: (token: string) => Caller | undefined;
}

/** The caller that a request names, or why it names none. */
export type Identify = (request: Request) => Caller | "missing" | "invalid";

/** What a task may be allowed; `admin` is everything else. */
type Scope = "modules" | "submit" | "deploy" | "admin";

export const ANONYMOUS: Caller = Object.freeze({ kind: "anonymous" });

/** Longer values of the agent headers are cut: they end up in nodes and lists. */
const AGENT_CHARS_MAX = 200;

export function createAuth(options: AuthOptions): Identify {
  const { resolveToken } = options;
  const expected = options.token === undefined ? undefined : digest(options.token, new Uint8Array(32));
  const scratch = new Uint8Array(32);

  return (request) => {
    const header = request.headers.get("authorization");
    const token = header === null ? undefined : bearerToken(header);
    if (expected === undefined) {
      if (!token?.startsWith("rt_")) return asAgent(request, true);
      return resolveToken?.(token) ?? "invalid";
    }
    if (header === null) return "missing";
    if (token === undefined) return "invalid";
    if (timingSafeEqual(digest(token, scratch), expected)) return asAgent(request, false);
    return (token.startsWith("rt_") && resolveToken?.(token)) || "invalid";
  };
}

/**
 * The scope that a task needs for a request, null for what every task may do. The path is the whole one, as the URL
 * has it. Within `/reef` it is the least that is needed: which tasks a task may steer is for that module to say.
 */
export function scopeFor(method: string, path: string): Scope | null {
  if (method === "GET" || method === "HEAD") return null;
  const [, module, first, second, third] = path.split("/");
  if (module === "mcp") return null;
  if (module === "reef") return reefScope(first, third);
  if (module === "installer") return "admin";
  if (module === "services") return isDeployRoute(method, first, second) ? "deploy" : "admin";
  return "modules";
}

/** Scheme in any case, any white space, then the token; undefined for another scheme or nothing after it. */
function bearerToken(header: string): string | undefined {
  return /^bearer[ \t]+(\S.*)$/i.exec(header.trim())?.[1];
}

/** Both sides are hashed first, so that neither the length nor the content of the right one shows in the time. */
function digest(token: string, into: Uint8Array): Uint8Array {
  Bun.SHA256.hash(token, into);
  return into;
}

/** Who holds the server token may name the agent for which it acts. */
function asAgent(request: Request, dev: boolean): Caller {
  const caller: Caller = { kind: "server" };
  if (dev) caller.dev = true;
  const agentName = agentHeader(request, "x-agent-name");
  const agentRole = agentHeader(request, "x-agent-role");
  const vmId = agentHeader(request, "x-agent-vm-id");
  if (agentName) caller.agentName = agentName;
  if (agentRole) caller.agentRole = agentRole;
  if (vmId) caller.vmId = vmId;
  return caller;
}

function agentHeader(request: Request, name: string): string | undefined {
  return request.headers.get(name)?.trim().slice(0, AGENT_CHARS_MAX);
}

function reefScope(first: string | undefined, third: string | undefined): Scope | null {
  if (first === "tools" || first === "agent-events") return null;
  if (first === "submit") return "submit";
  return first === "tasks" && (third === "cancel" || third === "steer") ? "submit" : "admin";
}

function isDeployRoute(method: string, first: string | undefined, second: string | undefined): boolean {
  if (method !== "POST") return false;
  if (first === "deploy" || first === "check") return second === undefined;
  return (first === "reload" && !!second) || (!!first && second === "rollback");
}
