// Text that is being written: whole, in order, and gone in the moment in which its node is there.
import { describe, expect, test } from "bun:test";
import { heard, type Live, NOTHING } from "./live.js";
import { LiveTurns } from "./live-turns.js";
import type { Frame } from "./types.js";

const frame = (type: string, rest: Partial<Frame> = {}): Frame => ({ type, nodeId: "p", ...rest });
const start = frame("message_start", { role: "assistant" });
const update = (assistantMessageEvent: object) => frame("message_update", { assistantMessageEvent });
const text = (delta: string) => update({ type: "text_delta", contentIndex: 0, delta });
const committed = (type: string, seq: number, rest: Partial<Frame> = {}): Frame => ({
  type,
  seq,
  nodeId: `n${seq}`,
  parentId: "p",
  ...rest,
});
const after = (...frames: Frame[]) => frames.reduce<Live>(heard, NOTHING);
const texts = ({ messages }: Live) => messages.map((one) => one.text);

describe("a turn", () => {
  test("writes message after message; each is held until its node has come", () => {
    const live = after(start, text("Hel"), text("lo"), committed("message_end", 4), start, text("bye"));
    expect(live.messages).toEqual([
      { text: "Hello", thinking: "", isCut: false, seq: 4 },
      { text: "bye", thinking: "", isCut: false },
    ]);
  });

  test("thinks, and says which call it writes; a message without text is bound to its first call", () => {
    const live = after(
      start,
      update({ type: "thinking_delta", contentIndex: 0, delta: "hm" }),
      update({ type: "toolcall_start", contentIndex: 1, name: "bash" }),
      committed("tool_execution_start", 5),
      committed("tool_execution_start", 6),
    );
    expect(live.messages).toEqual([{ text: "", thinking: "hm", calling: "bash", isCut: false, seq: 5 }]);
  });

  test("that one joins in the middle of a message is cut until the end says all of it", () => {
    const joined = after(text("lo"));
    expect(joined.messages).toEqual([{ text: "lo", thinking: "", isCut: true }]);
    expect(heard(joined, update({ type: "text_end", content: "Hello" })).messages).toEqual([
      { text: "Hello", thinking: "", isCut: false },
    ]);
    const whole = after(start, text("a"), update({ type: "text_end", content: "b" }));
    expect(texts(whole)).toEqual(["a"]);
  });

  test("shows what a running call prints, the newest state of it", () => {
    const print = (printed: string) =>
      frame("tool_execution_update", {
        toolCallId: "c1",
        partialResult: { content: [{ type: "text", text: printed }] },
      });
    expect([...after(print("1"), print("1\n2")).printed]).toEqual([["c1", "1\n2"]]);
    expect(after(print("1"), frame("agent_end"))).toEqual({ ...NOTHING, notice: undefined });
  });

  test("says that the provider failed, and takes what was half written back", () => {
    const failed = after(start, text("half"), frame("auto_retry_start", { errorMessage: "overloaded" }));
    expect([texts(failed), failed.notice]).toEqual([[], "The provider failed: overloaded. Trying again."]);
    expect(heard(failed, start).notice).toBeUndefined();
  });

  test.each(["task_done", "task_error", "task_cancelled", "task_interrupted"])("%s ends it", (type) => {
    expect(texts(after(start, text("half"), committed(type, 9)))).toEqual([]);
  });

  test("is not confused by frames of other forms", () => {
    const odd = [
      frame("message_update"),
      update({ type: "text_delta" }),
      update({ type: "text_delta", delta: 7 }),
      frame("tool_execution_update", { toolCallId: 7, partialResult: null }),
      frame("tool_execution_update", { toolCallId: "c", partialResult: { content: [null, 7] } }),
      frame("message_start", { role: "user" }),
      frame("something_new"),
    ];
    expect(texts(after(...odd)).join("")).toBe("");
  });
});

describe("all turns", () => {
  function turns() {
    const waiting: (() => void)[] = [];
    const live = new LiveTurns((paint) => void waiting.push(paint));
    return { live, paint: () => waiting.splice(0).map((paint) => paint()).length };
  }

  test("are painted once, however many frames there were", () => {
    const { live, paint } = turns();
    live.hear(start);
    for (let count = 0; count < 1_000; count++) live.hear(text("x"));
    expect(live.turns.value.size).toBe(0);
    expect(paint()).toBe(1);
    expect(live.turns.value.get("p")?.messages[0]?.text).toBe("x".repeat(1_000));
    expect(paint()).toBe(0);
  });

  test("give a message away at once when its node is there, and keep what comes after it", () => {
    const { live, paint } = turns();
    for (const one of [start, text("first"), committed("message_end", 4), start, text("second")])
      live.hear(one);
    paint();
    live.settle(3);
    expect(live.turns.value.get("p")?.messages).toHaveLength(2);
    live.settle(4);
    expect(live.turns.value.get("p")?.messages.map((one) => one.text)).toEqual(["second"]);
    live.hear(committed("message_end", 6));
    live.hear(frame("agent_end"));
    live.settle(6);
    expect(live.turns.value.size).toBe(0);
  });

  test("keep what was thought before a message when its node is there, the newest two hundred", () => {
    const { live } = turns();
    const thinks = (delta: string) => update({ type: "thinking_delta", contentIndex: 0, delta });
    for (const one of [start, thinks("hm"), text("yes"), committed("message_end", 4)]) live.hear(one);
    live.settle(3);
    expect(live.thoughts.value.size).toBe(0);
    live.settle(4);
    expect([...live.thoughts.value]).toEqual([[4, "hm"]]);
    for (let seq = 5; seq < 210; seq++) {
      for (const one of [start, thinks(`${seq}`), committed("message_end", seq)]) live.hear(one);
      live.settle(seq);
    }
    expect([...live.thoughts.value.keys()]).toEqual(Array.from({ length: 200 }, (_, at) => at + 10));
  });

  test("after a lost connection hold nothing that may have a hole", () => {
    const { live, paint } = turns();
    for (const one of [start, text("first"), committed("message_end", 4), start, text("seco")])
      live.hear(one);
    paint();
    live.forgetUnfinished();
    expect(live.turns.value.get("p")?.messages.map((one) => one.text)).toEqual(["first"]);
    live.hear(text("nd"));
    paint();
    expect(live.turns.value.get("p")?.messages.at(-1)).toMatchObject({ text: "nd", isCut: true });
  });
});
