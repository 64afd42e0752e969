// Routes of tasks: submit, list, read, cancel, steer, answer, and what waits for an answer.
import { statSync } from "node:fs";
import { isAbsolute } from "node:path";
import { Type } from "@sinclair/typebox";
import type { Context, Hono } from "hono";
import { ReefError } from "../core/errors.js";
import { idempotent, noTimeout, page, readBody } from "../core/http.js";
import { parseModel } from "../tasks/ports.js";
import { isOver, TASK_STATUSES, type TaskState } from "../tasks/status.js";
import { type SubmitInput, TASK_NAME } from "../tasks/submit.js";
import type { ReefParts } from "./parts.js";
import { waitMs } from "./query.js";
import { AnswerBody, CancelBody, SteerBody, SubmitBody } from "./schemas.js";

const TASK_PAGES = { list: "tasks", limit: 500, limitMax: 1000, position: Type.Integer() };
const PENDING_MAX = 1000;
const SCOPES = new Set(["modules", "submit", "deploy", "admin"]);
const PROFILE_FIELDS = new Set(["systemPrompt", "appendSystemPrompt", "tools"]);
const LATER_PROFILE_FIELDS = new Set(
  "agent mode permissions skills temperature maxIterations sandbox target".split(" "),
);

export function addTaskRoutes(routes: Hono, parts: ReefParts): void {
  const { tree, tasks } = parts;

  routes.post("/submit", (c) =>
    idempotent(c, parts.live().keys, async (operation) => {
      const earlier = operation?.isRetry ? await tasks.submitted(operation.id) : undefined;
      if (earlier) return { status: 202, body: earlier, replayed: true };
      const input = checkedSubmit(await readBody(c, SubmitBody), parts);
      const by = { caller: parts.caller(), causeId: parts.cause(), nodeId: operation?.id };
      return { status: 202, body: await tasks.submit(input, by) };
    }),
  );

  routes.get("/tasks", async (c) => {
    const { limit, after, cursor } = page(c, TASK_PAGES);
    const newestFirst = orderOf(c.req.query("order")) === "newest";
    const found = await tree.tasks({ status: statuses(c.req.query("status")), newestFirst, after, limit });
    const last = found.tasks.at(-1);
    const listed = await Promise.all(found.tasks.map(({ name, state }) => summary(parts, name, state)));
    return c.json({
      tasks: listed,
      count: listed.length,
      ...(found.more && last && { nextCursor: cursor(last.created) }),
    });
  });

  routes.get("/tasks/:name", async (c) => {
    const name = c.req.param("name");
    const wait = waitMs((key) => c.req.query(key));
    const state = wait === undefined ? await tree.task(name) : await whenOver(c, parts, name, wait);
    if (!state) throw new ReefError("not_found", "not found");
    const listed = await summary(parts, name, state);
    return c.json({ ...listed, nodes: await tree.conversation(listed.leafId) });
  });

  routes.post("/tasks/:name/cancel", async (c) => {
    const name = c.req.param("name");
    const body = await readBody(c, CancelBody);
    await parts.requireAbove(name);
    noTimeout(c);
    return c.json(await tasks.cancel(name, body));
  });

  routes.post("/tasks/:name/steer", async (c) => {
    const name = c.req.param("name");
    const { message, mode } = await readBody(c, SteerBody);
    await parts.requireAbove(name);
    return c.json(await tasks.steer(name, message, mode), 202);
  });

  routes.post("/tasks/:name/answer", async (c) => {
    const name = c.req.param("name");
    const body = await readBody(c, AnswerBody);
    await parts.requireAnswerer(name);
    return c.json(await tasks.answer(name, body));
  });

  routes.get("/pending", async (c) => {
    const page = await tree.tasks({ status: ["waiting"], limit: PENDING_MAX });
    const ids = page.tasks.flatMap(({ state }) => state.turn.pending);
    const nodes = (await Promise.all(ids.map((id) => tree.get(id)))).filter((node) => node !== undefined);
    const pending = nodes.sort((a, b) => a.seq - b.seq);
    return c.json({ pending, count: pending.length });
  });
}

async function summary(parts: ReefParts, name: string, state: TaskState) {
  const leafId = (await parts.tree.ref(name)) ?? state.turn.leafId;
  return { name, leafId, ...parts.tasks.info(state) };
}

/** A task that waits for one below it gives its slot away meanwhile. */
async function whenOver(
  c: Context,
  parts: ReefParts,
  name: string,
  ms: number,
): Promise<TaskState | undefined> {
  const state = await parts.tree.task(name);
  if (!state || isOver(state)) return state;
  noTimeout(c);
  const signal = AbortSignal.any([c.req.raw.signal, AbortSignal.timeout(ms)]);
  const waiting = await parts.callerAbove(name);
  return parts.tasks.whileWaiting(waiting, () => parts.tasks.settled(name, signal));
}

/** What a schema cannot say: rights, names, folders. */
function checkedSubmit(body: SubmitBody, parts: ReefParts): SubmitInput {
  const { taskId, model, cwd, scopes, profile } = body;
  if (taskId !== undefined && taskId !== "main" && !TASK_NAME.test(taskId)) {
    throw new ReefError(
      "bad_request",
      `taskId must match ${TASK_NAME.source}. Received: ${JSON.stringify(taskId)}`,
    );
  }
  if (model !== undefined && !parseModel(model)) {
    throw new ReefError("bad_request", `model must be provider/id. Received: ${JSON.stringify(model)}`);
  }
  if (cwd !== undefined && !isFolder(cwd)) {
    throw new ReefError(
      "bad_request",
      `cwd must be the absolute path of a folder. Received: ${JSON.stringify(cwd)}`,
    );
  }
  checkScopes(scopes, parts);
  checkProfile(profile, parts);
  return body;
}

function isFolder(path: string): boolean {
  if (!isAbsolute(path) || path.includes("\0")) return false;
  try {
    return statSync(path).isDirectory();
  } catch {
    // A file on the way, a name that is too long, no permission: in none of these a task could work.
    return false;
  }
}

function checkScopes(scopes: string[] | undefined, parts: ReefParts): void {
  if (scopes === undefined) return;
  parts.requireOperator("scopes");
  const unknown = scopes.find((scope) => !SCOPES.has(scope));
  if (unknown !== undefined) {
    throw new ReefError(
      "bad_request",
      `scopes may name ${[...SCOPES].join(", ")}. Received: ${JSON.stringify(unknown)}`,
    );
  }
}

function checkProfile(profile: object | undefined, parts: ReefParts): void {
  if (profile === undefined) return;
  parts.requireOperator("profile");
  for (const field of Object.keys(profile)) {
    if (LATER_PROFILE_FIELDS.has(field))
      throw new ReefError("bad_request", `profile.${field}: not supported yet`);
    if (!PROFILE_FIELDS.has(field)) throw new ReefError("bad_request", `profile.${field} is unknown`);
  }
}

function orderOf(asked = "oldest"): string {
  if (asked === "oldest" || asked === "newest") return asked;
  throw new ReefError("bad_request", `order must be oldest or newest. Received: ${JSON.stringify(asked)}`);
}

/** An unknown status matches no task. */
function statuses(asked: string | undefined): string[] | undefined {
  if (asked === undefined) return undefined;
  const named = asked.split(",").map((status) => status.trim());
  return TASK_STATUSES.filter((status) => named.includes(status));
}
