import { describe, expect, test } from "bun:test";
import { EMPTY_MEMORY } from "../../src/tasks/record.js";
import { interruption, opening } from "../../src/tasks/restart.js";
import { commit, event, fold, node, user, WHO } from "./samples.js";

describe("opening (spec §4.12)", () => {
  test("a turn that has nothing yet is prompted with its own text, and its history is what came before", () => {
    const turn = [user(), event("run_started"), event("task_interrupted"), event("run_started")];
    expect(opening(turn)).toEqual({ history: [], prompt: "do it" });
  });

  test("steering that came before the first run is the newest text; the prompt stands before it", () => {
    const steers = [event("steer", { content: "first" }), event("steer", { content: "second" })];
    const { history, prompt } = opening([user(), ...steers]);
    expect(prompt).toBe("second");
    expect(history.map((one) => one.content)).toEqual(["do it", "first"]);
  });

  test("an interrupted turn goes on from what it has, and is told its answers", () => {
    const pending = event("pending", { id: "p", meta: { request: { method: "confirm", title: "Delete?" } } });
    const answer = event("answer", { parentId: "p", meta: { confirmed: true } });
    const turn = [user(), node({ role: "tool_call", toolCallId: "a" }), pending, answer];
    const { history, prompt } = opening(turn);
    expect(history).toEqual(turn);
    expect(prompt).toBe(
      "reef restarted. Calls marked interrupted may have taken effect. Continue.\nYou asked: Delete?. Answer: yes",
    );
  });

  test("a question that ran out of time is no answer", () => {
    const pending = event("pending", { id: "p", meta: { request: { method: "input", title: "Name?" } } });
    const expired = event("answer", { parentId: "p", source: "timeout", meta: { cancelled: true } });
    const turn = [user(), node({ role: "assistant" }), pending, expired];
    expect(opening(turn).prompt).not.toContain("You asked");
  });
});

describe("interruption (spec §4.12)", () => {
  const running = () =>
    fold(user(), event("run_started"), node({ role: "tool_call", toolCallId: "a", id: "call" }));

  test("each open call gets a result that says so, under its own call", () => {
    const [result, interrupted] = interruption(EMPTY_MEMORY, running().turn, WHO, false);
    expect(result).toMatchObject({
      parentId: "call",
      content: "interrupted: reef restarted before this call returned",
      isError: true,
    });
    expect(interrupted).toMatchObject({ eventType: "task_interrupted", meta: { attempt: 1 } });
  });

  test("the third unclean one ends the turn", () => {
    let state = fold(user());
    for (let n = 1; n <= 3; n++) {
      state = commit(state, [{ parentId: "u", role: "event", eventType: "run_started", content: "" }]);
      const nodes = interruption(EMPTY_MEMORY, state.turn, WHO, false);
      expect(nodes.some((one) => one.eventType === "task_error")).toBe(n === 3);
      state = commit(state, nodes);
    }
    expect(state.turn.end).toMatchObject({ status: "error", error: "Interrupted 3 times; not resumed" });
  });

  test("clean ones may come as often as they like", () => {
    let state = fold(user());
    for (let n = 0; n < 10; n++) {
      state = commit(state, [{ parentId: "u", role: "event", eventType: "run_started", content: "" }]);
      state = commit(state, interruption(EMPTY_MEMORY, state.turn, WHO, true));
    }
    expect(state.turn.end).toBeUndefined();
  });
});
