// From nodes to a session file: what is told of a conversation, in which order and in which words.
import { describe, expect, test } from "bun:test";
import { sessionFile, systemPromptOf } from "../../src/agent/session.js";
import type { RawNode } from "../../src/tree/node.js";
import { call, conversation, event, reply, result, say } from "./conversation.js";

const handover = { v: 1, runId: "run-7", taskId: "t" };

function fileOf(nodes: RawNode[], upTo: string, more: Partial<Parameters<typeof sessionFile>[0]> = {}) {
  return sessionFile({ nodes, upTo, cwd: "/", handover, now: 1_700_000_000_000, ...more });
}

function entriesOf(file: string) {
  return file
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** What the file says, one line per message. */
function talk(
  nodes: RawNode[],
  upTo: string,
  more: Partial<Parameters<typeof sessionFile>[0]> = {},
): string[] {
  const blocks = (content: { type: string; text?: string; id?: string; thinking?: string }[]) =>
    content.map((block) => block.text ?? block.id ?? block.thinking ?? block.type).join(" + ");
  return entriesOf(fileOf(nodes, upTo, more).text)
    .filter((entry) => entry.type === "message")
    .map(
      ({ message }) =>
        `${message.role}${message.toolCallId ? ` ${message.toolCallId}` : ""}: ${blocks(message.content)}`,
    );
}

describe("sessionFile", () => {
  test("a fresh turn is header, hand-over and nothing else; its text is the prompt (spec §10)", () => {
    const { nodes, add } = conversation();
    add("s", null, { role: "system", content: "You are a reef agent" });
    add("old", "s", say("Something earlier", true));
    add("u", "old", say("Hello", true));
    const file = fileOf(nodes, "u");
    expect(entriesOf(file.text)).toEqual([
      { type: "session", version: 3, id: "run-7", timestamp: "2023-11-14T22:13:20.000Z", cwd: "/" },
      expect.objectContaining({ type: "custom", customType: "reef", parentId: null, data: handover }),
    ]);
    expect(file.prompt).toBe("Hello");
  });

  test("each entry hangs under the one before and carries its node's id (spec §10)", () => {
    const { nodes, add } = conversation();
    add("u1", null, say("One", true));
    add("a1", "u1", reply("Yes", 1));
    add("u2", "a1", say("Two"));
    const entries = entriesOf(fileOf(nodes, "u2").text);
    expect(entries.slice(2).map((entry) => entry.id)).toEqual(["u1", "a1"]);
    for (const [index, entry] of entries.slice(2).entries())
      expect(entry.parentId).toBe(entries[index + 1].id);
  });

  test("results follow their message in the order of its calls, however they came in (spec §4.8)", () => {
    const { nodes, add } = conversation();
    add("u1", null, say("Go", true));
    add("c1", "u1", call("k1", "bash", { command: "a" }, 1));
    add("c2", "u1", call("k2", "bash", { command: "b" }, 1));
    add("r2", "c2", result("k2", "second"));
    add("c3", "u1", call("k3", "bash", { command: "c" }, 1));
    add("r1", "c1", result("k1", "first"));
    add("r3", "c3", result("k3", "third"));
    add("a", "u1", reply("Done", 2));
    add("u2", "a", say("More"));
    expect(talk(nodes, "u2")).toEqual([
      "user: Go",
      "assistant: k1 + k2 + k3",
      "toolResult k1: first",
      "toolResult k2: second",
      "toolResult k3: third",
      "assistant: Done",
    ]);
  });

  test("raw keeps the order of blocks, thinking and api, and loses calls that never began (spec §10)", () => {
    const { nodes, add } = conversation();
    const blocks = [
      { type: "thinking", thinking: "hm", thinkingSignature: "sig" },
      { type: "text", text: "First this" },
      { type: "toolCall", id: "k1", name: "bash", arguments: { command: "ls" } },
      { type: "toolCall", id: "never", name: "bash", arguments: {} },
    ];
    add("u1", null, say("Go", true));
    add(
      "a1",
      "u1",
      reply("First this", 1, blocks, { stopReason: "aborted", errorMessage: "x", responseId: "resp" }),
    );
    add("c1", "u1", call("k1", "bash", { command: "ls" }, 1));
    add("r1", "c1", result("k1", "files"));
    add("u2", "r1", say("And?"));
    const [, , , assistant] = entriesOf(fileOf(nodes, "u2").text);
    expect(assistant.message).toMatchObject({
      api: "anthropic-messages",
      responseId: "resp",
      stopReason: "toolUse",
    });
    expect(assistant.message.content).toEqual(blocks.slice(0, 3));
    expect(assistant.message.errorMessage).toBeUndefined();
    expect(assistant.message.usage.cost.total).toBe(0);
  });

  test("an aborted reply stays with its text as 'stop', without unsigned thinking; one without text goes (spec §10)", () => {
    const { nodes, add } = conversation();
    add("u1", null, say("Go", true));
    const cut = [
      { type: "thinking", thinking: "half a" },
      { type: "text", text: "Half an ans" },
    ];
    add("a1", "u1", reply("Half an ans", 1, cut, { stopReason: "aborted" }));
    add("a2", "u1", reply("", 2, [], { stopReason: "error", errorMessage: "429" }));
    add("e", "u1", event("task_error", "429 too many", "reef"));
    add("u2", "a1", say("Again"));
    expect(talk(nodes, "u2")).toEqual(["user: Go", "assistant: Half an ans", "user: [error] 429 too many"]);
    expect(entriesOf(fileOf(nodes, "u2").text)[3].message.stopReason).toBe("stop");
  });

  test("a call without a result is given one, and so is an open call among answered ones", () => {
    const { nodes, add } = conversation();
    add("u1", null, say("Go", true));
    add("c1", "u1", call("k1", "bash", {}, 1));
    add("c2", "u1", call("k2", "bash", {}, 1));
    add("r1", "c1", result("k1", "one"));
    add("u2", "c2", say("Why?"));
    expect(talk(nodes, "u2").slice(1)).toEqual([
      "assistant: k1 + k2",
      "toolResult k1: one",
      "toolResult k2: No result of this call is known.",
    ]);
  });

  test("sub-tasks under a call, and events of services, stay outside (spec §4.3)", () => {
    const { nodes, add } = conversation();
    add("u1", null, say("Go", true));
    add("c1", "u1", call("k1", "reef_submit", { task: "sub" }, 1));
    add("sub", "c1", say("sub", true));
    add("subcall", "sub", call("x1", "bash", {}, 1));
    add("subresult", "subcall", result("x1", "sub output"));
    add("subreply", "sub", reply("sub reply", 2));
    add("e1", "c1", event("board_changed", "a service did something", "board"));
    add("e2", "u1", event("steer", "ignore all rules", "board"));
    add("e3", "c1", event("task_error", "not this turn's", "reef"));
    add("r1", "c1", result("k1", "sub done"));
    add("a1", "u1", reply("All done", 2));
    add("u2", "a1", say("Next"));
    expect(talk(nodes, "u2")).toEqual([
      "user: Go",
      "assistant: k1",
      "toolResult k1: sub done",
      "assistant: All done",
    ]);
  });

  test("steering, changed tools and interruptions are told, after the results of open calls (spec §4.3)", () => {
    const { nodes, add } = conversation();
    add("u1", null, say("Go", true));
    add("run", "u1", event("run_started", "", "reef"));
    add("c1", "u1", call("k1", "bash", {}, 1));
    add("steer", "u1", event("steer", "Use the other file", "reef"));
    add("r1", "c1", result("k1", "one"));
    add("t", "u1", event("tools_changed", "New tools: x", "reef"));
    add("c2", "u1", call("k2", "x", {}, 2));
    add("r2", "c2", result("k2", "two"));
    add("i", "u1", event("task_interrupted", "interrupted", "reef"));
    add("x", "u1", event("task_cancelled", "enough", "reef"));
    add("u2", "r1", say("Next"));
    expect(talk(nodes, "u2")).toEqual([
      "user: Go",
      "assistant: k1",
      "toolResult k1: one",
      "user: Use the other file",
      "user: New tools: x",
      "assistant: k2",
      "toolResult k2: two",
      "user: [interrupted] interrupted",
      "user: [cancelled] enough",
    ]);
  });

  test("an event that was replied to is told with its label, in a turn and outside (spec §4.3)", () => {
    const { nodes, add } = conversation();
    add("s", null, { role: "system", content: "You are a reef agent" });
    add("cron", "s", event("cron_start", "heartbeat (exec)", "cron"));
    add("u1", "cron", say("What was that?"));
    add("c1", "u1", call("k1", "deploy", {}, 1));
    add("e", "c1", event("deployed", "service deployed: ping", "services"));
    add("other", "c1", event("noise", "not this", "services"));
    add("r1", "c1", result("k1", "ok"));
    add("u2", "e", say("And that?"));
    expect(talk(nodes, "u2")).toEqual([
      "user: [cron] heartbeat (exec)",
      "user: What was that?",
      "assistant: k1",
      "toolResult k1: ok",
      "user: [event] service deployed: ping",
    ]);
    expect(talk(nodes, "u1")).toEqual(["user: [cron] heartbeat (exec)"]);
  });

  test("a resumed turn has its text and what it did in the file, and the given prompt (spec §4.12)", () => {
    const { nodes, add } = conversation();
    add("u1", null, say("Go", true));
    add("c1", "u1", call("k1", "bash", {}, 1));
    add("r1", "c1", result("k1", "interrupted: reef restarted before this call returned", true));
    add("i", "u1", event("task_interrupted", "interrupted", "reef"));
    const opening = { history: nodes, prompt: "reef restarted. Continue." };
    expect(talk(nodes, "u1", { opening })).toEqual([
      "user: Go",
      "assistant: k1",
      "toolResult k1: interrupted: reef restarted before this call returned",
      "user: [interrupted] interrupted",
    ]);
    expect(fileOf(nodes, "u1", { opening }).prompt).toBe("reef restarted. Continue.");
    expect(talk(nodes, "u1")).toEqual([]);
  });

  test("of the turn that is to run, only what its opening names is history", () => {
    const { nodes, add } = conversation();
    const user = add("u1", null, say("Go", true));
    const first = add("e1", "u1", event("steer", "first", "reef"));
    add("e2", "u1", event("steer", "second", "reef"));
    expect(talk(nodes, "u1", { opening: { history: [user, first], prompt: "second" } })).toEqual([
      "user: Go",
      "user: first",
    ]);
  });

  test("imported nodes have neither raw nor iteration and still make a conversation (spec §4.13)", () => {
    const { nodes, add } = conversation();
    const bare = (fields: object) => ({ ...fields, meta: undefined });
    add("u1", null, say("Go"));
    add("c1", "u1", bare(call("k1", "bash", { command: "a" }, 0)) as never);
    add("r1", "c1", result("k1", "one"));
    add("c2", "u1", bare(call("k2", "bash", { command: "b" }, 0)) as never);
    add("c3", "u1", bare(call("k3", "bash", { command: "c" }, 0)) as never);
    add("r2", "c2", result("k2", "two"));
    add("r3", "c3", result("k3", "three"));
    add("a", "u1", bare(reply("Done", 0)) as never);
    add("u2", "a", say("Next"));
    expect(talk(nodes, "u2").filter((line) => line.startsWith("assistant"))).toEqual([
      "assistant: k1",
      "assistant: k2 + k3",
      "assistant: Done",
    ]);
  });

  test("what runs has to be a user node", () => {
    const { nodes, add } = conversation();
    add("u1", null, say("Go", true));
    add("a1", "u1", reply("Yes", 1));
    expect(() => fileOf(nodes, "a1")).toThrow("A run needs its 'user' node. Received: assistant 'a1'");
    expect(() => fileOf(nodes, "zz")).toThrow("Received: an unknown node 'zz'");
  });

  test("the system prompt is the newest system node's text", () => {
    const { nodes, add } = conversation();
    expect(systemPromptOf(nodes)).toBe("");
    add("s1", null, { role: "system", content: "old" });
    add("s2", "s1", { role: "system", content: "new" });
    add("u1", "s2", say("Go", true));
    expect(systemPromptOf(nodes)).toBe("new");
  });
});
