// The routes of live agents: another view of what /reef keeps, asked for with the caller's own rights.
import { type Context, Hono } from "hono";
import { ReefError } from "#core/errors.js";
import { noTimeout } from "#core/http.js";
import type { ServiceContext } from "#core/types.js";

/** No task has another name, and names that fit go into a path as they are. */
const TASK_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

export function createRoutes(ctx: ServiceContext): Hono {
  return new Hono()
    .get("/", (c) => listAgents(c, ctx))
    .get("/:taskId", (c) => ask(ctx, `/reef/runs/${taskIn(c)}`))
    .post("/:taskId/cancel", (c) => tell(c, ctx, "cancel"))
    .post("/:taskId/steer", (c) => tell(c, ctx, "steer"))
    .get("/:taskId/events", (c) => streamEvents(c, ctx));
}

async function listAgents(c: Context, ctx: ServiceContext): Promise<Response> {
  const answer = await ask(ctx, "/reef/runs");
  if (!answer.ok) return answer;
  const { runs, count } = await answer.json();
  return c.json({ agents: runs, count });
}

/** What reef says to it; a task that no agent works on is refused before. */
async function tell(c: Context, ctx: ServiceContext, what: "cancel" | "steer"): Promise<Response> {
  const task = taskIn(c);
  const body = await c.req.text();
  const run = await ask(ctx, `/reef/runs/${task}`);
  if (!run.ok) return run;
  noTimeout(c);
  return ask(ctx, `/reef/tasks/${task}/${what}`, { method: "POST", body });
}

async function streamEvents(c: Context, ctx: ServiceContext): Promise<Response> {
  noTimeout(c);
  const last = c.req.header("Last-Event-ID");
  const path = `/reef/runs/${taskIn(c)}/events${new URL(c.req.url).search}`;
  const answer = await ask(ctx, path, last === undefined ? {} : { headers: { "Last-Event-ID": last } });
  if (!answer.ok || !answer.body) return answer;
  return new Response(endingWith(ctx.signal, answer.body), answer);
}

/** As whoever calls now: a task gets no further here than it gets at /reef. */
function ask(ctx: ServiceContext, path: string, init: RequestInit = {}): Promise<Response> {
  return ctx.fetch(path, { ...init, as: ctx.caller() });
}

function taskIn(c: Context): string {
  const task = c.req.param("taskId") ?? "";
  if (TASK_NAME.test(task)) return task;
  throw new ReefError("not_found", `No live run for task '${task}'`);
}

/** The same bytes, read as fast as they are taken, and closed when this version of the service is undone. */
function endingWith(signal: AbortSignal, body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const stop = (reason?: unknown) => {
    signal.removeEventListener("abort", end);
    return reader.cancel(reason);
  };
  const end = () => void stop();
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { value, done } = await reader.read();
        if (!done) return controller.enqueue(value);
        signal.removeEventListener("abort", end);
        controller.close();
      },
      cancel: stop,
    },
    { highWaterMark: 0 },
  );
}
