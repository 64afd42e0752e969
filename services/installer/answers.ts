// How the work is answered: at its end as JSON, or step by step to who asks for a stream of events.
import type { Context } from "hono";
import { ReefError } from "#core/errors.js";
import { noTimeout, type Outcome, sse } from "#core/http.js";
import type { Log } from "#core/types.js";
import { orDiskError } from "./disk.js";
import type { Tell } from "./steps.js";

/** What a piece of work came to. It tells its steps on the way. */
export type Work = (tell: Tell) => Promise<Outcome>;

/** Whoever goes away in the middle changes nothing: the work comes to its end. */
export async function answerWork(c: Context, log: Log, work: Work): Promise<Response> {
  noTimeout(c);
  if (c.req.header("accept")?.includes("text/event-stream")) return streamed(c, log, work);
  const { status, body, replayed } = await orDiskProblem(work, () => {});
  if (replayed) c.header("Idempotency-Replayed", "true");
  return c.json(body, status);
}

function streamed(c: Context, log: Log, work: Work): Response {
  return sse(c, async (stream) => {
    const send = (data: object) => stream.send({ data });
    const tell: Tell = (step) => send({ type: "step", ...step });
    const outcome = await orDiskProblem(work, tell).catch((error) => refusal(error, log));
    send({ type: "result", ...outcome });
  });
}

async function orDiskProblem(work: Work, tell: Tell): Promise<Outcome> {
  try {
    return await work(tell);
  } catch (error) {
    throw orDiskError(error);
  }
}

/** The answer that there would have been. */
function refusal(error: unknown, log: Log): Outcome {
  if (error instanceof ReefError) {
    const { status, message, code, details } = error;
    return { status, body: { ...details, error: message, code } };
  }
  log.error("a request failed:", error);
  return { status: 500, body: { error: "internal service error", code: "internal" } };
}
