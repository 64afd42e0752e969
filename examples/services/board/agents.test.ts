// The board as agents meet it: its tools, what they are told when something is refused, and its line in the widget.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createFleetClient } from "#core/client.js";
import type { ServiceModule, ToolResult } from "#core/types.js";
import { startBoard, type TestBoard } from "./board-under-test.js";
import board from "./index.js";
import type { Lease, Task } from "./task.js";

let started: TestBoard;
beforeEach(async () => {
  started = await startBoard();
});
afterEach(() => started.harness.cleanup());

const tool = (name: string, params?: object) => started.harness.tool(name, params);
const textOf = ({ content }: ToolResult) =>
  content.map((part) => (part.type === "text" ? part.text : "")).join("");

/** What the tool answered under its one key, which is its text too. */
function answerOf(result: ToolResult, key: string) {
  const details = Object(result.details);
  expect([result.isError, Object.keys(details)]).toEqual([undefined, [key]]);
  expect(JSON.parse(textOf(result))).toEqual(details[key]);
  return details[key];
}

describe("the tools (spec §2)", () => {
  test("board_create_task creates in the name of the agent, unless it names another", async () => {
    const task = answerOf(await tool("board_create_task", { title: "Sweep" }), "task");
    expect(task).toMatchObject({ title: "Sweep", createdBy: "test-agent", status: "open" });
    expect(await started.read(task)).toEqual(task);
    const params = {
      title: "t",
      description: "d",
      assignee: "bob",
      tags: ["a"],
      createdBy: "eve",
      dependencies: [task.id],
    };
    expect(answerOf(await tool("board_create_task", params), "task")).toMatchObject({
      ...params,
      blockedBy: [task.id],
    });
  });

  test("board_update_task changes status, assignee, title and tags", async () => {
    const { id } = await started.create({ assignee: "bob" });
    const changes = { status: "blocked", assignee: "", title: "t", tags: ["a"] };
    const task = answerOf(await tool("board_update_task", { id, ...changes }), "task");
    expect(task).toMatchObject({ status: "blocked", title: "t", tags: ["a"] });
    expect(task.assignee).toBeUndefined();
  });

  test("board_add_note notes in the name of the agent, unless it names another", async () => {
    const task = await started.create();
    const params = { taskId: task.id, content: "Found it", type: "finding" };
    const note = answerOf(await tool("board_add_note", params), "note");
    expect(note).toMatchObject({ author: "test-agent", content: "Found it", type: "finding" });
    expect(answerOf(await tool("board_add_note", { ...params, author: "eve" }), "note").author).toBe("eve");
    expect((await started.read(task)).noteCount).toBe(2);
  });

  test("board_add_artifact and board_submit_for_review say whose the results are", async () => {
    const { id: taskId } = await started.create();
    const artifacts = [{ type: "branch", url: "fix", label: "The fix" }];
    const added = answerOf(await tool("board_add_artifact", { taskId, artifacts }), "task");
    expect(added.artifacts).toMatchObject([{ ...artifacts[0], addedBy: "test-agent" }]);
    const summary = "Swept";
    const task = answerOf(await tool("board_submit_for_review", { taskId, summary, artifacts }), "task");
    expect(task).toMatchObject({ status: "in_review", artifactCount: 2 });
    expect(task.notes).toMatchObject([{ author: "test-agent", content: "Swept" }]);
    expect(task.artifacts[1].addedBy).toBe("test-agent");
  });

  test("board_bump adds one to the score", async () => {
    const { id: taskId } = await started.create();
    expect(answerOf(await tool("board_bump", { taskId }), "task").score).toBe(1);
  });

  test("board_claim and board_release take a task and give it back", async () => {
    const { id: taskId } = await started.create();
    const claimed = await tool("board_claim", { taskId, leaseSeconds: 60 });
    const { lease, task } = Object(claimed.details);
    expect(JSON.parse(textOf(claimed))).toEqual({ lease, task });
    expect(lease).toMatchObject({ agent: "test-agent", seconds: 60 });
    expect(task).toMatchObject({ id: taskId, status: "in_progress", assignee: "test-agent" });
    expect(answerOf(await tool("board_release", { taskId }), "task").status).toBe("open");
    await tool("board_claim", { taskId });
    const blocked = answerOf(await tool("board_release", { taskId, status: "blocked" }), "task");
    expect([blocked.status, blocked.assignee, blocked.lease]).toEqual(["blocked", "test-agent", undefined]);
  });
});

describe("board_list_tasks (spec §2)", () => {
  const titlesIn = (result: ToolResult) =>
    Object(result.details).result.tasks.map(({ title }: Task) => title);

  test("lists by status, assignee and tag, newest first, with notes", async () => {
    const task = await started.create({ title: "1", tags: ["a"], assignee: "bob" });
    await tool("board_add_note", { taskId: task.id, content: "c", type: "update" });
    await started.create({ title: "2" });
    const all = await tool("board_list_tasks");
    expect(JSON.parse(textOf(all))).toEqual(Object(all.details).result.tasks);
    expect(Object(all.details).result).toMatchObject({
      tasks: [{}, { noteCount: 1 }],
      count: 2,
      cursor: null,
    });
    expect(titlesIn(all)).toEqual(["2", "1"]);
    for (const query of [{ tag: "a" }, { assignee: "bob" }, { status: "open", tag: "a" }])
      expect(titlesIn(await tool("board_list_tasks", query))).toEqual(["1"]);
    expect(textOf(await tool("board_list_tasks", { status: "done" }))).toBe("[]");
  });

  test("gives what fits, says how many are left, and how to get them", async () => {
    for (let n = 0; n < 30; n++) await started.create({ title: `${n}`, description: "x".repeat(700) });
    const seen: string[] = [];
    for (let cursor: string | undefined, calls = 0; calls < 10; calls++) {
      const result = await tool("board_list_tasks", { ...(cursor && { cursor }) });
      const text = textOf(result);
      expect(text.length).toBeLessThanOrEqual(8_000);
      seen.push(...titlesIn(result));
      const [, left, next] = /\n… (\d+) more: pass cursor: "([^"]+)"$/.exec(text) ?? [];
      expect(Number(left ?? 0)).toBe(30 - seen.length);
      cursor = next;
      if (cursor === undefined) break;
    }
    expect(seen).toEqual(Array.from({ length: 30 }, (_, n) => `${29 - n}`));
    const two = await tool("board_list_tasks", { limit: 2 });
    expect([titlesIn(two), textOf(two).includes("28 more")]).toEqual([["29", "28"], true]);
    expect(textOf(await tool("board_list_tasks", { cursor: "x" }))).toBe("Error: invalid cursor");
  });
});

describe("an agent that lost its lease (spec §2)", () => {
  const lost = "Error: lease lost: read the task again and claim it if it is open";
  const writes: [string, object][] = [
    ["board_update_task", { title: "late" }],
    ["board_add_note", { content: "late", type: "update" }],
    ["board_add_artifact", { artifacts: [{ type: "url", url: "u", label: "l" }] }],
    ["board_bump", {}],
    ["board_submit_for_review", { summary: "late" }],
    ["board_release", {}],
  ];

  test.each(writes)("is refused by %s, and told what to do", async (name, params) => {
    const task = await started.create();
    const ids = { id: task.id, taskId: task.id };
    await tool("board_claim", { taskId: task.id });
    await started.ask(`PATCH /tasks/${task.id}`, { assignee: "bob" });
    const { lease } = await started.claim(task, "bob");
    const state = await started.read(task);
    const result = await tool(name, { ...ids, ...params });
    expect([result.isError, textOf(result)]).toEqual([true, lost]);
    expect(await started.read(task)).toEqual(state);
    await started.ask(`POST /tasks/${task.id}/release`, { token: lease.token });
    await tool("board_claim", { taskId: task.id });
    expect((await tool(name, { ...ids, ...params })).isError).toBeUndefined();
  });

  test("is not one that handed its task in: it may add to it", async () => {
    const { id: taskId } = await started.create();
    await tool("board_claim", { taskId });
    await tool("board_submit_for_review", { taskId, summary: "s" });
    expect((await tool("board_add_note", { taskId, content: "c", type: "update" })).isError).toBeUndefined();
  });
});

test("a tool says what the server says, and what to do next where that is known (spec §1.9)", async () => {
  const task = await started.create();
  const { lease }: { lease: Lease } = await started.claim(task, "bob");
  expect(textOf(await tool("board_claim", { taskId: task.id }))).toBe(
    "Error: task is claimed: choose another task",
  );
  await started.ask(`POST /tasks/${task.id}/release`, { token: lease.token, status: "done" });
  expect(textOf(await tool("board_claim", { taskId: task.id }))).toBe("Error: task is assigned to bob");
  expect(textOf(await tool("board_bump", { taskId: "../x?y" }))).toBe(
    "Error: task not found: find it with board_list_tasks",
  );
});

test("the widget counts by status (spec §2)", async () => {
  await started.create();
  await started.create({ status: "in_progress" });
  const { widget }: ServiceModule = board;
  expect(await widget?.getLines(createFleetClient())).toEqual(["Board: 1 open, 1 in-progress, 0 blocked"]);
});
