// Every published prompt, played from its first request to its answer, with the SDK's own client.
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { scripts } from "../../src/offline/scripts.js";
import { startOfflineModel } from "../../src/offline/server.js";
import { Agent, type Run, type Tools, tools } from "./agent.js";
import { boardWithSums, boardWithWorkers } from "./board.js";

setDefaultTimeout(60_000);

const model = startOfflineModel();
afterAll(() => model.stop());

const signature = "— offline model (scripted)";

/** What each prompt leads to. `earlier` is what the user asked before it, `use` the tools that it needs. */
const expected: Record<string, { earlier?: string; use?: () => Tools; check(run: Run): void }> = {
  "List the services and tell me what each does.": {
    check({ calls, answer }) {
      expect(calls).toEqual([["reef_manifest"]]);
      expect(answer).toBe(
        "3 services are live on this reef, as `reef_manifest` says:\n\n- **cron**: Scheduled jobs (tools: cron_add, cron_list)\n" +
          `- **reef**: Event tree, tasks\n- **quiet**: has no description\n\n${signature}`,
      );
    },
  },
  "What is 2+2?": {
    check({ calls, inputs, answer }) {
      expect(calls).toEqual([["bash"]]);
      expect(inputs).toEqual([{ command: "echo $((2+2))" }]);
      expect(answer).toBe("2+2 = 4");
    },
  },
  "What is (7 - 3) * 12?": { check: ({ answer }) => expect(answer).toBe("(7 - 3) * 12 = 48") },
  "Now multiply by 10": { earlier: "What is 2+2?", check: answers("40", 0) },
  "Multiply by 10": { earlier: "What is 2+2?", check: answers("40", 0) },
  "Divide by 4": { earlier: "What is 2+3?", check: answers("1.25", 0) },
  "Add 2": { earlier: "What is 2-12?", check: answers("-8", 0) },
  "Subtract 1": { earlier: "Run `echo 0.3`.", check: answers("-0.7", 0) },
  "Remember that the color is blue": {
    check({ inputs, answer }) {
      expect(inputs).toEqual([{ key: "the color", value: "blue" }]);
      expect(answer).toBe(
        `I will remember that the color is blue. Stored "the color" (version 12).\n\n${signature}`,
      );
    },
  },
  'remember limits = {"cpu": 2}': {
    check: ({ inputs }) => expect(inputs).toEqual([{ key: "limits", value: { cpu: 2 } }]),
  },
  "What do you remember about the color?": {
    check: answers(`I remember that the color is blue\n\n${signature}`, 1),
  },
  "recall limits": { check: answers(`I remember that limits is {"cpu":2}\n\n${signature}`, 1) },
  "Run `echo one` and `echo two` at the same time.": {
    check({ replies, calls, answer }) {
      expect(replies).toHaveLength(2);
      expect(calls).toEqual([["bash", "bash"]]);
      expect(answer).toBe(`- \`echo one\` printed: one\n- \`echo two\` printed: two\n\n${signature}`);
    },
  },
  "Run echo one and echo two in parallel": {
    check: ({ calls }) => expect(calls).toEqual([["bash", "bash"]]),
  },
  "Run `ls`.": { check: ({ inputs }) => expect(inputs).toEqual([{ command: "ls" }]) },
  "bash: ls": { check: ({ inputs }) => expect(inputs).toEqual([{ command: "ls" }]) },
  "Say hello, then run `echo hi`, then say bye": {
    check({ replies, answer }) {
      expect(replies[0]?.content.map(({ type }) => type)).toEqual(["text", "tool_use"]);
      expect(replies[0]?.content[0]).toMatchObject({ text: "hello" });
      expect(answer).toBe("bye");
    },
  },
  "Ask a sub-task: What is 2+2?": {
    check({ inputs, answer }) {
      expect(inputs).toEqual([{ task: "What is 2+2?" }]);
      expect(answer).toContain("The sub-task answered:\n\n```\nAnswer to What is 2+2?");
    },
  },
  "Use three tools at once.": {
    check({ calls, answer }) {
      expect(calls).toEqual([["bash", "reef_store_put", "reef_manifest"]]);
      expect(answer).toContain("- `bash` answered: one\n- `reef_store_put` answered: Stored");
    },
  },
  'call reef_store_put {"key": "a", "value": 1}': {
    check({ inputs, answer }) {
      expect(inputs).toEqual([{ key: "a", value: 1 }]);
      expect(answer).toBe('`reef_store_put` returned: Stored "a" (version 12).');
    },
  },
  "call reef_manifest": { check: ({ inputs }) => expect(inputs).toEqual([{}]) },
  'call bash {"command": "true"}\nand call reef_manifest\ncall reef_task_list': {
    check({ calls, answer }) {
      expect(calls).toEqual([["bash", "reef_manifest"], ["reef_task_list"]]);
      expect(answer).toStartWith(
        "- `bash` returned nothing.\n- `reef_manifest` returned:\n\n  ```\n  services folder",
      );
      expect(answer).toEndWith("\n- `reef_task_list` returned: No tasks.");
    },
  },
  "Build a service that counts votes.": {
    check({ calls, answer }) {
      expect(calls).toEqual([
        ["reef_manifest"],
        ["write", "write", "write", "write", "write"],
        ["reef_deploy"],
        ["edit"],
        ["reef_deploy"],
        ["votes_cast"],
      ]);
      expect(answer).toBe(
        "Deployed votes: 2 passed, 0 failed. Live at /votes (2 routes).\nNew tools: votes_cast\n\n" +
          `\`votes_cast\` answered: tea: 1\n\n${signature}`,
      );
    },
  },
  "Build a service called `polls` that counts votes": {
    check: ({ inputs }) => expect(inputs.at(-1)).toEqual({ choice: "tea" }),
  },
  "slow: 20 words every 20 ms": {
    check: ({ answer }) =>
      expect(answer).toBe(Array.from({ length: 20 }, (_, at) => `word${at + 1}`).join(" ")),
  },
  "long: 50000 characters": { check: ({ answer }) => expect(answer).toHaveLength(50_000) },
  "bad arguments": {
    check({ inputs, answer }) {
      expect(inputs).toEqual([{ comand: "true" }]);
      expect(answer).toStartWith("`bash` without a command failed: command: must have required property");
    },
  },
  "unknown tool": {
    check: answers(`\`no_such_tool\` failed: Tool no_such_tool not found\n\n${signature}`, 1),
  },
  "endless tool loop": {
    check({ calls, answer }) {
      expect(calls).toHaveLength(500);
      expect(answer).toBe(`The loop ended at its limit of 500 calls.\n\n${signature}`);
    },
  },
  "max tokens": {
    check({ replies, answer }) {
      expect(replies[0]?.stop_reason).toBe("max_tokens");
      expect(answer).toEndWith("because the limit of");
    },
  },
  "Run a swarm of 3 workers on reef-survey.": {
    use: boardWithWorkers,
    check({ calls, inputs, answer }) {
      expect(calls[0]).toEqual(Array(5).fill("board_create_task"));
      expect(calls[1]).toEqual(Array(3).fill("reef_submit"));
      expect(inputs).toContainEqual({ id: "card-2", title: "Work out 41+1", status: "open", assignee: "" });
      expect(calls.flat().slice(-3)).toEqual(["reports_create", "reports_share", "feed_publish"]);
      expect(answer).toContain("- 41+1 = worked out (done)");
      expect(answer).toContain("http://reef/reports/share/l1");
    },
  },
  "Work on the board's tasks tagged reef-survey.": {
    use: boardWithSums,
    check({ calls, inputs, answer }) {
      expect(inputs).toContainEqual({ taskId: "card-1", leaseSeconds: 10 });
      expect(inputs).toContainEqual({ taskId: "card-2", type: "blocker", content: "What is x?" });
      expect(calls.at(-2)).toEqual(["board_submit_for_review"]);
      expect(answer).toBe(`I handed in:\n\n- 6*7 = 42\n\n${signature}`);
    },
  },
  empty: {
    check: ({ replies }) => expect(replies[0]).toMatchObject({ content: [], stop_reason: "end_turn" }),
  },
  "<conversation>…</conversation>": {
    check: ({ answer }) =>
      expect(answer).toContain("Summary by the offline model (scripted). The conversation ended so:\n\n…"),
  },
};

function answers(text: string, messages: number) {
  return ({ answer, calls }: Run) => {
    expect(answer).toBe(text);
    expect(calls).toHaveLength(messages);
  };
}

/** A shell that does nothing: 500 real ones would only cost time. */
const idle: Tools = { ...tools, bash: () => ({ text: "(no output)" }) };

describe("published prompts", () => {
  test("each has an expectation here, and nothing else has one", () => {
    expect(Object.keys(expected).toSorted()).toEqual(scripts.flatMap(({ prompts }) => prompts).toSorted());
  });

  for (const [prompt, { earlier, use, check }] of Object.entries(expected)) {
    test(prompt.replaceAll("\n", " ⏎ "), async () => {
      const agent = new Agent(model.url, prompt === "endless tool loop" ? idle : (use?.() ?? tools));
      if (earlier) await agent.ask(earlier);
      check(await agent.ask(prompt));
    });
  }
});

describe("what the prompts do not show", () => {
  const ask = (text: string, use: Tools = tools) => new Agent(model.url, use).ask(text);

  test("anything else is repeated, and answered with what the model is and can do", async () => {
    const { answer, calls } = await ask("Write me a poem");
    expect(calls).toEqual([]);
    expect(answer).toStartWith('You said: "Write me a poem"\n\nThis is reef\'s offline model (scripted).');
    expect(answer).toContain("- What is 2+2?");
    expect(answer).not.toContain("endless tool loop");
  });

  test("a very long text is repeated in part", async () => {
    expect((await ask("x".repeat(100_000))).answer.length).toBeLessThan(3000);
  });

  test("a tool that is not offered is named", async () => {
    const { answer } = await ask("List the services and tell me what each does.", {
      bash: () => ({ text: "" }),
    });
    expect(answer).toBe(
      `I need the tool \`reef_manifest\` for this, and it is not offered here.\n\n${signature}`,
    );
  });

  test("only figures, operators and brackets that match reach the shell", async () => {
    for (const text of [
      "What is $(id)?",
      "What is 2; id?",
      "What is 2)) | ((3?",
      "What is `id`?",
      "What is 2\n+2?",
      "What is +?",
    ]) {
      expect((await ask(text)).calls).toEqual([]);
    }
  });

  test("a sum that the shell refuses is answered with its error", async () => {
    expect((await ask("What is 1/0?")).answer).toStartWith("1/0 failed:");
  });

  test("there is nothing to multiply without an earlier number", async () => {
    expect((await ask("Multiply by 10")).answer).toStartWith("There is no number in this conversation yet.");
  });

  test("division by zero is declined", async () => {
    const agent = new Agent(model.url);
    await agent.ask("What is 2+2?");
    expect((await agent.ask("Divide by 0")).answer).toStartWith("I cannot divide 4 by 0.");
  });

  test("a chain of continuations takes each result in turn", async () => {
    const agent = new Agent(model.url);
    await agent.ask("What is 2+2?");
    for (const [prompt, answer] of [
      ["Now multiply by 10", "40"],
      ["Then subtract 0.5", "39.5"],
      ["And divide it by 79", "0.5"],
    ] as const) {
      expect((await agent.ask(prompt)).answer).toBe(answer);
    }
  });

  test("what is not in the store is not remembered", async () => {
    const { answer } = await ask("What do you remember about the weather?");
    expect(answer).toBe(`I remember nothing about the weather. Key "the weather" not found.\n\n${signature}`);
  });

  test("a command that fails is answered with its error", async () => {
    expect((await ask("Run `exit 3`.")).answer).toContain("`exit 3` failed: Command exited with code 3");
  });

  test("arguments that are no JSON object are sent back", async () => {
    const { answer, calls } = await ask("call bash [1]");
    expect(calls).toEqual([]);
    expect(answer).toStartWith("The arguments of `bash` have to be a JSON object. Received: [1]");
  });
});
