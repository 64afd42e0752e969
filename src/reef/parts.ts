// What the routes of /reef work with, and the rights that they ask for.
import type { ObservedAgent } from "../core/agent-session.js";
import { ReefError } from "../core/errors.js";
import type { IdempotencyKeys } from "../core/http.js";
import type { BehaviorSession } from "../core/session.js";
import type { FleetClient, Log, ServiceContext, ServiceModule, ToolInfo, ToolResult } from "../core/types.js";
import type { Callers } from "../tasks/callers.js";
import type { TaskState } from "../tasks/status.js";
import { isSelfOrAbove } from "../tasks/submit.js";
import type { Tasks } from "../tasks/tasks.js";
import type { Search } from "../tree/search.js";
import type { Tree } from "../tree/tree.js";
import type { AgentSessions } from "./agent-sessions.js";
import type { EventStream } from "./stream.js";

/** What the composition root hands to the module. */
export interface ReefServices {
  tree: Tree<TaskState>;
  search: Search;
  tasks: Tasks;
  callers: Callers;
  stream: EventStream;
  tools: ToolSource;
  /** What widgets call reef with. */
  client: FleetClient;
  log: Log;
  /** Appends what a service fired, under the cause of the moment. */
  record(event: unknown): Promise<unknown>;
  /** What secrets are taken out of before anybody sees it. */
  redact<T>(value: T): T;
  /** Lets the behaviors of services hear an agent. */
  openSession(agent: ObservedAgent): BehaviorSession;
  /** All live modules. */
  modules(): ServiceModule[];
  capabilities(): string[];
  servicesDir: string;
  baseUrl(): string;
  now(): number;
}

/** The tools of the live services, as the server runs them. */
export interface ToolSource {
  list(): ToolInfo[];
  readonly version: string;
  check(name: string, params: unknown): void;
  run(
    name: string,
    call: {
      params?: unknown;
      toolCallId: string;
      signal: AbortSignal;
      onUpdate?: (partial: ToolResult) => void;
      ctx: { cwd: string; agentName: string; taskId?: string; nodeId?: string };
    },
  ): Promise<ToolResult>;
}

/** What stands from the module's `init` on. */
export interface Live {
  context: ServiceContext;
  /** Of submits. */
  keys: IdempotencyKeys;
  sessions: AgentSessions;
}

export interface ReefParts extends ReefServices, Rights {
  live(): Live;
  context(): ServiceContext;
  caller: ServiceContext["caller"];
  cause: ServiceContext["cause"];
}

/** Each throws `forbidden` when the caller of the request has not that right. */
interface Rights {
  /** Only the server's own token, or a person at the dashboard. */
  requireOperator(field: string): void;
  /** The caller may act on a task: an operator, or a task above it that was not cancelled meanwhile. */
  requireAbove(name: string): Promise<void>;
  /** A task never answers what it, or a task above it, was asked. */
  requireAnswerer(name: string): Promise<void>;
  /** The calling task when it stands above `name`. */
  callerAbove(name: string): Promise<string | undefined>;
}

export function partsOf(services: ReefServices, live: () => Live): ReefParts {
  const context = () => live().context;
  const caller = () => context().caller();
  const hasScope = (scope: string) => {
    const { kind, scopes = [] } = caller();
    return kind !== "task" || scopes.includes("admin") || scopes.includes(scope);
  };

  /** Whether the first task is the second one or stands above it, at one moment of the tree. */
  async function isAbove(name: string, below: string): Promise<boolean> {
    let above = false;
    await services.tree.commit((tx) => {
      above = isSelfOrAbove(tx, name, below);
      return { nodes: [] };
    });
    return above;
  }

  async function callerAbove(name: string): Promise<string | undefined> {
    const { kind, taskId } = caller();
    if (kind !== "task" || taskId === undefined || taskId === name) return undefined;
    return (await isAbove(taskId, name)) ? taskId : undefined;
  }

  /** Whoever cancelled a task has said what becomes of its sub-tasks; its calls, aborted by that, have no say. */
  async function refuseCancelled(): Promise<void> {
    const { kind, taskId, nodeId } = caller();
    if (kind !== "task" || taskId === undefined) return;
    const turn = (await services.tree.task(taskId))?.turn;
    if (turn?.nodeId === nodeId && turn?.end?.status === "cancelled")
      throw new ReefError("conflict", `Task '${taskId}' is cancelled`);
  }

  return {
    ...services,
    live,
    context,
    caller,
    cause: () => context().cause(),
    callerAbove,
    requireOperator(field) {
      const { kind } = caller();
      if (kind !== "server" && kind !== "session")
        throw new ReefError("forbidden", `${field} is for the operator only`);
    },
    async requireAbove(name) {
      await refuseCancelled();
      if (hasScope("admin")) return;
      if (!hasScope("submit")) throw missingScope("submit");
      if ((await callerAbove(name)) === undefined) throw missingScope("admin");
    },
    async requireAnswerer(name) {
      const { kind, taskId } = caller();
      if (kind !== "task" || taskId === undefined) return;
      if (await isAbove(name, taskId)) {
        throw new ReefError("forbidden", "A task may not answer what it or a task above it was asked");
      }
      if (!hasScope("admin")) throw missingScope("admin");
    },
  };
}

function missingScope(scope: string): ReefError {
  return new ReefError("forbidden", `Forbidden — scope "${scope}" is required`);
}
