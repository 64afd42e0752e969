// Live runs of a real server with the real pi: what /agent tells of them, and that it ends when they do.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { RunInfo } from "../../src/tasks/runs.js";
import { cleanUp, type Reef, ROOT, startReef } from "./reef.js";

const cli = join(ROOT, "node_modules/@mariozechner/pi-coding-agent/dist/cli.js");
/** The real pi with one more extension, which asks. */
const ASKING_PI = `${process.execPath} --no-install --no-env-file --config=/dev/null ${cli} -e ${join(import.meta.dir, "fixtures/ask.ts")}`;
const NOBODY = { error: "No live run for task 'nobody'", code: "not_found" };

let reef: Reef;
beforeAll(async () => {
  reef = await startReef();
});
afterAll(cleanUp);

const isAlive = (pid: number) => existsSync(`/proc/${pid}`);
const statusOf = async (path: string, method = "GET") => (await reef.fetch(path, { method })).status;

/** The run, as soon as it is handed over and `holds`. */
async function run(at: Reef, task: string, holds: (run: RunInfo) => boolean = () => true): Promise<RunInfo> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const answer = await at.fetch(`/agent/${task}`);
    const found = answer.ok ? ((await answer.json()) as RunInfo) : undefined;
    if (found && holds(found)) return found;
    if (Date.now() > deadline) throw new Error(`'${task}' did not get there: ${JSON.stringify(found)}`);
    await Bun.sleep(10);
  }
}

interface Seen {
  id: number | undefined;
  data: Record<string, unknown> & { type: string };
}

/** Reads frames until the server ends the stream, or until `enough`. */
async function read(
  path: string,
  enough: (seen: Seen[]) => boolean = () => false,
  lastEventId?: number,
): Promise<{ seen: Seen[]; ended: boolean }> {
  const headers: Record<string, string> =
    lastEventId === undefined ? {} : { "Last-Event-ID": `${lastEventId}` };
  const response = await reef.fetch(path, { headers });
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
  const seen: Seen[] = [];
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const frames = text.split("\n\n");
    text = frames.pop() ?? "";
    for (const frame of frames) {
      const [, id, data] = /^(?:id: (\d+)\n)?data: (.*)$/.exec(frame) ?? [];
      if (data !== undefined)
        seen.push({ id: id === undefined ? undefined : Number(id), data: JSON.parse(data) });
    }
    if (enough(seen)) return { seen, ended: false };
  }
  return { seen, ended: true };
}

const committed = (seen: Seen[]) => seen.flatMap(({ id }) => (id === undefined ? [] : [id]));

/** The seqs of the nodes of a task's newest turn. */
async function turnOf(task: string): Promise<number[]> {
  const nodes = (await reef.nodes()).filter((node) => node.taskId === task);
  const first = nodes.findLast((node) => node.role === "user")?.seq ?? 0;
  return nodes.map(({ seq }) => seq).filter((seq) => seq >= first);
}

describe("GET /agent (spec §11)", () => {
  test("tells what a run is doing, and a tool while it runs", async () => {
    const { nodeId } = await reef.submit({
      task: "Run `sleep 60`.",
      taskId: "tool",
      thinking: "low",
      cwd: "/tmp",
    });
    const info = await run(reef, "tool", ({ currentTool }) => currentTool !== undefined);
    expect(info).toEqual({
      taskId: "tool",
      nodeId,
      pid: info.pid,
      status: "running",
      model: "offline/scripted",
      thinking: "low",
      cwd: "/tmp",
      attempt: 1,
      startedAt: info.startedAt,
      elapsedMs: info.elapsedMs,
      turns: 1,
      toolCalls: 1,
      currentTool: { toolCallId: expect.any(String), toolName: "bash", startedAt: expect.any(Number) },
      usage: info.usage,
      pending: [],
    });
    expect(readFileSync(`/proc/${info.pid}/environ`, "utf8")).toContain("VERS_INFRA_URL");
    expect(info.usage.totalTokens).toBeGreaterThan(0);
    expect(info.startedAt).toBeLessThanOrEqual(info.currentTool?.startedAt ?? 0);
    expect(info.startedAt + info.elapsedMs).toBeLessThanOrEqual(Date.now());
    const call = (await reef.nodes()).find((node) => node.role === "tool_call" && node.taskId === "tool");
    expect(info.currentTool).toMatchObject({ toolCallId: call?.toolCallId, startedAt: call?.timestamp });
  });

  test("lists all of them by start time", async () => {
    await reef.submit({ task: "Run `sleep 60`.", taskId: "second" });
    const second = await run(reef, "second");
    const { agents, count } = await reef.api<{ agents: RunInfo[]; count: number }>("GET", "/agent");
    expect([count, ...agents.map(({ taskId }) => taskId)]).toEqual([2, "tool", "second"]);
    expect(agents[1]?.pid).toBe(second.pid);
    expect(second).toMatchObject({ cwd: process.cwd(), thinking: "medium" });
  });

  test("a cancel ends the run, and its process with it", async () => {
    const { pid } = await run(reef, "tool");
    const answer = await reef.api("POST", "/agent/tool/cancel", { reason: "enough" });
    expect(answer).toMatchObject({ id: "tool", status: "cancelled" });
    expect([isAlive(pid), await statusOf("/agent/tool")]).toEqual([false, 404]);
    expect((await reef.over("tool")).nodes.at(-1)).toMatchObject({ id: answer.nodeId, content: "enough" });
    await reef.api("POST", "/agent/second/cancel");
    expect(await reef.api("GET", "/agent")).toEqual({ agents: [], count: 0 });
  });

  test("whoever no longer sees a run finds its process gone, however it ended", async () => {
    for (const [taskId, task, timeoutSeconds] of [
      ["well", "slow: 40 words every 25 ms", 0],
      ["badly", "Run `sleep 60`.", 1],
    ] as const) {
      await reef.submit({ task, taskId, timeoutSeconds });
      const { pid } = await run(reef, taskId);
      await reef.over(taskId);
      const { agents } = await reef.api<{ agents: RunInfo[] }>("GET", "/agent");
      expect([agents.length, isAlive(pid)]).toEqual([0, false]);
      expect(await statusOf(`/agent/${taskId}`)).toBe(404);
    }
  });

  test("what it said of turns, calls and cost is what the task has in the end", async () => {
    await reef.submit({ task: "Say hello, then run `sleep 1`, then say bye", taskId: "sums" });
    const during = await run(reef, "sums", ({ toolCalls }) => toolCalls === 1);
    const { usage, nodes } = await reef.over("sums");
    expect(during.turns).toBe(1);
    expect(during.usage.totalTokens).toBeLessThan(usage.totalTokens);
    expect(during.usage).toEqual(nodes.find((node) => node.role === "assistant")?.meta?.usage as never);
  });

  test("steer is heard", async () => {
    await reef.submit({ task: "Run `sleep 1; echo slept`.", taskId: "steered" });
    await run(reef, "steered", ({ currentTool }) => currentTool !== undefined);
    const response = await reef.fetch("/agent/steered/steer", {
      method: "POST",
      body: JSON.stringify({ message: "Also say papaya" }),
    });
    expect([response.status, Object.keys((await response.json()) as object)]).toEqual([
      202,
      ["id", "nodeId"],
    ]);
    expect((await reef.over("steered")).artifacts?.summary).toContain("papaya");
  });

  test("a run that has asked is waiting, with its question", async () => {
    const asking = await startReef({ env: { PI_PATH: ASKING_PI } });
    await asking.submit({ task: 'call ask_confirm {"title":"Delete it?"}', taskId: "asks" });
    const { pending } = await run(asking, "asks", ({ status }) => status === "waiting");
    expect(pending).toEqual((await asking.api("GET", "/reef/tasks/asks")).pending);
    expect(pending).toHaveLength(1);
    await asking.api("POST", "/reef/tasks/asks/answer", { confirmed: true });
    await asking.over("asks");
    expect((await asking.fetch("/agent/asks")).status).toBe(404);
    await asking.stop();
  }, 30_000);

  test("a task in the queue, one that is over and one that is none have no run", async () => {
    const narrow = await startReef({ env: { REEF_MAX_CONCURRENT: "1" } });
    await narrow.submit({ task: "What is 2+2?", taskId: "over" });
    await narrow.over("over");
    await narrow.submit({ task: "Run `sleep 60`.", taskId: "first" });
    await narrow.submit({ task: "Run `sleep 60`.", taskId: "queued" });
    await run(narrow, "first");
    for (const name of ["queued", "over", "nobody"]) {
      for (const [path, method] of [
        ["", "GET"],
        ["/cancel", "POST"],
        ["/steer", "POST"],
      ] as const) {
        const answer = await narrow.fetch(`/agent/${name}${path}`, {
          method,
          body: method === "POST" ? "{}" : null,
        });
        expect([answer.status, await answer.json()]).toEqual([
          404,
          { error: `No live run for task '${name}'`, code: "not_found" },
        ]);
      }
    }
    for (const name of ["queued", "nobody"])
      expect((await narrow.fetch(`/agent/${name}/events`)).status).toBe(404);
    expect((await narrow.api("GET", "/reef/tasks/queued")).status).toBe("queued");
    await narrow.stop();
  }, 30_000);
});

describe("GET /agent/:taskId/events (spec §11)", () => {
  test("is the journal of the newest turn, with what is live in between, and ends with it", async () => {
    await reef.submit({ task: "What is 1+1?", taskId: "turns" });
    await reef.over("turns");
    await reef.submit({ task: "slow: 40 words every 25 ms", taskId: "turns" });
    await run(reef, "turns");
    const { seen, ended } = await read("/agent/turns/events");
    expect(ended).toBe(true);
    expect(committed(seen)).toEqual(await turnOf("turns"));
    expect(seen.at(0)?.data).toMatchObject({ type: "task_started", prompt: "slow: 40 words every 25 ms" });
    expect(seen.at(-1)?.data.type).toBe("task_done");
    expect(seen.some(({ id, data }) => id === undefined && data.type === "message_update")).toBe(true);
    expect(seen.every(({ data }) => data.taskId === "turns")).toBe(true);
  });

  test("goes on after Last-Event-ID, also when the turn is over by then, and refuses after its end", async () => {
    await reef.submit({ task: "Say hello, then run `sleep 1`, then say bye", taskId: "cut" });
    await run(reef, "cut");
    const { seen: before } = await read("/agent/cut/events", (seen) => committed(seen).length >= 2);
    const last = committed(before).at(-1) ?? 0;
    await reef.over("cut");
    const { seen: after, ended } = await read("/agent/cut/events", undefined, last);
    expect(ended).toBe(true);
    expect([...committed(before), ...committed(after)]).toEqual(await turnOf("cut"));
    const end = `${committed(after).at(-1)}`;
    const again = await reef.fetch("/agent/cut/events", { headers: { "Last-Event-ID": end } });
    expect([again.status, (await again.json()).error]).toEqual([404, "No live run for task 'cut'"]);
  });

  test.each([
    ["task_cancelled", "Run `sleep 60`.", (name: string) => reef.api("POST", `/agent/${name}/cancel`)],
    ["task_error", "fail: auth\nslow: 5 words every 10 ms", async () => undefined],
  ])("ends with %s too", async (type, task, act) => {
    await reef.submit({ task, taskId: type });
    await reef.until(type, (nodes) => nodes.some((node) => node.eventType === "run_started"));
    const reading = read(`/agent/${type}/events`);
    await act(type);
    const { seen, ended } = await reading;
    expect([ended, seen.at(-1)?.data.type]).toEqual([true, type]);
  });

  test("takes types and live, and still ends", async () => {
    await reef.submit({ task: "Run `sleep 1`.", taskId: "some" });
    await run(reef, "some");
    const { seen, ended } = await read(
      "/agent/some/events?types=tool_execution_start,tool_execution_end&live=0",
    );
    expect(ended).toBe(true);
    expect(seen.map(({ data }) => data.type)).toEqual(["tool_execution_start", "tool_execution_end"]);
  });

  test("a cursor that is none of this tree gets one resync frame, then what is live", async () => {
    await reef.submit({ task: "slow: 40 words every 25 ms", taskId: "lost" });
    await run(reef, "lost");
    const { seen, ended } = await read("/agent/lost/events?since=nonsense");
    expect(ended).toBe(true);
    expect([seen[0]?.data.type, seen.at(-1)?.data.type]).toEqual(["resync", "task_done"]);
  });

  test("a client that goes leaves nothing behind: there is room for a thousand at a time (spec §4.9)", async () => {
    await reef.submit({ task: "Run `sleep 60`.", taskId: "left" });
    await run(reef, "left");
    const open = () => read("/agent/left/events", (seen) => seen.length > 0);
    for (let n = 0; n < 1100; n += 50) await Promise.all(Array.from({ length: 50 }, open));
    expect(await open()).toMatchObject({ ended: false });
    await reef.api("POST", "/agent/left/cancel");
  });
});

describe("bad input changes nothing (spec §2.6)", () => {
  const CASES: [path: string, body: string, status: number][] = [
    ["/agent/busy/steer", "", 400],
    ["/agent/busy/steer", "{", 400],
    ["/agent/busy/steer", "[]", 400],
    ["/agent/busy/steer", "null", 400],
    ["/agent/busy/steer", "{}", 400],
    ["/agent/busy/steer", '{"message":""}', 400],
    ["/agent/busy/steer", '{"message":"  "}', 400],
    ["/agent/busy/steer", '{"message":null}', 400],
    ["/agent/busy/steer", '{"message":7}', 400],
    ["/agent/busy/steer", '{"message":{"a":1}}', 400],
    ["/agent/busy/steer", '{"message":"x","mode":"shout"}', 400],
    ["/agent/busy/steer", '{"message":"x","mode":1}', 400],
    ["/agent/busy/steer", JSON.stringify({ message: "x".repeat(5_000_000) }), 413],
    ["/agent/busy/cancel", "{", 400],
    ["/agent/busy/cancel", "[]", 400],
    ["/agent/busy/cancel", '{"reason":5}', 400],
    ["/agent/busy/cancel", JSON.stringify({ reason: "x".repeat(10_001) }), 400],
    ["/agent/busy/cancel", '{"children":"no"}', 400],
    ["/agent/nobody/cancel", "{", 404],
    ["/agent/nobody/steer", "{}", 404],
    ["/agent/busy", "{}", 404],
    ["/agent", "{}", 404],
  ];

  beforeAll(async () => {
    await reef.submit({ task: "Run `sleep 60`.", taskId: "busy" });
    await run(reef, "busy", ({ currentTool }) => currentTool !== undefined);
  });

  test.each(CASES.map(([path, body, status]) => [path, body.slice(0, 40), status, body] as const))(
    "POST %s with %s is %i",
    async (path, _short, status, body) => {
      const before = await reef.api("GET", "/reef/state");
      const answer = await reef.fetch(path, { method: "POST", body });
      const told = await answer.json();
      expect(answer.status).toBe(status);
      expect(told).toMatchObject(path.includes("nobody") ? NOBODY : { error: expect.any(String) });
      expect(await reef.api("GET", "/reef/state")).toEqual(before);
    },
  );
});

describe("a task and its token (spec §2.4)", () => {
  test("sees every run, and ends or steers only those below it", async () => {
    await reef.submit({ task: "Run `sleep 60`.", taskId: "other" });
    await run(reef, "other");
    const call = 'curl -s -w " %{http_code};" -H "Authorization: Bearer $VERS_AUTH_TOKEN"';
    const at = "$VERS_INFRA_URL/agent";
    const command = [
      `${call} ${at}/other -o /dev/null`,
      `${call} -X POST -d '{}' ${at}/other/cancel`,
      `${call} -X POST -d '{"message":"x"}' ${at}/other/steer`,
      `${call} ${at}/self | grep -o '"taskId":"self"'`,
    ].join("; ");
    await reef.submit({ task: `call bash ${JSON.stringify({ command })}`, taskId: "self" });
    const { nodes } = await reef.over("self");
    const shown = JSON.stringify(nodes.find((node) => node.role === "tool_result")?.result);
    expect(shown.match(/ \d{3};/g)).toEqual([" 200;", " 403;", " 403;"]);
    expect(shown).toContain('\\"taskId\\":\\"self\\"');
    expect(await statusOf("/agent/other")).toBe(200);
    await reef.api("POST", "/agent/other/cancel");
  });
});
