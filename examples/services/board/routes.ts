// The board over HTTP.
import { type Context, Hono } from "hono";
import { ReefError } from "#core/errors.js";
import {
  asFlag,
  listAnswer,
  passesIfMatch,
  type Read,
  readBrowse,
  readFields,
  readQuery,
} from "#core/http.js";
import type { ServiceContext } from "#core/types.js";
import type { Guard, Shown } from "./change.js";
import { holderOf } from "./claims.js";
import {
  approved,
  bumped,
  claimed,
  type Decide,
  noted,
  patched,
  rejected,
  released,
  reviewed,
  withArtifacts,
} from "./edits.js";
import { leaseOf } from "./leases.js";
import { FILTERS } from "./lists.js";
import { boardPanel } from "./panel.js";
import type { Board } from "./store.js";
import {
  APPROVAL,
  ARTIFACTS,
  CHANGES,
  CLAIM,
  HEARTBEAT,
  HOLDER,
  NEW_TASK,
  NOTE,
  OWN_HEARTBEAT,
  OWN_RELEASE,
  REJECTION,
  RELEASE,
  REVIEW,
} from "./task.js";

type RoutesContext = Pick<ServiceContext, "caller" | "cause">;

export function createRoutes(board: Board, ctx: RoutesContext): Hono {
  const idOf = (c: Context) => c.req.param("id") ?? "";
  const guardOf = (c: Context, sent: Sent = {}) => guardIn(c, holderOf(ctx.caller()), sent);
  const change = (c: Context, sent: Sent, decide: Decide) => board.change(idOf(c), guardOf(c, sent), decide);
  const read = async (c: Context) => taskAnswer(await board.read(idOf(c)));

  return new Hono()
    .post("/tasks", async (c) => taskAnswer(await board.create(await readFields(c, NEW_TASK)), 201))
    .get("/tasks", async (c) => {
      const page = readBrowse(c, { list: "tasks", filters: FILTERS });
      return listAnswer("tasks", await board.list(page));
    })
    .get("/review", async (c) => {
      const page = readBrowse(c, { list: "review", filters: {} });
      return listAnswer("tasks", await board.reviewQueue(page));
    })
    .get("/stats", async (c) => c.json(await board.stats()))
    .get("/_panel", (c) => c.html(boardPanel()))
    .get("/tasks/:id", read)
    .patch("/tasks/:id", async (c) => {
      const { ifUpdatedAt, leaseToken, ...fields } = await readFields(c, CHANGES);
      const { shown } = await change(c, { ifUpdatedAt, leaseToken }, patched(fields));
      return taskAnswer(shown);
    })
    .delete("/tasks/:id", async (c) => {
      await board.remove(idOf(c), guardOf(c, await readFields(c, HOLDER)));
      return c.json({ deleted: true });
    })
    .post("/tasks/:id/notes", async (c) => {
      const { leaseToken, ...note } = await readFields(c, NOTE);
      const { changes, shown } = await change(c, { leaseToken }, noted(note));
      return taskAnswer({ ...shown, json: JSON.stringify(changes.notes?.[0]) }, 201);
    })
    .get("/tasks/:id/notes", async (c) => {
      const id = idOf(c);
      const page = readBrowse(c, { list: `notes of ${id.toUpperCase()}`, filters: {} });
      return listAnswer("notes", await board.notes(id, page));
    })
    .post("/tasks/:id/artifacts", async (c) => {
      const { leaseToken, artifacts } = await readFields(c, ARTIFACTS);
      const { shown } = await change(c, { leaseToken }, withArtifacts(artifacts));
      return taskAnswer(shown, 201);
    })
    .post("/tasks/:id/review", async (c) => {
      const review = await readFields(c, REVIEW);
      return taskAnswer((await change(c, review, reviewed(review))).shown);
    })
    .post("/tasks/:id/approve", async (c) => {
      const approval = await readFields(c, APPROVAL);
      return taskAnswer((await change(c, approval, approved(approval))).shown);
    })
    .post("/tasks/:id/reject", async (c) => {
      const rejection = await readFields(c, REJECTION);
      return taskAnswer((await change(c, rejection, rejected(rejection))).shown);
    })
    .post("/tasks/:id/bump", async (c) => {
      return taskAnswer((await change(c, await tokenInAnyBody(c), bumped)).shown);
    })
    .post("/tasks/:id/claim", async (c) => {
      const { agent, leaseSeconds, force, leaseToken } = await readFields(c, CLAIM);
      const holder = holderOf(ctx.caller());
      const wanted = { agent, lengthMs: leaseSeconds * 1000, holder, causeId: ctx.cause() };
      const { shown, lease } = await change(c, { leaseToken }, claimed(wanted, { force }));
      const json = `{"task":${shown.json},"lease":${JSON.stringify(lease && leaseOf(lease))}}`;
      return taskAnswer({ ...shown, json });
    })
    .post("/tasks/:id/heartbeat", async (c) => {
      const { token, leaseSeconds } = await readFields(c, isOwn(c) ? OWN_HEARTBEAT : HEARTBEAT);
      const lengthMs = leaseSeconds === undefined ? undefined : leaseSeconds * 1000;
      return c.json({ lease: await board.renew(idOf(c), guardOf(c, { leaseToken: token }), lengthMs) });
    })
    .post("/tasks/:id/release", async (c) => {
      const { token, status } = await readFields(c, isOwn(c) ? OWN_RELEASE : RELEASE);
      const guard = { ...guardOf(c, { leaseToken: token }), isForHolder: true };
      return taskAnswer((await board.change(idOf(c), guard, released(status))).shown);
    })
    .get("/:id", read);
}

/** What a body says of the state on which the write is based. */
interface Sent {
  leaseToken?: number | undefined;
  ifUpdatedAt?: number | undefined;
}

function guardIn(c: Context, holder: string | null, { leaseToken, ifUpdatedAt }: Sent): Guard {
  const tokens = [tokenInHeader(c), leaseToken].filter((token) => token !== undefined);
  return {
    tokens,
    isOwn: isOwn(c),
    holder,
    isMeant: ({ etag, updatedAt }) => passesIfMatch(c, etag) && (ifUpdatedAt ?? updatedAt) === updatedAt,
  };
}

/** `?ownLease=true`: the board looks the caller's token up. */
function isOwn(c: Context): boolean {
  return readQuery(c, { ownLease: asFlag }).ownLease === true;
}

/** What is no number is no live token either. */
function tokenInHeader(c: Context): number | undefined {
  const text = c.req.header("lease-token");
  if (text === undefined) return undefined;
  return /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
}

/** For a route that takes no body: whatever was sent is fine, and counts as far as it names a lease. */
async function tokenInAnyBody(c: Context): Promise<Read<typeof HOLDER>> {
  try {
    return await readFields(c, HOLDER);
  } catch (error) {
    if (error instanceof ReefError && error.code === "bad_request") return { leaseToken: undefined };
    throw error;
  }
}

function taskAnswer({ json, etag }: Shown, status = 200): Response {
  return new Response(json, { status, headers: { "Content-Type": "application/json", ETag: etag } });
}
