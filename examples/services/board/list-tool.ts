// What `board_list_tasks` answers: whole tasks, as many as fit, and how to get those that are left.
import { listToolAnswer, type ToolAnswer } from "#core/http.js";
import type { FleetClient } from "#core/types.js";
import type { Task } from "./task.js";

/** More than ever fit. */
const TASKS_ASKED_MAX = 50;

export interface TaskQuery {
  status?: string;
  assignee?: string;
  tag?: string;
  limit?: number;
  /** How many were shown before, and the cursor of the board: `20.eyJ…`. */
  cursor?: string;
}

interface Page {
  tasks: Task[];
  count: number;
  cursor: string | null;
  total: number;
}

export async function listTasks(client: FleetClient, query: TaskQuery): Promise<ToolAnswer> {
  const limit = Math.min(query.limit ?? TASKS_ASKED_MAX, TASKS_ASKED_MAX);
  const page = await readPage(client, { ...query, limit });
  const { answer, shown } = pageAnswer(client, query, page);
  if (shown === page.count) return answer;
  // A page that ends where the text ends has the cursor to what is left.
  return pageAnswer(client, query, await readPage(client, { ...query, limit: shown })).answer;
}

function readPage(client: FleetClient, { cursor = "", ...query }: TaskQuery): Promise<Page> {
  const sent = { ...query, cursor: cursor.slice(cursor.indexOf(".") + 1) || undefined, total: true };
  const given = Object.entries(sent).filter(([, value]) => value !== undefined);
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return client.api<Page>("GET", `/board/tasks?${search}`);
}

function pageAnswer(client: FleetClient, query: TaskQuery, { tasks, cursor, total }: Page) {
  const before = Number.parseInt(query.cursor ?? "", 10) || 0;
  const next = cursor === null ? null : `${before + tasks.length}.${cursor}`;
  let shown = 0;
  const answer = listToolAnswer(client, "result", {
    items: tasks,
    ...(next !== null && { total: total - before }),
    more: () => `pass cursor: "${next}"`,
    details(items) {
      shown = items.length;
      return { tasks: items, count: shown, cursor: next };
    },
  });
  return { answer, shown };
}
