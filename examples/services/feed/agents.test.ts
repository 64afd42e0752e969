// The feed as agents meet it: its tools, what it hears of the board, and its line in the widget.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createFleetClient } from "#core/client.js";
import { createTestHarness, type TestHarness } from "#core/testing.js";
import type { ServiceModule, ToolResult } from "#core/types.js";
import type { FeedEvent } from "./event.js";
import feed from "./index.js";

let harness: TestHarness;
beforeEach(async () => {
  harness = await createTestHarness({ services: [feed] });
});
afterEach(() => harness.cleanup());

const textOf = ({ content }: ToolResult) =>
  content.map((part) => (part.type === "text" ? part.text : "")).join("");
const events = async (): Promise<FeedEvent[]> =>
  (await harness.json("/feed/events?limit=1000", { auth: true })).data;

describe("feed_publish (spec §3)", () => {
  test("publishes as the agent that calls, and answers with the event", async () => {
    const result = await harness.tool("feed_publish", { type: "finding", summary: "Found it" });
    const [event] = await events();
    expect(event).toMatchObject({ agent: "test-agent", type: "finding", summary: "Found it" });
    expect(result).toEqual({
      content: [{ type: "text", text: JSON.stringify(event, null, 2) }],
      details: { event },
    });
    await harness.tool("feed_publish", { type: "custom", summary: "s", agent: "bob", detail: "d" });
    expect((await events())[1]).toMatchObject({ agent: "bob", detail: "d" });
  });

  test("refuses token_update, and says what the server says", async () => {
    await expect(harness.tool("feed_publish", { type: "token_update", summary: "s" })).rejects.toThrow();
    const result = await harness.tool("feed_publish", { type: "custom", summary: " " });
    expect([result.isError, textOf(result)]).toEqual([true, "Error: Missing or invalid 'summary' field"]);
  });
});

describe("feed_list (spec §3)", () => {
  test("lists the newest first", async () => {
    for (const summary of ["1", "2", "3"]) await harness.tool("feed_publish", { type: "custom", summary });
    const result = await harness.tool("feed_list", { limit: 2 });
    expect(JSON.parse(textOf(result)).map(({ summary }: FeedEvent) => summary)).toEqual(["3", "2"]);
    expect(result.details).toEqual({ events: JSON.parse(textOf(result)) });
    expect(JSON.parse(textOf(await harness.tool("feed_list", { agent: "nobody" })))).toEqual([]);
    expect(JSON.parse(textOf(await harness.tool("feed_list", { type: "finding" })))).toEqual([]);
  });

  test("gives what fits, and says how to get the rest", async () => {
    for (let n = 0; n < 12; n++)
      await harness.tool("feed_publish", { type: "custom", summary: `${n}`, detail: "x".repeat(1_000) });
    const shown: string[] = [];
    for (let before: string | undefined, n = 0; n < 3; n++) {
      const text = textOf(await harness.tool("feed_list", { ...(before && { before }) }));
      expect(text.length).toBeLessThanOrEqual(8_000);
      const [json = "", rest] = text.split("\n… ");
      shown.push(...JSON.parse(json).map(({ summary }: FeedEvent) => summary));
      before = /pass before: "(\w+)"$/.exec(rest ?? "")?.[1];
      if (before === undefined) break;
    }
    expect(shown).toEqual(Array.from({ length: 12 }, (_, n) => `${11 - n}`));
  });
});

test("feed_stats answers with the counts (spec §3)", async () => {
  await harness.tool("feed_publish", { type: "custom", summary: "s" });
  const result = await harness.tool("feed_stats");
  expect(result.details).toMatchObject({ stats: { total: 1, byType: { custom: 1 } } });
});

test("the widget counts the events (spec §3)", async () => {
  await harness.tool("feed_publish", { type: "custom", summary: "s" });
  const { widget }: ServiceModule = feed;
  expect(await widget?.getLines(createFleetClient())).toEqual(["Feed: 1 events"]);
});

describe("what the board says (spec §3)", () => {
  const task = { id: "t1", title: "Fix\nit", status: "open" };
  const told: unknown[] = [];
  const updated = (more: object, changes: object) =>
    harness.events.emit("board:task_updated", { task: { ...task, ...more }, changes });
  beforeEach(() => {
    told.length = 0;
    harness.events.on("reef:event", (event) => told.push(event));
  });

  test.each([
    ["in_progress", "task_started", "Started: Fix it"],
    ["done", "task_completed", "Completed: Fix it"],
    ["blocked", "blocker_found", "Blocked: Fix it"],
  ])("a task that becomes %s is published as %s", async (status, type, summary) => {
    await updated({ assignee: "ada", status }, { status });
    expect(await events()).toMatchObject([{ agent: "ada", type, summary, metadata: { taskId: "t1" } }]);
    expect(told).toEqual([]);
  });

  test("a blocker note is published, another note and another change are not", async () => {
    await updated({}, { notes: [{ type: "finding", content: "f" }] });
    await updated({}, { score: 1 });
    await updated({}, { status: "in_review" });
    await updated({}, { notes: [{ type: "blocker", content: "No\ndisk" }] });
    expect(await events()).toMatchObject([
      { agent: "board", type: "blocker_found", summary: "Blocker: No disk" },
    ]);
  });

  test("a task that is created in progress has started", async () => {
    await harness.events.emit("board:task_created", { task });
    await harness.events.emit("board:task_created", { task: { ...task, status: "in_progress" } });
    expect(await events()).toMatchObject([{ type: "task_started", agent: "board" }]);
  });

  test("something of another form is nothing to the feed", async () => {
    for (const change of [undefined, null, "x", {}, { task: {} }, { task, changes: { status: 5 } }])
      await harness.events.emit("board:task_updated", change);
    expect(await events()).toEqual([]);
  });
});
