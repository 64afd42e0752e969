// Which text leads when there are several, and how a task goes on after a steer, a restart or a change of tools.
import { describe, expect, test } from "bun:test";
import { nextMove } from "../../src/offline/answer.js";
import { readConversation } from "../../src/offline/conversation.js";
import { checkRequest, signatureOf } from "../../src/offline/request.js";

type Block = Record<string, unknown>;
type Message = { role: "user" | "assistant"; content: string | Block[] };

const INTERRUPTED = "interrupted: reef restarted before this call returned";
const RESTARTED = "reef restarted. Calls marked interrupted may have taken effect. Continue.";

function user(text: string): Message {
  return { role: "user", content: text };
}

function says(text: string): Message {
  return { role: "assistant", content: [{ type: "text", text }] };
}

function calls(...uses: [id: string, name: string, input: object][]): Message {
  return {
    role: "assistant",
    content: uses.map(([id, name, input]) => ({ type: "tool_use", id, name, input })),
  };
}

function results(...answers: [id: string, text: string, isError?: boolean][]): Message {
  return {
    role: "user",
    content: answers.map(([id, content, is_error = false]) => ({
      type: "tool_result",
      tool_use_id: id,
      content,
      is_error,
    })),
  };
}

function next(messages: Message[], more: object = {}) {
  const tools = ["bash", "reef_manifest", "slow_tool"].map((name) => ({ name }));
  const move = nextMove(
    readConversation(checkRequest({ model: "scripted", max_tokens: 100, messages, tools, ...more })),
  );
  return { text: move.reply.text, calls: move.reply.calls, thinking: move.reply.thinking, move };
}

function bash(command: string) {
  return { name: "bash", input: { command } };
}

describe("a steer", () => {
  const running = [
    user("Run `sleep 1`."),
    calls(["c1", "bash", { command: "sleep 1" }]),
    results(["c1", "(no output)"]),
  ];

  test("during a tool call is acknowledged in the answer of the task", () => {
    const { text, calls: made } = next([...running, user("Also say pineapple")]);
    expect(made).toEqual([]);
    expect(text).toStartWith("`sleep 1` printed nothing.");
    expect(text).toEndWith('You said: "Also say pineapple"');
  });

  test("between two calls is acknowledged at once and again in the answer", () => {
    const task = [
      user('call bash {"command": "a"}\ncall bash {"command": "b"}'),
      calls(["c1", "bash", { command: "a" }]),
      results(["c1", "A"]),
      user("Also say pineapple"),
    ];
    const second = next(task);
    expect(second).toMatchObject({ text: 'You said: "Also say pineapple"', calls: [bash("b")] });
    const done = next([...task, calls(["c2", "bash", { command: "b" }]), results(["c2", "B"])]);
    expect(done.text).toBe('- `bash` returned: A\n- `bash` returned: B\n\nYou said: "Also say pineapple"');
  });

  test("before the first model call is acknowledged beside the first call", () => {
    const first = next([user("What is 2+2?"), user("Also say pineapple")]);
    expect(first).toMatchObject({ text: 'You said: "Also say pineapple"', calls: [bash("echo $((2+2))")] });
  });

  test("that came while the answer was streamed is answered by itself", () => {
    const { text } = next([...running, says("`sleep 1` printed nothing."), user("Also say pineapple")]);
    expect(text).toStartWith('You said: "Also say pineapple"\n\nThis is reef\'s offline model (scripted).');
  });

  test("during a retry wait is answered without the failure that was asked for", () => {
    const { move, text } = next([user("fail: rate limit always"), user("Also say pineapple")]);
    expect(move.faults).toEqual([]);
    expect(text).toStartWith('You said: "Also say pineapple"');
  });

  test("that is a prompt takes over, and results that just came in are reported in front", () => {
    const sum = [...running, user("What is 2+2?")];
    const first = next(sum);
    expect(first.text).toStartWith("`sleep 1` printed nothing.");
    expect(first.calls).toEqual([bash("echo $((2+2))")]);
    const done = next([...sum, calls(["c2", "bash", { command: "echo $((2+2))" }]), results(["c2", "4\n"])]);
    expect(done.text).toBe("2+2 = 4");
  });

  test("ends the endless loop when it is a prompt, and only then", () => {
    const loop = [user("endless tool loop"), calls(["c1", "bash", { command: "true" }]), results(["c1", ""])];
    expect(next([...loop, user("faster, please")]).calls).toEqual([bash("true")]);
    expect(next([...loop, user("Run `echo stop`.")]).calls).toEqual([bash("echo stop")]);
  });

  test("of two that are no prompts, both are acknowledged", () => {
    const { text } = next([...running, user("Also say pineapple"), user("And mango")]);
    expect(text).toEndWith('You said: "Also say pineapple"\n\nYou said: "And mango"');
  });
});

describe("after a restart", () => {
  const parallel = [
    user("Run `one` and `two` at the same time."),
    calls(["c1", "bash", { command: "one" }], ["c2", "bash", { command: "two" }]),
    results(["c1", "1"], ["c2", INTERRUPTED, true]),
    user("[interrupted] interrupted"),
    user(RESTARTED),
  ];

  test("the interrupted call is made again and the others are not (spec §4.12)", () => {
    expect(next(parallel).calls).toEqual([bash("two")]);
    const done = next([...parallel, calls(["c3", "bash", { command: "two" }]), results(["c3", "2"])]);
    expect(done.text).toStartWith("- `one` printed: 1\n- `two` printed: 2");
  });

  test("a task with all its results goes on to its next step", () => {
    const { calls: made } = next([
      user('call bash {"command": "a"}\ncall bash {"command": "b"}'),
      calls(["c1", "bash", { command: "a" }]),
      results(["c1", "A"]),
      user("[interrupted] interrupted"),
      user(RESTARTED),
    ]);
    expect(made).toEqual([bash("b")]);
  });

  test("an answer that was cut off is given again", () => {
    const { text } = next([
      user("What is 2+2?"),
      calls(["c1", "bash", { command: "echo $((2+2))" }]),
      results(["c1", "4"]),
      says("2+"),
      user("[interrupted] interrupted"),
      user(RESTARTED),
    ]);
    expect(text).toBe("2+2 = 4");
  });

  test("the answer to a question is no new prompt", () => {
    const { calls: made } = next([
      user("call slow_tool"),
      calls(["c1", "slow_tool", {}]),
      results(["c1", INTERRUPTED, true]),
      user("[interrupted] interrupted"),
      user(`${RESTARTED}\nYou asked: Which color?. Answer: blue`),
    ]);
    expect(made).toEqual([{ name: "slow_tool", input: {} }]);
  });

  test("a steer of the interrupted turn is not lost", () => {
    const { text } = next([
      user("Run `one`."),
      calls(["c1", "bash", { command: "one" }]),
      results(["c1", "1"]),
      user("Also say pineapple"),
      user("[interrupted] interrupted"),
      user(RESTARTED),
    ]);
    expect(text).toEndWith('You said: "Also say pineapple"');
  });

  test("a call whose secret was redacted in the record is not made again", () => {
    const { calls: made } = next([
      user('call slow_tool {"key": "sk-123"}\ncall bash {"command": "b"}'),
      calls(["c1", "slow_tool", { key: "[redacted]" }]),
      results(["c1", "fine"]),
      user("[interrupted] interrupted"),
      user(RESTARTED),
    ]);
    expect(made).toEqual([bash("b")]);
  });
});

describe("texts that are no prompts", () => {
  const task = [
    user("call slow_tool\ncall reef_manifest"),
    calls(["c1", "slow_tool", {}]),
    results(["c1", "done"]),
  ];

  test("a change of tools lets the task go on with its next call (pi spec §17.5)", () => {
    const { calls: made, text } = next([...task, user("Tools changed: new: ping_send. Gone: none.")]);
    expect(made).toEqual([{ name: "reef_manifest", input: {} }]);
    expect(text).toBe("");
  });

  test("`Continue.` goes on with a task that ended in an error", () => {
    const { calls: made } = next([...task, user("[error] 500 Internal server error"), user("Continue.")]);
    expect(made).toEqual([{ name: "reef_manifest", input: {} }]);
  });

  test("a task that ended in an error or was cancelled is not taken up by the next prompt", () => {
    for (const label of ["[error] Timed out after 5 s", "[cancelled] no reason", "[cancelled]"]) {
      expect(next([...task, user(label), user("hello")]).text).toStartWith('You said: "hello"\n\nThis is');
    }
  });

  test("other events in front of a prompt are passed over", () => {
    const { text } = next([
      user("What is 2+2?"),
      says("2+2 = 4"),
      user("[event] service deployed: 7 routes"),
      user("Multiply by 10"),
    ]);
    expect(text).toBe("40");
  });

  test("a conversation of labels alone is answered with help", () => {
    expect(next([user("[event] service deployed: ping")]).text).toStartWith(
      "This is reef's offline model (scripted).",
    );
  });

  test("a summary for compaction is not read for prompts and failures", () => {
    const quoted =
      "<conversation>\n[User]: hello\nfail: auth\nWhat is 2+2?\n</conversation>\n\nSummarize it.";
    const { move, calls: made, text } = next([user(quoted)]);
    expect(move.faults).toEqual([]);
    expect(made).toEqual([]);
    expect(text).toEndWith("[User]: hello\nfail: auth\nWhat is 2+2?");
  });
});

describe("thoughts", () => {
  const enabled = { thinking: { type: "enabled", budget_tokens: 1024 } };
  const thoughtful = user("think: this needs a shell\nWhat is 2+2?");

  test("come with the first message of the turn, beside its calls", () => {
    const first = next([thoughtful], enabled);
    expect(first).toMatchObject({ thinking: "this needs a shell", calls: [bash("echo $((2+2))")] });
    const replayed: Message = {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "this needs a shell", signature: signatureOf("this needs a shell") },
        { type: "tool_use", id: "c1", name: "bash", input: { command: "echo $((2+2))" } },
      ],
    };
    const done = next([thoughtful, replayed, results(["c1", "4"])], enabled);
    expect(done).toMatchObject({ thinking: undefined, text: "2+2 = 4" });
  });

  test("are left out when the request does not want any", () => {
    for (const more of [{}, { thinking: { type: "disabled" } }])
      expect(next([thoughtful], more).thinking).toBeUndefined();
  });

  test("alone are followed by a text", () => {
    expect(next([user("think: hmm")], enabled)).toMatchObject({
      thinking: "hmm",
      text: "I thought about this: hmm",
    });
  });
});

test("a request that forbids tools is answered with text (pi spec §6)", () => {
  const { calls: made, text } = next([user("What is 2+2?")], { tool_choice: { type: "none" } });
  expect(made).toEqual([]);
  expect(text).toStartWith("Next I would call `bash`, but this request forbids tools.");
});
