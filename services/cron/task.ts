// The task of an `agent` job: submitted under the run, awaited on the bus however long it takes, found again after a
// restart, and cancelled when its time is up.
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { Caller, ServiceContext } from "#core/types.js";
import type { AgentConfig, Outcome } from "./job.js";
import type { FoundNode, Nodes } from "./nodes.js";

const ENDS = ["task_done", "task_error", "task_cancelled"];
const Submitted = Type.Object({ id: Type.String(), nodeId: Type.String() });
const Refused = Type.Object({ error: Type.String() });

/** A task, and the `user` node of its turn. */
export interface Turn {
  taskId: string;
  turnId: string;
}

export interface Tasks {
  /** Resolves to why not when the task is refused. */
  submit(config: AgentConfig, as: Caller): Promise<Turn | string>;
  /** The turn that a run has submitted before its server died. */
  submittedUnder(nodeId: string): Promise<Turn | undefined>;
  /** Resolves when the turn is over. */
  over(turn: Turn): Promise<Outcome>;
  /** Resolves when nothing of it runs any more, also when there was nothing to cancel. */
  cancel(turn: Turn, reason: string): Promise<void>;
}

export function createTasks(ctx: Pick<ServiceContext, "events" | "fetch" | "log">, nodes: Nodes): Tasks {
  const waiting = new Map<string, (end: FoundNode) => void>();
  ctx.events.on("reef:node", (node: FoundNode) => {
    if (node.parentId !== null && isEnd(node)) waiting.get(node.parentId)?.(node);
  });

  function send(path: string, body: unknown, as?: Caller): Promise<Response> {
    const headers = { "Content-Type": "application/json" };
    return ctx.fetch(path, { method: "POST", headers, body: JSON.stringify(body), ...(as && { as }) });
  }

  return {
    async submit({ prompt, ...rest }, as) {
      const response = await send("/reef/submit", { task: prompt, ...rest }, as);
      const answer: unknown = await response.json();
      if (Value.Check(Submitted, answer)) return { taskId: answer.id, turnId: answer.nodeId };
      return Value.Check(Refused, answer) ? answer.error : `HTTP ${response.status}`;
    },
    async submittedUnder(nodeId) {
      const user = await nodes.effect(nodeId, ["user"]);
      return user?.taskId === undefined ? undefined : { taskId: user.taskId, turnId: user.id };
    },
    async over({ turnId }) {
      const { promise, resolve } = Promise.withResolvers<FoundNode>();
      waiting.set(turnId, resolve);
      try {
        // It may have ended before anybody listened.
        const ended = await nodes.effect(turnId, ENDS, ({ parentId }) => parentId === turnId);
        return outcomeOf(ended ?? (await promise));
      } finally {
        waiting.delete(turnId);
      }
    },
    async cancel({ taskId }, reason) {
      const response = await send(`/reef/tasks/${encodeURIComponent(taskId)}/cancel`, { reason });
      const isOver = response.status === 409 || response.status === 404;
      if (!response.ok && !isOver)
        ctx.log.warn(`task ${taskId} could not be cancelled:`, await response.text());
    },
  };
}

function isEnd({ eventType }: FoundNode): boolean {
  return eventType !== undefined && ENDS.includes(eventType);
}

function outcomeOf({ eventType, content, meta }: FoundNode): Outcome {
  if (eventType === "task_done")
    return { output: typeof meta?.summary === "string" ? meta.summary : content };
  return { error: content || (eventType === "task_cancelled" ? "cancelled" : "the task failed") };
}
