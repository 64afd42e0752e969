// One line of pi's output → one typed event or answer.
import { describe, expect, test } from "bun:test";
import { type AgentEvent, parseLine } from "../../src/agent/protocol.js";

function eventOf(value: unknown): AgentEvent {
  const said = parseLine(Buffer.from(JSON.stringify(value)));
  if (said.kind !== "event") throw new Error(`not an event: ${said.kind}`);
  return said.event;
}

const live = { role: "assistant", content: [{ type: "text", text: "x".repeat(10_000), index: 0 }] };

describe("events", () => {
  test("a text delta keeps its delta and nothing of the message (spec pi §4)", () => {
    const assistantMessageEvent = {
      type: "text_delta",
      contentIndex: 1,
      delta: 'a "quoted" ü\n',
      partial: live,
    };
    expect(eventOf({ type: "message_update", assistantMessageEvent, message: live })).toEqual({
      type: "message_update",
      event: { type: "text_delta", contentIndex: 1, delta: 'a "quoted" ü\n' },
    });
  });

  test("a delta whose text looks like the end of the delta is whole", () => {
    for (const delta of [',"partial":{', '"},"partial":{"x":1', '\\",\\"partial\\":{', "\ud83d"]) {
      for (const type of ["text_delta", "thinking_delta", "toolcall_delta"]) {
        const assistantMessageEvent = { type, contentIndex: 0, delta, partial: live };
        expect(eventOf({ type: "message_update", assistantMessageEvent, message: live })).toEqual({
          type: "message_update",
          event: { type, contentIndex: 0, delta },
        });
      }
    }
  });

  test("a delta line that is cut off in its message is read up to there, as pi wrote the delta whole", () => {
    const line =
      '{"type":"message_update","assistantMessageEvent":{"type":"text_delta","contentIndex":0,"delta":"a","partial":{"con';
    expect(parseLine(Buffer.from(line)).kind).toBe("event");
  });

  test("deltas of a pi that sends no message with them are read too (spec pi §1)", () => {
    const assistantMessageEvent = { type: "text_delta", contentIndex: 0, delta: "a" };
    expect(eventOf({ type: "message_update", assistantMessageEvent })).toEqual({
      type: "message_update",
      event: { type: "text_delta", contentIndex: 0, delta: "a" },
    });
  });

  test("toolcall_start has the id and name of the call, toolcall_end the whole call", () => {
    const call = { type: "toolCall", id: "c1", name: "bash", arguments: { a: 1, partial: { b: 2 } } };
    const partial = { role: "assistant", content: [{ type: "text", text: "" }, call] };
    const start = { type: "toolcall_start", contentIndex: 1, partial };
    expect(eventOf({ type: "message_update", assistantMessageEvent: start, message: partial })).toEqual({
      type: "message_update",
      event: { type: "toolcall_start", contentIndex: 1, id: "c1", name: "bash" },
    });
    const end = { type: "toolcall_end", contentIndex: 1, toolCall: call, partial };
    expect(eventOf({ type: "message_update", assistantMessageEvent: end, message: partial })).toEqual({
      type: "message_update",
      event: { type: "toolcall_end", contentIndex: 1, toolCall: call },
    });
  });

  test("message_end keeps the whole message, unknown roles and blocks included", () => {
    const message = { role: "custom", customType: "x", content: [{ type: "hologram", depth: 3 }] };
    expect(eventOf({ type: "message_end", message })).toEqual({ type: "message_end", message });
    const plain = eventOf({ type: "message_end", message: { role: "user", content: "hello" } });
    expect(plain).toMatchObject({ message: { role: "user", content: [{ type: "text", text: "hello" }] } });
  });

  test("agent_end, turn_end and message_start leave their messages behind", () => {
    expect(eventOf({ type: "agent_end", messages: [live] })).toEqual({ type: "agent_end" });
    expect(eventOf({ type: "turn_end", message: live, toolResults: [] })).toEqual({ type: "turn_end" });
    expect(eventOf({ type: "message_start", message: live })).toEqual({
      type: "message_start",
      role: "assistant",
    });
  });

  test("a tool's result always has a list of text and image blocks", () => {
    const end = { type: "tool_execution_end", toolCallId: "c", toolName: "t", isError: true };
    expect(eventOf(end)).toMatchObject({ result: { content: [] }, isError: true });
    const image = { type: "image", data: "aa", mimeType: "image/png" };
    const content = [{ type: "text", text: "a" }, image, { type: "text" }, null, 5];
    expect(eventOf({ ...end, result: { content, details: { n: 1 }, terminate: true } })).toMatchObject({
      result: { content: [{ type: "text", text: "a" }, image], details: { n: 1 }, terminate: true },
    });
  });

  test("a dialog keeps its fields, a compaction says whether it took place", () => {
    const dialog = {
      type: "extension_ui_request",
      id: "1",
      method: "select",
      title: "T",
      options: ["a"],
      statusKey: 1,
    };
    expect(eventOf(dialog)).toEqual(dialog as unknown as AgentEvent);
    const end = { type: "compaction_end", reason: "threshold", aborted: false, willRetry: false };
    expect(eventOf({ ...end, result: { summary: "s" } })).toEqual({
      ...end,
      type: "compaction_end",
      summary: "s",
    });
    expect(eventOf(end)).toEqual({ ...end, type: "compaction_end" });
  });

  test("an event that is not known, or lacks what it must have, passes through as unknown", () => {
    expect(eventOf({ type: "entry_appended", entry: { id: 1 } })).toEqual({
      type: "unknown",
      name: "entry_appended",
      data: { entry: { id: 1 } },
    });
    expect(eventOf({ type: "tool_execution_start", toolName: "x" })).toMatchObject({ type: "unknown" });
    expect(eventOf({ type: "constructor" })).toMatchObject({ type: "unknown", name: "constructor" });
  });
});

describe("other lines", () => {
  test("an answer has its id when pi gave one, and always a reason when it failed", () => {
    const ok = parseLine(
      Buffer.from('{"id":"7","type":"response","command":"get_state","success":true,"data":{"a":1}}'),
    );
    expect(ok).toMatchObject({ kind: "answer", answer: { id: "7", success: true, data: { a: 1 } } });
    const unknown = parseLine(
      Buffer.from('{"type":"response","command":"x","success":false,"error":"Unknown command: x"}'),
    );
    expect(unknown).toEqual({
      kind: "answer",
      answer: { command: "x", success: false, data: undefined, error: "Unknown command: x" },
    });
  });

  test("what is no JSON object with a type is noise", () => {
    for (const text of ["hello", "5", '"text"', "null", "[]", "{}", '{"type":5}', '{"type":"agent_start"']) {
      expect(parseLine(Buffer.from(text))).toEqual({ kind: "noise" });
    }
  });

  test("a trailing CR does no harm", () => {
    expect(parseLine(Buffer.from('{"type":"agent_start"}\r'))).toMatchObject({ kind: "event" });
  });
});
