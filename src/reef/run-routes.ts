// Routes of live runs: what each agent is doing now, and the events of one until it is over.
import type { Context, Hono } from "hono";
import { ReefError } from "../core/errors.js";
import { type Cursor, cursorOf, filterOf, streamed } from "./event-routes.js";
import type { ReefParts } from "./parts.js";

export function addRunRoutes(routes: Hono, parts: ReefParts): void {
  const { tasks } = parts;

  routes.get("/runs", async (c) => {
    const runs = await tasks.runs();
    return c.json({ runs, count: runs.length });
  });

  routes.get("/runs/:taskId", async (c) => {
    const taskId = c.req.param("taskId");
    const [run] = await tasks.runs(taskId);
    if (!run) throw noRun(taskId);
    return c.json(run);
  });

  routes.get("/runs/:taskId/events", (c) => events(c, parts));
}

/** The newest turn of a task from its `user` node on, or from the cursor; ends with the frame of the turn's end. */
async function events(c: Context, parts: ReefParts): Promise<Response> {
  const taskId = c.req.param("taskId") ?? "";
  const turn = (await parts.tree.task(taskId))?.turn;
  if (!turn || turn.attempt === 0) throw noRun(taskId);
  const cursor = cursorOf(c);
  // Whoever has seen the end, and comes back as event sources do, is told that nothing more is to come.
  if (turn.end && !isBefore(cursor, await parts.tree.get(turn.end.nodeId))) throw noRun(taskId);
  const filter = { ...filterOf(c), taskIds: new Set([taskId]), until: turn.nodeId };
  return streamed(c, parts, cursor === undefined ? turn.seq - 1 : cursor, filter);
}

function isBefore(cursor: Cursor, end: { seq: number } | undefined): boolean {
  return cursor === undefined || (cursor !== null && end !== undefined && cursor < end.seq);
}

function noRun(taskId: string): ReefError {
  return new ReefError("not_found", `No live run for task '${taskId}'`);
}
