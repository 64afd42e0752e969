// The board's tables, and a task as it is read from them: one row with all that an answer shows of it.
import type { Database } from "bun:sqlite";
import { asUlid, isoTime, timeOf } from "#core/http.js";
import type { Status } from "./task.js";

// `rank` is the negative score, so that an index gives the highest score and then the oldest. `blockers` counts the
// dependencies that are not done. Of notes and artifacts each is kept as the JSON that goes out; `n` numbers those of one
// task, and `ends_at` is how many characters all its notes have up to this one. A lease that ended stays, so that who
// held it is still refused. Tokens come from AUTOINCREMENT: none is ever given twice, whatever was removed since.
export const MIGRATIONS = [
  `CREATE TABLE tasks (
     id TEXT NOT NULL UNIQUE,
     title TEXT NOT NULL,
     description TEXT,
     status TEXT NOT NULL,
     assignee TEXT,
     tags TEXT NOT NULL,
     dependencies TEXT NOT NULL,
     created_by TEXT NOT NULL,
     updated_at INTEGER NOT NULL,
     rank INTEGER NOT NULL DEFAULT 0,
     blockers INTEGER NOT NULL DEFAULT 0,
     note_count INTEGER NOT NULL DEFAULT 0,
     note_chars INTEGER NOT NULL DEFAULT 0,
     artifact_count INTEGER NOT NULL DEFAULT 0,
     lease_token INTEGER,
     cause_id TEXT,
     blocked INTEGER AS (blockers > 0) VIRTUAL,
     ready INTEGER AS (status = 'open' AND blockers = 0 AND lease_token IS NULL) VIRTUAL
   ) STRICT;
   CREATE INDEX tasks_by_score ON tasks (rank, id);
   CREATE INDEX tasks_by_status ON tasks (status, id);
   CREATE INDEX tasks_by_status_score ON tasks (status, rank, id);
   CREATE INDEX tasks_by_status_updated ON tasks (status, updated_at, id);
   CREATE INDEX tasks_by_assignee ON tasks (assignee, id);
   CREATE INDEX tasks_by_assignee_score ON tasks (assignee, rank, id);
   CREATE INDEX tasks_by_created_by ON tasks (created_by, id);
   CREATE INDEX tasks_by_created_by_score ON tasks (created_by, rank, id);
   CREATE INDEX tasks_by_blocked ON tasks (blocked, id);
   CREATE INDEX tasks_by_blocked_score ON tasks (blocked, rank, id);
   CREATE INDEX tasks_by_ready ON tasks (ready, id);
   CREATE INDEX tasks_by_ready_score ON tasks (ready, rank, id);
   CREATE TABLE task_tags (
     tag TEXT NOT NULL,
     tagged TEXT NOT NULL,
     tag_rank INTEGER NOT NULL,
     PRIMARY KEY (tag, tagged)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX task_tags_by_score ON task_tags (tag, tag_rank, tagged);
   CREATE INDEX task_tags_by_task ON task_tags (tagged);
   CREATE TABLE task_deps (
     dependent TEXT NOT NULL,
     dependency TEXT NOT NULL,
     PRIMARY KEY (dependent, dependency)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX task_deps_by_dependency ON task_deps (dependency, dependent);
   CREATE TABLE notes (
     task_id TEXT NOT NULL,
     n INTEGER NOT NULL,
     ends_at INTEGER NOT NULL,
     json TEXT NOT NULL,
     PRIMARY KEY (task_id, n)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE artifacts (
     task_id TEXT NOT NULL,
     n INTEGER NOT NULL,
     json TEXT NOT NULL,
     PRIMARY KEY (task_id, n)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE leases (
     token INTEGER PRIMARY KEY AUTOINCREMENT,
     task_id TEXT NOT NULL,
     agent TEXT NOT NULL,
     holder TEXT,
     length_ms INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     cause_id TEXT,
     ended INTEGER NOT NULL DEFAULT 0
   ) STRICT;
   CREATE INDEX leases_by_task ON leases (task_id, token);
   CREATE INDEX leases_due ON leases (expires_at) WHERE ended = 0;
   CREATE TABLE state (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     newest_id TEXT NOT NULL
   ) STRICT;
   INSERT INTO state VALUES (1, '');`,
];

/** How many notes and artifacts a task shows: the newest. */
export const EMBEDDED = { none: 0, inLists: 50, alone: 1_000 };
/** Of notes, however many they are. */
const EMBEDDED_CHARS_MAX = 4 * 1_048_576;

export interface TaskRow {
  id: string;
  title: string;
  description: string | null;
  status: Status;
  assignee: string | null;
  /** JSON, as the dependencies. */
  tags: string;
  dependencies: string;
  createdBy: string;
  updatedAt: number;
  rank: number;
  noteCount: number;
  noteChars: number;
  artifactCount: number;
  causeId: string | null;
  leaseToken: number | null;
  leaseAgent: string | null;
  leaseExpiresAt: number | null;
  /** Ids with commas between them. */
  blockedBy: string | null;
  /** JSON with commas between the values, as the artifacts. */
  notes: string | null;
  artifacts: string | null;
}

/** What stands after SELECT where `tasks` is read. */
export function taskColumns(embedded: number): string {
  return `id, title, description, status, assignee, tags, dependencies, created_by AS createdBy,
    updated_at AS updatedAt, rank, note_count AS noteCount, note_chars AS noteChars, artifact_count AS artifactCount,
    tasks.cause_id AS causeId, lease_token AS leaseToken,
    (SELECT agent FROM leases WHERE token = lease_token) AS leaseAgent,
    (SELECT expires_at FROM leases WHERE token = lease_token) AS leaseExpiresAt,
    CASE WHEN blockers > 0 THEN (
      SELECT group_concat(dependency) FROM task_deps CROSS JOIN tasks AS needed ON needed.id = dependency
      WHERE dependent = tasks.id AND needed.status <> 'done'
    ) END AS blockedBy,
    ${newestSql("notes", `note_count - ${embedded} AND ends_at > note_chars - ${EMBEDDED_CHARS_MAX}`, embedded)},
    ${newestSql("artifacts", `artifact_count - ${embedded}`, embedded)}`;
}

function newestSql(table: string, after: string, limit: number): string {
  if (limit === 0) return `NULL AS ${table}`;
  return `(SELECT group_concat(json) FROM (
      SELECT json FROM ${table} WHERE task_id = tasks.id AND n > ${after} ORDER BY n LIMIT ${limit}
    )) AS ${table}`;
}

export function readTask(db: Database, id: string, embedded: number): TaskRow | undefined {
  const sql = `SELECT ${taskColumns(embedded)} FROM tasks WHERE id = ?`;
  return db.query<TaskRow, [string]>(sql).get(id) ?? undefined;
}

/** The JSON of a task, its keys in the order in which every answer shows them. */
export function taskText(row: TaskRow): string {
  const { leaseAgent: agent, leaseExpiresAt } = row;
  const members: [key: string, json: string | undefined][] = [
    ["id", JSON.stringify(row.id)],
    ["title", JSON.stringify(row.title)],
    ["description", jsonOf(row.description)],
    ["status", JSON.stringify(row.status)],
    ["assignee", jsonOf(row.assignee)],
    ["tags", row.tags],
    ["dependencies", row.dependencies],
    ["createdBy", JSON.stringify(row.createdBy)],
    ["createdAt", JSON.stringify(isoTime(timeOf(row.id)))],
    ["updatedAt", JSON.stringify(isoTime(row.updatedAt))],
    ["notes", `[${row.notes ?? ""}]`],
    ["artifacts", `[${row.artifacts ?? ""}]`],
    ["score", String(scoreOf(row))],
    ["blockedBy", JSON.stringify(blockersOf(row))],
    ["noteCount", String(row.noteCount)],
    ["artifactCount", String(row.artifactCount)],
    ["lease", leaseExpiresAt === null ? undefined : jsonOf({ agent, expiresAt: isoTime(leaseExpiresAt) })],
    ["causeId", jsonOf(row.causeId)],
  ];
  const present = members.filter(([, json]) => json !== undefined);
  return `{${present.map(([key, json]) => `"${key}":${json}`).join(",")}}`;
}

function jsonOf(value: unknown): string | undefined {
  return value === null ? undefined : JSON.stringify(value);
}

export function scoreOf({ rank }: Pick<TaskRow, "rank">): number {
  return rank === 0 ? 0 : -rank;
}

/** In the order in which the task names them. */
export function blockersOf({ dependencies, blockedBy }: TaskRow): string[] {
  if (blockedBy === null) return [];
  const open = new Set(blockedBy.split(","));
  return keysOf(textsIn(dependencies)).filter((id) => open.has(id));
}

/** The ids that dependencies name, each once: a ULID means the same in either case. */
export function keysOf(dependencies: readonly string[]): string[] {
  return [...new Set(dependencies.map((given) => asUlid(given) ?? given))];
}

/** What a column of JSON holds, of which only lists of strings are written. */
export function textsIn(json: string): string[] {
  return JSON.parse(json);
}

/** Ids go on from the newest that ever was, also when it is removed and the clock went back. */
export function readNewestId(db: Database): string {
  const sql = "SELECT newest_id AS id FROM state WHERE one = 1";
  return db.query<{ id: string }, []>(sql).get()?.id ?? "";
}

export function keepNewestId(db: Database, id: string): void {
  db.query("UPDATE state SET newest_id = ? WHERE one = 1").run(id);
}
