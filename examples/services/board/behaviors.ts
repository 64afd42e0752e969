// What the board does for an agent by itself: while its session is open, the leases that it claimed through the tool are
// renewed.
import { AsyncLocalStorage } from "node:async_hooks";
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { createSessionAttempt } from "#core/http.js";
import type { FleetClient } from "#core/types.js";
import type { Task } from "./task.js";

/** Of one session. What it claims beyond runs out. */
const RENEWED_MAX = 100;

const Lease = Type.Object({ token: Type.Number(), seconds: Type.Number() });
type Lease = Static<typeof Lease>;

/** What `board_claim` answered. */
const Claimed = Type.Object({
  toolName: Type.Literal("board_claim"),
  details: Type.Object({ lease: Lease, task: Type.Object({ id: Type.String() }) }),
});

export function registerBehaviors(pi: ExtensionAPI, client: FleetClient): void {
  const renewals = new Renewals(client);
  const heard = () => renewals.heard();
  pi.on("session_start", ({ reason }) => renewals.begin(reason));
  pi.on("turn_start", heard);
  pi.on("message_end", heard);
  pi.on("tool_call", heard);
  pi.on("tool_result", (event) => {
    renewals.heard();
    if (Value.Check(Claimed, event)) renewals.keep(event.details.task.id, event.details.lease);
  });
  pi.on("turn_end", heard);
  pi.on("agent_end", heard);
  pi.on("session_shutdown", () => renewals.end());
}

class Renewals {
  readonly #client: FleetClient;
  readonly #attempt = createSessionAttempt();
  readonly #kept = new Map<string, { token: number; timer: ReturnType<typeof setTimeout> }>();
  /** Calls a function on behalf of the newest node of the session that was heard of. */
  #inNewest = AsyncLocalStorage.snapshot();
  #failure: { error: unknown } | undefined;

  constructor(client: FleetClient) {
    this.#client = client;
  }

  /**
   * A session that goes on, with a new version of the board or after a restart of the server, may hold leases already.
   * One of the same name that begins has those of nobody.
   */
  async begin(reason: string): Promise<void> {
    this.heard();
    const { agentName, taskId } = this.#client;
    if (taskId === undefined && reason !== "reload" && reason !== "resume") return;
    const path = `/board/tasks?status=in_progress&view=brief&assignee=${encodeURIComponent(agentName)}`;
    const page = await this.#attempt(() => this.#client.api<{ tasks: Task[] }>("GET", path));
    const held = page?.tasks.filter(({ lease }) => lease?.agent === agentName) ?? [];
    for (const { id } of held.slice(0, RENEWED_MAX)) {
      const lease = await this.#attempt(() => renewed(this.#client, id));
      if (lease) this.keep(id, lease);
    }
  }

  /** What failed in a timer is told here, for what a handler throws is logged. */
  heard(): void {
    this.#inNewest = AsyncLocalStorage.snapshot();
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure.error;
  }

  /** Renews the lease when a third of it is over. */
  keep(taskId: string, lease: Lease): void {
    this.#forget(taskId);
    if (this.#kept.size >= RENEWED_MAX) return;
    const renew = () => void this.#inNewest(() => this.#renew(taskId, lease));
    const timer = setTimeout(renew, (lease.seconds * 1000) / 3);
    this.#kept.set(taskId, { token: lease.token, timer });
  }

  end(): void {
    for (const taskId of this.#kept.keys()) this.#forget(taskId);
  }

  async #renew(taskId: string, lease: Lease): Promise<void> {
    let next: Lease | null | undefined;
    try {
      next = await this.#attempt(() => renewed(this.#client, taskId, lease.token));
    } catch (error) {
      this.#failure = { error };
    }
    if (this.#kept.get(taskId)?.token !== lease.token) return;
    if (next === null) this.#forget(taskId);
    else this.keep(taskId, next ?? lease);
  }

  #forget(taskId: string): void {
    clearTimeout(this.#kept.get(taskId)?.timer);
    this.#kept.delete(taskId);
  }
}

/** Null when the lease is over, or the task is gone. Without a token the board looks the session's own up. */
async function renewed(client: FleetClient, taskId: string, token?: number): Promise<Lease | null> {
  const query = token === undefined ? "?ownLease=true" : "";
  const path = `/board/tasks/${encodeURIComponent(taskId)}/heartbeat${query}`;
  try {
    return (await client.api<{ lease: Lease }>("POST", path, { token })).lease;
  } catch (error) {
    const isOver =
      error instanceof Error && "status" in error && (error.status === 409 || error.status === 404);
    if (isOver) return null;
    throw error;
  }
}
