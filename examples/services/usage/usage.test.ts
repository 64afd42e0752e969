// The ledger over HTTP: what it takes, what it refuses, and what it answers.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createFleetClient } from "#core/client.js";
import { createTestHarness, type TestHarness } from "#core/testing.js";
import type { ServiceModule, ToolResult } from "#core/types.js";
import usage from "./index.js";

let harness: TestHarness;
let told: unknown[];
beforeEach(async () => {
  harness = await createTestHarness({ services: [usage] });
  told = [];
  for (const event of ["usage:session", "usage:vm", "reef:event"])
    harness.events.on(event, (data) => told.push([event, data]));
});
afterEach(() => harness.cleanup());

const FIGURES = "input, output, cacheRead, cacheWrite, total";
const HOUR_MS = 3_600_000;
const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
const tokens = (total: number) => ({ input: total, output: 0, cacheRead: 0, cacheWrite: 0, total });
const sent = (more: object = {}) => ({
  sessionId: "s1",
  agent: "ada",
  model: "opus",
  tokens: { input: 10, output: 20, cacheRead: 30, cacheWrite: 40, total: 100 },
  cost: { input: 0.1, output: 0.2, cacheRead: 0.03, cacheWrite: 0.004, total: 0.334 },
  turns: 3,
  startedAt: "2026-01-31T10:00:00+01:00",
  endedAt: "2026-01-31T09:30:00Z",
  ...more,
});
const recent = (more: object = {}) => sent({ startedAt: ago(2_000), endedAt: ago(1_000), ...more });
const post = (path: string, body: unknown) => harness.json(`/usage${path}`, { auth: true, body });
const get = async (path: string) => (await harness.json(`/usage${path}`, { auth: true })).data;
const add = async (more: object = {}) => (await post("/sessions", recent(more))).data;

describe("POST /usage/sessions (spec §10)", () => {
  test("answers with the session, its times in UTC and in the order of the documents", async () => {
    const { status, data } = await post(
      "/sessions",
      sent({ sessionId: " s1 ", parentAgent: "bob", toolCalls: { bash: 2 } }),
    );
    expect(status).toBe(201);
    expect(JSON.stringify(data)).toBe(
      JSON.stringify({
        id: data.id,
        ...{ sessionId: "s1", agent: "ada", parentAgent: "bob", model: "opus" },
        tokens: sent().tokens,
        cost: sent().cost,
        turns: 3,
        toolCalls: { bash: 2 },
        startedAt: "2026-01-31T09:00:00.000Z",
        endedAt: "2026-01-31T09:30:00.000Z",
        recordedAt: data.recordedAt,
      }),
    );
    expect(data.id).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    expect(Date.now() - Date.parse(data.recordedAt)).toBeLessThan(60_000);
    expect(told).toEqual([["usage:session", { session: data }]]);
  });

  test("has null for no parent, no calls, and what was sent of task, node and models", async () => {
    const plain = (await post("/sessions", sent({ parentAgent: " ", toolCalls: null }))).data;
    expect([plain.parentAgent, plain.toolCalls, "taskId" in plain, "models" in plain]).toEqual([
      null,
      {},
      false,
      false,
    ]);
    const models = {
      opus: { tokens: 60, cost: 0.3, turns: 2 },
      haiku: { tokens: 40, cost: 0.034 },
    };
    const { data } = await post("/sessions", sent({ taskId: "t1", nodeId: "n1", models }));
    expect([data.taskId, data.nodeId, data.models]).toEqual(["t1", "n1", models]);
  });

  const wrongTokens = `tokens must include ${FIGURES} as numbers`;
  const wrongCost = `cost must include ${FIGURES} as numbers`;
  test.each<[string, unknown, string]>([
    ["sessionId", undefined, "sessionId is required"],
    ["sessionId", " ", "sessionId is required"],
    ["sessionId", 5, "sessionId must be a string"],
    ["sessionId", "x".repeat(201), "sessionId is longer than 200 characters"],
    ["agent", null, "agent is required"],
    ["model", "", "model is required"],
    ["parentAgent", 5, "parentAgent must be a string"],
    ["tokens", undefined, wrongTokens],
    ["tokens", 5, wrongTokens],
    ["tokens", { ...tokens(5), cacheRead: undefined }, wrongTokens],
    ["tokens", { ...tokens(5), input: "5" }, wrongTokens],
    ["tokens", { ...tokens(5), input: -1 }, wrongTokens],
    ["tokens", { ...tokens(5), output: 0.5 }, wrongTokens],
    ["tokens", { ...tokens(5), total: 2 ** 53 }, `tokens must be at most ${2 ** 53 - 1} each`],
    ["cost", undefined, wrongCost],
    ["cost", { ...tokens(5), total: null }, wrongCost],
    ["cost", { ...tokens(5), total: -0.01 }, wrongCost],
    ["cost", { ...tokens(5), total: 1_000_000.01 }, "cost must be at most 1000000 each"],
    ["turns", undefined, "turns must be a non-negative number"],
    ["turns", "3", "turns must be a non-negative number"],
    ["turns", -1, "turns must be a non-negative number"],
    ["toolCalls", [], "toolCalls must be an object"],
    ["toolCalls", { bash: -1 }, "toolCalls.bash must be a whole number of at least 0"],
    ["startedAt", undefined, "startedAt is required"],
    ["startedAt", "yesterday", "startedAt must be a time"],
    ["endedAt", "", "endedAt is required"],
    ["endedAt", 5, "endedAt must be a time"],
    ["endedAt", "2026-01-31T08:59:59.999Z", "endedAt must not be before startedAt"],
    ["taskId", {}, "taskId must be a string"],
    ["nodeId", "x".repeat(201), "nodeId is longer than 200 characters"],
    ["models", [], "models must be an object"],
    ["models", { opus: 5 }, "models.opus must be an object"],
    ["models", { opus: { tokens: 100 } }, wrongCost],
    ["models", { opus: { tokens: 100, cost: 0.333 } }, "models must add up to tokens and cost"],
    ["models", { opus: { tokens: 99, cost: 0.334 } }, "models must add up to tokens and cost"],
    [
      "models",
      { opus: { tokens: { ...sent().tokens, input: 9, output: 21 }, cost: 0.334 } },
      "models must add up to tokens and cost",
    ],
    [
      "models",
      Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`m${n}`, { tokens: 0, cost: 0 }])),
      "models has more than 100 items",
    ],
  ])("refuses another %s (case %#)", async (field, value, message) => {
    const { status, data } = await post("/sessions", sent({ [field]: value }));
    expect([status, data]).toEqual([400, { error: message, code: "bad_request" }]);
    expect(await get("/sessions")).toEqual({ sessions: [], count: 0, cursor: null });
    expect(told).toEqual([]);
  });

  test("checks the fields in the order of the documents", async () => {
    const messages: string[] = [];
    const body: Record<string, unknown> = {};
    for (const [field, value] of Object.entries(sent())) {
      messages.push((await post("/sessions", body)).data.error);
      body[field] = value;
    }
    expect(messages).toEqual([
      "sessionId is required",
      "agent is required",
      "model is required",
      wrongTokens,
      wrongCost,
      "turns must be a non-negative number",
      "startedAt is required",
      "endedAt is required",
    ]);
  });

  test("takes every limit at its edge", async () => {
    const most = Number.MAX_SAFE_INTEGER;
    const cost = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 1_000_000 };
    const models = Object.fromEntries(
      Array.from({ length: 100 }, (_, n) => [`m${n}`, { tokens: n ? 0 : most, cost: n ? 0 : 1_000_000 }]),
    );
    const body = sent({ sessionId: "x".repeat(200), tokens: tokens(most), cost, models });
    expect((await post("/sessions", body)).status).toBe(201);
    expect((await get("/?range=all")).totals).toMatchObject({ tokens: most, cost: 1_000_000 });
  });

  test("keeps every post apart, also of one session", async () => {
    const first = await add();
    expect(first.id < (await add()).id).toBe(true);
    expect((await get("/")).totals.sessions).toBe(2);
  });
});

describe("upsert (spec §10)", () => {
  const upsert = (more: object) => post("/sessions?upsert=true", recent(more));

  test("replaces the newest record of that session and agent, with its id and the earlier start", async () => {
    const first = await add({ startedAt: ago(60_000), taskId: "t" });
    await add({ agent: "bob" });
    const { status, data } = await upsert({
      model: "haiku",
      turns: 9,
      cost: tokens(2),
      startedAt: ago(50_000),
    });
    expect(status).toBe(200);
    expect(data).toMatchObject({ id: first.id, startedAt: first.startedAt, model: "haiku", turns: 9 });
    expect("taskId" in data).toBe(false);
    const earlier = ago(90_000);
    expect((await upsert({ startedAt: earlier })).data).toMatchObject({ id: first.id, startedAt: earlier });
    expect((await get("/sessions")).count).toBe(2);
    expect((await get("/sessions?agent=ada")).sessions).toMatchObject([{ id: first.id, startedAt: earlier }]);
  });

  test("is a new record for an unknown session", async () => {
    const { status, data } = await upsert({});
    expect([status, (await get("/sessions")).sessions]).toEqual([201, [data]]);
    expect((await post("/sessions?upsert=perhaps", sent())).data.error).toBe("invalid upsert: perhaps");
  });

  test("corrects every sum", async () => {
    await upsert({ taskId: "t1", cost: tokens(1) });
    await upsert({ taskId: "t2", model: "haiku", tokens: tokens(7), cost: tokens(3) });
    expect(await get("/?by=model,task,day")).toEqual({
      range: "7d",
      totals: { tokens: 7, cost: 3, sessions: 1, vms: 0 },
      byAgent: { ada: { tokens: 7, cost: 3, sessions: 1 } },
      exact: { cost: 3, byAgent: { ada: 3 } },
      byModel: { haiku: { tokens: 7, cost: 3, sessions: 1 } },
      byTask: { t2: { tokens: 7, cost: 3, sessions: 1 } },
      byDay: { [ago(1_000).slice(0, 10)]: { tokens: 7, cost: 3, sessions: 1 } },
    });
  });
});

describe("GET /usage (spec §10)", () => {
  test("has exactly the documented keys, also without anything", async () => {
    expect(await get("/")).toEqual({
      range: "7d",
      totals: { tokens: 0, cost: 0, sessions: 0, vms: 0 },
      byAgent: {},
      exact: { cost: 0, byAgent: {} },
      byModel: {},
      byTask: {},
    });
    expect(Object.keys(await get("/?by=day"))).toEqual(["range", "totals", "byAgent", "exact", "byDay"]);
  });

  test("ten thousand sessions of 0.0049 make 49.00", async () => {
    const cost = { ...tokens(0), total: 0.0049 };
    for (let n = 0; n < 10_000; n += 500)
      await Promise.all(Array.from({ length: 500 }, () => add({ cost, tokens: tokens(1) })));
    const { totals, byAgent, exact } = await get("/");
    expect(totals).toEqual({ tokens: 10_000, cost: 49, sessions: 10_000, vms: 0 });
    expect([byAgent.ada.cost, exact]).toEqual([49, { cost: 49, byAgent: { ada: 49 } }]);
  });

  test("rounds each figure from its own exact sum", async () => {
    for (const agent of ["ada", "bob", "cy"]) await add({ agent, cost: { ...tokens(0), total: 0.005 } });
    await add({ agent: "dee", cost: { ...tokens(0), total: 0.000000001 } });
    const { totals, byAgent, exact } = await get("/");
    expect([totals.cost, byAgent.ada.cost, byAgent.dee.cost]).toEqual([0.02, 0.01, 0]);
    expect(exact).toEqual({ cost: 0.015000001, byAgent: { ada: 0.005, bob: 0.005, cy: 0.005, dee: 1e-9 } });
  });

  test("adds up more than fits into 64 bits", async () => {
    const most = Number.MAX_SAFE_INTEGER;
    await Promise.all(
      Array.from({ length: 1_100 }, () => add({ tokens: tokens(most), cost: tokens(1_000_000) })),
    );
    const { totals } = await get("/");
    expect(totals).toEqual({ tokens: Number(BigInt(most) * 1_100n), cost: 1.1e9, sessions: 1_100, vms: 0 });
  });

  test("has what ended within the range, and names the range as it was sent", async () => {
    await add({ agent: "old", startedAt: ago(9 * 24 * HOUR_MS), endedAt: ago(8 * 24 * HOUR_MS) });
    await add({ agent: "day", startedAt: ago(9 * 24 * HOUR_MS), endedAt: ago(2 * HOUR_MS) });
    await add({ agent: "now" });
    for (const [range, agents] of [
      ["30m", ["now"]],
      ["007h", ["day", "now"]],
      ["7d", ["day", "now"]],
      ["2w", ["day", "now", "old"]],
      ["all", ["day", "now", "old"]],
      [`${"9".repeat(400)}w`, ["day", "now", "old"]],
    ] as const) {
      const summary = await get(`/?range=${range}`);
      expect([summary.range, Object.keys(summary.byAgent).sort()]).toEqual([range, [...agents]]);
      expect(summary.totals.sessions).toBe(agents.length);
      expect((await get(`/sessions?range=${range}&total=true`)).total).toBe(agents.length);
    }
  });

  test.each(["", "7", "d", "-1d", "0d", "1.5h", "7days", "ALL", "7d "])(
    "refuses the range %p",
    async (range) => {
      for (const path of ["/", "/sessions", "/vms"]) {
        const { status, data } = await harness.json(`/usage${path}?range=${encodeURIComponent(range)}`, {
          auth: true,
        });
        expect([status, data]).toEqual([400, { error: `invalid range: ${range}`, code: "bad_request" }]);
      }
    },
  );

  test("orders by cost, highest first, and shows the 100 tasks that cost most", async () => {
    const cost = (total: number) => ({ cost: { ...tokens(0), total } });
    await Promise.all(
      Array.from({ length: 105 }, (_, n) => add({ agent: `a${n % 3}`, taskId: `t${n}`, ...cost(n / 100) })),
    );
    const { byAgent, byTask } = await get("/");
    expect(Object.keys(byAgent)).toEqual(["a2", "a1", "a0"]);
    expect(Object.keys(byTask)).toEqual(Array.from({ length: 100 }, (_, n) => `t${104 - n}`));
    expect(await harness.json("/usage?by=model,agent", { auth: true })).toMatchObject({
      status: 400,
      data: { error: "invalid by: model,agent" },
    });
  });

  test("gives each model of a split session its share", async () => {
    const models = {
      opus: { tokens: tokens(60), cost: { ...tokens(0), total: 0.1 } },
      haiku: { tokens: tokens(40), cost: { ...tokens(0), total: 0.2 } },
    };
    await add({ tokens: tokens(100), cost: { ...tokens(0), total: 0.3 }, models });
    await add({ tokens: tokens(1), cost: { ...tokens(0), total: 0.05 } });
    expect((await get("/")).byModel).toEqual({
      haiku: { tokens: 40, cost: 0.2, sessions: 1 },
      opus: { tokens: 61, cost: 0.15, sessions: 2 },
    });
  });
});

describe("GET /usage/sessions (spec §10)", () => {
  test("lists by start, newest first, in pages, with filters", async () => {
    for (let n = 0; n < 5; n++)
      await add({
        sessionId: `s${n}`,
        agent: n % 2 ? "odd" : "even",
        model: `m${n}`,
        startedAt: ago(10_000 - n),
      });
    const names = ({ sessions }: { sessions: { sessionId: string }[] }) =>
      sessions.map(({ sessionId }) => sessionId);
    expect(names(await get("/sessions"))).toEqual(["s4", "s3", "s2", "s1", "s0"]);
    const first = await get("/sessions?limit=2&agent=even&total=true");
    expect([names(first), first.count, first.total]).toEqual([["s4", "s2"], 2, 3]);
    const second = await get(`/sessions?limit=2&cursor=${first.cursor}`);
    expect([names(second), second.cursor]).toEqual([["s0"], null]);
    expect(names(await get("/sessions?model=m3"))).toEqual(["s3"]);
    expect(names(await get("/sessions?sessionId=s1"))).toEqual(["s1"]);
    expect(names(await get("/sessions?taskId=none"))).toEqual([]);
    expect((await get(`/vms?cursor=${first.cursor}`)).error).toBe("invalid cursor");
    expect((await get("/sessions?limit=0")).error).toBe("invalid limit: 0");
  });
});

describe("VMs (spec §10)", () => {
  const vm = (more: object = {}) => ({ vmId: "vm-1", agent: "ada", createdAt: ago(60_000), ...more });

  test("records one, with role worker unless another is named", async () => {
    const { status, data } = await post("/vms", vm({ commitId: "c1" }));
    expect(status).toBe(201);
    expect(Object.keys(data)).toEqual(["id", "vmId", "role", "agent", "commitId", "createdAt", "recordedAt"]);
    expect(data).toMatchObject({ vmId: "vm-1", role: "worker", agent: "ada", commitId: "c1" });
    expect(told).toEqual([
      ["usage:vm", { vm: data }],
      [
        "reef:event",
        { type: "usage_vm", source: "usage", content: "VM vm-1 created (worker) by ada", vmId: "vm-1" },
      ],
    ]);
    for (const role of ["orchestrator", "lieutenant", "worker", "infra", "golden", "custom"])
      expect((await post("/vms", vm({ role }))).data.role).toBe(role);
  });

  test.each<[string, unknown, string]>([
    ["vmId", " ", "vmId is required"],
    ["role", "boss", "invalid role: boss"],
    ["agent", undefined, "agent is required"],
    ["createdAt", undefined, "createdAt is required"],
    ["createdAt", "x", "createdAt must be a time"],
    ["commitId", 5, "commitId must be a string"],
    ["destroyedAt", "x", "destroyedAt must be a time"],
  ])("refuses another %s (case %#)", async (field, value, message) => {
    const { status, data } = await post("/vms", vm({ [field]: value }));
    expect([status, data]).toEqual([400, { error: message, code: "bad_request" }]);
    expect((await get("/vms")).count).toBe(0);
  });

  test("destroyedAt is set on the newest record without one, else a record is added", async () => {
    const first = (await post("/vms", vm())).data;
    const second = (await post("/vms", vm({ createdAt: ago(30_000), role: "golden" }))).data;
    const destroyedAt = ago(1_000);
    const destroy = async (more: object = {}) => (await post("/vms", vm({ destroyedAt, ...more }))).data;
    expect(await destroy()).toEqual({ ...second, destroyedAt });
    expect(told.at(-1)).toMatchObject(["reef:event", { content: "VM vm-1 destroyed by ada" }]);
    expect(await destroy({ agent: "bob" })).toEqual({ ...first, destroyedAt });
    const third = await destroy();
    expect([third.id > second.id, third.destroyedAt]).toEqual([true, destroyedAt]);
    expect((await destroy({ vmId: "unknown" })).vmId).toBe("unknown");
    expect((await get("/vms")).count).toBe(4);
  });

  test("lists by creation, newest first, and counts different VMs", async () => {
    await post("/vms", vm({ vmId: "a", createdAt: ago(9 * 24 * HOUR_MS) }));
    await post("/vms", vm({ vmId: "b", createdAt: ago(2 * HOUR_MS), role: "infra" }));
    await post("/vms", vm({ vmId: "b", createdAt: ago(3 * HOUR_MS) }));
    await post("/vms", vm({ vmId: "a", agent: "bob" }));
    const ids = ({ vms }: { vms: { vmId: string }[] }) => vms.map(({ vmId }) => vmId);
    expect(ids(await get("/vms"))).toEqual(["a", "b", "b", "a"]);
    expect(ids(await get("/vms?range=1h"))).toEqual(["a"]);
    expect(ids(await get("/vms?role=infra"))).toEqual(["b"]);
    expect(ids(await get("/vms?role=boss"))).toEqual([]);
    expect(ids(await get("/vms?agent=ada&limit=1"))).toEqual(["b"]);
    const counts = await Promise.all(["1h", "7d", "2w", "all"].map((range) => get(`/?range=${range}`)));
    expect(counts.map(({ totals }) => totals.vms)).toEqual([1, 2, 2, 2]);
  });
});

test("the widget tells the last seven days (spec §10)", async () => {
  await add({ cost: { ...tokens(0), total: 1.005 } });
  await add({ endedAt: ago(8 * 24 * HOUR_MS), startedAt: ago(9 * 24 * HOUR_MS) });
  const { widget }: ServiceModule = usage;
  expect(await widget?.getLines(createFleetClient())).toEqual(["Usage: $1.01, 1 sessions (7d)"]);
});

describe("tools (spec §10)", () => {
  const textOf = ({ content }: ToolResult) =>
    content.map((part) => (part.type === "text" ? part.text : "")).join("");

  test("usage_summary answers with the summary of a range", async () => {
    await add();
    const { details } = await harness.tool("usage_summary", { range: "1h" });
    expect(details).toEqual({ summary: await get("/?range=1h") });
    const refused = await harness.tool("usage_summary", { range: "x" });
    expect([refused.isError, textOf(refused)]).toEqual([true, "Error: invalid range: x"]);
  });

  test("usage_sessions and usage_vms list whole items, and say how many are left", async () => {
    for (let n = 0; n < 30; n++) await add({ sessionId: `s${n}`, startedAt: ago(10_000 - n) });
    const result = await harness.tool("usage_sessions", { agent: "ada" });
    const [json = "", rest] = textOf(result).split("\n… ");
    const shown = JSON.parse(json);
    expect(textOf(result).length).toBeLessThanOrEqual(8_000);
    expect(rest).toBe(`${30 - shown.length} more: pass a shorter range, an agent, or a limit`);
    expect(result.details).toEqual({ result: { sessions: shown, count: shown.length, total: 30 } });
    expect(shown[0].sessionId).toBe("s29");
    await post("/vms", { vmId: "v", agent: "ada", createdAt: ago(1) });
    expect(
      (await harness.tool("usage_vms", { role: "worker", range: "1h", limit: 5 })).details,
    ).toMatchObject({
      result: { vms: [{ vmId: "v" }], count: 1 },
    });
  });
});
