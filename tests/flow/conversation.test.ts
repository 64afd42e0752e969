// From a submit to the answer, and on from any node: what the model really gets.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { NO_USAGE } from "../../src/tasks/status.js";
import type { Usage } from "../../src/tree/node.js";
import { cleanUp, type Reef, startReef } from "./reef.js";

let reef: Reef;
beforeAll(async () => {
  reef = await startReef();
});
afterAll(cleanUp);

/** The roles and kinds of blocks of the newest request, in short. */
async function newestRequest() {
  const request = (await reef.modelRequests()).at(-1);
  if (!request) throw new Error("The model was not asked.");
  const messages = request.body.messages.map(({ role, content }) => ({
    role,
    blocks:
      typeof content === "string"
        ? [{ type: "text", text: content }]
        : (content as { type: string; text?: string }[]),
  }));
  return {
    system: JSON.stringify(request.body.system),
    messages,
    shape: messages.map(({ role, blocks }) => `${role}:${blocks.map((b) => b.type).join("+")}`),
  };
}

describe("a task (spec §4.3, §4.8)", () => {
  test("the README's task is answered from the live services", async () => {
    const started = performance.now();
    const submitted = await reef.submit({
      task: "List the services and tell me what each does.",
      taskId: "services",
    });
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(["running", "queued"]).toContain(submitted.status);
    const task = await reef.over("services");
    expect(task.status).toBe("done");
    const reply = task.nodes.find((node) => node.id === task.leafId);
    for (const name of ["store", "services", "reef"]) expect(reply?.content).toContain(name);
    expect(reply?.content).toContain("Key-value store with TTL");
    expect(reply?.content).toContain("offline");
    expect(reply?.meta?.model).toBe("scripted");
  });

  test("it is drawn as the README shows it (spec §4.11)", async () => {
    await reef.submit({ task: "What is 2+2?", taskId: "sum" });
    const sum = await reef.over("sum");
    await reef.submit({ task: "Now multiply by 10", taskId: "sum" });
    await reef.over("sum");
    const text = await (await reef.fetch(`/reef/tree?format=text&root=${sum.nodeId}`)).text();
    expect(text).toBe(`[user] What is 2+2?
├─ [tool] bash(echo $((2+2)))
│  └─ [result] 4
└─ [assistant] 2+2 = 4
   └─ [user] Now multiply by 10
      └─ [assistant] 40
`);
  });

  test("a continuation sends the path as true messages, the prompt once, and no history in the system prompt (spec §13.7)", async () => {
    await reef.submit({ task: "What is 3+4?", taskId: "seven" });
    await reef.over("seven");
    await reef.submit({ task: "Now multiply by 2", taskId: "seven" });
    const task = await reef.over("seven");
    expect(task.artifacts?.summary).toBe("14");
    const { system, messages, shape } = await newestRequest();
    expect(shape).toEqual([
      "user:text",
      "assistant:tool_use",
      "user:tool_result",
      "assistant:text",
      "user:text",
    ]);
    expect(messages[0]?.blocks[0]?.text).toBe("What is 3+4?");
    expect(messages.at(-1)?.blocks[0]?.text).toBe("Now multiply by 2");
    expect(JSON.stringify(messages).split("Now multiply by 2")).toHaveLength(2);
    expect(system).toContain("You are a reef agent");
    expect(system).not.toContain("3+4");
  });

  test("continuing from a tool result continues from its whole turn, as a new listed task", async () => {
    await reef.submit({ task: "What is 5+6?", taskId: "eleven" });
    const first = await reef.over("eleven");
    const result = first.nodes.find((node) => node.role === "tool_result" && node.taskId === "eleven");
    const fork = await reef.submit({ task: "Now multiply by 3", parentId: result?.id ?? "" });
    expect(fork.parentId).toBe(result?.id ?? "");
    const task = await reef.over(fork.id);
    expect(task.artifacts?.summary).toBe("33");
    expect((await newestRequest()).shape).toEqual([
      "user:text",
      "assistant:tool_use",
      "user:tool_result",
      "assistant:text",
      "user:text",
    ]);
    expect((await reef.api("GET", "/reef/tasks")).tasks.map((one: { name: string }) => one.name)).toContain(
      fork.id,
    );
  });

  test("a known task continues from the node that is named, and its ref moves there", async () => {
    await reef.submit({ task: "What is 1+1?", taskId: "fork" });
    const first = await reef.over("fork");
    await reef.submit({ task: "Now multiply by 100", taskId: "fork" });
    await reef.over("fork");
    const back = await reef.submit({ task: "Now add 5", taskId: "fork", parentId: first.leafId });
    const task = await reef.over("fork");
    expect(task.artifacts?.summary).toBe("7");
    expect(task.nodes.map((node) => node.content)).not.toContain("Now multiply by 100");
    expect((await reef.api("GET", "/reef/refs")).refs.fork).toBe(task.leafId);
    expect(back.parentId).toBe(first.leafId);
  });

  test("two tools in parallel: each result is a child of its own call", async () => {
    await reef.submit({
      task: "Run `echo one` and `sleep 0.2; echo two` at the same time.",
      taskId: "parallel",
    });
    const { nodes } = await reef.over("parallel");
    const calls = nodes.filter((node) => node.role === "tool_call");
    expect(calls).toHaveLength(2);
    for (const call of calls) {
      const results = nodes.filter((node) => node.role === "tool_result" && node.parentId === call.id);
      expect(results.map((node) => node.toolCallId)).toEqual([call.toolCallId]);
      const expected = JSON.stringify(call.toolParams).includes("one") ? "one" : "two";
      expect(results[0]?.content.trim()).toBe(expected);
    }
    expect(calls[0]?.seq).toBeLessThan(nodes.find((node) => node.role === "tool_result")?.seq ?? 0);
  });

  test("text between tool calls stays where it was said", async () => {
    await reef.submit({ task: "Say hello, then run `echo hi`, then say bye", taskId: "between" });
    const { nodes } = await reef.over("between");
    const own = nodes.filter((node) => node.taskId === "between" && node.role !== "event");
    expect(own.map((node) => node.role)).toEqual([
      "user",
      "assistant",
      "tool_call",
      "tool_result",
      "assistant",
    ]);
    expect(own[1]?.content).toContain("hello");
  });

  test("remember and recall go through the store, across tasks", async () => {
    await reef.submit({ task: "Remember that colour is teal", taskId: "remember" });
    await reef.over("remember");
    await reef.submit({ task: "What do you remember about colour?", taskId: "recall" });
    expect((await reef.over("recall")).artifacts?.summary).toContain("teal");
  });

  test("usage of every model message is on exactly one node and sums up to the task's", async () => {
    const { nodes, usage } = await reef.over("sum");
    const messages = nodes.filter(
      (node) =>
        node.taskId === "sum" && (node.role === "assistant" || node.role === "tool_call") && node.meta?.usage,
    );
    const total = messages.reduce(
      (sum, node) => sum + ((node.meta?.usage as Usage | undefined) ?? NO_USAGE).totalTokens,
      0,
    );
    expect(messages).toHaveLength(3);
    expect(usage.totalTokens).toBe(total);
    expect(usage.cost).toBeGreaterThan(0);
  });

  test("a prompt of 1 MB reaches the model whole, and so does a slash at its beginning", async () => {
    const long = `/etc/hosts ${"x".repeat(1024 * 1024)} end`;
    await reef.submit({ task: long, taskId: "long" });
    expect((await reef.over("long")).status).toBe("done");
    const sent = JSON.stringify((await newestRequest()).messages[0]);
    expect(sent.length).toBeGreaterThan(1024 * 1024);
    expect(sent).toContain("/etc/hosts");
  }, 30_000);

  test("why leads from a reply to the root, effects from the prompt to all of it (spec §4.6)", async () => {
    const task = await reef.over("sum");
    const { chain } = await reef.api("GET", `/reef/tree/${task.leafId}/why`);
    expect(chain.map(({ node }: { node: { role: string } }) => node.role)).toEqual([
      "assistant",
      "user",
      "assistant",
      "user",
      "system",
    ]);
    const first = chain.at(-2).node.id;
    const { totals, effects } = await reef.api("GET", `/reef/tree/${first}/effects`);
    expect(totals).toMatchObject({ tasks: 1, toolCalls: 1, errors: 0 });
    expect(effects.some((node: { content: string }) => node.content === "40")).toBe(true);
  });
});
