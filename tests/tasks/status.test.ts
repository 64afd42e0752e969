import { describe, expect, test } from "bun:test";
import { statusOf, taskInfo } from "../../src/tasks/status.js";
import { event, fold, node, user } from "./samples.js";

const USAGE = { input: 1, output: 2, cacheRead: 0, cacheWrite: 0, totalTokens: 3, cost: 0.25 };

describe("status (spec §4.4)", () => {
  test("a turn is queued until its run starts, then running", () => {
    expect(statusOf(fold(user()).turn)).toBe("queued");
    expect(statusOf(fold(user(), event("run_started")).turn)).toBe("running");
  });

  test("an unsettled question makes it waiting, its answer running again", () => {
    const pending = event("pending", { id: "p" });
    expect(statusOf(fold(user(), event("run_started"), pending).turn)).toBe("waiting");
    const answered = fold(user(), event("run_started"), pending, event("answer", { parentId: "p" }));
    expect(statusOf(answered.turn)).toBe("running");
  });

  test("an interruption queues it again, and one that was asked something still waits", () => {
    const cut = event("task_interrupted");
    expect(statusOf(fold(user(), event("run_started"), cut).turn)).toBe("queued");
    expect(statusOf(fold(user(), event("run_started"), event("pending"), cut).turn)).toBe("waiting");
  });

  test("only unclean interruptions count", () => {
    const clean = event("task_interrupted", { meta: { clean: true } });
    const { turn } = fold(
      user(),
      event("run_started"),
      clean,
      event("run_started"),
      event("task_interrupted"),
    );
    expect(turn.interruptions).toBe(1);
    expect(turn.attempt).toBe(2);
  });

  test("each end gives its status, its time and its artifacts", () => {
    const reply = node({ role: "assistant", content: "4", meta: { usage: USAGE, stopReason: "stop" } });
    const done = taskInfo(fold(user(), event("run_started"), reply, event("task_done", { timestamp: 9 })));
    expect(done).toMatchObject({
      status: "done",
      completedAt: 9,
      artifacts: { summary: "4", filesChanged: [] },
    });
    const failed = taskInfo(fold(user(), event("task_error", { content: "no" })));
    expect(failed).toMatchObject({ status: "error", artifacts: { summary: "Failed: no", error: "no" } });
    expect(taskInfo(fold(user(), event("task_cancelled"))).status).toBe("cancelled");
  });

  test("files of successful writes and edits are listed once", () => {
    const write = (id: string, path: string) =>
      node({ role: "tool_call", toolName: "write", toolCallId: id, toolParams: { path } });
    const ok = (id: string, isError = false) => node({ role: "tool_result", toolCallId: id, isError });
    const state = fold(
      user(),
      write("1", "a"),
      ok("1"),
      write("2", "a"),
      ok("2"),
      write("3", "b"),
      ok("3", true),
      event("task_done"),
    );
    expect(taskInfo(state).artifacts?.filesChanged).toEqual(["a"]);
  });

  test("a reopened task keeps createdAt, trigger and usage, and loses completedAt and artifacts", () => {
    const reply = node({ role: "assistant", content: "4", meta: { usage: USAGE } });
    const state = fold(
      user({}, { timestamp: 1 }),
      event("run_started"),
      reply,
      event("task_done"),
      user({ continuing: true }, { id: "u2", content: "again" }),
    );
    expect(taskInfo(state)).toMatchObject({
      status: "queued",
      createdAt: 1,
      trigger: "do it",
      nodeId: "u2",
      attempt: 0,
    });
    expect(taskInfo(state).completedAt).toBeUndefined();
    expect(taskInfo(state).artifacts).toBeUndefined();
    expect(state.usage).toEqual(USAGE);
    expect(state.turn.usage.totalTokens).toBe(0);
  });

  test("events that services record change nothing", () => {
    const before = fold(user(), event("run_started"));
    const after = fold(user(), event("run_started"), event("board:card_moved", { source: "board" }));
    expect(statusOf(after.turn)).toBe(statusOf(before.turn));
  });
});
