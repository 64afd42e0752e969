// What happens on the board, told in the feed: work that begins, ends or is blocked.
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { actorOf, plainLine } from "#core/http.js";
import type { ServiceContext } from "#core/types.js";
import type { EventInput } from "./event.js";
import type { Feed } from "./store.js";

const AGENT_CHARS_MAX = 200;
const SUMMARY_CHARS_MAX = 1_000;

const Change = Type.Object({
  task: Type.Object({
    id: Type.String(),
    title: Type.String(),
    status: Type.Optional(Type.String()),
    assignee: Type.Optional(Type.String()),
  }),
  changes: Type.Optional(
    Type.Object({
      status: Type.Optional(Type.String()),
      notes: Type.Optional(Type.Array(Type.Object({ type: Type.String(), content: Type.String() }))),
    }),
  ),
});
type Change = Static<typeof Change>;

type Told = Pick<EventInput, "type" | "summary">;

/** Hears the board when there is one. The tree has these changes already. */
export function publishBoardChanges(
  ctx: Pick<ServiceContext, "events" | "caller">,
  feed: Pick<Feed, "publish">,
): void {
  async function hear(change: unknown): Promise<void> {
    if (!Value.Check(Change, change)) return;
    const { id, assignee } = change.task;
    const agent = plainLine(assignee || actorOf(ctx.caller()) || "board", AGENT_CHARS_MAX);
    for (const told of eventsOf(change))
      await feed.publish({ agent, ...told, metadata: { taskId: id } }, { isEcho: true });
  }
  ctx.events.on("board:task_created", hear);
  ctx.events.on("board:task_updated", hear);
}

function eventsOf({ task, changes = { status: task.status } }: Change): Told[] {
  const blockers = changes.notes?.filter(({ type }) => type === "blocker") ?? [];
  const byStatus = statusEvent(changes.status, task.title);
  return [
    ...(byStatus ? [byStatus] : []),
    ...blockers.map(({ content }) => told("blocker_found", `Blocker: ${content}`)),
  ];
}

function statusEvent(status: string | undefined, title: string): Told | undefined {
  switch (status) {
    case "in_progress":
      return told("task_started", `Started: ${title}`);
    case "done":
      return told("task_completed", `Completed: ${title}`);
    case "blocked":
      return told("blocker_found", `Blocked: ${title}`);
    default:
      return undefined;
  }
}

function told(type: Told["type"], summary: string): Told {
  return { type, summary: plainLine(summary, SUMMARY_CHARS_MAX) };
}
