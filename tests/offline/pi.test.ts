// The real pi against the offline model: its tools, its retries, its compaction, its steering.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { startOfflineModel } from "../../src/offline/server.js";
import { ends, type Pi, type PiEvent, startPi, texts } from "./pi.js";

setDefaultTimeout(60_000);

const model = startOfflineModel();
let pi: Pi;
beforeAll(async () => {
  pi = await startPi(model.url, { thinking: "low" });
});
afterAll(async () => {
  await pi.stop();
  await model.stop();
});

function retries(events: readonly PiEvent[]): number {
  return events.filter(({ type }) => type === "auto_retry_start").length;
}

function last(events: readonly PiEvent[]): string | undefined {
  return texts(events).at(-1);
}

describe("pi runs the tools", () => {
  test("a sum is worked out by bash, and carried on in the same conversation", async () => {
    const sum = await pi.ask("What is 2+2?");
    expect(texts(sum, "toolResult")).toEqual(["4\n"]);
    expect(last(sum)).toBe("2+2 = 4");
    const carried = await pi.ask("Now multiply by 10");
    expect(texts(carried, "toolResult")).toEqual([]);
    expect(last(carried)).toBe("40");
  });

  test("two commands run at the same time and both are answered", async () => {
    const events = await pi.ask("Run `sleep 0.1; echo one` and `echo two` at the same time.");
    expect(texts(events, "toolResult")).toEqual(["one\n", "two\n"]);
    expect(last(events)).toStartWith("- `sleep 0.1; echo one` printed: one\n- `echo two` printed: two");
  });

  test("text stands in front of a call in one message, and after its result", async () => {
    expect(texts(await pi.ask("Say hello, then run `echo hi`, then say bye"))).toEqual(["hello", "bye"]);
  });

  test("lines of calls are made one after another", async () => {
    const events = await pi.ask('call bash {"command": "echo a"}\ncall bash {"command": "exit 3"}');
    expect(ends(events, "assistant").map(({ stopReason }) => stopReason)).toEqual([
      "toolUse",
      "toolUse",
      "stop",
    ]);
    expect(ends(events, "toolResult").map(({ isError }) => isError)).toEqual([false, true]);
  });

  test("bad arguments and unknown tools are errors that the loop survives", async () => {
    expect(last(await pi.ask("bad arguments"))).toContain("must have required properties command");
    expect(last(await pi.ask("unknown tool"))).toContain("Tool no_such_tool not found");
  });

  test("an endless loop goes on until it is aborted", async () => {
    let calls = 0;
    const fifth = pi.seen(({ type }) => type === "tool_execution_end" && ++calls === 5);
    const asked = pi.ask("endless tool loop");
    await fifth;
    pi.send({ type: "abort" });
    expect(ends(await asked, "assistant").at(-1)?.stopReason).toBe("aborted");
  });
});

describe("pi reads every shape of reply", () => {
  test("thoughts with their signature, which it sends back", async () => {
    const events = await pi.ask("think: this needs a shell\nWhat is 3*3?");
    expect(ends(events, "assistant")[0]?.content?.[0]).toMatchObject({
      type: "thinking",
      thinking: "this needs a shell",
    });
    expect(last(events)).toBe("3*3 = 9");
  });

  test("max tokens, empty, long and slow replies", async () => {
    expect(ends(await pi.ask("max tokens"), "assistant")[0]?.stopReason).toBe("length");
    expect(ends(await pi.ask("empty"), "assistant")[0]).toMatchObject({ content: [], stopReason: "stop" });
    expect(last(await pi.ask("long: 20000 characters"))).toHaveLength(20_000);
    expect(last(await pi.ask("slow: 3 words every 5 ms"))).toBe("word1 word2 word3");
  });
});

describe("pi meets failures (pi spec §5)", () => {
  test("those that pass are retried, and each retry is counted", async () => {
    for (const failure of ["rate limit", "server error", "overloaded", "overloaded mid-stream"]) {
      const before = model.count();
      const events = await pi.ask(`fail: ${failure} 2 times\nWhat is 2+2?`);
      expect([failure, retries(events), last(events)]).toEqual([failure, 2, "2+2 = 4"]);
      expect(model.count() - before).toBe(4);
    }
  });

  test("a failure that never ends is given up after three retries", async () => {
    const events = await pi.ask("fail: server error always");
    expect(retries(events)).toBe(3);
    expect(ends(events, "assistant").at(-1)?.errorMessage).toStartWith("500 ");
  });

  test("a failure after a tool call does not run the tool again", async () => {
    const events = await pi.ask("Run `echo once`.\nfail: overloaded");
    expect(retries(events)).toBe(1);
    expect(texts(events, "toolResult")).toEqual(["once\n"]);
    expect(last(events)).toStartWith("`echo once` printed: once");
  });

  test("a broken connection, a wrong key and an unknown model end the loop with an error", async () => {
    for (const [failure, message] of [
      ["drop mid-stream", "connection"],
      ["auth", "401"],
      ["not found", "404"],
    ] as const) {
      const end = ends(await pi.ask(`fail: ${failure}`), "assistant").at(-1);
      expect(end?.stopReason).toBe("error");
      expect(end?.errorMessage).toContain(message);
    }
  });

  test("a prompt that is too long is compacted and tried again", async () => {
    const events = await pi.ask("fail: prompt too long\nWhat is 5+5?");
    expect(events.filter(({ type }) => type === "compaction_end")).toMatchObject([
      { aborted: false, willRetry: true },
    ]);
    expect(last(events)).toBe("5+5 = 10");
  });
});

describe("pi steers", () => {
  test("a text during a tool call is in the answer", async () => {
    const running = pi.seen(({ type }) => type === "tool_execution_start");
    const asked = pi.ask("Run `sleep 0.2; echo done`.");
    await running;
    pi.send({ type: "steer", message: "Also say pineapple" });
    const answer = last(await asked);
    expect(answer).toContain("printed: done");
    expect(answer).toEndWith('You said: "Also say pineapple"');
  });

  test("a text during a stream is answered after it", async () => {
    const streaming = pi.seen(({ type }) => type === "message_update");
    const asked = pi.ask("slow: 10 words every 10 ms");
    await streaming;
    pi.send({ type: "steer", message: "Also say mango" });
    const [slow, answer] = texts(await asked);
    expect(slow).toEndWith("word10");
    expect(answer).toStartWith('You said: "Also say mango"');
  });

  test("a text during a retry wait is taken by the retry", async () => {
    const waiting = pi.seen(({ type }) => type === "auto_retry_start");
    const asked = pi.ask("fail: rate limit\nRun `echo hi`.");
    await waiting;
    pi.send({ type: "steer", message: "Also say papaya" });
    const events = await asked;
    expect(texts(events).join("\n")).toContain('You said: "Also say papaya"');
    expect(last(events)).toContain("`echo hi` printed: hi");
  });
});
