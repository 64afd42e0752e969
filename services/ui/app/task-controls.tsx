// What one may do with the task of a conversation: cancel it while it runs, try it again when it did not end well.
import { api } from "./api.js";
import { Ask } from "./ask.tsx";
import { failureOf, isOpen, type Turn } from "./branch.js";
import type { Asked } from "./confirm.tsx";
import { open } from "./feed-state.js";
import { firstLine } from "./format.js";
import { tasks, tree } from "./state.js";
import { Status } from "./status.tsx";
import type { NamedTask } from "./types.js";

export function TaskControls({ turn }: { turn: Turn }) {
  const name = turn.user.taskId ?? "";
  const status = tasks.value.get(name)?.status;
  const isRunning = isOpen(turn);
  return (
    <>
      {status && <Status status={status} />}
      {isRunning && (
        <Ask
          class="danger"
          confirm={() => cancelQuestion(name)}
          work={() => cancelTask(name)}
          title="Cancel (press c)"
        >
          Cancel
        </Ask>
      )}
      {failureOf(turn) && <Ask work={() => again(turn)}>Retry</Ask>}
    </>
  );
}

export async function cancelTask(name: string): Promise<void> {
  await api("POST", `/reef/tasks/${encodeURIComponent(name)}/cancel`, {});
}

/** The tasks that end with it are named. */
export function cancelQuestion(name: string): Asked {
  const below = runningBelow(name, [...tasks.value.values()]);
  const prompt = firstLine(tasks.value.get(name)?.trigger ?? name, 80);
  return {
    question: `Cancel “${prompt}”?`,
    details: below.map((task) => `and the task that it began: ${firstLine(task.trigger, 80)} (${task.name})`),
    yes: "Cancel it",
  };
}

/** Pure: the tasks that a task began, and those that they began, that are not over. */
function runningBelow(name: string, all: readonly NamedTask[]): NamedTask[] {
  const found: NamedTask[] = [];
  const names = new Set([name]);
  for (const task of all.toSorted((a, b) => a.createdAt - b.createdAt)) {
    const [kind, by = ""] = task.submittedBy.split(/:(.*)/s);
    if (kind !== "task" || !names.has(by) || names.has(task.name)) continue;
    names.add(task.name);
    if (["queued", "running", "waiting"].includes(task.status)) found.push(task);
  }
  return found;
}

/** The same prompt once more, beside the one that failed. */
async function again({ user }: Turn): Promise<void> {
  const { fresh, model, thinking, cwd } = user.meta ?? {};
  const settings = Object.entries({ model, thinking, cwd }).filter(([, value]) => typeof value === "string");
  const { nodeId, seq } = await api<{ nodeId: string; seq: number }>("POST", "/reef/submit", {
    task: user.content,
    ...(fresh === false && user.parentId && { parentId: user.parentId }),
    ...Object.fromEntries(settings),
  });
  await tree.reached(seq);
  open(nodeId);
}
