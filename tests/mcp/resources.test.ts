// Nodes and tasks as resources of a real reef: what is listed, what is read, and how much of it.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { McpError } from "@modelcontextprotocol/sdk/types.js";
import type { TreeNode } from "../../src/tree/node.js";
import { cleanUp, type Reef, startReef } from "../flow/reef.js";
import { connectTo } from "./support.js";

const NOT_FOUND = -32002;

let reef: Reef;
let client: Client;
beforeAll(async () => {
  reef = await startReef({ env: { REEF_MAX_CONCURRENT: "1" } });
  ({ client } = await connectTo(reef.url));
  for (const task of ["What is 2+2?", "Now multiply by 10"]) {
    await reef.submit({ task, taskId: "math" });
    await reef.over("math");
  }
});
afterAll(async () => {
  await client.close();
  await cleanUp();
});

async function read(uri: string) {
  const { contents } = await client.readResource({ uri });
  expect(contents.map((content) => [content.uri, content.mimeType])).toEqual([
    [uri, "application/json"],
    [uri, "text/plain"],
  ]);
  const [json = "", drawing = ""] = contents.map((content) => ("text" in content ? content.text : ""));
  return { json: JSON.parse(json), drawing };
}

const drawn = async (root: string) => (await reef.fetch(`/reef/tree?format=text&root=${root}`)).text();

test("the templates are those of nodes and tasks (spec §14)", async () => {
  const { resourceTemplates } = await client.listResourceTemplates();
  expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual([
    "reef://node/{id}",
    "reef://task/{name}",
  ]);
});

test("every node of the tree is its JSON, and the drawing of what hangs under it", async () => {
  const nodes = await reef.nodes();
  expect(new Set(nodes.map(({ role }) => role)).size).toBe(6);
  for (const node of nodes) {
    const { json, drawing } = await read(`reef://node/${node.id}`);
    expect(json).toEqual(node);
    expect(drawing).toBe(await drawn(node.id));
  }
});

test("a task is what GET /reef/tasks/:name answers, and the drawing of its turns", async () => {
  const { json, drawing } = await read("reef://task/math");
  const task = await reef.api("GET", "/reef/tasks/math");
  expect(json).toEqual(task);
  const first = task.nodes.find((node: TreeNode) => node.taskId === "math");
  expect(drawing).toBe(await drawn(first.id));
  expect(drawing).toStartWith("[user] What is 2+2?\n├─ [tool] bash(");
});

test("what is listed can be read: main and the tasks", async () => {
  const { resources } = await client.listResources();
  const { refs } = await reef.api("GET", "/reef/refs");
  expect(resources.map(({ name, uri }) => [name, uri])).toEqual([
    ["main", `reef://node/${refs.main}`],
    ["math", "reef://task/math"],
  ]);
  expect(resources[1]?.description).toBe("done: 40");
  expect((await read(resources[0]?.uri ?? "")).json).toMatchObject({ role: "system" });
  expect((await read(resources[1]?.uri ?? "")).json).toMatchObject({ name: "math", status: "done" });
});

describe("what is not there", () => {
  const uris = [
    "reef://node/nope",
    "reef://task/nope",
    "reef://task/main",
    "reef://node/",
    "reef://node/.",
    "reef://node/..",
    "reef://task/%2e%2e",
    "reef://node/a/b",
    "reef://node/a%2Fwhy",
    "reef://node/%E0%A4%A",
    "reef://node/?limit=1",
    "reef://ref/main",
    "file:///etc/passwd",
    "",
  ];
  for (const uri of uris) {
    test(`${JSON.stringify(uri)} is an error that says so`, async () => {
      const error = await client.readResource({ uri }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(McpError);
      expect(error).toMatchObject({ code: NOT_FOUND, data: { uri } });
    });
  }
});

describe("what is long", () => {
  test("a task shows the newest nodes that fit, and how many it left out", async () => {
    for (let turn = 0; turn < 2; turn++) {
      await reef.submit({ task: "long: 700000 characters", taskId: "long" });
      await reef.over("long");
    }
    const { json } = await read("reef://task/long");
    const { nodes } = await reef.api("GET", "/reef/tasks/long");
    expect(json.nodesOmitted).toBeGreaterThan(0);
    expect(json.nodes).toEqual(nodes.slice(json.nodesOmitted));
    expect(json.nodes.at(-1)).toMatchObject({ eventType: "task_done" });
  });

  test("of many tasks the newest 100 are listed (spec §14), and a drawing ends with a whole line", async () => {
    await reef.submit({ task: "Run `sleep 60`.", taskId: "first-in-line" });
    const text = "a task that waits in line ".repeat(5);
    for (let index = 0; index < 700; index++) await reef.submit({ task: text, taskId: `queued-${index}` });
    const { resources } = await client.listResources();
    expect(resources.map(({ name }) => name)).toEqual([
      "main",
      ...Array.from({ length: 100 }, (_, index) => `queued-${699 - index}`),
    ]);
    const { drawing } = await read(resources[0]?.uri ?? "");
    const whole = await drawn(resources[0]?.uri.split("/").at(-1) ?? "");
    expect(whole.length).toBeGreaterThan(drawing.length);
    expect(drawing.length).toBeLessThan(66_000);
    expect(drawing).toEndWith("…\n");
    expect(whole).toStartWith(drawing.slice(0, -"…\n".length));
  });
});
