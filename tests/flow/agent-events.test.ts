// Agents that reef did not start: their reports reach the behaviors of services, from a real pi with reef's extension too.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TreeNode } from "../../src/tree/node.js";
import { startModel, text } from "../extension/rig/model.js";
import { startPi } from "../extension/rig/pi.js";
import { cleanUp, type Reef, startReef, temporaryFolder } from "./reef.js";

const TOKEN = "server-token-of-the-reports";

/** A service that writes down what it hears of agents, and who it is for them. */
const EARS = `
let ctx;
export default {
  name: "ears",
  init(context) { ctx = context; },
  registerBehaviors(pi, client) {
    const heard = (event) => (payload, { agentName, taskId }) =>
      ctx.record({ type: "heard", content: agentName + " " + event, event, payload, taskId, role: client.agentRole });
    for (const event of ["session_start", "agent_start", "turn_end", "agent_end", "session_shutdown"])
      pi.on(event, heard(event));
    pi.events.on("vers:agent_spawned", heard("vers:agent_spawned"));
    pi.on("agent_start", async () => { await client.api("PUT", "/store/" + client.agentName, { value: client.sessionId }); });
  },
};
`;

let reef: Reef;
beforeAll(async () => {
  const servicesDir = temporaryFolder();
  mkdirSync(join(servicesDir, "ears"));
  writeFileSync(join(servicesDir, "ears/index.ts"), EARS);
  reef = await startReef({ servicesDir, token: TOKEN, env: { HOST: "127.0.0.1", REEF_OFFLINE: "1" } });
});
afterAll(cleanUp);

const report = (body: unknown, headers: Record<string, string> = {}) =>
  reef.fetch("/reef/agent-events", {
    method: "POST",
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

/** What was heard of an agent, once it is enough. */
async function heardOf(agent: string, enough: (events: unknown[]) => boolean): Promise<TreeNode[]> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const nodes = (await reef.nodes()).filter(
      (node) => node.eventType === "heard" && node.content.startsWith(`${agent} `),
    );
    if (enough(nodes.map((node) => node.meta?.event))) return nodes;
    if (Date.now() > deadline) throw new Error(`Of '${agent}' was heard: ${JSON.stringify(nodes)}`);
    await Bun.sleep(20);
  }
}

describe("POST /reef/agent-events (spec §4.14, §5.5)", () => {
  test("behaviors hear a session from its beginning to its end, in order, with pi's payloads", async () => {
    const who = { "X-Agent-Name": "scout", "X-Agent-Role": "lieutenant" };
    const events = [
      { name: "session_start", data: { type: "session_start", reason: "startup" }, at: Date.now() },
      { name: "agent_start" },
      { name: "vers:agent_spawned", data: { agentName: "drone" } },
      { name: "turn_end", data: { type: "turn_end", turnIndex: 3 } },
      { name: "of_no_concern", data: 1 },
    ];
    const first = await report({ session: "s1", events }, who);
    expect([first.status, await first.json()]).toEqual([202, { accepted: 5 }]);
    const last = await report({ session: "s1", events: [{ name: "session_shutdown" }] }, who);
    expect(await last.json()).toEqual({ accepted: 1 });
    const heard = await heardOf("scout", (all) => all.includes("session_shutdown"));
    expect(heard.map((node) => node.meta?.event)).toEqual([
      "session_start",
      "agent_start",
      "vers:agent_spawned",
      "turn_end",
      "session_shutdown",
    ]);
    expect(heard.map((node) => node.meta?.payload)).toEqual([
      { type: "session_start", reason: "startup" },
      { type: "agent_start" },
      { agentName: "drone" },
      { type: "turn_end", turnIndex: 3 },
      { type: "session_shutdown" },
    ]);
    expect(heard[0]?.meta?.role).toBe("lieutenant");
    expect((await reef.api("GET", "/store/scout")).value).toBe("s1");
  });

  test("a report of nothing says that the agent is there", async () => {
    const answer = await report({ session: "s2", events: [] }, { "X-Agent-Name": "quiet" });
    expect([answer.status, await answer.json()]).toEqual([202, { accepted: 0 }]);
    const [begun] = await heardOf("quiet", (all) => all.length > 0);
    expect(begun?.meta).toMatchObject({ event: "session_start", payload: { reason: "resume" } });
  });

  test("what behaviors record hangs under the node that the report names", async () => {
    const { nodeId } = await reef.submit({ task: "What is 2+2?", taskId: "named" });
    await report(
      { session: "s3", events: [{ name: "session_start" }] },
      { "X-Agent-Name": "linked", "X-Reef-Cause": nodeId },
    );
    const [heard] = await heardOf("linked", (all) => all.length > 0);
    expect(heard?.parentId).toBe(nodeId);
    await reef.over("named");
  });

  test("a task may report of an agent that it started itself (spec §2.4)", async () => {
    const events = JSON.stringify({ session: "inner", events: [{ name: "session_start" }] });
    const command = `curl -s -w " %{http_code};" -X POST -H "Authorization: Bearer $VERS_AUTH_TOKEN" -d '${events}' $VERS_INFRA_URL/reef/agent-events`;
    await reef.submit({ task: `call bash ${JSON.stringify({ command })}`, taskId: "starter" });
    const { nodes } = await reef.over("starter");
    expect(nodes.find((node) => node.role === "tool_result")?.content).toContain('{"accepted":1} 202;');
    const heard = await heardOf("starter", (all) => all.includes("session_start"));
    expect(heard[0]).toMatchObject({ taskId: "starter", meta: { taskId: "starter" } });
  });

  const BAD: [body: unknown, error: string][] = [
    ["", "Invalid JSON body"],
    ["{", "Invalid JSON body"],
    ["[]", "Invalid JSON body"],
    ["null", "Invalid JSON body"],
    [{}, "session is required"],
    [{ events: [] }, "session is required"],
    [{ session: null, events: [] }, "session is required"],
    [{ session: " ", events: [] }, "session is required"],
    [{ session: 7, events: [] }, "session must be a string. Received: 7"],
    [{ session: "x".repeat(201), events: [] }, "session is longer than 200 characters"],
    [{ session: "bad" }, "events is required"],
    [{ session: "bad", events: null }, "events is required"],
    [{ session: "bad", events: {} }, "events must be an array"],
    [{ session: "bad", events: "turn_end" }, "events must be an array"],
    [{ session: "bad", events: [null] }, "events[0] must be an object"],
    [{ session: "bad", events: [{ name: "turn_end" }, {}] }, "events[1].name is required"],
    [{ session: "bad", events: [{ name: 5 }] }, "events[0].name must be a string"],
    [{ session: "bad", events: [{ name: "" }] }, "events[0].name must be a string"],
    [{ session: "bad", events: [{ name: "x".repeat(101) }] }, "events[0].name is longer than 100 characters"],
    [{ session: "bad", events: [{ name: "turn_end", at: "now" }] }, "events[0].at must be a number"],
    [{ session: "bad", events: Array(1001).fill({ name: "turn_end" }) }, "events has more than 1000 items"],
  ];
  test.each(BAD.map(([body, error]) => [JSON.stringify(body).slice(0, 50), error, body] as const))(
    "%s is 400: %s",
    async (_short, error, body) => {
      const answer = await report(body, { "X-Agent-Name": "bad" });
      expect([answer.status, await answer.json()]).toEqual([
        400,
        { error: expect.stringContaining(error), code: "bad_request" },
      ]);
    },
  );

  test("none of that began a session, and 5 MB are refused before they are read", async () => {
    const huge = { session: "bad", events: [{ name: "turn_end", data: "x".repeat(5_000_000) }] };
    expect((await report(huge, { "X-Agent-Name": "bad" })).status).toBe(413);
    await report({ session: "after", events: [{ name: "session_start" }] }, { "X-Agent-Name": "after" });
    await heardOf("after", (all) => all.length > 0);
    expect((await reef.nodes()).filter((node) => node.content.startsWith("bad "))).toEqual([]);
  });
});

test("a task of reef's own is heard directly, each run as a session of its own (spec §5.5)", async () => {
  for (let run = 1; run <= 2; run++) {
    await reef.submit({ task: "What is 2+2?", taskId: "own" });
    await reef.over("own");
    const ends = (all: unknown[]) => all.filter((event) => event === "session_shutdown").length === run;
    const heard = await heardOf("own", ends);
    const events = heard.map((node) => node.meta?.event).slice((run - 1) * 6);
    expect(events).toEqual([
      "session_start",
      "agent_start",
      "turn_end",
      "turn_end",
      "agent_end",
      "session_shutdown",
    ]);
    expect(heard.every((node) => node.taskId === "own")).toBe(true);
  }
}, 30_000);

test.each([
  ["is tried again", "overloaded mid-stream"],
  ["compacts its context", "prompt too long"],
])(
  "a task whose model %s in the middle has one beginning and one end (spec §5.5)",
  async (_what, fault) => {
    const taskId = fault.replaceAll(" ", "-");
    await reef.submit({ task: `fail: ${fault}\nWhat is 2+2?`, taskId });
    await reef.over(taskId);
    const heard = await heardOf(taskId, (all) => all.includes("session_shutdown"));
    const events = heard.map((node) => node.meta?.event);
    expect(events.filter((event) => event === "turn_end").length).toBeGreaterThan(1);
    expect(events.filter((event) => event !== "turn_end")).toEqual([
      "session_start",
      "agent_start",
      "agent_end",
      "session_shutdown",
    ]);
  },
  60_000,
);

test("a real pi elsewhere with reef's extension is heard from its start to its end (spec §5.5)", async () => {
  const model = startModel(() => text("done"));
  const env = { VERS_INFRA_URL: reef.url, VERS_AUTH_TOKEN: TOKEN, VERS_AGENT_NAME: "elsewhere" };
  const pi = await startPi({ modelUrl: model.url, env });
  try {
    await pi.prompt("Hello");
    await heardOf("elsewhere", (all) => all.includes("agent_end"));
    await pi.request({ type: "new_session" });
    const heard = await heardOf(
      "elsewhere",
      (all) => all.filter((event) => event === "session_start").length === 2,
    );
    expect(heard.map((node) => node.meta?.event).slice(0, 5)).toEqual([
      "session_start",
      "agent_start",
      "turn_end",
      "agent_end",
      "session_shutdown",
    ]);
    expect(heard[0]?.meta?.payload).toMatchObject({ type: "session_start", reason: "startup" });
  } finally {
    await pi.stop();
    await model.stop();
  }
}, 60_000);
