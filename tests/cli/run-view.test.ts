// What somebody who watches a task reads, frame by frame.
import { describe, expect, test } from "bun:test";
import type { Frame } from "../../src/cli/events.js";
import { createRunView, type RunEnd } from "../../src/cli/run-view.js";
import { uncolored } from "../../src/cli/terminal.js";
import { turnFrames } from "./support.js";

function watch(frames: readonly Frame[], streams = true) {
  const view = createRunView({ name: "math", paint: uncolored, columns: 80, streams });
  const text = { out: "", err: "", all: "" };
  for (const piece of frames.flatMap((frame) => view.show(frame))) {
    text[piece.to] += piece.text;
    text.all += piece.text;
  }
  return { ...text, end: view.end };
}

const message = (content: string): Frame => ({
  type: "message_end",
  taskId: "math",
  seq: 9,
  message: { content },
});
const update = (event: Record<string, unknown>): Frame => ({
  type: "message_update",
  taskId: "math",
  assistantMessageEvent: { contentIndex: 0, ...event },
});
const delta = (text: string) => update({ type: "text_delta", delta: text });
const begin: Frame[] = [{ type: "message_start", taskId: "math" }, update({ type: "text_start" })];

test("a turn is its calls, their results, the reply, the time and the cost", () => {
  const watched = watch(turnFrames("math", { type: "task_done", summary: "2+2 = 4" }));
  expect(watched.all).toBe(
    ["▸ bash(echo 4)", "  4", "2+2 = 4", "done in 400 ms $0.0042 (200 tokens in, 40 out)", ""].join("\n"),
  );
  expect(watched.out).toBe("2+2 = 4\n");
  expect(watched.end).toBe("done");
});

test("the usage of the end frame is the sum for the turn and replaces what was added up", () => {
  const usage = { input: 7, output: 8, cost: 0.5 };
  expect(watch(turnFrames("math", { type: "task_done", usage })).err).toContain(
    "$0.5000 (7 tokens in, 8 out)",
  );
});

test.each<[Partial<Frame> & { type: string }, string, RunEnd]>([
  [{ type: "task_error", error: "no credit" }, "failed in 400 ms: no credit", "error"],
  [{ type: "task_cancelled", reason: "enough" }, "cancelled in 400 ms: enough", "cancelled"],
  [{ type: "task_cancelled" }, "cancelled in 400 ms $", "cancelled"],
])("an end of %j reads %j", (frame, text, end) => {
  const watched = watch(turnFrames("math", frame));
  expect(watched.err).toContain(text);
  expect(watched.end).toBe(end);
});

test("frames of other tasks add nothing and end nothing", () => {
  expect(watch(turnFrames("other", { type: "task_done" }))).toEqual({
    out: "",
    err: "",
    all: "",
    end: undefined,
  });
});

describe("a reply is printed once", () => {
  test("when all of it was streamed", () => {
    expect(watch([...begin, delta("\n\na "), delta("b\n"), message("a b")]).out).toBe("a b\n");
  });

  test("when its last pieces were dropped", () => {
    expect(watch([...begin, delta("a "), message("a b c")]).out).toBe("a b c\n");
  });

  test("when its beginning was missed", () => {
    expect(watch([delta("b c"), message("a b c")]).out).toBe("a b c\n");
  });

  test("when nothing of it was streamed, or nothing should be", () => {
    expect(watch([message("a b c")]).out).toBe("a b c\n");
    expect(watch([...begin, delta("a "), message("a b c")], false).out).toBe("a b c\n");
  });

  test("after an attempt that broke off in the middle", () => {
    expect(watch([...begin, delta("a b"), ...begin, delta("a b c"), message("a b c")]).out).toBe(
      "a b\na b c\n",
    );
  });
});

test("thinking and arguments in the making are not printed", () => {
  const frames = [
    ...begin,
    update({ type: "thinking_delta", delta: "hm" }),
    update({ type: "toolcall_delta", delta: "{" }),
  ];
  expect(watch(frames).all).toBe("");
});

test("results of calls that were open together name their call", () => {
  const call = (id: string, toolName: string): Frame => ({
    type: "tool_execution_start",
    taskId: "math",
    toolCallId: id,
    toolName,
    args: {},
  });
  const result = (id: string, text: string): Frame => ({
    type: "tool_execution_end",
    taskId: "math",
    toolCallId: id,
    result: { content: [{ type: "text", text }] },
    isError: false,
  });
  const frames = [call("1", "a"), call("2", "b"), result("2", "two"), result("1", "one")];
  expect(watch(frames).err).toBe("▸ a()\n▸ b()\n  b:\n  two\n  one\n");
});

test("a question shows its options and the command that answers it (spec §4.5)", () => {
  const request = { method: "select", title: "Which one?", options: ["red", "blue"] };
  const { err } = watch([{ type: "pending", taskId: "math", nodeId: "p1", request }]);
  expect(err).toBe(
    '? Which one?\n  - red\n  - blue\n  answer with: reef answer math "<your answer>" --node p1\n',
  );
});

test("a note in the middle of a reply stands on a line of its own", () => {
  const steered: Frame = { type: "task_steered", taskId: "math", message: "faster" };
  expect(watch([...begin, delta("a "), steered, delta("b"), message("a b")]).all).toBe("a\n» faster\nb\n");
});

test("frame types of a later server are passed over", () => {
  expect(watch([{ type: "something_new", taskId: "math", seq: 3, data: 1 }]).all).toBe("");
});
