// From an HTTP request to the session that answers it.
import {
  isInitializeRequest,
  isJSONRPCRequest,
  type JSONRPCMessage,
  JSONRPCMessageSchema,
} from "@modelcontextprotocol/sdk/types.js";
import type { Context } from "hono";
import { ReefError } from "../core/errors.js";
import type { McpParts } from "./parts.js";
import type { Session } from "./session.js";
import { Sessions } from "./sessions.js";

export interface Endpoint {
  readonly sessions: Sessions;
  /** One message of a client; the first one opens a session. */
  post(c: Context): Promise<Response>;
  /** A stream of what the server says by itself. */
  listen(c: Context): Promise<Response>;
  /** Ends the session. */
  leave(c: Context): Promise<Response>;
}

export function openEndpoint(parts: McpParts): Endpoint {
  const sessions = new Sessions(parts);

  function sessionOf(c: Context): Session | undefined {
    const id = c.req.header("Mcp-Session-Id");
    return id === undefined ? undefined : sessions.find(id, parts.context.caller());
  }

  function namedSession(c: Context): Session {
    const session = sessionOf(c);
    if (!session) throw missingSession();
    return session;
  }

  async function begin(c: Context, message: JSONRPCMessage): Promise<Response> {
    if (!isJSONRPCRequest(message) || !isInitializeRequest(message)) throw missingSession();
    const session = await sessions.open(parts.context.caller());
    const answer = await session.receive(c, message);
    if (!answer.ok) await session.close();
    return answer;
  }

  return {
    sessions,
    async post(c) {
      const session = sessionOf(c);
      const message = readMessage(await c.req.text());
      return session ? session.receive(c, message) : begin(c, message);
    },
    listen: async (c) => namedSession(c).listen(c),
    leave: async (c) => namedSession(c).leave(c),
  };
}

function missingSession(): ReefError {
  return new ReefError(
    "bad_request",
    "Mcp-Session-Id header is required: send an initialize request without it to begin a session",
  );
}

function readMessage(text: string): JSONRPCMessage {
  const value = parse(text);
  if (Array.isArray(value))
    throw new ReefError("bad_request", "Batches are not supported: send one message at a time");
  const message = JSONRPCMessageSchema.safeParse(value);
  if (message.success) return message.data;
  throw new ReefError("bad_request", "Invalid JSON-RPC message");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ReefError("bad_request", "Invalid JSON body", {}, { cause: error });
  }
}
