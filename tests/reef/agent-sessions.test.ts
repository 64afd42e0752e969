// Sessions of agents elsewhere, as the behaviors of a service hear them through the real box.
import { beforeEach, describe, expect, test } from "bun:test";
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { type BehaviorBox, createBehaviorBox } from "../../src/core/behaviors.js";
import type { AgentSession } from "../../src/core/session.js";
import type { Caller, FleetClient, Log } from "../../src/core/types.js";
import { type AgentSessions, createAgentSessions } from "../../src/reef/agent-sessions.js";

const quiet = () => {};
const log: Log = { debug: quiet, info: quiet, warn: console.warn, error: console.error };
const HEARD = ["session_start", "turn_start", "turn_end", "session_shutdown"];

interface Told {
  event: string;
  reason?: string;
  n?: number;
  agent: string;
}

let box: BehaviorBox;
let told: Told[];
let causes: (string | null)[];
let wake: () => void;

beforeEach(() => {
  told = [];
  causes = [];
  wake = quiet;
  box = createBehaviorBox({ log: () => log });
  box.add({
    name: "ears",
    registerBehaviors(pi: ExtensionAPI, client: FleetClient) {
      type On = (event: string, handler: (payload: { reason?: string; n?: number }) => void) => void;
      const on = pi.on.bind(pi) as unknown as On;
      for (const event of HEARD) {
        on(event, ({ reason, n }) => {
          told.push({
            event,
            reason,
            n,
            agent: `${client.agentName}/${client.agentRole}/${client.sessionId}`,
          });
          wake();
        });
      }
    },
  });
});

/** Timers that have not gone off and were not taken back. */
let timers: Set<{ fn: () => void; ms: number }>;

function open(): AgentSessions {
  timers = new Set();
  return createAgentSessions({
    after(fn, ms) {
      const timer = { fn, ms };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    open: ({ name, role = "worker", sessionId, newestNode }) => {
      const client = { agentName: name, agentRole: role, sessionId } as FleetClient;
      const withCause: AgentSession["withCause"] = (fn) => {
        causes.push(newestNode());
        return fn();
      };
      return box.openSession({ name, role, sessionId, client, withCause });
    },
  });
}

const CALLER: Caller = { kind: "server", agentName: "scout", agentRole: "lieutenant" };
const from = (session: string, caller = CALLER, causeId: string | null = null) => ({
  session,
  caller,
  causeId,
});

async function heard(count: number): Promise<string[]> {
  while (told.length < count) await new Promise<void>((resolve) => (wake = resolve));
  return told.map(({ event, reason, n }) =>
    [event, reason ?? n].filter((part) => part !== undefined).join(" "),
  );
}

describe("a session of an agent elsewhere (spec §5.5)", () => {
  test("goes from its session_start to its session_shutdown, over several reports", async () => {
    const sessions = open();
    expect(sessions.report(from("s"), [{ name: "session_start", data: { reason: "startup" } }])).toBe(1);
    expect(
      sessions.report(from("s"), [
        { name: "turn_start", data: { n: 1 } },
        { name: "turn_end", data: null },
        { name: "session_shutdown", data: { reason: "quit" } },
      ]),
    ).toBe(3);
    expect(await heard(4)).toEqual([
      "session_start startup",
      "turn_start 1",
      "turn_end",
      "session_shutdown quit",
    ]);
    expect(new Set(told.map(({ agent }) => agent))).toEqual(new Set(["scout/lieutenant/s"]));
  });

  test("that reef did not hear begin gets a beginning made up: reef may have been restarted", async () => {
    const sessions = open();
    sessions.report(from("events"), [{ name: "turn_end", data: { n: 2 } }]);
    expect(await heard(2)).toEqual(["session_start resume", "turn_end 2"]);
    sessions.report(from("silent"), []);
    expect((await heard(3)).at(-1)).toBe("session_start resume");
  });

  test("ends after five minutes without a report; one that it is still there puts that off", async () => {
    const sessions = open();
    sessions.report(from("s"), [{ name: "session_start" }]);
    const [first] = timers;
    sessions.report(from("s"), []);
    const [second] = timers;
    expect([timers.size, second === first, second?.ms]).toEqual([1, false, 300_000]);
    second?.fn();
    expect(await heard(2)).toEqual(["session_start", "session_shutdown quit"]);
    expect(timers.size).toBe(0);
    sessions.report(from("s"), [{ name: "turn_end", data: { n: 1 } }]);
    expect((await heard(4)).slice(2)).toEqual(["session_start resume", "turn_end 1"]);
  });

  test("that is over is not begun again by a report that comes twice, but by a new beginning", async () => {
    const sessions = open();
    const last = [{ name: "turn_end" }, { name: "session_shutdown", data: { reason: "quit" } }];
    sessions.report(from("s"), [{ name: "session_start" }, ...last]);
    expect(sessions.report(from("s"), last)).toBe(0);
    expect(sessions.report(from("s"), [])).toBe(0);
    expect(await heard(3)).toEqual(["session_start", "turn_end", "session_shutdown quit"]);
    expect(sessions.report(from("s"), [{ name: "session_start", data: { reason: "resume" } }])).toBe(1);
    expect((await heard(4)).at(-1)).toBe("session_start resume");
  });

  test("is its reporter's: another agent with the same session id has one of its own", async () => {
    const sessions = open();
    sessions.report(from("s"), [{ name: "session_start" }]);
    const other: Caller = { kind: "task", taskId: "t", agentName: "t" };
    sessions.report(from("s", other), [{ name: "session_shutdown" }]);
    sessions.report(from("s"), [{ name: "turn_end", data: { n: 7 } }]);
    await heard(4);
    expect(told.filter(({ agent }) => agent.startsWith("scout")).map(({ event }) => event)).toEqual([
      "session_start",
      "turn_end",
    ]);
  });

  test("acts on behalf of what its newest report named", async () => {
    const sessions = open();
    sessions.report(from("s", CALLER, "n1"), [{ name: "session_start" }]);
    await heard(1);
    sessions.report(from("s", CALLER, "n2"), [{ name: "turn_end" }]);
    await heard(2);
    expect(causes.slice(-2)).toEqual(["n1", "n2"]);
  });

  test("all end with reef", async () => {
    const sessions = open();
    for (const session of ["a", "b"]) sessions.report(from(session), [{ name: "session_start" }]);
    sessions.close();
    expect(timers.size).toBe(0);
    expect((await heard(4)).toSorted()).toEqual([
      "session_shutdown quit",
      "session_shutdown quit",
      "session_start",
      "session_start",
    ]);
  });

  test("is refused beyond a thousand, so that its reports wait where they are, until one ends", async () => {
    const sessions = open();
    for (let n = 0; n < 1000; n++) sessions.report(from(`s${n}`), []);
    expect(() => sessions.report(from("one more"), [])).toThrow(
      "More than 1000 sessions of agents elsewhere",
    );
    expect(sessions.report(from("s0"), [{ name: "session_shutdown" }])).toBe(1);
    expect(sessions.report(from("one more"), [{ name: "turn_end" }])).toBe(1);
    sessions.close();
  });
});
