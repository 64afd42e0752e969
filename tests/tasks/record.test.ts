import { describe, expect, test } from "bun:test";
import type { AgentEvent } from "../../src/agent/protocol.js";
import { becomesNodes, cutOff, EMPTY_MEMORY, type Memory, record, remember } from "../../src/tasks/record.js";
import type { TaskState } from "../../src/tasks/status.js";
import type { NewNode } from "../../src/tree/node.js";
import { call, commit, fold, message, result, text, toolCall, user, WHO } from "./samples.js";

/** Plays events as a run does, and returns every node that came of them. */
function play(events: readonly AgentEvent[], from: TaskState = fold(user())) {
  let memory: Memory = EMPTY_MEMORY;
  let state = from;
  const nodes: NewNode[] = [];
  for (const event of events) {
    if (!becomesNodes(memory, event)) {
      memory = remember(memory, event);
      continue;
    }
    const step = record(memory, event, state.turn, WHO);
    memory = step.memory;
    nodes.push(...step.nodes);
    state = commit(state, step.nodes);
  }
  return { nodes, memory, state };
}

describe("record (spec §4.8)", () => {
  test("a reply with text is an assistant node with its usage, and keeps pi's message without usage", () => {
    const { nodes } = play([message({ content: [text(" 4 \n")] })]);
    expect(nodes).toHaveLength(1);
    expect(nodes[0]).toMatchObject({ role: "assistant", content: "4", parentId: "u" });
    expect(nodes[0]?.meta).toMatchObject({
      model: "scripted",
      usage: { input: 10, cost: 0.5 },
      iteration: 1,
    });
    expect(nodes[0]?.raw).not.toHaveProperty("usage");
  });

  test("a message that only calls tools puts its usage on its first call, once", () => {
    const { nodes } = play([
      message({ content: [toolCall("a"), toolCall("b")], stopReason: "toolUse" }),
      call("a"),
      call("b"),
    ]);
    expect(nodes.map((node) => node.role)).toEqual(["tool_call", "tool_call"]);
    expect(nodes[0]?.meta?.usage).toBeDefined();
    expect(nodes[0]?.raw).toBeDefined();
    expect(nodes[1]?.meta?.usage).toBeUndefined();
    expect(nodes[1]?.meta?.iteration).toBe(1);
  });

  test("text between tool calls stands where it was said", () => {
    const { nodes } = play([
      message({ content: [text("first"), toolCall("a")], stopReason: "toolUse" }),
      call("a"),
      result("a", "1"),
      message({ content: [text("last")] }),
    ]);
    expect(nodes.map((node) => `${node.role} ${node.content}`)).toEqual([
      "assistant first",
      "tool_call bash",
      "tool_result 1",
      "assistant last",
    ]);
    expect(nodes.map((node) => node.meta?.iteration)).toEqual([1, 1, undefined, 2]);
  });

  test("each result of parallel calls hangs under its own call, whatever the order", () => {
    const { nodes, state } = play([
      message({ content: [toolCall("a"), toolCall("b")], stopReason: "toolUse" }),
      call("a"),
      call("b"),
      result("b", "of b"),
    ]);
    const [open] = Object.values(state.turn.openCalls);
    expect(Object.keys(state.turn.openCalls)).toEqual(["a"]);
    expect(nodes.at(-1)).toMatchObject({ role: "tool_result", toolCallId: "b", content: "of b" });
    expect(nodes.at(-1)?.parentId).not.toBe(open?.nodeId);
  });

  test("a message none of whose calls began becomes an empty reply with its usage", () => {
    const { nodes } = play([
      message({ content: [toolCall("a")], stopReason: "toolUse" }),
      { type: "agent_end" },
    ]);
    expect(nodes).toHaveLength(1);
    expect(nodes[0]).toMatchObject({ role: "assistant", content: "", meta: { usage: { input: 10 } } });
  });

  test("a failed model message is an empty reply, and its reason is remembered until the next one", () => {
    const failed = message({ stopReason: "error", errorMessage: "429 slow down" });
    const { nodes, memory } = play([failed]);
    expect(nodes[0]).toMatchObject({ role: "assistant", content: "", meta: { stopReason: "error" } });
    expect(memory.failure).toBe("429 slow down");
    expect(play([failed, message({ content: [text("ok")] })]).memory.failure).toBeUndefined();
  });

  test("a result's text is cut at 1000 characters in content and whole in result", () => {
    const long = "x".repeat(5000);
    const { nodes } = play([
      message({ content: [toolCall("a")], stopReason: "toolUse" }),
      call("a"),
      result("a", long),
    ]);
    expect(nodes.at(-1)?.content).toHaveLength(1000);
    expect(nodes.at(-1)?.result?.content).toEqual([{ type: "text", text: long }]);
    expect(nodes.at(-1)?.meta).toBeUndefined();
  });

  test("a result over 1 MiB loses its middle and says how much (spec §4.1)", () => {
    const long = `begin${"x".repeat(2 * 1024 * 1024)}end`;
    const { nodes } = play([
      message({ content: [toolCall("a")], stopReason: "toolUse" }),
      call("a"),
      result("a", long),
    ]);
    const stored = JSON.stringify(nodes.at(-1)?.result);
    expect(stored.length).toBeLessThanOrEqual(1024 * 1024);
    expect(stored).toContain("begin");
    expect(stored).toContain("end");
    expect(nodes.at(-1)?.meta?.truncated).toBeGreaterThan(1024 * 1024);
  });

  test("a result of a call that is not open becomes nothing", () => {
    expect(play([result("ghost", "?")]).nodes).toEqual([]);
  });

  test("what is cut off keeps the text so far and gives each open call a result (spec §4.5)", () => {
    const { memory, state } = play([
      message({ content: [toolCall("a"), toolCall("b")], stopReason: "toolUse" }),
      call("a"),
      call("b"),
      { type: "message_start", role: "assistant" },
      { type: "message_update", event: { type: "text_delta", contentIndex: 0, delta: "half a " } },
      { type: "message_update", event: { type: "text_delta", contentIndex: 0, delta: "sentence" } },
    ]);
    const nodes = cutOff(memory, state.turn, WHO, "cancelled");
    expect(nodes[0]).toMatchObject({
      role: "assistant",
      content: "half a sentence",
      meta: { stopReason: "aborted" },
    });
    expect(nodes.slice(1).map((node) => [node.toolCallId, node.content, node.isError])).toEqual([
      ["a", "cancelled", true],
      ["b", "cancelled", true],
    ]);
    expect(Object.keys(commit(state, nodes).turn.openCalls)).toEqual([]);
  });
});
