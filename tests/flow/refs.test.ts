// Refs moved by hand: who may, where from, and what it means for the task whose ref it is.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { TreeNode } from "../../src/tree/node.js";
import { cleanUp, type Reef, startReef } from "./reef.js";

const TOKEN = "server-token-of-the-refs";

let reef: Reef;
let nodes: TreeNode[];
beforeAll(async () => {
  reef = await startReef({ token: TOKEN, env: { HOST: "127.0.0.1", REEF_OFFLINE: "1" } });
  await reef.submit({ task: "What is 2+2?", taskId: "math" });
  await reef.over("math");
  await reef.submit({ task: "Now multiply by 10", taskId: "math" });
  await reef.over("math");
  nodes = await reef.nodes();
});
afterAll(cleanUp);

const put = (name: string, body: unknown, at = reef) =>
  at.fetch(`/reef/refs/${name}`, {
    method: "PUT",
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
const drop = (name: string) => reef.fetch(`/reef/refs/${name}`, { method: "DELETE" });
const refs = async (at = reef): Promise<Record<string, string>> => (await at.api("GET", "/reef/refs")).refs;
const reply = (content: string) =>
  nodes.find((node) => node.role === "assistant" && node.content === content)?.id ?? "";
const newest = async () => (await reef.nodes()).at(-1) as TreeNode;

describe("PUT /reef/refs/:name (spec §4.7)", () => {
  test("makes a ref and moves it, each with an event that tells from where to where", async () => {
    const root = nodes[0]?.id ?? "";
    const main = (await refs()).main;
    const made = await put("bookmark:v1", { nodeId: root, expected: null });
    expect([made.status, await made.json()]).toEqual([
      200,
      { name: "bookmark:v1", nodeId: root, previous: null },
    ]);
    expect(await newest()).toMatchObject({
      eventType: "ref_moved",
      source: "reef",
      parentId: main,
      content: "ref moved: bookmark:v1",
      meta: { ref: "bookmark:v1", from: null, to: root },
    });
    const moved = await put("bookmark:v1", { nodeId: reply("2+2 = 4"), expected: root });
    expect(await moved.json()).toMatchObject({ previous: root });
    expect((await refs())["bookmark:v1"]).toBe(reply("2+2 = 4"));
  });

  test("a frame says so, and the cause that the caller names is the parent", async () => {
    const from = (await reef.api("GET", "/reef/state")).seq;
    const cause = reply("40");
    await reef.fetch("/reef/refs/framed", {
      method: "PUT",
      headers: { "X-Reef-Cause": cause },
      body: JSON.stringify({ nodeId: cause }),
    });
    const response = await reef.fetch(`/reef/events?since=${from}`);
    const reader = response.body?.getReader();
    let text = "";
    while (!text.includes("ref_moved")) text += new TextDecoder().decode((await reader?.read())?.value);
    await reader?.cancel();
    expect(JSON.parse(/data: (.*ref_moved.*)/.exec(text)?.[1] ?? "")).toMatchObject({
      type: "ref_moved",
      ref: "framed",
      from: null,
      to: cause,
      parentId: cause,
    });
  });

  test("a task goes on from where its ref was put", async () => {
    await put("math", { nodeId: reply("2+2 = 4"), expected: reply("40") });
    expect((await reef.api("GET", "/reef/tasks/math")).leafId).toBe(reply("2+2 = 4"));
    await reef.submit({ task: "Add 2", taskId: "math" });
    expect((await reef.over("math")).artifacts?.summary).toContain("6");
  });

  test("with expected, of many that race exactly one wins, and the others learn where it is", async () => {
    const expected = (await refs())["bookmark:v1"];
    const targets = nodes.slice(0, 10).map(({ id }) => id);
    const answers = await Promise.all(targets.map((nodeId) => put("bookmark:v1", { nodeId, expected })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const actual = (await refs())["bookmark:v1"];
    for (const answer of answers.filter(({ status }) => status === 409))
      expect(await answer.json()).toMatchObject({ code: "conflict", actual });
  });

  test("main moves only from where it is said to be", async () => {
    const { main } = await refs();
    const blind = await put("main", { nodeId: reply("40") });
    expect([blind.status, (await blind.json()).error]).toEqual([400, "expected is required to move 'main'"]);
    const wrong = await put("main", { nodeId: reply("40"), expected: null });
    expect([wrong.status, (await wrong.json()).actual]).toEqual([409, main]);
    expect((await put("main", { nodeId: reply("40"), expected: main })).status).toBe(200);
    const { parentId } = await reef.submit({ task: "What is 1+1?", taskId: "below" });
    expect(parentId).toBe(reply("40"));
    expect((await put("main", { nodeId: main, expected: reply("40") })).status).toBe(200);
    await reef.over("below");
  });

  test("the ref of a task that is not over stays, and no task goes on from the middle of another's work", async () => {
    await reef.submit({ task: "Run `sleep 60`.", taskId: "busy" });
    const { nodes: all } = await reef.until("busy", (some) => some.some((node) => node.role === "tool_call"));
    const call = all.find((node) => node.role === "tool_call")?.id ?? "";
    const held = await put("busy", { nodeId: nodes[0]?.id });
    expect([held.status, await held.json()]).toMatchObject([
      409,
      { error: "Task 'busy' is running", id: "busy" },
    ]);
    const before = (await refs()).below;
    expect((await put("below", { nodeId: call })).status).toBe(200);
    const refused = await reef.fetch("/reef/submit", {
      method: "POST",
      body: JSON.stringify({ task: "go on", taskId: "below" }),
    });
    expect([refused.status, (await refused.json()).error]).toEqual([
      409,
      `Node '${call}' is in a turn that is still running`,
    ]);
    await put("below", { nodeId: before });
    await reef.api("POST", "/reef/tasks/busy/cancel");
  });

  test("what was answered survives a kill (spec §1.5)", async () => {
    const other = await startReef();
    const root = (await other.nodes())[0]?.id;
    expect((await put("kept", { nodeId: root }, other)).status).toBe(200);
    await other.kill();
    const again = await other.restart();
    expect((await refs(again)).kept).toBe(root ?? "");
    expect((await again.nodes()).map(({ eventType }) => eventType)).toContain("ref_moved");
    await again.stop();
  }, 30_000);
});

describe("DELETE /reef/refs/:name (spec §4.7)", () => {
  test("takes a plain ref away, with an event", async () => {
    await put("gone", { nodeId: reply("40") });
    const answer = await drop("gone");
    expect([answer.status, await answer.json()]).toEqual([200, { deleted: "gone" }]);
    expect(await refs()).not.toHaveProperty("gone");
    expect(await newest()).toMatchObject({
      eventType: "ref_moved",
      content: "ref deleted: gone",
      meta: { ref: "gone", from: reply("40"), to: null },
    });
    expect((await drop("gone")).status).toBe(404);
  });

  test("main and the refs of tasks stay", async () => {
    for (const name of ["main", "math"]) {
      const answer = await drop(name);
      expect([answer.status, (await answer.json()).error]).toEqual([409, `Ref '${name}' cannot be deleted`]);
    }
  });
});

describe("bad input changes nothing", () => {
  const NODE = { nodeId: "__ROOT__" };
  const PUTS: [name: string, body: unknown, status: number][] = [
    ["x", "", 400],
    ["x", "{", 400],
    ["x", "[]", 400],
    ["x", "null", 400],
    ["x", {}, 400],
    ["x", { nodeId: null }, 400],
    ["x", { nodeId: "" }, 400],
    ["x", { nodeId: "  " }, 400],
    ["x", { nodeId: 7 }, 400],
    ["x", { nodeId: { a: 1 } }, 400],
    ["x", { nodeId: "y".repeat(1001) }, 400],
    ["x", { nodeId: "nowhere" }, 404],
    ["x", { nodeId: "__proto__" }, 404],
    ["x", { ...NODE, expected: 7 }, 400],
    ["x", { ...NODE, expected: [] }, 400],
    ["x", { ...NODE, expected: "y".repeat(1001) }, 400],
    ["x", { ...NODE, expected: "nowhere" }, 409],
    ["math", { ...NODE, expected: null }, 409],
    ["-x", NODE, 400],
    [".x", NODE, 400],
    ["a%2Fb", NODE, 400],
    ["a%20b", NODE, 400],
    ["%00", NODE, 400],
    ["__proto__", NODE, 400],
    ["日本", NODE, 400],
    ["y".repeat(129), NODE, 400],
    ["main", NODE, 400],
  ];
  test.each(
    PUTS.map(
      ([name, body, status]) =>
        [name.slice(0, 20), JSON.stringify(body).slice(0, 40), status, name, body] as const,
    ),
  )("PUT %s with %s is %i", async (_name, _body, status, name, body) => {
    const before = [await refs(), await reef.api("GET", "/reef/state")];
    const text = (typeof body === "string" ? body : JSON.stringify(body)).replace(
      "__ROOT__",
      nodes[0]?.id ?? "",
    );
    const answer = await put(name, text);
    expect([answer.status, await answer.json()]).toMatchObject([
      status,
      { error: expect.any(String), code: expect.any(String) },
    ]);
    expect([await refs(), await reef.api("GET", "/reef/state")]).toEqual(before);
  });

  test.each(["nobody", "__proto__", "constructor", "a%2Fb", "%00", "%zz", "y".repeat(5000)])(
    "DELETE %.20s is 404",
    async (name) => {
      const before = await refs();
      expect((await drop(name)).status).toBe(404);
      expect(await refs()).toEqual(before);
    },
  );

  test("a task moves no ref, unless it may do everything (spec §2.4)", async () => {
    const root = nodes[0]?.id ?? "";
    const call = (name: string) =>
      `curl -s -w " %{http_code};" -X PUT -H "Authorization: Bearer $VERS_AUTH_TOKEN" -d '{"nodeId":"${root}"}' $VERS_INFRA_URL/reef/refs/${name}`;
    for (const [taskId, scopes, expected] of [
      ["meek", undefined, "403"],
      ["mighty", ["modules", "admin"], "200"],
    ] as const) {
      const command = call(`by-${taskId}`);
      await reef.submit({
        task: `call bash ${JSON.stringify({ command })}`,
        taskId,
        ...(scopes && { scopes }),
      });
      const { nodes: all } = await reef.over(taskId);
      expect(JSON.stringify(all.find((node) => node.role === "tool_result")?.result)).toContain(
        ` ${expected};`,
      );
    }
    const event = (await reef.nodes()).find((node) => node.meta?.ref === "by-mighty");
    expect(event).toMatchObject({ eventType: "ref_moved", taskId: "mighty" });
    expect((await reef.nodes()).find(({ id }) => id === event?.parentId)?.role).toBe("tool_call");
  });
});
