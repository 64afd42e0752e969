// The real pi against the offline model: what a run does, how it is steered, and when it is over.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { AgentEvent } from "../../src/agent/protocol.js";
import { type Run, type RunOptions, startRun } from "../../src/agent/run.js";
import {
  afterwards,
  cleanUp,
  emptySession,
  realStage,
  type Stage,
  textsOf,
  until,
  untilSettled,
} from "./support.js";

afterEach(cleanUp);

const EXTENSION = join(import.meta.dirname, "fakes/extension.ts");

let stage: Stage;

beforeAll(() => {
  // A model whose context is full after a few words, for compaction over the threshold.
  const models = (baseUrl: string) => {
    const tiny = { id: "scripted", contextWindow: 20_000, maxTokens: 4_000 };
    return { providers: { tiny: { baseUrl, api: "anthropic-messages", apiKey: "k", models: [tiny] } } };
  };
  const compaction = { enabled: true, reserveTokens: 19_000, keepRecentTokens: 10 };
  const retry = { baseDelayMs: 300, provider: { maxRetries: 0 } };
  stage = realStage({ extension: EXTENSION, warm: 1, models, settings: { retry, compaction } });
});
afterAll(() => stage.close());

async function run(prompt: string, options: Partial<RunOptions> = {}): Promise<Run> {
  const { pool, cwd } = stage;
  const started = await startRun({
    pool,
    provider: "offline",
    modelId: "scripted",
    session: emptySession(cwd),
    prompt,
    ...options,
  });
  afterwards(started.stop);
  return started;
}

const types = (events: readonly AgentEvent[]) => events.map(({ type }) => type);

/** The user texts of the newest request that the model got. */
function asked(): string[] {
  const body = stage.model.requests().at(-1)?.body as {
    messages: { role: string; content: { text?: string }[] }[];
  };
  return body.messages
    .filter(({ role }) => role === "user")
    .flatMap(({ content }) => content.flatMap(({ text }) => text ?? []));
}

describe("a run", () => {
  test("goes from the prompt over a tool to settled, in pi's order (spec pi §4)", async () => {
    const events = await untilSettled(await run("Run `echo hello`."));
    const order = types(events).filter(
      (type) => type !== "message_update" && type !== "tool_execution_update",
    );
    expect(order).toEqual([
      ...["agent_start", "turn_start", "message_start", "message_end", "message_start", "message_end"],
      ...[
        "tool_execution_start",
        "tool_execution_end",
        "message_start",
        "message_end",
        "turn_end",
        "turn_start",
      ],
      ...["message_start", "message_end", "turn_end", "agent_end", "settled"],
    ] as never);
    expect(events.find(({ type }) => type === "tool_execution_end")).toMatchObject({
      toolName: "bash",
      isError: false,
      result: { content: [{ type: "text", text: "hello\n" }] },
    });
  }, 20_000);

  test("deltas add up to the message (spec §4.8)", async () => {
    const events = await untilSettled(await run("long: 5000 characters"));
    const streamed = events.flatMap((event) =>
      event.type === "message_update" && event.event.type === "text_delta" ? [event.event.delta] : [],
    );
    expect(streamed.length).toBeGreaterThan(10);
    expect([streamed.join("")]).toEqual(textsOf(events, "assistant"));
  }, 20_000);

  test("a prompt that begins with a slash reaches the model as text (spec pi §3)", async () => {
    for (const prompt of ["/etc/hosts: what is it?", "/skill:none do it", "/reef-continue-0 x"]) {
      await untilSettled(await run(prompt));
      expect(asked()).toEqual([prompt]);
    }
  }, 30_000);

  test("a prompt of 1 MB arrives whole", async () => {
    const prompt = `fail: auth\n${"ä word ".repeat(150_000)}end`;
    expect(prompt.length).toBeGreaterThan(1_000_000);
    await untilSettled(await run(prompt));
    expect(asked()).toEqual([prompt]);
  }, 30_000);

  test("another model and thinking level are set at the hand-over", async () => {
    const started = await run("empty", { provider: "offline", thinking: "high" });
    expect(await started.process.request({ type: "get_state" })).toMatchObject({ thinkingLevel: "high" });
    await untilSettled(started);
  }, 20_000);

  test("a level that an earlier run has set is not the default of the next", async () => {
    await untilSettled(await run("empty", { thinking: "high" }));
    const next = await run("empty");
    expect(await next.process.request({ type: "get_state" })).toMatchObject({ thinkingLevel: "off" });
    await untilSettled(next);
  }, 20_000);
});

describe("when it is over", () => {
  test("a retry that helps settles once, after its own end", async () => {
    const events = await untilSettled(await run("fail: overloaded\nbash: echo tried"));
    expect(types(events).filter((type) => type === "agent_end")).toHaveLength(2);
    expect(types(events)).toContain("auto_retry_start");
    expect(textsOf(events, "assistant").at(-1)).toContain("tried");
  }, 20_000);

  test("retries that are given up settle after the last", async () => {
    const events = await untilSettled(await run("fail: overloaded always"));
    expect(types(events).filter((type) => type === "auto_retry_start")).toHaveLength(3);
    expect(events.at(-2)).toMatchObject({ type: "auto_retry_end", success: false });
  }, 20_000);

  test("an error that is not tried again settles at once", async () => {
    const events = await untilSettled(await run("fail: auth"));
    expect(types(events)).not.toContain("auto_retry_start");
    const last = events.findLast((event) => event.type === "message_end");
    expect(last).toMatchObject({ message: { stopReason: "error" } });
  }, 20_000);

  test("an abort in a retry wait settles", async () => {
    const started = await run("fail: overloaded always");
    await until(started, ({ type }) => type === "auto_retry_start");
    await started.abort();
    expect(types(await untilSettled(started))).toEqual(["auto_retry_end", "settled"]);
  }, 20_000);

  test("an overflow is compacted and tried again before it settles", async () => {
    const started = await run("long: 3000 characters");
    await untilSettled(started);
    await started.prompt("fail: prompt too long\nbash: echo fits");
    const events = await untilSettled(started);
    expect(types(events).filter((type) => type.startsWith("compaction"))).toEqual([
      "compaction_start",
      "compaction_end",
    ]);
    expect(events.find(({ type }) => type === "compaction_end")).toMatchObject({
      reason: "overflow",
      willRetry: true,
    });
    expect(textsOf(events, "assistant").at(-1)).toContain("fits");
  }, 30_000);

  test("a compaction over the threshold is waited for", async () => {
    const started = await run("long: 9000 characters", { provider: "tiny" });
    const events = await untilSettled(started);
    expect(types(events).slice(-4)).toEqual(["agent_end", "compaction_start", "compaction_end", "settled"]);
    expect(events.at(-2)).toMatchObject({
      reason: "threshold",
      willRetry: false,
      summary: expect.any(String),
    });
  }, 30_000);

  test("a command that starts no loop settles", async () => {
    const started = await run("empty");
    await untilSettled(started);
    await started.prompt(`/reef-nothing-${started.process.control}`);
    expect(await untilSettled(started)).toEqual([{ type: "settled" }]);
  }, 20_000);

  test("pi that dies in the middle ends the events without settled", async () => {
    const started = await run("bash: sleep 60");
    await until(started, ({ type }) => type === "tool_execution_start");
    process.kill(started.process.pid, "SIGKILL");
    expect(types(await untilSettled(started))).not.toContain("settled");
    expect(await started.exited).toMatchObject({ code: null, signal: "SIGKILL" });
  }, 20_000);
});

describe("steering", () => {
  test("reaches the model before its next call", async () => {
    const started = await run("bash: sleep 0.3; echo slept");
    await until(started, ({ type }) => type === "tool_execution_start");
    await started.steer("Also say pineapple", "steer");
    const events = await untilSettled(started);
    expect(types(events).filter((type) => type === "agent_end")).toHaveLength(1);
    expect(asked()).toEqual(["bash: sleep 0.3; echo slept", "Also say pineapple"]);
  }, 20_000);

  test("a follow-up comes after the model would have stopped", async () => {
    const started = await run("bash: sleep 0.3; echo slept");
    await until(started, ({ type }) => type === "tool_execution_start");
    await started.steer("What is 2+2?", "follow_up");
    const replies = textsOf(await untilSettled(started), "assistant").filter((text) => text !== "");
    expect(replies).toHaveLength(2);
    expect(replies[1]).toContain("4");
  }, 20_000);

  test("sent in the same moment as the loop ends, it is never lost and never said twice", async () => {
    for (const delayMs of [0, 1, 2, 4]) {
      const started = await run("empty");
      await until(started, ({ type }) => type === "message_end");
      await Bun.sleep(delayMs);
      await started.steer("What is 2+2?", "steer");
      const events = await untilSettled(started);
      expect(textsOf(events, "user").filter((text) => text === "What is 2+2?")).toHaveLength(1);
      expect(textsOf(events, "assistant").join()).toContain("4");
    }
  }, 30_000);

  test("in a retry wait, the model gets both texts", async () => {
    const started = await run("fail: overloaded\nWhat is 3+3?");
    await until(started, ({ type }) => type === "auto_retry_start");
    await started.steer("Also say pineapple", "steer");
    await untilSettled(started);
    expect(asked()).toEqual(["fail: overloaded\nWhat is 3+3?", "Also say pineapple"]);
  }, 20_000);

  test("during a compaction it waits for the end of that", async () => {
    const started = await run("long: 9000 characters", { provider: "tiny" });
    await until(started, ({ type }) => type === "compaction_start");
    const steered = started.steer("What is 2+2?", "steer");
    const events = await untilSettled(started);
    await steered;
    const rest = types(events).includes("agent_start") ? [] : await untilSettled(started);
    expect(textsOf([...events, ...rest], "user")).toEqual(["What is 2+2?"]);
  }, 30_000);
});

describe("with an extension", () => {
  test("a loop that a tool has ended goes on in the next, which is told why (spec pi §6)", async () => {
    const started = await run("call enough");
    expect(types(await untilSettled(started)).filter((type) => type === "agent_start")).toHaveLength(1);
    await started.continueWith("tools came: dance\nand went");
    const events = await untilSettled(started);
    expect(types(events).slice(0, 1)).toEqual(["agent_start"]);
    expect(asked()).toEqual(["call enough", "tools came: dance\nand went"]);
  }, 20_000);

  test("a question is answered with what was answered", async () => {
    for (const confirmed of [true, false]) {
      const started = await run("call ask");
      const request = (await until(started, ({ type }) => type === "extension_ui_request")).at(-1);
      expect(request).toMatchObject({ method: "confirm", title: "Sure?", message: "Really?" });
      started.answer(request?.type === "extension_ui_request" ? request.id : "", { confirmed });
      const result = (await untilSettled(started)).find(({ type }) => type === "tool_execution_end");
      expect(result).toMatchObject({ result: { content: [{ text: String(confirmed) }] } });
    }
  }, 20_000);

  test("a run with an open question is stopped without delay", async () => {
    const started = await run("call ask");
    await until(started, ({ type }) => type === "extension_ui_request");
    const begin = performance.now();
    await started.stop();
    expect(performance.now() - begin).toBeLessThan(1_500);
  }, 20_000);
});

describe("what pi refuses", () => {
  test("is told as pi tells it (spec §4.4)", async () => {
    await expect(run("hello", { provider: "nobody", modelId: "x" })).rejects.toThrow(
      /^Failed to spawn pi: .*nobody\/x/s,
    );
    await expect(run("hello", { session: emptySession("/no/such/folder") })).rejects.toThrow(
      /^Failed to spawn pi: .*\/no\/such\/folder/s,
    );
  }, 30_000);
});
