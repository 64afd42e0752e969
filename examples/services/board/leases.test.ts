// Leases: who may claim, who is refused from then on, and what happens when nobody renews.
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Answer, startBoard, type TestBoard } from "./board-under-test.js";
import { claimed } from "./edits.js";
import { openBoard } from "./store.js";
import type { Task } from "./task.js";

const MINUTE = 60_000;

let board: TestBoard;
let nowMs: number;
beforeEach(async () => {
  nowMs = Date.UTC(2026, 0, 10);
  board = await startBoard({ now: () => nowMs });
});
afterEach(() => board.harness.cleanup());

const at = (ms: number) => new Date(nowMs + ms).toISOString();
const post = (task: Task, action: string, body?: unknown, headers = {}) =>
  board.ask(`POST /tasks/${task.id}/${action}`, body, headers);
const refusal = async (answer: Promise<Answer>) => {
  const { status, data } = await answer;
  return [status, data.error];
};

describe("POST /board/tasks/:id/claim (spec §2)", () => {
  test("gives the task, and a lease with a token", async () => {
    const task = await board.create();
    board.told();
    const { status, data, headers } = await post(task, "claim", { agent: " ada " });
    const lease = { agent: "ada", expiresAt: at(300_000) };
    const { updatedAt } = data.task;
    expect([status, headers.get("etag")]).toEqual([200, `"${updatedAt}"`]);
    expect(data).toEqual({
      task: { ...task, status: "in_progress", assignee: "ada", updatedAt, lease },
      lease: { token: 1, agent: "ada", seconds: 300, expiresAt: at(300_000) },
    });
    expect(await board.read(task)).toEqual(data.task);
    const content = "Sweep: open → in_progress (ada)";
    expect(board.told()).toEqual([
      ["board:task_updated", { task: data.task, changes: { status: "in_progress", assignee: "ada" } }],
      ["reef:event", { type: "board_task_status", source: "board", content, taskId: task.id }],
    ]);
  });

  test.each<[string, Partial<Task>, boolean, [number, string | undefined]]>([
    ["an open task", {}, false, [200, undefined]],
    ["one's own open task", { assignee: "ada" }, false, [200, undefined]],
    ["a task in progress that nobody has", { status: "in_progress" }, false, [200, undefined]],
    ["one's own task in progress", { status: "in_progress", assignee: "ada" }, false, [200, undefined]],
    ["another's open task", { assignee: "bob" }, false, [409, "task is assigned to bob"]],
    ["another's task", { status: "in_progress", assignee: "bob" }, false, [409, "task is assigned to bob"]],
    ["another's task, by force", { status: "in_progress", assignee: "bob" }, true, [200, undefined]],
    ["a blocked task", { status: "blocked" }, false, [409, "task is blocked"]],
    ["a blocked task, by force", { status: "blocked" }, true, [200, undefined]],
    ["a task in review", { status: "in_review" }, false, [409, "task is in_review"]],
    ["a task in review, by force", { status: "in_review" }, true, [409, "task is in_review"]],
    ["a done task", { status: "done" }, false, [409, "task is done"]],
    ["a done task, by force", { status: "done" }, true, [409, "task is done"]],
  ])("of %s", async (_what, made, force, expected) => {
    const task = await board.create(made);
    board.told();
    expect(await refusal(post(task, "claim", { agent: "ada", force }))).toEqual(expected);
    if (expected[0] === 200) return;
    expect([board.told(), await board.read(task)]).toEqual([[], task]);
  });

  test("says first who holds it, then who has it, then what it waits for, then its status", async () => {
    const needed = [await board.create(), await board.create()];
    const dependencies = needed.map(({ id }) => id);
    const task = await board.create({ dependencies, assignee: "ada", status: "blocked" });
    const { lease } = await board.claim(task, "ada", { force: true });
    const claimed = await post(task, "claim", { agent: "bob", force: true });
    expect([claimed.status, claimed.data]).toEqual([
      409,
      { error: "task is claimed", code: "conflict", lease: { agent: "ada", expiresAt: lease.expiresAt } },
    ]);
    await post(task, "release", { token: lease.token, status: "blocked" });
    const claim = (agent: string) => refusal(post(task, "claim", { agent }));
    expect(await claim("bob")).toEqual([409, "task is assigned to ada"]);
    expect(await claim("ada")).toEqual([409, `task is blocked by: ${dependencies.join(", ")}`]);
    for (const one of needed) await post(one, "approve");
    expect(await claim("ada")).toEqual([409, "task is blocked"]);
  });

  test("again by the same agent gives a new token, and the old one is dead", async () => {
    const task = await board.create();
    const [first, second] = [await board.claim(task, "ada"), await board.claim(task, "ada")];
    expect(second.lease.token).toBeGreaterThan(first.lease.token);
    expect(second.task).toEqual(first.task);
    expect(await refusal(post(task, "heartbeat", { token: first.lease.token }))).toEqual([409, "lease lost"]);
    expect((await post(task, "heartbeat", { token: second.lease.token })).status).toBe(200);
  });

  test("of many at once succeeds for one (spec §17.14)", async () => {
    const task = await board.create();
    const agents = Array.from({ length: 40 }, (_, n) => `agent-${n}`);
    const answers = await Promise.all(agents.map((agent) => post(task, "claim", { agent })));
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    expect(answers.filter(({ data }) => data.error === "task is claimed")).toHaveLength(39);
    expect((await board.read(task)).assignee).toBe(won[0]?.data.lease.agent);
  });

  const seconds = "leaseSeconds must be a whole number from 10 to 86400";
  test.each<[string, unknown, string]>([
    ["claim", "", "Invalid JSON body"],
    ["claim", { leaseSeconds: 1 }, "agent is required"],
    ["claim", { agent: 5 }, "agent must be a string"],
    ["claim", { agent: "x".repeat(201) }, "agent is longer than 200 characters"],
    ["claim", { agent: "a", leaseSeconds: "60", force: 5 }, "leaseSeconds must be a number"],
    ["claim", { agent: "a", leaseSeconds: 9 }, seconds],
    ["claim", { agent: "a", leaseSeconds: 86_401 }, seconds],
    ["claim", { agent: "a", leaseSeconds: 10.5 }, seconds],
    ["claim", { agent: "a", force: "yes" }, "force must be true or false"],
    ["heartbeat", "", "Invalid JSON body"],
    ["heartbeat", { leaseSeconds: 5 }, "token is required"],
    ["heartbeat", { token: "1" }, "token must be a number"],
    ["heartbeat", { token: 1.5 }, "token must be a whole number"],
    ["heartbeat", { token: 1, leaseSeconds: 9 }, seconds],
    ["release", { status: "x" }, "token is required"],
    ["release", { token: 1, status: "x" }, "invalid status: x"],
  ])("%s refuses %.80j", async (action, body, error) => {
    const task = await board.create();
    expect(await refusal(post(task, action, body))).toEqual([400, error]);
    expect(await board.read(task)).toEqual(task);
  });

  test.each([10, 86_400])("takes a lease of %d seconds", async (leaseSeconds) => {
    const { lease } = await board.claim(await board.create(), "ada", { leaseSeconds });
    expect([lease.seconds, lease.expiresAt]).toEqual([leaseSeconds, at(leaseSeconds * 1000)]);
  });
});

describe("a heartbeat (spec §2)", () => {
  test("renews the lease for as long as before, or as it says, and is no change of the task", async () => {
    const task = await board.create();
    const { lease, task: claimed } = await board.claim(task, "ada", { leaseSeconds: 60 });
    board.told();
    nowMs += 50_000;
    expect((await post(task, "heartbeat", { token: lease.token })).data).toEqual({
      lease: { ...lease, expiresAt: at(60_000) },
    });
    const { data } = await post(task, "heartbeat", { token: lease.token, leaseSeconds: 600 });
    expect(data.lease).toEqual({ ...lease, seconds: 600, expiresAt: at(600_000) });
    expect((await post(task, "heartbeat", { token: lease.token })).data).toEqual(data);
    expect(await board.read(task)).toEqual({ ...claimed, lease: { agent: "ada", expiresAt: at(600_000) } });
    expect(board.told()).toEqual([]);
  });

  test("with a token that is not the live one is refused", async () => {
    const task = await board.create();
    expect(await refusal(post(task, "heartbeat", { token: 1 }))).toEqual([409, "lease lost"]);
    const { lease } = await board.claim(task, "ada");
    for (const token of [0, -1, lease.token + 1, 1e300])
      expect(await refusal(post(task, "heartbeat", { token }))).toEqual([409, "lease lost"]);
  });
});

describe("a release (spec §2)", () => {
  test.each<[string | undefined, string, string | undefined]>([
    [undefined, "open", undefined],
    ["in_progress", "in_progress", "ada"],
    ["blocked", "blocked", "ada"],
    ["done", "done", "ada"],
  ])("with status %s leaves the task %s", async (status, expected, assignee) => {
    const task = await board.create();
    const { lease } = await board.claim(task, "ada");
    const { data } = await post(task, "release", { token: lease.token, status });
    expect([data.status, data.assignee, data.lease]).toEqual([expected, assignee, undefined]);
    expect(await refusal(post(task, "release", { token: lease.token }))).toEqual([409, "lease lost"]);
  });
});

const WRITES: [call: string, body: Record<string, unknown>][] = [
  ["PATCH /tasks/:id", { title: "mine" }],
  ["POST /tasks/:id/notes", { author: "a", content: "c", type: "update" }],
  ["POST /tasks/:id/artifacts", { artifacts: [{ type: "url", url: "u", label: "l" }] }],
  ["POST /tasks/:id/bump", {}],
  ["POST /tasks/:id/claim", { agent: "ada" }],
  ["POST /tasks/:id/review", { summary: "s" }],
  ["POST /tasks/:id/approve", {}],
  ["POST /tasks/:id/reject", { reason: "r" }],
  ["DELETE /tasks/:id", {}],
];

describe.each(WRITES)("fencing: %s (spec §2)", (call, body) => {
  test("with a token is done while it is the live one, and refused for ever after (spec §17.14)", async () => {
    const task = await board.create();
    const path = call.replace(":id", task.id);
    const stale = (await board.claim(task, "ada")).lease.token;
    const { token } = (await board.claim(task, "ada")).lease;
    const state = await board.read(task);
    board.told();
    for (const headers of [{ "Lease-Token": `${stale}` }, { "Lease-Token": "x" }, { "Lease-Token": "" }])
      expect(await refusal(board.ask(path, body, headers))).toEqual([409, "lease lost"]);
    expect(await refusal(board.ask(path, { ...body, leaseToken: stale }))).toEqual([409, "lease lost"]);
    const both = board.ask(path, { ...body, leaseToken: stale }, { "Lease-Token": `${token}` });
    expect(await refusal(both)).toEqual([409, "lease lost"]);
    expect([board.told(), await board.read(task)]).toEqual([[], state]);
    const { status } = await board.ask(path, { ...body, leaseToken: token }, { "Lease-Token": `${token}` });
    expect(status).toBeLessThan(300);
  });
});

describe("who ends a lease (spec §2)", () => {
  const held = async (task: Task) => (await board.read(task)).lease !== undefined;

  test.each<[string, object, boolean]>([
    ["another title", { title: "t" }, true],
    ["the same status", { status: "in_progress" }, true],
    ["another status", { status: "blocked" }, false],
    ["another assignee", { assignee: "bob" }, false],
    ["no assignee", { assignee: null }, false],
  ])("a write without a token: %s", async (_what, changes, isHeld) => {
    const task = await board.create();
    const { token } = (await board.claim(task, "ada")).lease;
    await board.ask(`PATCH /tasks/${task.id}`, changes);
    expect(await held(task)).toBe(isHeld);
    expect((await post(task, "heartbeat", { token })).status).toBe(isHeld ? 200 : 409);
  });

  test("a write of its holder keeps it", async () => {
    const task = await board.create();
    const { token } = (await board.claim(task, "ada")).lease;
    await board.ask(`PATCH /tasks/${task.id}`, { status: "blocked", leaseToken: token });
    expect(await board.read(task)).toMatchObject({ status: "blocked", lease: { agent: "ada" } });
    expect((await post(task, "heartbeat", { token })).status).toBe(200);
    await board.ask(`PATCH /tasks/${task.id}`, { status: "open" });
    expect(await held(task)).toBe(false);
  });

  test.each([
    ["review", { summary: "s" }],
    ["approve", {}],
    ["reject", { reason: "r" }],
  ])("%s, by anybody", async (action, body) => {
    for (const isHolder of [true, false]) {
      const task = await board.create();
      const { token } = (await board.claim(task, "ada")).lease;
      await post(task, `${action}`, { ...Object(body), ...(isHolder && { leaseToken: token }) });
      expect(await held(task)).toBe(false);
    }
  });

  test("notes, artifacts and votes of others do not", async () => {
    const task = await board.create();
    await board.claim(task, "ada");
    for (const [call, body] of WRITES.slice(1, 4)) await board.ask(call.replace(":id", task.id), body);
    expect(await held(task)).toBe(true);
  });
});

describe("ownLease=true carries the token that the caller was given last (spec §2)", () => {
  const as = (agent: string) => ({ "X-Agent-Name": agent });
  const note = (task: Task, agent: string) =>
    post(task, "notes?ownLease=true", { author: agent, content: "c", type: "update" }, as(agent));

  test("so one who lost the lease is refused, and others are not", async () => {
    const task = await board.create();
    await post(task, "claim", { agent: "ada", leaseSeconds: 60 }, as("ada"));
    expect((await note(task, "ada")).status).toBe(201);
    nowMs += MINUTE;
    await post(task, "claim", { agent: "bob" }, as("bob"));
    expect(await refusal(note(task, "ada"))).toEqual([409, "lease lost"]);
    expect((await note(task, "bob")).status).toBe(201);
    expect((await note(task, "eve")).status).toBe(201);
    expect(
      (await post(task, "notes", { author: "ada", content: "c", type: "update" }, as("ada"))).status,
    ).toBe(201);
  });

  test("until the next claim, or until it is long ago", async () => {
    const [task, other] = [await board.create(), await board.create()];
    for (const one of [task, other]) {
      await post(one, "claim", { agent: "ada", leaseSeconds: 10 }, as("ada"));
      await post(one, "reject", { reason: "r" });
      expect(await refusal(note(one, "ada"))).toEqual([409, "lease lost"]);
    }
    await post(task, "claim", { agent: "ada", force: true }, as("ada"));
    expect((await note(task, "ada")).status).toBe(201);
    nowMs += 8 * 86_400_000;
    expect((await note(other, "ada")).status).toBe(201);
  });

  test("who gave it back by release or review carries none", async () => {
    for (const [action, body] of [
      ["release", {}],
      ["review", { summary: "s" }],
    ] as const) {
      const task = await board.create();
      await post(task, "claim", { agent: "ada" }, as("ada"));
      expect((await post(task, `${action}?ownLease=true`, body, as("ada"))).status).toBe(200);
      expect((await note(task, "ada")).status).toBe(201);
    }
  });

  test("heartbeat and release then need no other token, but one of them", async () => {
    const task = await board.create();
    for (const action of ["heartbeat", "release"]) {
      expect(await refusal(post(task, `${action}?ownLease=true`, {}, as("ada")))).toEqual([
        409,
        "lease lost",
      ]);
      expect(await refusal(post(task, `${action}?ownLease=true`))).toEqual([409, "lease lost"]);
    }
    const { lease } = (await post(task, "claim", { agent: "ada" }, as("ada"))).data;
    expect((await post(task, "heartbeat?ownLease=true", {}, as("ada"))).data).toEqual({ lease });
    expect((await post(task, "release?ownLease=true", {}, as("ada"))).data.status).toBe("open");
  });
});

describe("a lease that runs out (spec §2)", () => {
  const looks: [string, (task: Task) => Promise<unknown>][] = [
    ["a read", (task) => board.read(task)],
    ["a list", () => board.ask("GET /tasks?ready=true")],
    ["the review queue", () => board.ask("GET /review")],
    ["a look at the notes", ({ id }) => board.ask(`GET /tasks/${id}/notes`)],
    ["a look at the counts", () => board.ask("GET /stats")],
    ["a write on another task", () => board.create()],
  ];

  test.each(looks)("is ended by %s", async (_what, look) => {
    const task = await board.create();
    const { lease } = await board.claim(task, "ada", { leaseSeconds: 60 });
    board.told();
    nowMs += MINUTE - 1;
    await look(task);
    expect(board.told().map(([event]) => event)).not.toContain("board:lease_expired");
    nowMs += 1;
    await look(task);
    const after = await board.read(task);
    const [note] = after.notes;
    expect(note).toMatchObject({ author: "board", type: "update", content: "Lease of ada expired" });
    expect(after).toMatchObject({ status: "open", noteCount: 1 });
    expect([after.assignee, after.lease]).toEqual([undefined, undefined]);
    const about = { source: "board", taskId: task.id };
    const status = "Sweep: in_progress → open (board)";
    expect(board.told().slice(0, 4)).toEqual([
      ["board:task_updated", { task: after, changes: { status: "open", assignee: null, notes: [note] } }],
      ["reef:event", { type: "board_task_status", content: status, ...about }],
      ["board:lease_expired", { task: after, agent: "ada" }],
      ["reef:event", { type: "board_lease_expired", content: "Sweep: the lease of ada expired", ...about }],
    ]);
    expect(await refusal(post(task, "heartbeat", { token: lease.token }))).toEqual([409, "lease lost"]);
  });

  test("is over for whoever comes first: its holder is refused, another one may claim", async () => {
    const task = await board.create();
    const first = await board.claim(task, "ada", { leaseSeconds: 60 });
    nowMs += MINUTE;
    const late = { title: "late", leaseToken: first.lease.token };
    expect(await refusal(board.ask(`PATCH /tasks/${task.id}`, late))).toEqual([409, "lease lost"]);
    const second = await board.claim(task, "bob");
    expect(second.lease.token).toBeGreaterThan(first.lease.token);
    expect(second.task).toMatchObject({ title: "Sweep", assignee: "bob", noteCount: 1 });
  });

  test("does not while it is renewed (spec §17.14)", async () => {
    const task = await board.create();
    const { token } = (await board.claim(task, "ada", { leaseSeconds: 60 })).lease;
    for (let n = 0; n < 10; n++) {
      nowMs += MINUTE - 1;
      expect((await post(task, "heartbeat", { token })).status).toBe(200);
    }
    expect(await board.read(task)).toMatchObject({ status: "in_progress", noteCount: 0 });
  });

  test.each(["open", "in_review", "blocked", "done"])("leaves a task that is %s as it is", async (status) => {
    const task = await board.create();
    const { token } = (await board.claim(task, "ada", { leaseSeconds: 60 })).lease;
    const { data } = await board.ask(`PATCH /tasks/${task.id}`, { status, leaseToken: token });
    board.told();
    nowMs += MINUTE;
    const { lease, ...rest } = data;
    expect(await board.read(task)).toEqual(rest);
    expect(board.told()).toEqual([["board:lease_expired", { task: rest, agent: lease.agent }]]);
  });

  test("many at once are ended together", async () => {
    const tasks = await Promise.all(Array.from({ length: 250 }, () => board.create()));
    await Promise.all(tasks.map((task) => board.claim(task, "ada")));
    nowMs += 5 * MINUTE;
    const { byStatus, leased } = (await board.ask("GET /stats")).data;
    expect([byStatus.open, leased]).toEqual([250, 0]);
  });

  test("is ended although no note fits any more", async () => {
    const task = await board.create();
    await board.claim(task, "ada");
    const db = new Database(`${board.harness.dataDir}/board.sqlite`);
    db.run("UPDATE tasks SET note_count = 10000");
    db.close();
    const full = [409, "task has too many notes"];
    expect(await refusal(post(task, "notes", { author: "a", content: "c", type: "update" }))).toEqual(full);
    for (const [action, body] of [
      ["review", { summary: "s" }],
      ["approve", {}],
      ["reject", { reason: "r" }],
    ] as const)
      expect(await refusal(post(task, action, body))).toEqual(full);
    nowMs += 5 * MINUTE;
    expect(await board.read(task)).toMatchObject({ status: "open", noteCount: 10_000 });
  });

  test("is ended by a timer when nobody looks", async () => {
    const { ctx } = board.harness;
    const store = await openBoard({ ...ctx, name: "timed" });
    const nothing = { description: undefined, assignee: undefined, tags: [], dependencies: [] };
    const { json } = await store.create({ title: "t", createdBy: "c", status: "open", ...nothing });
    const expired = Promise.withResolvers<{ task: Task; agent: string }>();
    ctx.events.on("board:lease_expired", expired.resolve);
    const wanted = { agent: "ada", lengthMs: 30, holder: null, causeId: null };
    const guard = { tokens: [], isOwn: false, holder: null, isMeant: () => true };
    await store.change(JSON.parse(json).id, guard, claimed(wanted, { force: false }));
    expect(await expired.promise).toMatchObject({ task: { status: "open" }, agent: "ada" });
  });
});

describe("after a restart (spec §2)", () => {
  let dataDir: string;
  beforeEach(async () => {
    await board.harness.cleanup();
    dataDir = await mkdtemp(join(tmpdir(), "board-"));
    board = await startBoard({ now: () => nowMs, dataDir });
  });
  afterEach(() => rm(dataDir, { recursive: true }));

  const restart = async () => {
    await board.harness.cleanup();
    board = await startBoard({ now: () => nowMs, dataDir });
  };

  test("a lease that ran out while the server was down has 30 s more (spec §17.14)", async () => {
    const [kept, lost] = [await board.create(), await board.create()];
    const { token } = (await board.claim(kept, "ada", { leaseSeconds: 60 })).lease;
    await board.claim(lost, "bob", { leaseSeconds: 60 });
    nowMs += 60 * MINUTE;
    await restart();
    expect((await board.read(kept)).lease).toEqual({ agent: "ada", expiresAt: at(30_000) });
    nowMs += 29_999;
    expect((await post(kept, "heartbeat", { token })).status).toBe(200);
    nowMs += 1;
    expect(await board.read(lost)).toMatchObject({ status: "open", noteCount: 1 });
    expect(await board.read(kept)).toMatchObject({ status: "in_progress", assignee: "ada" });
  });

  test("a lease that lasts longer is as long as before", async () => {
    const task = await board.create();
    const { lease } = await board.claim(task, "ada");
    await restart();
    expect((await board.read(task)).lease?.expiresAt).toBe(lease.expiresAt);
  });

  test("tokens and ids are larger than any before, also when theirs was deleted and the clock went back", async () => {
    const task = await board.create();
    await board.claim(task, "ada");
    const { token } = (await board.claim(task, "ada")).lease;
    const note = await post(task, "notes", { author: "a", content: "c", type: "update" });
    await board.ask(`DELETE /tasks/${task.id}`);
    nowMs -= 60 * MINUTE;
    await restart();
    const next = await board.create();
    expect(next.id > note.data.id).toBe(true);
    expect((await board.claim(next, "ada")).lease.token).toBeGreaterThan(token);
  });

  test("one who lost the lease before is still refused", async () => {
    const as = { "X-Agent-Name": "ada" };
    const task = await board.create();
    await post(task, "claim", { agent: "ada" }, as);
    await board.ask(`PATCH /tasks/${task.id}`, { status: "open" });
    await restart();
    expect(await refusal(post(task, "bump?ownLease=true", undefined, as))).toEqual([409, "lease lost"]);
  });
});
