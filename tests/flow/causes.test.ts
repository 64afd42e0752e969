// What services do while a call is served hangs under that call; tools that come and go reach a running task.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TreeNode } from "../../src/tree/node.js";
import { cleanUp, type Reef, startReef, temporaryFolder } from "./reef.js";

/** A service whose tool and route fire events, also after an await and from a timer. */
const NOTES = `
import { Hono } from "hono";
let ctx;
const routes = new Hono();
routes.post("/", async (c) => {
  const { text } = await c.req.json();
  await new Promise((resolve) => setTimeout(resolve, 20));
  ctx.events.fire("reef:event", { type: "note_added", content: text, length: text.length });
  setTimeout(() => ctx.events.fire("reef:event", { type: "note_indexed", content: text }), 30);
  return c.json({ text }, 201);
});
export default {
  name: "notes",
  description: "Keeps notes",
  routes,
  init(context) { ctx = context; },
  registerTools(pi, client) {
    pi.registerTool({
      name: "notes_add",
      label: "Add a note",
      description: "Adds a note.",
      parameters: { type: "object", properties: { text: { type: "string" } }, required: ["text"] },
      async execute(_id, params) {
        if (params.text === "boom") throw new Error("no room");
        await client.api("POST", "/notes", { text: params.text + " by " + client.agentName });
        return client.ok("noted");
      },
    });
  },
};
`;

let reef: Reef;
beforeAll(async () => {
  const servicesDir = temporaryFolder();
  mkdirSync(join(servicesDir, "notes"));
  writeFileSync(join(servicesDir, "notes/index.ts"), NOTES);
  reef = await startReef({ servicesDir });
});
afterAll(cleanUp);

describe("true causes (spec §4.10, §13.6)", () => {
  test("two agents that call one tool at once: each event hangs under its own call, and why leads to the prompt", async () => {
    const names = ["one", "two"];
    const line = (name: string) =>
      `call notes_add {"text":"from ${name}"}\nand call notes_add {"text":"again from ${name}"}`;
    await Promise.all(names.map((name) => reef.submit({ task: line(name), taskId: name })));
    for (const name of names) expect((await reef.over(name)).status).toBe("done");
    while ((await reef.nodes()).filter((node) => node.eventType === "note_indexed").length < 4)
      await Bun.sleep(20);
    const nodes = await reef.nodes();
    const events = nodes.filter((node) => node.source === "notes");
    expect(events).toHaveLength(8);
    for (const event of events) {
      const call = nodes.find((node) => node.id === event.parentId);
      expect(call).toMatchObject({ role: "tool_call", toolName: "notes_add", taskId: event.taskId ?? "" });
      expect(event.content).toBe(`${textOf(call)} by ${event.taskId}`);
      const { chain } = await reef.api("GET", `/reef/tree/${event.id}/why`);
      expect(chain.map((step: { node: { role: string } }) => step.node.role)).toEqual([
        "event",
        "tool_call",
        "user",
        "system",
      ]);
    }
    expect(nodes.find((node) => node.eventType === "note_added")?.meta).toEqual({
      length: expect.any(Number),
    });
  });

  test("an event of a request without a cause hangs under main, and of one that names its cause under that", async () => {
    await reef.api("POST", "/notes", { text: "by hand" });
    const main = (await reef.api("GET", "/reef/refs")).refs.main;
    const byHand = (await reef.nodes()).find((node) => node.content === "by hand");
    expect(byHand?.parentId).toBe(main);
    const cause = byHand?.id ?? "";
    await reef.fetch("/notes", {
      method: "POST",
      body: '{"text":"named"}',
      headers: { "X-Reef-Cause": cause },
    });
    expect((await reef.nodes()).find((node) => node.content === "named")?.parentId).toBe(cause);
    const unknown = await reef.fetch("/notes", {
      method: "POST",
      body: '{"text":"x"}',
      headers: { "X-Reef-Cause": "nonsense" },
    });
    expect([unknown.status, (await unknown.json()).error]).toEqual([400, 'Unknown cause "nonsense"']);
  });

  test("a tool that throws is a result, and the stream of updates ends with it", async () => {
    const response = await reef.fetch("/reef/tools/notes_add", {
      method: "POST",
      body: JSON.stringify({ params: { text: "boom" } }),
      headers: { Accept: "text/event-stream" },
    });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    const last = (await response.text()).trim().split("\n\n").at(-1) ?? "";
    expect(JSON.parse(last.replace(/^data: /, ""))).toMatchObject({
      type: "result",
      result: { isError: true, content: [{ type: "text", text: "Error: no room" }] },
    });
    expect((await reef.fetch("/reef/tools/ghost", { method: "POST", body: "{}" })).status).toBe(404);
    const misfit = await reef.fetch("/reef/tools/notes_add", { method: "POST", body: "{}" });
    expect(misfit.status).toBe(400);
    expect((await misfit.json()).errors).toEqual([{ path: expect.any(String), message: expect.any(String) }]);
  });

  test("the list of tools has an ETag, and changes with it", async () => {
    const list = await reef.fetch("/reef/tools");
    const etag = list.headers.get("etag") ?? "";
    const { tools, count, version } = (await list.json()) as {
      tools: { name: string }[];
      count: number;
      version: string;
    };
    expect(etag).toBe(`"${version}"`);
    expect(count).toBe(tools.length);
    for (const name of [
      "reef_manifest",
      "reef_task_list",
      "reef_task_read",
      "reef_submit",
      "reef_store_get",
      "notes_add",
    ]) {
      expect(tools.map((tool) => tool.name)).toContain(name);
    }
    expect((await reef.fetch("/reef/tools", { headers: { "If-None-Match": etag } })).status).toBe(304);
  });
});

describe("tools at run time (spec §4.14, pi §17.5)", () => {
  test("a service loaded by a task gives that task its tools", async () => {
    const source = NOTES.replaceAll("notes", "memos").replaceAll("Notes", "Memos");
    const file = join(reef.servicesDir, "memos/index.ts");
    const load = `mkdir -p ${join(reef.servicesDir, "memos")} && cp ${join(reef.servicesDir, "staged.txt")} ${file} && curl -s -X POST -H "Authorization: Bearer $VERS_AUTH_TOKEN" $VERS_INFRA_URL/services/reload/memos`;
    writeFileSync(join(reef.servicesDir, "staged.txt"), source);
    await reef.submit({
      task: `call bash ${JSON.stringify({ command: load })}\ncall memos_add {"text":"hello"}`,
      taskId: "builder",
    });
    const task = await reef.over("builder");
    const call = task.nodes.find((node) => node.toolName === "memos_add" && node.role === "tool_call");
    const result = task.nodes.find((node) => node.role === "tool_result" && node.parentId === call?.id);
    expect(result).toMatchObject({ content: "noted", isError: false });
    expect(task.nodes.find((node) => node.eventType === "tools_changed")?.content).toContain("memos_add");
    expect(task.status).toBe("done");
  }, 30_000);

  test("what a service does later by itself is set down to the task that loaded it (spec §4.6, §13.18)", async () => {
    const folder = join(reef.servicesDir, "ticker");
    mkdirSync(folder);
    writeFileSync(
      join(folder, "index.ts"),
      `export default { name: "ticker", init(ctx) { ctx.setInterval(() => ctx.events.fire("reef:event", { type: "tick" }), 100); } };`,
    );
    const load = `curl -s -X POST -H "Authorization: Bearer $VERS_AUTH_TOKEN" $VERS_INFRA_URL/services/reload/ticker`;
    await reef.submit({ task: `call bash ${JSON.stringify({ command: load })}`, taskId: "loader" });
    const { nodeId } = await reef.over("loader");
    let tick: TreeNode | undefined;
    while (!tick?.causeId) {
      await Bun.sleep(50);
      tick = (await reef.nodes()).findLast((node) => node.eventType === "tick");
    }
    const { chain } = await reef.api("GET", `/reef/tree/${tick.id}/why`);
    expect(chain[1]).toMatchObject({
      via: "cause",
      node: { eventType: "service_load", meta: { name: "ticker" } },
    });
    expect(chain.map(({ node }: { node: TreeNode }) => node.id)).toContain(nodeId);
    const { effects } = await reef.api("GET", `/reef/tree/${nodeId}/effects?types=tick`);
    expect(effects.map(({ id }: TreeNode) => id)).toContain(tick.id);
    await reef.api("DELETE", "/services/ticker");
  }, 30_000);

  test("a call to a tool that went away gets a clear result, and the task goes on", async () => {
    await reef.submit({
      task: `call bash ${JSON.stringify({ command: `curl -s -X DELETE ${reef.url}/services/memos` })}\ncall memos_add {"text":"hello"}`,
      taskId: "late",
    });
    const task = await reef.over("late");
    expect(task.status).toBe("done");
    const results = task.nodes.filter((node) => node.role === "tool_result");
    expect(results.at(-1)).toMatchObject({ isError: true });
    expect(results.at(-1)?.content).toContain("memos_add");
  }, 30_000);
});

function textOf(call: TreeNode | undefined): unknown {
  return (call?.toolParams as { text?: unknown } | undefined)?.text;
}
