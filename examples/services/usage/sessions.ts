// The rows of sessions: written, replaced by an upsert, and listed by their start, newest first.
import type { Database } from "bun:sqlite";
import { type Browse, browse, type Condition, type Ordered, type TextPage } from "#core/http.js";
import { billionthsOf } from "./amounts.js";
import { totalOf } from "./figures.js";
import { browseFrom, widthOf } from "./overlap.js";
import { correct, partsOf, type Used } from "./rollups.js";
import type { Session } from "./session.js";
import { openWindow } from "./window.js";

export interface SessionFilter {
  agent?: string | undefined;
  model?: string | undefined;
  taskId?: string | undefined;
  sessionId?: string | undefined;
}

export interface SessionRow extends Used {
  id: string;
  session_id: string;
  started_at: number;
  json: string;
}

/** The newest one of a session id and an agent. */
export function readNewest(
  db: Database,
  { sessionId, agent }: Pick<Session, "sessionId" | "agent">,
): SessionRow | undefined {
  const sql = "SELECT * FROM sessions WHERE session_id = ? AND agent = ? ORDER BY id DESC LIMIT 1";
  return db.query<SessionRow, [string, string]>(sql).get(sessionId, agent) ?? undefined;
}

export function insertSession(db: Database, session: Session): void {
  const row = rowOf(session);
  db.query(
    `INSERT INTO sessions (id, session_id, agent, model, task_id, started_at, ended_at, width, tokens, cost, split, json)
     VALUES ($id, $session_id, $agent, $model, $task_id, $started_at, $ended_at, $width, $tokens, $cost, $split, $json)`,
  ).run(row);
  correct(db, { come: partsOf(row) });
}

/** In place of `old`, whose id it has. */
export function replaceSession(db: Database, old: SessionRow, session: Session): void {
  const { session_id: _, agent: __, ...row } = rowOf(session);
  db.query(
    `UPDATE sessions SET model = $model, task_id = $task_id, started_at = $started_at, ended_at = $ended_at,
     width = $width, tokens = $tokens, cost = $cost, split = $split, json = $json WHERE id = $id`,
  ).run(row);
  correct(db, { gone: partsOf(old), come: partsOf({ ...row, agent: session.agent }) });
}

/** Those that ended at `fromMs` or later; undefined: all. */
export function listSessions(
  db: Database,
  { agent, model, taskId, sessionId }: SessionFilter,
  { page, fromMs }: { page: Browse<unknown>; fromMs: number | undefined },
): TextPage {
  const where: Condition[] = [
    ["agent = ?", agent],
    ["model = ?", model],
    ["task_id = ?", taskId],
    ["session_id = ?", sessionId],
  ];
  const list: Ordered = {
    columns: "id, started_at, json",
    from: "sessions",
    where,
    order: ["started_at", "id"],
    isDescending: true,
  };
  const isFiltered = where.some(([, value]) => value !== undefined);
  // Without a filter the sums know the number.
  const pageOnly = isFiltered ? page : { ...page, isCounted: false };
  const found =
    fromMs === undefined
      ? browse<SessionRow>(db, list, { page: pageOnly, toText: ({ json }) => json })
      : browseFrom(db, list, { page: pageOnly, fromMs });
  return isFiltered || !page.isCounted
    ? found
    : { ...found, total: openWindow(db, fromMs).sum("all").sessions };
}

function rowOf(session: Session) {
  const { id, model, taskId = null, models, tokens, cost } = session;
  const [startedAt, endedAt] = [Date.parse(session.startedAt), Date.parse(session.endedAt)];
  const shares = Object.entries(models ?? {}).map(([of, share]) => {
    return [of, totalOf(share.tokens), billionthsOf(totalOf(share.cost))];
  });
  return {
    id,
    session_id: session.sessionId,
    agent: session.agent,
    model,
    task_id: taskId,
    started_at: startedAt,
    ended_at: endedAt,
    width: widthOf(endedAt - startedAt),
    tokens: tokens.total,
    cost: billionthsOf(cost.total),
    split: shares.length === 0 ? null : JSON.stringify(shares),
    json: JSON.stringify(session),
  };
}
