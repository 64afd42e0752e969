// One beginning and one end for each prompt, whatever number of loops pi needs: on timers that the test fires, and with a
// real pi whose model fails.
import { beforeEach, describe, expect, test } from "bun:test";
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { hearPrompts, type RetrySettings } from "../../src/extension/loops.js";
import { startOfflineModel } from "../../src/offline/server.js";
import { text } from "./rig/model.js";
import { startPi } from "./rig/pi.js";
import { rigs } from "./rig/rig.js";
import { startServer, type TestServer } from "./rig/server.js";

const SETTINGS: RetrySettings = { enabled: true, maxRetries: 3, baseDelayMs: 2_000 };

describe("a prompt (spec §1.2)", () => {
  let told: string[];
  let timer: { fn: () => unknown; ms: number } | undefined;
  let say: (event: string, payload?: object) => void;

  function hear(settings: RetrySettings = SETTINGS): void {
    const handlers = new Map<string, (payload: object, ctx: object) => unknown>();
    const on = (event: string, handler: (payload: object, ctx: object) => unknown) =>
      handlers.set(event, handler);
    told = [];
    timer = undefined;
    say = (event, payload = {}) => void handlers.get(event)?.({ type: event, ...payload }, {});
    const tell = (event: { type: string; messages?: unknown[] }) =>
      void told.push(event.messages ? `${event.type} ${event.messages.length}` : event.type);
    const after = (fn: () => unknown, ms: number) => {
      timer = { fn, ms };
      return () => {
        timer = undefined;
      };
    };
    hearPrompts({ on } as unknown as ExtensionAPI, tell, { retries: () => settings, after });
  }
  beforeEach(() => hear());

  const loop = (stopReason = "stop") => {
    say("agent_start");
    say("agent_end", { messages: [{ role: "user" }, { role: "assistant", stopReason }] });
  };
  const fire = () => void timer?.fn();

  test("of one loop ends when no compaction has begun", () => {
    loop();
    expect([told, timer?.ms]).toEqual([["agent_start"], 250]);
    fire();
    expect([told, timer]).toEqual([["agent_start", "agent_end 2"], undefined]);
    loop();
    fire();
    expect(told).toHaveLength(4);
  });

  test("goes on over retries, each of which is waited for as long as pi waits, and ends with all messages", () => {
    for (const ms of [5_000, 7_000, 11_000]) {
      loop("error");
      expect(timer?.ms).toBe(ms);
    }
    loop();
    fire();
    expect(told).toEqual(["agent_start", "agent_end 8"]);
  });

  test("that fails for good ends when pi tries no more", () => {
    for (let n = 0; n < 4; n++) loop("error");
    expect(timer?.ms).toBe(250);
    fire();
    hear({ ...SETTINGS, enabled: false });
    loop("error");
    expect(timer?.ms).toBe(250);
  });

  test("that fails with what is not tried again ends a while later", () => {
    loop("error");
    fire();
    expect(told).toEqual(["agent_start", "agent_end 2"]);
  });

  test("goes on over a compaction, however long it takes, and is over when nothing follows it", () => {
    loop("error");
    say("session_before_compact");
    expect(timer?.ms).toBe(300_000);
    say("session_compact");
    expect(timer?.ms).toBe(1_000);
    loop("error");
    expect(timer?.ms).toBe(5_000);
    loop();
    say("session_before_compact");
    say("session_compact");
    fire();
    expect(told).toEqual(["agent_start", "agent_end 6"]);
  });

  test("is over when another one, or the end of the session, comes", () => {
    loop("error");
    say("before_agent_start");
    loop();
    say("session_shutdown");
    expect(told).toEqual(["agent_start", "agent_end 2", "agent_start", "agent_end 2"]);
    say("session_shutdown");
    expect(told).toHaveLength(4);
  });

  test("is not what a compaction between prompts is about", () => {
    say("session_before_compact");
    say("session_compact");
    say("before_agent_start");
    expect([told, timer]).toEqual([[], undefined]);
  });
});

const rig = rigs();

test("a real pi reports one beginning and one end for a prompt whose model failed twice", async () => {
  const { pi, server } = await rig((_request, n) => (n < 2 ? 503 : text("done")), {}, { elsewhere: true });
  const from = pi.lines.length;
  await pi.request({ type: "prompt", message: "Go" });
  await pi.until((line) => line.type === "auto_retry_end" && line.success, from);
  await reported(server, "agent_end");
  await pi.prompt("Again");
  await reported(server, "agent_end", 2);
  const names = server.reported.flatMap(({ events }) => events.map(({ name }) => name));
  expect(names.filter((name) => name.startsWith("agent_"))).toEqual([
    "agent_start",
    "agent_end",
    "agent_start",
    "agent_end",
  ]);
  expect(names.filter((name) => name === "turn_end")).toHaveLength(4);
  const begun = server.reported.flatMap(({ events }) => events).find(({ name }) => name === "agent_start");
  expect(begun?.data.process).toEqual({ pid: pi.pid, startedAt: expect.any(String) });
});

test("a prompt that made pi compact its context in the middle has one beginning and one end", async () => {
  const model = startOfflineModel();
  const server = startServer();
  const env = { VERS_INFRA_URL: server.url, VERS_AUTH_TOKEN: "t" };
  const pi = await startPi({ modelUrl: model.url, env });
  try {
    await pi.request({ type: "prompt", message: "fail: prompt too long\nWhat is 2+2?" });
    await reported(server, "agent_end");
    const said = pi.lines.map(({ type }) => type);
    expect(said.filter((type) => type === "agent_start")).toHaveLength(2);
    expect(said).toContain("compaction_end");
    const names = server.reported.flatMap(({ events }) => events.map(({ name }) => name));
    expect(names.filter((name) => name.startsWith("agent_"))).toEqual(["agent_start", "agent_end"]);
    expect(names.at(-1)).toBe("agent_end");
  } finally {
    await pi.stop();
    await model.stop();
    server.stop();
  }
});

test("a session that ends while a retry is waited for has an end of its prompt, too", async () => {
  const { pi, server } = await rig(() => 503, {}, { elsewhere: true });
  await pi.request({ type: "prompt", message: "Go" });
  await pi.until((line) => line.type === "auto_retry_start");
  await pi.request({ type: "new_session" });
  await reported(server, "session_shutdown");
  const names = server.reported.flatMap(({ events }) => events.map(({ name }) => name));
  const end = names.indexOf("session_shutdown");
  expect(names.slice(end - 1, end + 1)).toEqual(["agent_end", "session_shutdown"]);
});

/** Resolves when the server has been told of so many events of that name. */
async function reported(server: TestServer, name: string, count = 1): Promise<void> {
  const told = () =>
    server.reported.flatMap(({ events }) => events).filter((event) => event.name === name).length;
  while (told() < count) await server.next("POST /reef/agent-events");
}
