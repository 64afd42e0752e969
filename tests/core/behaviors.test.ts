// What modules hear of agent sessions: order, isolation from the agent and from each other, and the end.
import { expect, test } from "bun:test";
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { createBehaviorBox } from "../../src/core/behaviors.js";
import type { ServiceModule } from "../../src/core/types.js";
import { listener, noClient } from "./modules.js";

type Handler = (
  event: { type?: string; reason?: string; n?: number },
  ctx: Record<string, unknown>,
) => unknown;
type Pi = {
  on(event: string, handler: Handler): void;
  events: { on(event: string, handler: Handler): () => void; emit(event: string): void };
};

function module(name: string, register: (pi: Pi) => void): ServiceModule {
  return { name, registerBehaviors: (pi: ExtensionAPI) => register(pi as unknown as Pi) };
}

function setUp(options: { handlerMs?: number } = {}) {
  const heard = listener();
  const box = createBehaviorBox({ log: () => heard.log, ...options });
  const open = (name = "agent", withCause = <T>(fn: () => T) => fn()) =>
    box.openSession({
      name,
      role: "worker",
      sessionId: `s-${name}`,
      taskId: "t",
      client: noClient,
      withCause,
    });
  return { heard, box, open };
}

test("registerBehaviors is called once per session, so that its closures belong to one agent (spec §5.5)", async () => {
  const { box, open } = setUp();
  const counts: string[] = [];
  box.add(
    module("counter", (pi) => {
      let turns = 0;
      pi.on("turn_end", () => void turns++);
      pi.on("session_shutdown", (_event, { agentName }) => void counts.push(`${agentName} ${turns}`));
    }),
  );
  const [a, b] = [open("a"), open("b")];
  a.emit("turn_end");
  a.emit("turn_end");
  b.emit("turn_end");
  await Promise.all([a.close("quit"), b.close("quit")]);
  expect(counts.sort()).toEqual(["a 2", "b 1"]);
});

test("events come in order, one at a time, and never delay who emits (spec §5.5)", async () => {
  const { box, open } = setUp();
  const seen: string[] = [];
  let running = 0;
  box.add(
    module("slow", (pi) => {
      for (const name of ["turn_start", "turn_end"]) {
        pi.on(name, async ({ n }) => {
          expect(++running).toBe(1);
          await Bun.sleep(1);
          running--;
          seen.push(`${name} ${n}`);
        });
      }
    }),
  );
  const session = open();
  for (let n = 0; n < 3; n++) {
    session.emit("turn_start", { n });
    session.emit("turn_end", { n });
  }
  expect(seen).toEqual([]);
  await session.close("quit");
  expect(seen).toEqual([
    "turn_start 0",
    "turn_end 0",
    "turn_start 1",
    "turn_end 1",
    "turn_start 2",
    "turn_end 2",
  ]);
});

test("what a handler throws is logged, and the next one is called (spec §5.5)", async () => {
  const { heard, box, open } = setUp({ handlerMs: 10 });
  const seen: string[] = [];
  box.add(
    module("bad", (pi) => {
      pi.on("agent_start", () => {
        throw new Error("boom");
      });
      pi.on("agent_start", () => new Promise(() => {}));
      pi.on("agent_start", () => void seen.push("third"));
    }),
  );
  box.add(
    module("worse", () => {
      throw new Error("no");
    }),
  );
  box.add(module("good", (pi) => pi.on("agent_start", () => void seen.push("good"))));
  const session = open();
  session.emit("agent_start");
  session.emit("agent_start");
  await session.close("quit");
  expect(seen).toEqual(["third", "good", "third", "good"]);
  expect(heard.lines).toEqual([
    "error registerBehaviors() failed: no",
    `error the behavior for "agent_start" failed: boom`,
    `error the behavior for "agent_start" failed: took longer than 0.01 s`,
    `error the behavior for "agent_start" failed: boom`,
  ]);
});

test("handlers run with the session's cause", async () => {
  const { box, open } = setUp();
  let depth = 0;
  const depths: number[] = [];
  const withCause = <T>(fn: () => T): T => {
    depth++;
    try {
      return fn();
    } finally {
      depth--;
    }
  };
  box.add(
    module("caused", (pi) => {
      depths.push(depth);
      pi.on("turn_end", () => void depths.push(depth));
    }),
  );
  const session = open("agent", withCause);
  session.emit("turn_end");
  await session.close("quit");
  expect(depths).toEqual([1, 1]);
});

test("a late module hears session_start with reason reload, and nothing that came before (spec §5.5)", async () => {
  const { box, open } = setUp();
  const seen: string[] = [];
  const session = open();
  session.emit("session_start", { type: "session_start", reason: "startup" });
  session.emit("turn_start");
  box.add(
    module("late", (pi) => {
      pi.on("session_start", ({ reason }) => void seen.push(`start ${reason}`));
      pi.on("turn_start", () => void seen.push("turn"));
    }),
  );
  session.emit("turn_start");
  await session.close("quit");
  expect(seen).toEqual(["start reload", "turn"]);
});

test("a module that is undone gets session_shutdown at once and none of what waited (spec §5.5)", async () => {
  const { box, open } = setUp();
  const seen: string[] = [];
  const going = module("going", (pi) => {
    pi.on("session_start", async () => {
      await Bun.sleep(2);
      seen.push("start");
    });
    pi.on("turn_end", () => void seen.push("turn"));
    pi.on("session_shutdown", ({ reason }) => void seen.push(`shutdown ${reason}`));
  });
  box.add(going);
  const session = open();
  session.emit("session_start");
  session.emit("turn_end");
  await Bun.sleep(1);
  box.remove(going);
  session.emit("turn_end");
  await session.close("quit");
  expect(seen).toEqual(["start", "shutdown reload"]);
});

test("a module that is removed before the session began hears nothing", async () => {
  const { box, open } = setUp();
  const seen: string[] = [];
  const going = module("going", (pi) => pi.on("session_shutdown", () => void seen.push("shutdown")));
  box.add(going);
  const session = open();
  box.remove(going);
  await session.close("quit");
  expect(seen).toEqual([]);
});

test("close makes session_shutdown up unless it was there, once, and nothing comes after", async () => {
  const { box, open } = setUp();
  const seen: string[] = [];
  box.add(
    module("m", (pi) => pi.on("session_shutdown", ({ reason }) => void seen.push(`shutdown ${reason}`))),
  );
  const [a, b] = [open("a"), open("b")];
  a.emit("session_shutdown", { type: "session_shutdown", reason: "quit" });
  await Promise.all([a.close("gone"), a.close("gone"), b.close("gone")]);
  a.emit("session_shutdown", { reason: "again" });
  await Bun.sleep(1);
  expect(seen).toEqual(["shutdown quit", "shutdown gone"]);
});

test("pi.events.on hears forwarded vers:* events; what is never heard is warned about once (spec §5.5)", async () => {
  const { heard, box, open } = setUp();
  const seen: unknown[] = [];
  box.add(
    module("bus", (pi) => {
      const stop = pi.events.on("vers:agent_spawned", (data) => void seen.push(data));
      pi.events.on("vers:other", stop);
      pi.on("tool_execution_start", () => void seen.push("never"));
      pi.events.emit("vers:agent_spawned");
      (pi as unknown as ExtensionAPI).setSessionName("x");
    }),
  );
  for (const session of [open("a"), open("b")]) {
    session.emit("vers:agent_spawned", { vmId: 1 });
    session.emit("vers:other");
    session.emit("vers:agent_spawned", { vmId: 2 });
    session.emit("tool_execution_start");
    await session.close("quit");
  }
  expect(seen).toEqual([{ vmId: 1 }, { vmId: 1 }]);
  expect(heard.lines).toEqual([
    `warn "tool_execution_start" is never heard in the server`,
    `warn "vers:agent_spawned" was emitted, and nobody hears it in the server`,
    "warn pi.setSessionName works only inside pi and does nothing here",
  ]);
});

test("a session that falls far behind loses events with one warning, but hears its end", async () => {
  const { heard, box, open } = setUp();
  let turns = 0;
  let ended = 0;
  box.add(
    module("m", (pi) => {
      pi.on("turn_end", () => void turns++);
      pi.on("session_shutdown", () => void ended++);
    }),
  );
  const session = open();
  for (let n = 0; n < 1_500; n++) session.emit("turn_end");
  await session.close("quit");
  expect(turns).toBeWithin(990, 1_001);
  expect(ended).toBe(1);
  expect(heard.lines).toEqual([`warn behaviors of "agent" are 1000 events behind; "turn_end" is lost`]);
});
