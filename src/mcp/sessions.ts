// All open sessions: at most so many, each found only by the caller that opened it, and ended when nobody uses it.
import { AjvJsonSchemaValidator } from "@modelcontextprotocol/sdk/validation/ajv-provider.js";
import { ReefError } from "../core/errors.js";
import type { Caller } from "../core/types.js";
import type { McpParts } from "./parts.js";
import { promptsVersion } from "./prompts.js";
import { Session } from "./session.js";

const SESSIONS_MAX = 200;

export class Sessions {
  readonly #parts: McpParts;
  readonly #validator = new AjvJsonSchemaValidator();
  readonly #byId = new Map<string, Session>();

  constructor(parts: McpParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#byId.size;
  }

  async open(caller: Caller): Promise<Session> {
    const prompts = await promptsVersion(this.#parts.skills);
    if (this.size >= SESSIONS_MAX) await this.endIdle();
    if (this.size >= SESSIONS_MAX) {
      throw new ReefError(
        "unavailable",
        `${SESSIONS_MAX} sessions are open, and no more can be: end one with DELETE /mcp`,
      );
    }
    const session = new Session({
      parts: this.#parts,
      caller,
      promptsVersion: prompts,
      validator: this.#validator,
      ended: ({ id }) => void this.#byId.delete(id),
    });
    this.#byId.set(session.id, session);
    await session.connect();
    return session;
  }

  /** Another caller's session is none, and neither is one whose time is over. */
  find(id: string, caller: Caller): Session {
    const session = this.#byId.get(id);
    if (!session || session.isIdle() || !isSame(session.caller, caller))
      throw new ReefError("not_found", "Session not found");
    return session;
  }

  async endIdle(): Promise<void> {
    await this.#end((session) => session.isIdle());
  }

  /** The token of a task that is over opens nothing any more, and neither does what it had opened. */
  async endOf(taskId: string): Promise<void> {
    await this.#end(({ caller }) => caller.taskId === taskId);
  }

  async endAll(): Promise<void> {
    await this.#end(() => true);
  }

  /** Tells every client that listens which of its lists changed. */
  async tell(): Promise<void> {
    if (this.size === 0) return;
    const prompts = await promptsVersion(this.#parts.skills);
    for (const session of this.#byId.values()) session.tell(prompts);
  }

  async #end(which: (session: Session) => boolean): Promise<void> {
    for (const session of [...this.#byId.values()]) if (which(session)) await session.close();
  }
}

/** A later turn of a task is another caller: it has another token. */
function isSame(one: Caller, other: Caller): boolean {
  const fields = ["kind", "agentName", "taskId", "nodeId", "panel"] as const;
  return fields.every((field) => one[field] === other[field]);
}
