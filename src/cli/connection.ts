// The server that a command talks to: its address, the token, and errors in words that tell what to do.
import { readFileSync } from "node:fs";
import { type CommandLineEnvironment, createClient } from "../core/client.js";
import { messageOf } from "../core/errors.js";
import { UsageError } from "./command.js";

export interface Connection {
  readonly url: string;
  /** JSON in, JSON out; a body of another type comes back as text. Rejects with ServerError or UnreachableError. */
  api<T = unknown>(method: string, path: string, body?: unknown): Promise<T>;
  /** An answer that is read as it arrives; only a 200 is returned. */
  stream(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response>;
}

/** Where to look when the command line does not say. */
export type Surroundings = Omit<CommandLineEnvironment, "colors" | "desktop">;

/** The server answered, and not with what was asked for. */
export class ServerError extends Error {
  readonly status: number;
  constructor(message: string, status: number, options?: ErrorOptions) {
    super(status === 401 ? `${message} (set VERS_AUTH_TOKEN or pass --token-file)` : message, options);
    this.status = status;
  }
}

export class UnreachableError extends Error {
  constructor(url: string, options?: ErrorOptions) {
    super(`cannot reach ${url} — is it running? start it with: reef start`, options);
  }
}

/** Nothing is sent before the first call. Throws UsageError for an address or a token file that cannot be used. */
export function connect(given: { url?: string; tokenFile?: string }, surroundings: Surroundings): Connection {
  const url = baseUrl(given.url ?? surroundings.url ?? `http://127.0.0.1:${surroundings.port ?? 3000}`);
  const identity = identityHeaders(given.tokenFile, surroundings);

  async function send(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(url + path, { ...init, headers: { ...identity, ...init.headers } });
    } catch (error) {
      throw init.signal?.aborted ? error : new UnreachableError(url, { cause: error });
    }
  }

  const agent = { agentName: surroundings.agentName ?? "", agentRole: "" };
  const client = createClient(agent, { baseUrl: () => url, send });
  return {
    url,
    api: <T>(method: string, path: string, body?: unknown) =>
      client.api<T>(method, path, body).catch(rethrowInShort),
    async stream(path, headers, signal) {
      const response = await send(path, { headers, signal });
      if (response.status === 200) return response;
      throw new ServerError(await errorText(response), response.status);
    },
  };
}

function baseUrl(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol === "http:" || url?.protocol === "https:") return text.replace(/\/+$/, "");
  throw new UsageError(`the server's address must be an http or https URL. Received: "${text}"`);
}

/** A person has no name here; an agent that uses the command line keeps its own. */
function identityHeaders(tokenFile: string | undefined, surroundings: Surroundings): Record<string, string> {
  const token = tokenFile === undefined ? tokenOf(surroundings) : readToken(tokenFile);
  return {
    ...(token && { Authorization: `Bearer ${token}` }),
    ...(surroundings.agentName && { "X-Agent-Name": surroundings.agentName.replace(/[^\x20-\x7e]/g, "?") }),
  };
}

function tokenOf({ token, tokenFile }: Surroundings): string | undefined {
  return token ?? (tokenFile === undefined ? undefined : readToken(tokenFile));
}

function readToken(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new UsageError(`cannot read the token file: ${messageOf(error)}`, { cause: error });
  }
}

/** What the server said, without the request in front: whoever typed the command knows it. */
function rethrowInShort(error: unknown): never {
  if (!(error instanceof Error && "status" in error && "error" in error)) throw error;
  throw new ServerError(String(error.error), Number(error.status), { cause: error });
}

/** reef's errors are `{error}`; a proxy in between may answer anything. */
async function errorText(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null && "error" in body) return String(body.error);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return `the server answered ${response.status}`;
}
