// One session: the SDK's server and transport, the caller to whom they belong, and the requests that are on their way.
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import {
  CancelledNotificationSchema,
  isJSONRPCRequest,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
  type ServerNotification,
  type ServerRequest,
  type ServerResult,
} from "@modelcontextprotocol/sdk/types.js";
import type { jsonSchemaValidator } from "@modelcontextprotocol/sdk/validation/types.js";
import type { Context } from "hono";
import packageJson from "../../package.json" with { type: "json" };
import { ReefError } from "../core/errors.js";
import type { Caller, ToolInfo } from "../core/types.js";
import { answerRequest } from "./methods.js";
import type { McpParts } from "./parts.js";
import { promptsVersion } from "./prompts.js";
import { relay } from "./relay.js";

const IDLE_MS = 30 * 60_000;
const REQUESTS_MAX = 100;

const CAPABILITIES = { tools: { listChanged: true }, prompts: { listChanged: true }, resources: {} };
const INSTRUCTIONS =
  "reef is an agent with a server. Its tools are those of its live services and change while it runs: " +
  "reef_manifest says what there is, reef_submit gives work to another agent. Read reef://task/{name} for a task " +
  "with its conversation, and reef://node/{id} for any one event of the tree and what it led to.";

export interface SessionOptions {
  parts: McpParts;
  caller: Caller;
  /** Of the prompts, as its client will see them. */
  promptsVersion: string;
  /** Shared by all sessions: making one takes longer than all the rest. */
  validator: jsonSchemaValidator;
  /** Called once, however the session ended. */
  ended(session: Session): void;
}

export class Session {
  readonly id = crypto.randomUUID();
  readonly caller: Caller;
  /** The tools that its client was shown last. */
  listed: readonly ToolInfo[] = [];
  readonly #parts: McpParts;
  readonly #server: Server;
  readonly #transport: WebStandardStreamableHTTPServerTransport;
  /** Those that are being answered. */
  readonly #requests = new Map<RequestId, AbortController>();
  /** The versions of the lists that its client knows of. */
  readonly #told: { tools: string; prompts: string };
  #listens = false;
  /** What is under way: answers and streams. */
  readonly #open = new Set<symbol>();
  #usedAt: number;

  constructor({ parts, caller, promptsVersion, validator, ended }: SessionOptions) {
    this.caller = caller;
    this.#parts = parts;
    this.#told = { tools: parts.kernel.tools.version, prompts: promptsVersion };
    this.#usedAt = parts.now();
    this.#transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => this.id,
      keepAliveMs: 0,
    });
    this.#server = new Server(
      { name: "reef", version: packageJson.version },
      { capabilities: CAPABILITIES, instructions: INSTRUCTIONS, jsonSchemaValidator: validator },
    );
    this.#server.fallbackRequestHandler = (request, extra) => this.#answer(request, extra);
    // The SDK's own handler leaves the stream of a cancelled request open, and knows no request 0.
    this.#server.setNotificationHandler(CancelledNotificationSchema, ({ params }) =>
      this.#cancel(params.requestId),
    );
    this.#server.onerror = (error) => parts.context.log.debug("session:", error.message);
    this.#server.onclose = () => ended(this);
  }

  connect(): Promise<void> {
    return this.#server.connect(this.#transport);
  }

  /** Answers one message. */
  async receive(c: Context, message: JSONRPCMessage): Promise<Response> {
    const ended = isJSONRPCRequest(message) ? this.#beginRequest(message.id) : this.#begin();
    return relay(c, this.#transport.handleRequest(c.req.raw, { parsedBody: message }), ended);
  }

  /** Opens the stream on which the server speaks first. What changed while there was none is told at once. */
  async listen(c: Context): Promise<Response> {
    const ended = this.#begin();
    const answer = await this.#transport.handleRequest(c.req.raw);
    if (!answer.ok) return relay(c, answer, ended);
    this.#listens = true;
    this.tell(await promptsVersion(this.#parts.skills));
    return relay(c, answer, () => {
      this.#listens = false;
      ended();
    });
  }

  /** Ends at its client's wish. */
  async leave(c: Context): Promise<Response> {
    return relay(c, this.#transport.handleRequest(c.req.raw), this.#begin());
  }

  /** Says of each list once that it changed, to a client that listens. */
  tell(promptsVersion: string): void {
    if (!this.#listens) return;
    const { tools } = this.#parts.kernel;
    if (this.#told.tools !== tools.version) this.#say(this.#server.sendToolListChanged());
    if (this.#told.prompts !== promptsVersion) this.#say(this.#server.sendPromptListChanged());
    this.#told.tools = tools.version;
    this.#told.prompts = promptsVersion;
  }

  isIdle(): boolean {
    return this.#open.size === 0 && this.#parts.now() - this.#usedAt >= IDLE_MS;
  }

  /** Ends its streams and aborts what is under way. */
  close(): Promise<void> {
    return this.#server.close();
  }

  async #answer(
    request: JSONRPCRequest,
    extra: RequestHandlerExtra<ServerRequest, ServerNotification>,
  ): Promise<ServerResult> {
    const own = this.#requests.get(extra.requestId)?.signal ?? AbortSignal.abort();
    const signal = AbortSignal.any([extra.signal, own]);
    try {
      return await answerRequest(request, { parts: this.#parts, session: this, extra, signal });
    } finally {
      this.#requests.delete(extra.requestId);
    }
  }

  /** Without a stream the request is aborted, and nothing is sent for it, not even what its tool says to that. */
  #cancel(id: RequestId | undefined): void {
    if (id !== undefined) this.#transport.closeSSEStream(id);
  }

  #say(sent: Promise<void>): void {
    sent.catch((error) => this.#parts.context.log.debug("session: a notification went nowhere:", error));
  }

  /**
   * Returns what to call when nobody listens for the answer any more. Work that is still going on is aborted then, as a
   * tool is that was called over HTTP: results are not kept for a client that comes back.
   */
  #beginRequest(id: RequestId): () => void {
    const shown = JSON.stringify(id).slice(0, 100);
    if (this.#requests.has(id))
      throw new ReefError("bad_request", `Request ${shown} is still being answered`);
    if (this.#requests.size >= REQUESTS_MAX) {
      throw new ReefError(
        "rate_limited",
        `More than ${REQUESTS_MAX} requests of one session at the same time`,
      );
    }
    const over = new AbortController();
    this.#requests.set(id, over);
    const ended = this.#begin();
    return () => {
      ended();
      if (this.#requests.delete(id)) over.abort();
    };
  }

  /** A session with anything under way is in use, and its time begins when that ends. */
  #begin(): () => void {
    const one = Symbol();
    this.#open.add(one);
    return () => {
      this.#open.delete(one);
      this.#usedAt = this.#parts.now();
    };
  }
}
