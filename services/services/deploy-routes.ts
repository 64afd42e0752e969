// Deploys and roll-backs over HTTP: the answer at the end or a stream of steps, and the deploys that there were.
import { Type } from "@sinclair/typebox";
import { type Context, Hono } from "hono";
import { messageOf, ReefError } from "#core/errors.js";
import {
  type IdempotencyKeys,
  idempotent,
  keyedRequest,
  noTimeout,
  type Operation,
  type Outcome,
  page,
  readBody,
  sse,
} from "#core/http.js";
import type { ServiceContext } from "#core/types.js";
import type { Deploys, Tell } from "./deploys.js";
import { folderOf, liveModule } from "./find.js";
import type { Deploy, Ledger } from "./ledger.js";
import type { Rollbacks } from "./rollback.js";

const NAME = /^[a-z][a-z0-9-]{0,63}$/;
const SHOWN_CHARS_MAX = 80;
const PAGE_DEPLOYS = 50;
const PAGE_DEPLOYS_MAX = 500;

const DeployBody = Type.Object({ name: Type.String({ minLength: 1 }) });
const RollbackBody = Type.Object({ hash: Type.Optional(Type.String()) });

export interface DeployRoutesOptions {
  ctx: ServiceContext;
  deploys: Deploys;
  rollbacks: Rollbacks;
  ledger: Ledger;
  keys: IdempotencyKeys;
}

export function createDeployRoutes(options: DeployRoutesOptions): Hono {
  return new Hono()
    .post("/deploy", (c) => deploy(c, options))
    .get("/deploys", (c) => listDeploys(c, options.ledger))
    .get("/deploys/:id", (c) => c.json(knownDeploy(options.ledger, c.req.param("id"))))
    .post("/:name/rollback", (c) => rollBack(c, options));
}

async function deploy(c: Context, options: DeployRoutesOptions): Promise<Response> {
  const { ctx, keys } = options;
  const { name } = await readBody(c, DeployBody);
  if (!NAME.test(name))
    throw new ReefError("bad_request", `invalid name "${cut(name)}": must match ${NAME.source}`);
  const dir = folderOf(ctx.registry, name);
  if (c.req.header("Accept")?.includes("text/event-stream")) {
    const keyed = await keyedRequest(c);
    return streamed(c, ctx, async (tell) => {
      const work = workOf(dir, options, tell);
      return keyed ? keys.once(keyed, work) : work(undefined);
    });
  }
  noTimeout(c);
  const response = await idempotent(c, keys, workOf(dir, options));
  if (!response.ok) response.headers.set("X-Reef-Error", "bad_request");
  return response;
}

/** An attempt that was cut short may have come to its end all the same. */
function workOf(dir: string, { deploys, ledger }: DeployRoutesOptions, tell?: Tell) {
  return async (operation: Operation | undefined): Promise<Outcome> => {
    const done = operation?.isRetry ? ledger.doneUnder(operation.id) : undefined;
    const body = done ?? (await deploys.run(dir, { tell, operation: operation?.id }));
    return { status: body.deployed ? 200 : 400, body, replayed: done !== undefined };
  };
}

/** The deploy goes on when the client has gone. */
function streamed(
  c: Context,
  { log, signal }: ServiceContext,
  run: (tell: Tell) => Promise<Outcome>,
): Response {
  const result = async (tell: Tell) => {
    try {
      return (await run(tell)).body;
    } catch (error) {
      if (!(error instanceof ReefError)) log.error("a deploy failed:", error);
      return refusalFor(error);
    }
  };
  return sse(
    c,
    async (stream) => {
      const answer = await result((progress) => void stream.send({ data: { type: "step", ...progress } }));
      stream.send({ data: { type: "result", ...answer } });
    },
    { heartbeat: "ping", signal },
  );
}

/** What the answer would be if the stream had not begun. */
function refusalFor(error: unknown) {
  if (!(error instanceof ReefError))
    return { deployed: false, error: "internal service error", code: "internal" };
  return { ...error.details, deployed: false, error: messageOf(error), code: error.code };
}

function listDeploys(c: Context, ledger: Ledger): Response {
  const name = c.req.query("name");
  const { limit, after, cursor } = page(c, {
    list: `deploys ${name ?? ""}`,
    limit: PAGE_DEPLOYS,
    limitMax: PAGE_DEPLOYS_MAX,
    position: Type.String(),
  });
  const found = ledger.list({ name, after, limit: limit + 1 });
  const deploys = found.slice(0, limit);
  const last = deploys.at(-1);
  const more = found.length > limit && last ? { nextCursor: cursor(last.id) } : {};
  return c.json({ deploys, count: deploys.length, ...more });
}

function knownDeploy(ledger: Ledger, id: string): Deploy {
  const deploy = ledger.get(id);
  if (deploy) return deploy;
  throw new ReefError("not_found", `Deploy "${cut(id)}" not found`);
}

async function rollBack(c: Context, { ctx, rollbacks }: DeployRoutesOptions): Promise<Response> {
  const { hash } = await readBody(c, RollbackBody);
  const name = c.req.param("name") ?? "";
  const isObject = liveModule(ctx.registry, name)?.dir === null;
  if (isObject) throw new ReefError("conflict", "Nothing to roll back to");
  noTimeout(c);
  return c.json(await rollbacks.asked(folderOf(ctx.registry, name), hash));
}

function cut(text: string): string {
  return text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX)}…`;
}
