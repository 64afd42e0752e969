// The board against a small model of it: whatever agents and people do with a task, in any order and with any token,
// both answer the same and end in the same state.
import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { startBoard, type TestBoard } from "../../examples/services/board/board-under-test.js";
import { STATUSES, type Status, type Task } from "../../examples/services/board/task.js";

const RUNS = 150;
const AGENTS = ["ada", "bob", "eve"];

type Act =
  | { do: "claim"; agent: string; force: boolean; seconds: number }
  | { do: "heartbeat"; token: number; seconds?: number | undefined }
  | { do: "release"; token: number; status: Status }
  | { do: "patch"; token?: number | undefined; status?: Status | undefined; assignee?: string | undefined }
  | { do: "settle"; with: "review" | "approve" | "reject"; token?: number | undefined }
  | { do: "wait"; seconds: number };

interface Model {
  status: Status;
  assignee: string | undefined;
  lease: { token: number; agent: string; seconds: number; until: number } | undefined;
  notes: number;
  nowSeconds: number;
  /** Of all runs, since the board gives them for all tasks; acts name them by how long ago they were given. */
  tokens: number[];
}

type Answer = "done" | "lease lost" | "task is claimed" | "task is assigned" | "task is in no state for it";

const status = fc.constantFrom(...STATUSES);
/** 0 is the newest token that was given for the task, 1 the one before; beyond them one that never was. */
const token = fc.nat({ max: 2 });
const seconds = fc.constantFrom(10, 60, 300);
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("claim" as const),
      agent: fc.constantFrom(...AGENTS),
      force: fc.boolean(),
      seconds,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("heartbeat" as const),
      token,
      seconds: fc.option(seconds, { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("release" as const), token, status }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("patch" as const),
      token: fc.option(token, { nil: undefined }),
      status: fc.option(status, { nil: undefined }),
      assignee: fc.option(fc.constantFrom("", ...AGENTS), { nil: undefined }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      with: fc.constantFrom("review" as const, "approve" as const, "reject" as const),
      token: fc.option(token, { nil: undefined }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("wait" as const), seconds: fc.constantFrom(5, 10, 59, 60, 300) }),
  },
);

/** What the board should answer, and what the task is afterwards. */
function expected(model: Model, act: Act): Answer {
  expire(model);
  if (act.do === "wait") {
    model.nowSeconds += act.seconds;
    return "done";
  }
  if (act.do === "claim") return claim(model, act);
  const isHolder = act.token !== undefined;
  if (isHolder && (!model.lease || tokenOf(model, act.token) !== model.lease.token)) return "lease lost";
  if (act.do === "heartbeat" && model.lease) {
    model.lease.seconds = act.seconds ?? model.lease.seconds;
    model.lease.until = model.nowSeconds + model.lease.seconds;
  }
  if (act.do === "release") {
    model.lease = undefined;
    model.status = act.status;
    if (act.status === "open") model.assignee = undefined;
  }
  if (act.do === "settle") {
    model.lease = undefined;
    model.status = { review: "in_review", approve: "done", reject: "open" }[act.with] as Status;
    model.notes++;
  }
  if (act.do === "patch") patch(model, act, isHolder);
  return "done";
}

function expire(model: Model): void {
  if (!model.lease || model.lease.until > model.nowSeconds) return;
  model.lease = undefined;
  if (model.status !== "in_progress") return;
  model.status = "open";
  model.assignee = undefined;
  model.notes++;
}

function claim(model: Model, { agent, force, seconds }: Act & { do: "claim" }): Answer {
  if (model.lease && model.lease.agent !== agent) return "task is claimed";
  if (!force && model.assignee !== undefined && model.assignee !== agent) return "task is assigned";
  const claimable: Status[] = force ? ["open", "in_progress", "blocked"] : ["open", "in_progress"];
  if (!claimable.includes(model.status)) return "task is in no state for it";
  model.status = "in_progress";
  model.assignee = agent;
  model.lease = { token: Number.NaN, agent, seconds, until: model.nowSeconds + seconds };
  return "done";
}

function patch(model: Model, { status, assignee }: Act & { do: "patch" }, isHolder: boolean): void {
  const wanted = assignee === "" ? undefined : assignee;
  const isMoved = status !== undefined && status !== model.status && status !== "in_progress";
  const isGiven = assignee !== undefined && wanted !== model.assignee && wanted !== model.lease?.agent;
  if (!isHolder && (isMoved || isGiven)) model.lease = undefined;
  if (status !== undefined) model.status = status;
  if (assignee !== undefined) model.assignee = wanted;
}

function tokenOf({ tokens }: Model, ago: number | undefined): number | undefined {
  return ago === undefined ? undefined : (tokens.at(-1 - ago) ?? 1_000_000 + ago);
}

let board: TestBoard;
let nowMs = Date.UTC(2026, 0, 10);
let newestToken = 0;
beforeAll(async () => {
  board = await startBoard({ now: () => nowMs });
});
afterAll(() => board.harness.cleanup());

/** What the board answers, in the model's words. */
async function answered(task: Task, model: Model, act: Act): Promise<Answer> {
  if (act.do === "wait") {
    nowMs += act.seconds * 1000;
    return "done";
  }
  const { status, data } = await asked(task, model, act);
  if (status === 200 && act.do === "claim") noteToken(model, data.lease.token);
  if (status === 200) return "done";
  if (data.error === "lease lost" || data.error === "task is claimed") return data.error;
  return data.error.startsWith("task is assigned") ? "task is assigned" : "task is in no state for it";
}

function noteToken(model: Model, token: number): void {
  expect(token).toBeGreaterThan(newestToken);
  newestToken = token;
  model.tokens.push(token);
  if (model.lease) model.lease.token = token;
}

function asked(task: Task, model: Model, act: Exclude<Act, { do: "wait" }>) {
  const path = `/tasks/${task.id}`;
  if (act.do === "claim") {
    const { agent, force, seconds } = act;
    return board.ask(`POST ${path}/claim`, { agent, force, leaseSeconds: seconds });
  }
  const token = tokenOf(model, act.token);
  if (act.do === "heartbeat")
    return board.ask(`POST ${path}/heartbeat`, { token, leaseSeconds: act.seconds });
  if (act.do === "release") return board.ask(`POST ${path}/release`, { token, status: act.status });
  if (act.do === "settle") {
    return board.ask(`POST ${path}/${act.with}`, { summary: "s", reason: "r", leaseToken: token });
  }
  return board.ask(`PATCH ${path}`, { status: act.status, assignee: act.assignee, leaseToken: token });
}

test("claims, heartbeats, releases, changes and time have the same outcome on the board and in the model (spec §2)", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 25 }), async (acts) => {
      const task = await board.create();
      const model: Model = {
        status: "open",
        assignee: undefined,
        lease: undefined,
        notes: 0,
        nowSeconds: 0,
        tokens: [],
      };
      for (const act of acts) {
        const wanted = expected(model, act);
        expect({ act, answer: await answered(task, model, act) }).toEqual({ act, answer: wanted });
      }
      const beganAt = nowMs - model.nowSeconds * 1000;
      expire(model);
      const { status, assignee, noteCount, lease } = await board.read(task);
      expect({ status, assignee, noteCount, lease }).toEqual({
        status: model.status,
        assignee: model.assignee,
        noteCount: model.notes,
        lease: model.lease && {
          agent: model.lease.agent,
          expiresAt: new Date(beganAt + model.lease.until * 1000).toISOString(),
        },
      });
    }),
    { numRuns: RUNS },
  );
});
