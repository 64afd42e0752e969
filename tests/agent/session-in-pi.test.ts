// What the real pi makes of such a session file: the messages with which a model is asked.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { sessionFile } from "../../src/agent/session.js";
import type { RawNode } from "../../src/tree/node.js";
import { type RecordedModel, startModel, text } from "../extension/rig/model.js";
import { startPi, type TestPi } from "../extension/rig/pi.js";
import { call, conversation, event, reply, result, say } from "./conversation.js";

setDefaultTimeout(60_000);

const handover = { v: 1, runId: "run-7", taskId: "t" };

function fileOf(nodes: RawNode[], upTo: string, more: Partial<Parameters<typeof sessionFile>[0]> = {}) {
  return sessionFile({ nodes, upTo, cwd: "/", handover, now: 1_700_000_000_000, ...more });
}

describe("the real pi, given a session file", () => {
  let model: RecordedModel;
  let pi: TestPi;
  beforeAll(async () => {
    model = startModel(() => text("ok"));
    pi = await startPi({ modelUrl: model.url, extension: false });
  });
  afterAll(async () => {
    await pi?.stop();
    model?.stop();
  });

  /** The messages that the model is asked with, without cache marks. */
  async function asked(
    nodes: RawNode[],
    upTo: string,
    more: Partial<Parameters<typeof sessionFile>[0]> = {},
  ): Promise<{ role: string; content: Record<string, unknown>[] }[]> {
    const file = fileOf(nodes, upTo, { cwd: pi.dir, ...more });
    await pi.switchTo(file.text);
    await pi.prompt(file.prompt);
    const request = model.requests.at(-1);
    return (request?.messages ?? []).map(({ role, content }) => ({ role, content: content.map(unmarked) }));
  }

  function unmarked({ cache_control: _mark, ...block }: Record<string, unknown>): Record<string, unknown> {
    return block;
  }

  const said = (words: string) => ({ role: "user", content: [{ type: "text", text: words }] });
  const answered = (words: string) => ({ role: "assistant", content: [{ type: "text", text: words }] });

  test("sends true user and assistant messages, the new text once, from the working directory of the file", async () => {
    const { nodes, add } = conversation();
    add("u1", null, say("One", true));
    add("a1", "u1", reply("Yes", 1, [{ type: "text", text: "Yes" }]));
    add("u2", "a1", say("Two"));
    expect(await asked(nodes, "u2")).toEqual([said("One"), answered("Yes"), said("Two")]);
    expect(model.requests.at(-1)?.system.at(-1)?.text).toContain(`Current working directory: ${pi.dir}`);
  });

  test("sends parallel calls with their results together, an image as an image, and thinking with its signature", async () => {
    const { nodes, add } = conversation();
    const blocks = [
      { type: "thinking", thinking: "I look at both.", thinkingSignature: "c2ln" },
      { type: "text", text: "Looking." },
      { type: "toolCall", id: "k1", name: "read", arguments: { path: "a.png" } },
      { type: "toolCall", id: "k2", name: "bash", arguments: { command: "false" } },
      { type: "toolCall", id: "orphan", name: "bash", arguments: { command: "never" } },
    ];
    add("u1", null, say("Look", true));
    add("a1", "u1", reply("Looking.", 1, blocks, { stopReason: "toolUse" }));
    add("c1", "u1", call("k1", "read", { path: "a.png" }, 1));
    add("c2", "u1", call("k2", "bash", { command: "false" }, 1));
    add("r2", "c2", result("k2", "Command exited with code 1", true));
    const image = { type: "image" as const, data: "aGk=", mimeType: "image/png" };
    add("r1", "c1", {
      ...result("k1", "Read it"),
      result: { content: [{ type: "text", text: "Read it" }, image] },
    });
    add("a2", "u1", reply("Seen.", 2, [{ type: "text", text: "Seen." }]));
    add("u2", "r1", say("And?"));
    const [first, looking, results, seen, last] = await asked(nodes, "u2");
    expect(first).toEqual(said("Look"));
    expect(looking).toEqual({
      role: "assistant",
      content: [
        { type: "thinking", thinking: "I look at both.", signature: "c2ln" },
        { type: "text", text: "Looking." },
        { type: "tool_use", id: "k1", name: "read", input: { path: "a.png" } },
        { type: "tool_use", id: "k2", name: "bash", input: { command: "false" } },
      ],
    });
    expect(results?.content).toMatchObject([
      {
        type: "tool_result",
        tool_use_id: "k1",
        content: [{ text: "Read it" }, { type: "image", source: { data: "aGk=" } }],
      },
      { type: "tool_result", tool_use_id: "k2", content: "Command exited with code 1", is_error: true },
    ]);
    expect([seen, last]).toEqual([answered("Seen."), said("And?")]);
  });

  test("continues from a tool result, with a made-up result for the call that has none", async () => {
    const { nodes, add } = conversation();
    add("u1", null, say("Go", true));
    add("c1", "u1", call("k1", "gone_tool", { a: 1 }, 1));
    add("c2", "u1", call("k2", "bash", { command: "ls" }, 1));
    add("r2", "c2", result("k2", "files"));
    add("u2", "r2", say("Next"));
    const messages = await asked(nodes, "u2");
    expect(messages.map(({ role }) => role)).toEqual(["user", "assistant", "user", "user"]);
    expect(messages[2]?.content).toMatchObject([
      { tool_use_id: "k1", content: "No result of this call is known.", is_error: true },
      { tool_use_id: "k2", content: "files", is_error: false },
    ]);
  });

  test("hears a steer after the results, an interruption, and the prompt of a resumed turn last (spec §4.12)", async () => {
    const { nodes, add } = conversation();
    add("u1", null, say("Go", true));
    add("c1", "u1", call("k1", "bash", { command: "sleep 9" }, 1));
    add("steer", "u1", event("steer", "Be quick", "reef"));
    add("r1", "c1", result("k1", "interrupted: reef restarted before this call returned", true));
    add("i", "u1", event("task_interrupted", "interrupted", "reef"));
    const messages = await asked(nodes, "u1", {
      opening: { history: nodes, prompt: "reef restarted. Continue." },
    });
    expect(messages.map(({ role, content }) => [role, content[0]?.text ?? content[0]?.type])).toEqual([
      ["user", "Go"],
      ["assistant", "tool_use"],
      ["user", "tool_result"],
      ["user", "Be quick"],
      ["user", "[interrupted] interrupted"],
      ["user", "reef restarted. Continue."],
    ]);
  });

  test("keeps an aborted reply's text, and a conversation of imported nodes", async () => {
    const { nodes, add } = conversation();
    add("u1", null, say("Go"));
    add("a1", "u1", { role: "assistant", content: "An old answer" });
    add("u2", "a1", say("On"));
    add(
      "a2",
      "u2",
      reply("Half an ans", 1, [{ type: "text", text: "Half an ans" }], { stopReason: "aborted" }),
    );
    add("u3", "a2", say("Again"));
    expect(await asked(nodes, "u3")).toEqual([
      said("Go"),
      answered("An old answer"),
      said("On"),
      answered("Half an ans"),
      said("Again"),
    ]);
  });

  test("takes a megabyte of history (spec §13)", async () => {
    const { nodes, add } = conversation();
    let parent: string | null = null;
    for (let n = 0; n < 20; n++) {
      add(`u${n}`, parent, say(`${n} ${"x".repeat(50_000)}`, n === 0));
      add(`a${n}`, `u${n}`, reply(`answer ${n}`, 1, [{ type: "text", text: `answer ${n}` }]));
      parent = `a${n}`;
    }
    add("last", parent, say("Short?"));
    const messages = await asked(nodes, "last");
    expect(messages.length).toBe(41);
    expect(messages.at(-1)).toEqual(said("Short?"));
  });
});
