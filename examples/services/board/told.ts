// What the board tells others after a commit: services on the bus, people and agents in the tree.
import { plainLine } from "#core/http.js";
import type { ServiceContext } from "#core/types.js";
import type { Note, Status, Task } from "./task.js";
import type { Changed } from "./writes.js";

/** Of a title within a line that says more. */
const TITLE_CHARS_MAX = 160;

type Events = Pick<ServiceContext, "events">;

export function tellCreated({ events }: Events, task: Task): void {
  events.fire("board:task_created", { task });
  const content = plainLine(`${shortTitle(task)} (${task.createdBy})`);
  events.fire("reef:event", { type: "board_task_created", source: "board", content, taskId: task.id });
}

export interface Update {
  task: Task;
  changes: Changed;
  /** The status before. */
  from: Status;
  /** Who did it. */
  by: string | undefined;
}

export function tellUpdated({ events }: Events, { task, changes, from, by }: Update): void {
  events.fire("board:task_updated", { task, changes });
  if (changes.status !== undefined) {
    const who = by === undefined ? "" : ` (${by})`;
    const content = plainLine(`${shortTitle(task)}: ${from} → ${changes.status}${who}`);
    events.fire("reef:event", { type: "board_task_status", source: "board", content, taskId: task.id });
  }
  for (const note of changes.notes ?? []) if (isCallForHelp(note)) tellNote({ events }, task, note);
}

/** `isOpenAgain`: else it was moved on before, and that its lease is over is nothing for people. */
export function tellExpired(
  { events }: Events,
  { task, agent, isOpenAgain }: { task: Task; agent: string; isOpenAgain: boolean },
): void {
  events.fire("board:lease_expired", { task, agent });
  if (!isOpenAgain) return;
  const content = plainLine(`${shortTitle(task)}: the lease of ${agent} expired`);
  events.fire("reef:event", { type: "board_lease_expired", source: "board", content, taskId: task.id });
}

export function tellDeleted({ events }: Events, { id, title }: Pick<Task, "id" | "title">): void {
  events.fire("board:task_deleted", { taskId: id });
  const content = plainLine(`${shortTitle({ title })}: deleted`);
  events.fire("reef:event", { type: "board_task_deleted", source: "board", content, taskId: id });
}

function tellNote({ events }: Events, task: Task, { id, type, author, content: text }: Note): void {
  const content = plainLine(`${shortTitle(task)}: ${type} of ${author}: ${text}`);
  events.fire("reef:event", {
    type: "board_note",
    source: "board",
    content,
    taskId: task.id,
    noteId: id,
  });
}

function isCallForHelp({ type }: Note): boolean {
  return type === "blocker" || type === "question";
}

function shortTitle({ title }: Pick<Task, "title">): string {
  return plainLine(title, TITLE_CHARS_MAX);
}
