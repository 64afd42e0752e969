// A question that a task asks is a node, answered once, also after a restart.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { cleanUp, type Reef, ROOT, startReef } from "./reef.js";

const cli = join(ROOT, "node_modules/@mariozechner/pi-coding-agent/dist/cli.js");
/** The real pi with one more extension, which asks. */
const PI_PATH = `${process.execPath} --no-install --no-env-file --config=/dev/null ${cli} -e ${join(import.meta.dir, "fixtures/ask.ts")}`;

let reef: Reef;
beforeAll(async () => {
  reef = await startReef({ env: { PI_PATH, REEF_MAX_CONCURRENT: "1" } });
});
afterAll(cleanUp);

const asked = async (at: Reef, name: string) => {
  const task = await at.until(name, (_nodes, { status }) => status === "waiting");
  return task.pending[0] ?? "";
};
const answer = (at: Reef, name: string, body: object) =>
  at.fetch(`/reef/tasks/${name}/answer`, { method: "POST", body: JSON.stringify(body) });

describe("ask and answer (spec §4.5)", () => {
  test("a question is a node under its call, gives its slot away, and its answer goes to pi", async () => {
    await reef.submit({ task: 'call ask_confirm {"title":"Delete it?"}', taskId: "confirm" });
    const id = await asked(reef, "confirm");
    const { pending } = await reef.api("GET", "/reef/pending");
    expect(pending.map((node: { id: string }) => node.id)).toEqual([id]);
    const { node } = await reef.api("GET", `/reef/tree/${id}`);
    expect(node).toMatchObject({
      content: "Delete it?",
      eventType: "pending",
      meta: { request: { method: "confirm", message: "Really?" } },
    });
    const parent = (await reef.api("GET", `/reef/tree/${node.parentId}`)).node;
    expect(parent.toolName).toBe("ask_confirm");

    await reef.submit({ task: "What is 2+2?", taskId: "meanwhile" });
    expect((await reef.over("meanwhile")).status).toBe("done");

    const given = await answer(reef, "confirm", { confirmed: true });
    expect(given.status).toBe(200);
    const { nodeId } = (await given.json()) as { nodeId: string };
    const task = await reef.over("confirm");
    expect(task.status).toBe("done");
    expect(task.nodes.find((one) => one.id === nodeId)).toMatchObject({
      parentId: id,
      eventType: "answer",
      content: "yes",
    });
    expect(task.nodes.find((one) => one.role === "tool_result")?.content).toBe("confirmed");
  }, 30_000);

  test("what does not fit is refused, the first answer wins, and later ones are 409", async () => {
    await reef.submit({ task: 'call ask_select {"title":"Which?"}', taskId: "select" });
    const id = await asked(reef, "select");
    expect((await answer(reef, "select", { value: "purple" })).status).toBe(400);
    expect((await answer(reef, "select", { confirmed: true })).status).toBe(400);
    expect((await answer(reef, "select", { nodeId: "nonsense", value: "red" })).status).toBe(404);
    expect((await answer(reef, "nobody", { value: "red" })).status).toBe(404);
    const both = await Promise.all([
      answer(reef, "select", { value: "red" }),
      answer(reef, "select", { nodeId: id, value: "blue" }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
    const task = await reef.over("select");
    expect(task.nodes.filter((node) => node.eventType === "answer")).toHaveLength(1);
    expect((await answer(reef, "select", { nodeId: id, value: "red" })).status).toBe(409);
  }, 30_000);

  test("a question with a time limit settles itself", async () => {
    await reef.submit({ task: 'call ask_confirm {"title":"Quick?","timeout":300}', taskId: "timed" });
    const task = await reef.over("timed");
    expect(task.status).toBe("done");
    expect(task.nodes.find((node) => node.eventType === "answer")?.source).toBe("timeout");
    expect(task.nodes.find((node) => node.role === "tool_result")?.content).toBe("declined");
  }, 30_000);

  test("however soon pi's own timer fires, the tree says that the time was up", async () => {
    const line = (n: number) => `call ask_confirm {"title":"At once ${n}?","timeout":1}`;
    await reef.submit({ task: [1, 2, 3, 4, 5].map(line).join("\n"), taskId: "hasty" });
    const task = await reef.over("hasty");
    expect(task.status).toBe("done");
    const answers = task.nodes.filter((node) => node.eventType === "answer");
    expect(answers.map(({ source }) => source)).toEqual(Array(5).fill("timeout"));
    expect(task.pending).toEqual([]);
  }, 30_000);

  test("cancelling a task that waits ends it and its question", async () => {
    await reef.submit({ task: 'call ask_confirm {"title":"Never mind"}', taskId: "dropped" });
    const id = await asked(reef, "dropped");
    await reef.api("POST", "/reef/tasks/dropped/cancel");
    expect((await reef.api("GET", "/reef/pending")).count).toBe(0);
    expect((await answer(reef, "dropped", { nodeId: id, confirmed: true })).status).toBe(409);
  }, 30_000);

  test("a question survives a restart; its answer goes on with the task, which does not ask again (spec §4.12, §13.10)", async () => {
    await reef.submit({ task: 'call ask_confirm {"title":"Still there?"}', taskId: "later" });
    const id = await asked(reef, "later");
    await reef.kill();
    const again = await reef.restart();
    expect((await again.api("GET", "/reef/tasks/later")).status).toBe("waiting");
    expect((await again.api("GET", "/reef/pending")).pending[0].id).toBe(id);
    expect((await answer(again, "later", { confirmed: true })).status).toBe(200);
    const task = await again.over("later");
    expect(task.status).toBe("done");
    expect(task.attempt).toBe(2);
    expect(task.nodes.filter((node) => node.eventType === "pending")).toHaveLength(1);
    expect(task.nodes.filter((node) => node.role === "tool_result").map((node) => node.content)).toEqual([
      "interrupted: reef restarted before this call returned",
      "confirmed",
    ]);
    expect((await answer(again, "later", { nodeId: id, confirmed: true })).status).toBe(409);
  }, 60_000);
});
