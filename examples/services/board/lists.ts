// The board's lists: each is one query, read from the index that holds its filter in its order.
import type { Database } from "bun:sqlite";
import { anyText, asFlag, type Ordered, type Query, type Reader } from "#core/http.js";
import { EMBEDDED, taskColumns } from "./rows.js";
import { STATUSES, type Status } from "./task.js";

export const FILTERS = {
  status: anyText,
  assignee: anyText,
  tag: anyText,
  createdBy: anyText,
  ready: asFlag,
  blocked: asFlag,
  sort: only("score"),
  view: only("brief"),
};

export type Filters = Query<typeof FILTERS>;

/** Filters on columns of tasks. Of several that are given the first one's index is read: it is likely to hold least. */
const COLUMNS = ["assignee", "created_by", "ready", "blocked", "status"] as const;

/** Newest first, or by score and then oldest first. */
export function listing(filters: Filters): Ordered {
  const isByScore = filters.sort === "score" || filters.ready === true;
  const columns = taskColumns(filters.view === "brief" ? EMBEDDED.none : EMBEDDED.inLists);
  const values = valuesOf(filters);
  const column = COLUMNS.find((one) => values[one] !== undefined);
  const where = COLUMNS.map((one) => [`${one} = ?`, values[one]] as const);
  const index = (of: string) => `${of}${isByScore ? "_score" : ""}`;
  if (filters.tag !== undefined)
    return {
      columns: `tagged, tag_rank, ${columns}`,
      from: `task_tags ${isByScore ? "INDEXED BY task_tags_by_score" : ""} CROSS JOIN tasks ON id = tagged`,
      where: [["tag = ?", filters.tag], ...where],
      ...(isByScore ? { order: ["tag_rank", "tagged"] } : { order: ["tagged"], isDescending: true }),
    };
  const order = isByScore ? { order: ["rank", "id"] } : { order: ["id"], isDescending: true };
  if (column !== undefined)
    return { columns, from: `tasks INDEXED BY ${index(`tasks_by_${column}`)}`, where, ...order };
  // A condition that always holds has the count read an index too.
  if (isByScore)
    return { columns, from: "tasks INDEXED BY tasks_by_score", where: [["rank <= 0"]], ...order };
  return { columns, from: "tasks", where: [["id > ''"]], ...order };
}

function valuesOf({ status, assignee, createdBy, ready, blocked }: Filters) {
  const asNumber = (flag: boolean | undefined) => (flag === undefined ? undefined : Number(flag));
  return {
    status,
    assignee,
    created_by: createdBy,
    ready: asNumber(ready),
    blocked: asNumber(blocked),
  };
}

/** What waits for a review, last changed first. */
export const REVIEW_QUEUE: Ordered = {
  columns: `updated_at, ${taskColumns(EMBEDDED.inLists)}`,
  from: "tasks INDEXED BY tasks_by_status_updated",
  where: [["status = 'in_review'"]],
  order: ["updated_at", "id"],
  isDescending: true,
};

/** The notes of one task, oldest first. */
export function notesOf(id: string): Ordered {
  return { columns: "n, json", from: "notes", where: [["task_id = ?", id]], order: ["n"] };
}

export interface Stats {
  total: number;
  byStatus: Record<Status, number>;
  /** Wait for others, whatever their status. */
  blocked: number;
  leased: number;
}

export function readStats(db: Database): Stats {
  const sql = `SELECT status AS name, count(*) AS n FROM tasks INDEXED BY tasks_by_status WHERE status > '' GROUP BY status
    UNION ALL SELECT 'waiting', count(*) FROM tasks INDEXED BY tasks_by_blocked WHERE blocked = 1
    UNION ALL SELECT 'leased', count(*) FROM leases INDEXED BY leases_due WHERE ended = 0 AND expires_at > 0`;
  const counts = new Map(
    db
      .query<{ name: string; n: number }, []>(sql)
      .all()
      .map(({ name, n }) => [name, n]),
  );
  const count = (of: string) => counts.get(of) ?? 0;
  const byStatus = {
    open: count("open"),
    in_progress: count("in_progress"),
    in_review: count("in_review"),
    blocked: count("blocked"),
    done: count("done"),
  };
  const total = STATUSES.reduce((sum, status) => sum + byStatus[status], 0);
  return { total, byStatus, blocked: count("waiting"), leased: count("leased") };
}

function only(word: string): Reader<string> {
  return (text) => (text === word ? word : undefined);
}
