// Pure: tasks as lines of a terminal.
import type { TaskInfo } from "../tasks/status.js";
import { spentOf } from "./spent.js";
import type { Color, Output, Paint } from "./terminal.js";
import { age, dollars, oneLine, table } from "./text.js";

/** A task as the server lists it. */
export type ListedTask = TaskInfo & { name: string; leafId: string };

const COLUMNS_DEFAULT = 140;
const SUMMARY_CHARS_MIN = 20;
/** Status, age, cost and the spaces between them. */
const FIXED_COLUMNS = 32;
const STATUS_COLUMN = 1;

const COLORS: Readonly<Record<string, Color>> = {
  queued: "dim",
  running: "cyan",
  waiting: "yellow",
  done: "green",
  error: "red",
  cancelled: "red",
};

/** One line per task, under a line of headings. */
export function taskTable(
  tasks: readonly ListedTask[],
  now: number,
  { paint, columns = COLUMNS_DEFAULT }: Pick<Output, "paint" | "columns">,
): string[] {
  const room = columns - Math.max(...tasks.map(({ name }) => name.length)) - FIXED_COLUMNS;
  const rows = tasks.map((task) => [
    task.name,
    task.status,
    age(now - task.createdAt),
    dollars(spentOf(task.usage).cost),
    oneLine(task.artifacts?.summary || task.trigger, Math.max(room, SUMMARY_CHARS_MIN)),
  ]);
  const headings = ["NAME", "STATUS", "AGE", "COST", "SUMMARY"];
  return table([headings, ...rows], (cell, column) =>
    column === STATUS_COLUMN ? paintStatus(cell, paint) : cell,
  );
}

export function paintStatus(status: string, paint: Paint): string {
  const color = COLORS[status.trim()];
  return color ? paint(color, status) : status;
}
