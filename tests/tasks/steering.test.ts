import { describe, expect, test } from "bun:test";
import type { AgentEvent } from "../../src/agent/protocol.js";
import { createSteering } from "../../src/tasks/steering.js";
import { text } from "./samples.js";

const said = (words: string): AgentEvent => ({
  type: "message_end",
  message: { role: "user", content: [text(words)] },
});
const queued = (...steering: string[]): AgentEvent => ({ type: "queue_update", steering, followUp: [] });

describe("steering (spec §4.5: never lost)", () => {
  test("a message that pi has read is not said again", () => {
    const steering = createSteering();
    steering.prompted();
    steering.heard(said("the prompt"));
    steering.add({ nodeId: "s", text: "pineapple", mode: "steer" });
    expect(steering.takeWaiting()).toHaveLength(1);
    expect(steering.hasNews("s")).toBe(true);
    steering.heard(said("pineapple"));
    expect(steering.hasNews("s")).toBe(false);
    expect(steering.takeUnheard()).toBeUndefined();
  });

  test("the prompt itself is not taken for a message of the same words", () => {
    const steering = createSteering();
    steering.prompted();
    steering.add({ nodeId: "s", text: "same", mode: "steer" });
    steering.takeWaiting();
    steering.heard(said("same"));
    expect(steering.takeUnheard()).toBe("same");
  });

  test("what pi never took is prompted with, all of it at once", () => {
    const steering = createSteering();
    steering.add({ nodeId: "a", text: "one", mode: "steer" });
    steering.add({ nodeId: "b", text: "two", mode: "follow_up" });
    steering.takeWaiting();
    expect(steering.takeUnheard()).toBe("one\n\ntwo");
    expect(steering.takeUnheard()).toBeUndefined();
  });

  test("what lies in pi's own queue is announced, not repeated", () => {
    const steering = createSteering();
    steering.add({ nodeId: "a", text: "one", mode: "steer" });
    steering.takeWaiting();
    steering.heard(queued("one"));
    expect(steering.takeUnheard()).not.toContain("one");
    expect(steering.hasNews(undefined)).toBe(true);
  });

  test("messages that the run began with are heard already, in whichever order they are told", () => {
    const steering = createSteering();
    steering.add({ nodeId: "before", text: "x", mode: "steer" });
    steering.shown(["before", "after"]);
    steering.add({ nodeId: "after", text: "y", mode: "steer" });
    expect(steering.takeWaiting()).toEqual([]);
    expect(steering.hasNews("after")).toBe(false);
  });

  test("a committed message that has not arrived here yet is news", () => {
    expect(createSteering().hasNews("on its way")).toBe(true);
  });
});
