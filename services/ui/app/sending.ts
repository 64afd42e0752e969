// Prompts from the dashboard to the server, and what becomes of them on the page.
import { signal } from "@preact/signals";
import { api } from "./api.js";
import { drafts } from "./drafts.js";
import { open, replyTo } from "./feed-state.js";
import { kept } from "./kept.js";
import { Outbox, type Outgoing, type Sent } from "./outbox.js";
import { route } from "./route.js";
import { branch, tasks, tree } from "./state.js";

/** Why the server would not have a prompt; its text is in the box again. */
export const refusal = signal<{ place: string | undefined; message: string } | undefined>(undefined);

export const outbox = new Outbox({
  kept,
  send({ key, text, parentId, taskId }) {
    const body = { task: text, ...(parentId && { parentId }), ...(taskId && { taskId }) };
    return api<Sent>("POST", "/reef/submit", body, { headers: { "idempotency-key": key } });
  },
  async sent(one, { nodeId, seq }) {
    const isHere = isShown(one);
    await tree.reached(seq);
    if (isHere && isShown(one)) open(nodeId);
  },
  refused({ text, parentId }, message) {
    const there = drafts.read(parentId);
    drafts.write(parentId, there === "" ? text : `${text}\n\n${there}`);
    refusal.value = { place: parentId, message };
  },
});

/** Whether one looks at the place where a prompt is to go. */
function isShown({ parentId }: Outgoing): boolean {
  const { view, nodeId } = route.value;
  if (view !== "feed") return false;
  if (parentId === undefined) return nodeId === undefined;
  return nodeId !== undefined && branch.holds(parentId);
}

/** At the end of a task its conversation goes on under the same name; elsewhere a new one begins. */
export function submit(text: string, place: { parentId?: string; endOf?: string }): void {
  refusal.value = undefined;
  replyTo.value = undefined;
  const task = place.endOf === undefined ? undefined : tasks.value.get(place.endOf);
  const isOver = task !== undefined && ["done", "error", "cancelled"].includes(task.status);
  void outbox.add({ text, parentId: place.parentId, ...(isOver && { taskId: task.name }) });
}

export async function steer(task: string, message: string, mode: "steer" | "follow_up"): Promise<void> {
  await api("POST", `/reef/tasks/${encodeURIComponent(task)}/steer`, { message, mode });
}
