// The routes of the installer. What changes something is for operators alone.
import { type Context, Hono } from "hono";
import {
  type IdempotencyKeys,
  keyedRequest,
  type Operation,
  type Outcome,
  requireOperator,
} from "#core/http.js";
import { answerWork } from "./answers.js";
import { readInstall, readRemove, readUpdate } from "./input.js";
import { doneUnder, install } from "./install.js";
import { listAllExamples, listInstalled, listSeeds } from "./listing.js";
import type { Parts } from "./parts.js";
import { remove } from "./remove.js";
import { update } from "./update.js";

export function createRoutes(parts: Parts, keys: IdempotencyKeys): Hono {
  const { log } = parts.ctx;
  return new Hono()
    .post("/install", (c) => installOnce(c, parts, keys))
    .post("/update", async (c) => {
      const request = await read(parts, c, readUpdate);
      return answerWork(c, log, async (tell) => ({ status: 200, body: await update(parts, request, tell) }));
    })
    .post("/remove", async (c) => {
      const request = await read(parts, c, readRemove);
      return answerWork(c, log, async () => ({ status: 200, body: await remove(parts, request) }));
    })
    .get("/installed", async (c) => c.json(await listInstalled(parts)))
    .get("/seeds", async (c) => c.json(await listSeeds(parts)))
    .get("/examples", async (c) => c.json(await listAllExamples(parts)));
}

/** An attempt that was cut short may have come to its end all the same: the lock knows. */
async function installOnce(c: Context, parts: Parts, keys: IdempotencyKeys): Promise<Response> {
  const request = await read(parts, c, readInstall);
  const keyed = await keyedRequest(c);
  return answerWork(c, parts.ctx.log, (tell) => {
    const work = async (operation?: Operation): Promise<Outcome> => {
      const done = operation?.isRetry ? await doneUnder(parts.lock, operation.id) : undefined;
      const body = done ?? (await install(parts, { ...request, operation: operation?.id }, tell));
      return { status: 201, body, replayed: done !== undefined };
    };
    return keyed ? keys.once(keyed, work) : work();
  });
}

async function read<T>({ ctx }: Parts, c: Context, body: (c: Context) => Promise<T>): Promise<T> {
  requireOperator(ctx.caller());
  return body(c);
}
