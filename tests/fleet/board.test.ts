// The board in a real reef: claims that meet over HTTP, what survives, leases of agents that work and of agents that are
// gone, and what leads back to their prompt.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import board from "../../examples/services/board/index.js";
import type { Lease, Note, Task } from "../../examples/services/board/task.js";
import { agentSession } from "../../src/core/agent-session.js";
import type { BehaviorSession } from "../../src/core/behaviors.js";
import { startServer, type TestServer } from "../core/servers.js";
import { cleanUp, type Reef, temporaryFolder } from "../flow/reef.js";
import { killWhileWriting } from "./kill.js";
import { startReefWith } from "./reef-with.js";

const WAIT_MS = 30_000;
const LEASE_SECONDS = 10;

afterAll(cleanUp);

/** What `look` finds as soon as it finds something. */
async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const deadline = Date.now() + WAIT_MS; Date.now() < deadline; await Bun.sleep(50)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error("It did not happen in time.");
}

describe("in a reef with agents", () => {
  let reef: Reef;
  beforeAll(async () => {
    reef = await startReefWith(["board", "feed"]);
  });

  const create = (title: string): Promise<Task> =>
    reef.api("POST", "/board/tasks", { title, createdBy: "ada" });
  const read = ({ id }: Pick<Task, "id">): Promise<Task> => reef.api("GET", `/board/tasks/${id}`);
  const post = (task: Task, action: string, body: object) =>
    reef.fetch(`/board/tasks/${task.id}/${action}`, { method: "POST", body: JSON.stringify(body) });

  test("of two claims at once one wins, and the loser's write is refused (spec §17.14)", async () => {
    let newest = 0;
    for (let round = 0; round < 25; round++) {
      const task = await create(`round ${round}`);
      const claim = async (agent: string) => {
        const answer = await post(task, "claim", { agent });
        return { status: answer.status, data: await answer.json() };
      };
      const answers = await Promise.all([claim("ada"), claim("bob")]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      const lease: Lease = answers.find(({ status }) => status === 200)?.data.lease;
      expect(lease.token).toBeGreaterThan(newest);
      newest = lease.token;
      const late = await post(task, "notes", {
        author: "loser",
        content: "late",
        type: "update",
        leaseToken: lease.token + 1,
      });
      expect([late.status, (await late.json()).error]).toEqual([409, "lease lost"]);
      expect(await read(task)).toMatchObject({ assignee: lease.agent, noteCount: 0 });
    }
  });

  test("what a tool call does on the board hangs under that call, and why leads to the prompt (spec §17.9)", async () => {
    const submitted = await reef.submit({
      task: 'call board_create_task {"title": "Sweep the floor"}',
      taskId: "make",
    });
    expect((await reef.over("make")).status).toBe("done");
    const nodes = await reef.nodes();
    const call = nodes.find(({ toolName }) => toolName === "board_create_task");
    const event = nodes.find(({ content }) => content === "Sweep the floor (make)");
    expect(event).toMatchObject({ parentId: call?.id, eventType: "board_task_created", taskId: "make" });
    const { tasks } = await reef.api("GET", "/board/tasks?createdBy=make");
    expect(tasks).toMatchObject([{ title: "Sweep the floor", causeId: call?.id }]);
    const { chain } = await reef.api("GET", `/reef/tree/${event?.id}/why`);
    expect(chain.map(({ node }: { node: { id: string } }) => node.id)).toContain(submitted.nodeId);
  });

  test("an agent's lease is renewed while it works, also after a reload, and its card returns when it is gone (spec §15, §17.14)", async () => {
    const task = await create("Slow work");
    const claim = { taskId: task.id, leaseSeconds: LEASE_SECONDS };
    const prompt = `call board_claim ${JSON.stringify(claim)}\ncall bash {"command": "sleep 5"}`;
    const { nodeId } = await reef.submit({ task: prompt, taskId: "worker" });
    const expiresAt = async () => (await read(task)).lease?.expiresAt;
    const first = await eventually(expiresAt);
    await reef.api("POST", "/services/reload/board");
    const later = async (than: string) => {
      const now = await expiresAt();
      return now !== undefined && now > than ? now : undefined;
    };
    const adopted = await eventually(() => later(first));
    await eventually(() => later(adopted));
    const { leafId } = await reef.over("worker");
    expect(await read(task)).toMatchObject({ status: "in_progress", assignee: "worker" });

    const returned = await eventually(async () => {
      const now = await read(task);
      return now.status === "open" ? now : undefined;
    });
    expect(returned.notes.map(({ author, content }: Note) => [author, content])).toEqual([
      ["board", `Lease of worker expired, last node ${leafId}`],
    ]);
    const nodes = await reef.nodes();
    const call = nodes.find(({ role, toolName }) => role === "tool_call" && toolName === "board_claim");
    const expired = nodes.find(({ eventType }) => eventType === "board_lease_expired");
    expect(expired).toMatchObject({ parentId: call?.id, content: "Slow work: the lease of worker expired" });
    const { chain } = await reef.api("GET", `/reef/tree/${expired?.id}/why`);
    expect(chain.map(({ node }: { node: { id: string } }) => node.id)).toContain(nodeId);
    const heartbeats = nodes.filter(({ content }) => content.includes("heartbeat"));
    expect(heartbeats).toEqual([]);
  });

  test("the feed says what was begun, blocked and completed on the board (spec §3)", async () => {
    const task = await create("Fed");
    await post(task, "claim", { agent: "ada" });
    await post(task, "notes", { author: "ada", content: "No disk", type: "blocker" });
    await post(task, "approve", {});
    type Event = { type: string; summary: string; metadata?: { taskId?: string } };
    const own = await eventually(async () => {
      const events: Event[] = await reef.api("GET", "/feed/events?limit=1000");
      const about = events.filter(({ metadata }) => metadata?.taskId === task.id);
      return about.length === 3 ? about : undefined;
    });
    expect(own.map(({ type, summary }) => `${type} ${summary}`)).toEqual([
      "task_started Started: Fed",
      "blocker_found Blocker: No disk",
      "task_completed Completed: Fed",
    ]);
  });
});

test("what was acknowledged is there after kill -9, whole, and no half of anything else (spec §17.4)", async () => {
  const { acknowledged, found, begun } = await killWhileWriting<string>({
    services: ["board"],
    write: async (reef, n) => {
      const { id } = await reef.api("POST", "/board/tasks", { title: `${n}`, createdBy: "ada", tags: ["t"] });
      await reef.api("POST", `/board/tasks/${id}/claim`, { agent: `agent-${n}` });
      await reef.api("POST", `/board/tasks/${id}/review`, { summary: `${n}`, reviewedBy: "ada" });
      return id;
    },
    read: async (reef) => {
      const { tasks }: { tasks: Task[] } = await reef.api("GET", "/board/tasks?limit=5000");
      const { total, byStatus, leased } = await reef.api("GET", "/board/stats");
      expect([total, leased]).toEqual([tasks.length, byStatus.in_progress]);
      expect((await reef.api("GET", "/board/tasks?tag=t&limit=5000")).tasks).toEqual(tasks);
      for (const { status, notes, noteCount, lease, assignee } of tasks) {
        expect([notes.length, noteCount]).toEqual(status === "in_review" ? [1, 1] : [0, 0]);
        expect([lease !== undefined, assignee !== undefined]).toEqual([
          status === "in_progress",
          status !== "open",
        ]);
      }
      return tasks.filter(({ status }) => status === "in_review").map(({ id }) => id);
    },
    acknowledged: 150,
  });
  expect(acknowledged.length).toBeGreaterThanOrEqual(150);
  expect(acknowledged.filter((id) => !found.includes(id))).toEqual([]);
  expect(found.length).toBeLessThanOrEqual(begun);
});

describe("a session of an agent elsewhere (spec §15)", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ modules: [board], config: { dataDir: temporaryFolder() } });
  });
  afterAll(() => server.end());

  const ask = async (method: string, path: string, body?: object) => {
    const headers = { "X-Agent-Name": "ada" };
    const answer = await server.ask(`/board${path}`, { method, headers, body: JSON.stringify(body) });
    return answer.json();
  };
  const claimed = async () => {
    const { id } = await ask("POST", "/tasks", { title: "t", createdBy: "c" });
    return ask("POST", `/tasks/${id}/claim`, { agent: "ada", leaseSeconds: LEASE_SECONDS });
  };
  const sessionOf = (name: string): BehaviorSession =>
    server.behaviors.openSession(agentSession(server, { name, sessionId: name, newestNode: () => null }));
  const leaseOf = async ({ task }: { task: Task }) => (await ask("GET", `/tasks/${task.id}`)).lease;

  test("renews what it claimed with the tool until it ends, and nothing that it lost or that others claimed", async () => {
    const session = sessionOf("ada");
    session.emit("session_start", { type: "session_start", reason: "startup" });
    const [mine, lost, others] = [await claimed(), await claimed(), await claimed()];
    for (const details of [mine, lost])
      session.emit("tool_result", { type: "tool_result", toolName: "board_claim", details, isError: false });
    await ask("PATCH", `/tasks/${lost.task.id}`, { assignee: "bob" });
    await eventually(async () => ((await leaseOf(mine)).expiresAt > mine.lease.expiresAt ? true : undefined));
    expect((await leaseOf(others)).expiresAt).toBe(others.lease.expiresAt);
    expect(await leaseOf(lost)).toBeUndefined();
    await session.close("quit");
    expect(server.lines.filter((line) => line.startsWith("error"))).toEqual([]);
  });

  test("that goes on after a reload has its leases renewed at once, one that begins does not", async () => {
    const held = await claimed();
    const fresh = sessionOf("ada");
    fresh.emit("session_start", { type: "session_start", reason: "startup" });
    await fresh.close("quit");
    expect(await leaseOf(held)).toEqual(held.task.lease);
    const old = sessionOf("ada");
    old.emit("session_start", { type: "session_start", reason: "reload" });
    await eventually(async () => ((await leaseOf(held)).expiresAt > held.lease.expiresAt ? true : undefined));
    await old.close("quit");
  });
});
