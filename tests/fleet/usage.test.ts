// The ledger in a real reef: what it records of agents while they work, and what survives (spec §10, §15).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Session } from "../../examples/services/usage/session.js";
import type { VmRecord } from "../../examples/services/usage/vm.js";
import { cleanUp, type Reef } from "../flow/reef.js";
import { killWhileWriting } from "./kill.js";
import { startReefWith } from "./reef-with.js";

const WAIT_MS = 30_000;

/** The machines' tools in the shapes in which they answer, for there are no machines here. */
const MACHINES = `import { Type } from "typebox";
const answers = {
  vers_vm_create: [{ vm_id: "vm-1" }, "VM created: vm-1"],
  vers_vm_branch: [{ vms: [{ vm_id: "vm-2" }, { vm_id: "vm-3" }] }, "Branched VM vm-1 -> vm-2\\nBranched VM vm-1 -> vm-3"],
  vers_vm_restore: [undefined, "Restored from commit c-0 -> VM vm-4"],
  vers_vm_commit: [{ commit_id: "c-1" }, "VM vm-1 committed: c-1"],
  vers_vm_delete: [undefined, "VM vm-1 deleted."],
};
export default {
  name: "machines",
  registerTools(pi) {
    for (const [name, [details, text]] of Object.entries(answers))
      pi.registerTool({
        name, label: name, description: name,
        parameters: Type.Object({ fails: Type.Optional(Type.Boolean()), role: Type.Optional(Type.String()), vmId: Type.Optional(Type.String()), commitId: Type.Optional(Type.String()) }),
        execute: async (_id, { fails }) => fails ? { content: [{ type: "text", text: "Error: no" }], isError: true } : { content: [{ type: "text", text }], details },
      });
  },
};
`;

afterAll(cleanUp);

describe("while agents work (spec §15)", () => {
  let reef: Reef;
  beforeAll(async () => {
    reef = await startReefWith(["usage"]);
    mkdirSync(join(reef.servicesDir, "machines"));
    writeFileSync(join(reef.servicesDir, "machines/index.ts"), MACHINES);
    await reef.api("POST", "/services/reload");
  });

  const sessionsOf = async (agent: string, count = 1): Promise<Session[]> => {
    const found = await until(
      () => reef.api("GET", `/usage/sessions?agent=${agent}`),
      ({ sessions }) => sessions.length >= count,
    );
    return found.sessions;
  };

  test("a session is one record, with what its task was told to have cost", async () => {
    const task = await reef.submit({ task: "What is 2+2?", taskId: "sum" });
    const { usage } = await reef.over("sum");
    const [session] = await sessionsOf("sum");
    expect(session).toMatchObject({
      agent: "sum",
      parentAgent: null,
      model: "scripted",
      taskId: "sum",
      turns: 2,
      toolCalls: { bash: 1 },
    });
    expect(session?.tokens.total).toBe(usage.totalTokens);
    expect(session?.cost.total).toBeCloseTo(usage.cost, 8);
    expect(task.id).toBe("sum");
    const { byTask, totals } = await reef.api("GET", "/usage");
    expect([byTask.sum.sessions, totals.tokens]).toEqual([1, usage.totalTokens]);
    expect((await reef.nodes()).filter(({ source }) => source === "usage")).toEqual([]);
  });

  test("a sub-task names its parent", async () => {
    await reef.submit({ task: "Ask a sub-task: What is 2+2?", taskId: "outer" });
    await reef.over("outer");
    const { sessions } = await until(
      () => reef.api("GET", "/usage/sessions"),
      (page) => page.sessions.some((one: Session) => one.parentAgent === "outer"),
    );
    expect(sessions.filter((one: Session) => one.parentAgent !== null)).toHaveLength(1);
  });

  test("machines are recorded when they are created, branched, restored, committed and deleted", async () => {
    const prompt = [
      'call vers_vm_create {"role": "infra"}',
      'call vers_vm_create {"fails": true}',
      'call vers_vm_branch {"vmId": "vm-1", "role": "boss"}',
      'call vers_vm_restore {"commitId": "c-0"}',
      'call vers_vm_commit {"vmId": "vm-1"}',
      'call vers_vm_delete {"vmId": "vm-1"}',
    ];
    await reef.submit({ task: prompt.join("\n"), taskId: "builder" });
    expect((await reef.over("builder")).status).toBe("done");
    const { vms } = await until(
      () => reef.api("GET", "/usage/vms"),
      (page) => page.vms.some(({ destroyedAt }: VmRecord) => destroyedAt !== undefined),
    );
    const told = vms.map(({ vmId, role, agent, commitId, destroyedAt }: VmRecord) => {
      expect(agent).toBe("builder");
      return [vmId, role, commitId, destroyedAt !== undefined];
    });
    expect(told.reverse()).toEqual([
      ["vm-1", "infra", undefined, false],
      ["vm-2", "custom", undefined, false],
      ["vm-3", "custom", undefined, false],
      ["vm-4", "worker", "c-0", false],
      ["vm-1", "golden", "c-1", true],
    ]);
    const nodes = await reef.nodes();
    const calls = nodes.filter(
      ({ role, toolName }) => role === "tool_call" && toolName?.startsWith("vers_vm_"),
    );
    const events = nodes.filter(({ eventType }) => eventType === "usage_vm");
    expect(events).toHaveLength(6);
    for (const { parentId, causeId } of events)
      expect(
        nodes.some(({ id, taskId }) => (id === parentId || id === causeId) && taskId === "builder"),
      ).toBe(true);
    expect(calls).toHaveLength(6);
  });

  test("an agent elsewhere has one record, however many prompts and models, also over a reload and a resume", async () => {
    const headers = { "X-Agent-Name": "scout" };
    const tell = (...events: object[]) =>
      reef.fetch("/reef/agent-events", {
        method: "POST",
        headers,
        body: JSON.stringify({ session: "far", events }),
      });
    const message = (model: string, input: number, total: number) => ({
      name: "message_end",
      data: {
        message: {
          role: "assistant",
          model,
          usage: { input, output: 0, totalTokens: input, cost: { input: total, total } },
        },
      },
    });
    const prompt = (...messages: object[]) => [
      { name: "agent_start" },
      ...messages.flatMap((one) => [one, { name: "turn_end", data: {} }]),
      { name: "tool_result", data: { toolCallId: "1", toolName: "bash" } },
      { name: "agent_end", data: {} },
    ];
    const recorded = (turns: number) =>
      until(
        async () => (await sessionsOf("scout"))[0],
        (session) => session?.turns === turns,
      );
    const start = (reason: string) => ({ name: "session_start", data: { reason, parentAgent: "boss" } });

    await tell(start("startup"), ...prompt(message("opus", 10, 0.1), message("opus", 20, 0.2)));
    const first = await recorded(2);
    expect(first).toMatchObject({
      parentAgent: "boss",
      sessionId: "far",
      tokens: { input: 30, total: 30 },
      cost: { total: 0.3 },
      toolCalls: { bash: 1 },
    });
    expect("models" in (first ?? {})).toBe(false);
    await tell(...prompt(message("haiku", 5, 0.0000001)));
    expect(await recorded(3)).toMatchObject({
      id: first?.id,
      startedAt: first?.startedAt,
      model: "haiku",
      cost: { total: 0.3000001 },
      models: {
        opus: { tokens: { total: 30 }, cost: { total: 0.3 }, turns: 2 },
        haiku: { tokens: { total: 5 }, cost: { total: 1e-7 }, turns: 1 },
      },
    });
    await reef.api("POST", "/services/reload/usage");
    await tell(...prompt(message("haiku", 1, 0.1)));
    await recorded(4);
    await tell({ name: "session_shutdown", data: { reason: "quit" } });
    await tell(start("resume"), ...prompt(message("opus", 1, 0.1)));
    expect(await recorded(5)).toMatchObject({
      id: first?.id,
      parentAgent: "boss",
      tokens: { total: 37 },
      cost: { total: 0.5000001 },
      toolCalls: { bash: 4 },
    });
    expect(await sessionsOf("scout")).toHaveLength(1);
    expect((await reef.api("GET", "/usage")).byAgent.scout).toEqual({ tokens: 37, cost: 0.5, sessions: 1 });
  });
});

test("every session that was acknowledged is there after kill -9, and in the sums (spec §17.4)", async () => {
  const figures = { input: 1, output: 0, cacheRead: 0, cacheWrite: 0, total: 1 };
  const { acknowledged, found, begun } = await killWhileWriting<string>({
    services: ["usage"],
    write: async (reef, n) => {
      const times = { startedAt: "2026-01-31T09:00:00Z", endedAt: "2026-01-31T09:05:00Z" };
      const who = { sessionId: `s${n}`, agent: `a${n % 7}`, model: "m", turns: 1 };
      return (await reef.api("POST", "/usage/sessions", { ...who, tokens: figures, cost: figures, ...times }))
        .id;
    },
    read: async (reef) => {
      const { sessions } = await reef.api("GET", "/usage/sessions?limit=5000");
      const { totals } = await reef.api("GET", "/usage?range=all");
      const count = sessions.length;
      expect(totals).toEqual({ tokens: count, cost: count, sessions: count, vms: 0 });
      return sessions.map(({ id }: Session) => id);
    },
  });
  expect(acknowledged.length).toBeGreaterThanOrEqual(300);
  expect(new Set(found).size).toBe(found.length);
  expect(acknowledged.filter((id) => !found.includes(id))).toEqual([]);
  expect(found.length).toBeLessThanOrEqual(begun);
});

/** Asks again until it is so. */
async function until<T>(ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`It did not get there: ${JSON.stringify(answer)}`);
    await Bun.sleep(20);
  }
}
