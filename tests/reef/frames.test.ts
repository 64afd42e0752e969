import { describe, expect, test } from "bun:test";
import { frameOf, isFrameType } from "../../src/reef/frames.js";
import { event, node, user } from "../tasks/samples.js";

describe("frames (spec §4.8)", () => {
  test("every frame says where its node stands", () => {
    expect(
      frameOf(node({ id: "x", seq: 7, timestamp: 9, role: "system", content: "hi", taskId: undefined })),
    ).toEqual({
      type: "system",
      seq: 7,
      nodeId: "x",
      parentId: "u",
      timestamp: 9,
      content: "hi",
    });
  });

  test("a submit is task_started with its prompt", () => {
    expect(frameOf(user({ continuing: true }))).toMatchObject({
      type: "task_started",
      prompt: "do it",
      continuing: true,
      taskId: "t",
    });
  });

  test("the end of a task points at its reply and says which node it is itself", () => {
    const done = event("task_done", {
      id: "end",
      meta: { summary: "x".repeat(300), replyId: "reply", usage: { cost: 1 } },
    });
    const frame = frameOf(done);
    expect(frame).toMatchObject({ type: "task_done", nodeId: "reply", eventNodeId: "end", parentId: "u" });
    expect(frame.summary).toHaveLength(200);
  });

  test("calls and results carry their toolCallId and their name", () => {
    const call = node({
      role: "tool_call",
      toolName: "bash",
      toolCallId: "a",
      toolParams: { command: "ls" },
      meta: {},
    });
    expect(frameOf(call)).toMatchObject({
      type: "tool_execution_start",
      toolCallId: "a",
      toolName: "bash",
      args: { command: "ls" },
    });
    const result = node({
      role: "tool_result",
      toolName: "bash",
      toolCallId: "a",
      result: { content: [] },
      isError: true,
    });
    expect(frameOf(result)).toMatchObject({
      type: "tool_execution_end",
      toolCallId: "a",
      toolName: "bash",
      isError: true,
    });
  });

  test("a question, its answer and steering have frames of their own", () => {
    expect(frameOf(event("pending", { meta: { request: { title: "?" } } }))).toMatchObject({
      type: "pending",
      request: { title: "?" },
    });
    expect(frameOf(event("answer", { parentId: "p", meta: { value: "v" } }))).toMatchObject({
      type: "answered",
      pendingId: "p",
      value: "v",
    });
    expect(frameOf(event("steer", { content: "go", meta: { mode: "steer" } }))).toMatchObject({
      type: "task_steered",
      message: "go",
      mode: "steer",
    });
  });

  test("an event of a service keeps its type, source, content and meta", () => {
    const frame = frameOf(event("card_moved", { source: "board", content: "c", meta: { card: 1 } }));
    expect(frame).toMatchObject({ type: "card_moved", source: "board", content: "c", meta: { card: 1 } });
  });

  test("frame types are known, so that no service can pretend to be reef", () => {
    expect(isFrameType("task_done")).toBe(true);
    expect(isFrameType("message_update")).toBe(true);
    expect(isFrameType("card_moved")).toBe(false);
  });
});
