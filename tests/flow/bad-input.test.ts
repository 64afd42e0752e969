// Whatever a caller sends to /reef that makes no sense is a 4xx with {error, code}, and changes nothing.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cleanUp, type Reef, startReef } from "./reef.js";

let reef: Reef;
beforeAll(async () => {
  reef = await startReef({ env: { REEF_MAX_DEPTH: "0" } });
  await reef.submit({ task: "What is 2+2?", taskId: "done" });
  await reef.over("done");
  await reef.submit({ task: "Run `sleep 60`.", taskId: "busy" });
  await reef.until("busy", (nodes) => nodes.some((node) => node.role === "tool_call"));
});
afterAll(cleanUp);

const post = (path: string, body: unknown) =>
  reef.fetch(path, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) });

async function refused(
  response: Response,
  status: number,
): Promise<{ error: string; code: string; [field: string]: unknown }> {
  const text = await response.text();
  expect([response.status, text]).toEqual([status, text]);
  const body = JSON.parse(text);
  expect([typeof body.error, typeof body.code]).toEqual(["string", "string"]);
  expect(response.headers.get("x-reef-error")).toBe(body.code);
  return body;
}

const SUBMITS: [name: string, body: unknown, status: number, error?: string][] = [
  ["broken JSON", "{", 400, "Invalid JSON body"],
  ["an empty body", "", 400],
  ["an array", [], 400, "Invalid JSON body"],
  ["null", "null", 400, "Invalid JSON body"],
  ["no task", {}, 400, "Missing 'task' string in body."],
  ["a blank task", { task: "  " }, 400, "Missing 'task' string in body."],
  ["a task that is no string", { task: 7 }, 400, "Missing 'task' string in body."],
  ["a task that is an object", { task: { toString: "x" } }, 400, "Missing 'task' string in body."],
  ["a taskId with ../", { task: "x", taskId: "../x" }, 400],
  ["a taskId with a slash", { task: "x", taskId: "a/b" }, 400],
  ["a taskId that is too long", { task: "x", taskId: "a".repeat(129) }, 400],
  ["a taskId that is a number", { task: "x", taskId: 5 }, 400],
  ["the name main", { task: "x", taskId: "main" }, 409],
  ["a task that is running", { task: "x", taskId: "busy" }, 409, "Task 'busy' is running"],
  ["an unknown parentId", { task: "x", parentId: "nope" }, 404, "Unknown parentId 'nope'"],
  ["a parentId that is no string", { task: "x", parentId: 5 }, 400],
  ["a model without provider", { task: "x", model: "gpt" }, 400],
  ["an unknown thinking level", { task: "x", thinking: "hard" }, 400],
  ["a relative cwd", { task: "x", cwd: "tmp" }, 400],
  ["a cwd that is not there", { task: "x", cwd: "/nonexistent/folder" }, 400],
  ["a cwd that is a file", { task: "x", cwd: "/etc/passwd" }, 400],
  ["a cwd below a file", { task: "x", cwd: "/etc/passwd/x" }, 400],
  ["a cwd that no file system takes", { task: "x", cwd: `/${"x".repeat(10_000)}` }, 400],
  ["a cwd with a NUL", { task: "x", cwd: "/tmp\0" }, 400],
  ["a priority out of range", { task: "x", priority: 11 }, 400],
  ["a fractional priority", { task: "x", priority: 0.5 }, 400],
  ["a negative time limit", { task: "x", timeoutSeconds: -1 }, 400],
  ["scopes that are no list", { task: "x", scopes: "admin" }, 400],
  ["an unknown scope", { task: "x", scopes: ["root"] }, 400],
  [
    "a profile field of later",
    { task: "x", profile: { mode: "plan" } },
    400,
    "profile.mode: not supported yet",
  ],
  ["an unknown profile field", { task: "x", profile: { sudo: true } }, 400],
];

describe("submit", () => {
  for (const [name, body, status, error] of SUBMITS) {
    test(`${name} is ${status}, and nothing is written`, async () => {
      const before = await reef.api("GET", "/reef/state");
      const answer = await refused(await post("/reef/submit", body), status);
      if (error !== undefined) expect(answer.error).toBe(error);
      expect(await reef.api("GET", "/reef/state")).toEqual(before);
    });
  }

  test("a running task's 409 says which turn it is", async () => {
    const body = await refused(await post("/reef/submit", { task: "x", taskId: "busy" }), 409);
    expect(body).toMatchObject({ id: "busy", status: "running" });
  });

  test("a node of a turn that is still running is no parent", async () => {
    const { nodes } = await reef.api("GET", "/reef/tasks/busy");
    const call = nodes.find((node: { role: string }) => node.role === "tool_call");
    const { error } = await refused(await post("/reef/submit", { task: "x", parentId: call.id }), 409);
    expect(error).toBe(`Node '${call.id}' is in a turn that is still running`);
  });

  test("20 MB are refused with the limit, announced or not, and the server goes on", async () => {
    const body = JSON.stringify({ task: "x".repeat(20 * 1024 * 1024) });
    const announced = await refused(await post("/reef/submit", body), 413);
    expect(announced).toMatchObject({ error: "body too large", limit: 4_194_304 });
    const chunks = new ReadableStream({
      start(controller) {
        for (let n = 0; n < 20; n++) controller.enqueue(new Uint8Array(1024 * 1024).fill(120));
        controller.close();
      },
    });
    const unannounced = await reef.fetch("/reef/submit", { method: "POST", body: chunks });
    expect(unannounced.status).toBe(413);
    expect((await reef.fetch("/health")).status).toBe(200);
  });

  test("of many that race for one name exactly one gets 202 (spec §4.3)", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => post("/reef/submit", { task: "What is 1+1?", taskId: "race" })),
    );
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(19);
    await reef.over("race");
  });
});

describe("the other routes", () => {
  const GETS: [path: string, status: number][] = [
    ["/reef/tasks/nobody", 404],
    ["/reef/tasks/..%2f..%2fetc", 404],
    ["/reef/tasks/__proto__", 404],
    ["/reef/tasks?limit=0", 400],
    ["/reef/tasks?limit=x", 400],
    ["/reef/tasks?cursor=x", 400],
    ["/reef/tasks/done?wait=61", 400],
    ["/reef/tasks/done?wait=x", 400],
    ["/reef/tree/nobody", 404],
    ["/reef/tree/nobody/path", 404],
    ["/reef/tree/nobody/why", 404],
    ["/reef/tree/nobody/effects", 404],
    ["/reef/tree?since=999999", 400],
    ["/reef/tree?since=-1", 400],
    ["/reef/tree?since=1&before=2", 400],
    ["/reef/tree?limit=0", 400],
    ["/reef/tree?root=nobody", 404],
    ["/reef/tree?format=xml", 400],
    ["/reef/tree?format=text&root=nobody", 404],
    ["/reef/tree?format=text&width=0", 400],
    ["/reef/tree?format=text&depth=-1", 400],
  ];
  test.each(GETS)("GET %s is %i", async (path, status) => {
    await refused(await reef.fetch(path), status);
  });

  const POSTS: [path: string, body: unknown, status: number][] = [
    ["/reef/tasks/nobody/cancel", {}, 404],
    ["/reef/tasks/done/cancel", {}, 409],
    ["/reef/tasks/busy/cancel", { reason: 5 }, 400],
    ["/reef/tasks/busy/cancel", "{", 400],
    ["/reef/tasks/nobody/steer", { message: "x" }, 404],
    ["/reef/tasks/done/steer", { message: "x" }, 409],
    ["/reef/tasks/busy/steer", {}, 400],
    ["/reef/tasks/busy/steer", { message: "" }, 400],
    ["/reef/tasks/busy/steer", { message: "x", mode: "shout" }, 400],
    ["/reef/tasks/nobody/answer", { value: "x" }, 404],
    ["/reef/tasks/busy/answer", { value: "x" }, 409],
    ["/reef/tasks/busy/answer", { nodeId: "nope", value: "x" }, 404],
    ["/reef/tools/nope", {}, 404],
    ["/reef/tools/reef_task_read", {}, 400],
    ["/reef/tools/reef_task_read", { params: { name: { a: 1 } } }, 400],
    ["/reef/tools/reef_task_read", "[", 400],
  ];
  test.each(POSTS)("POST %s with %j is %i", async (path, body, status) => {
    await refused(await post(path, body), status);
  });

  test("what is no route is the exact 404 (spec §2.6)", async () => {
    for (const path of ["/reef/nonsense", "/reef/tree/a/b/c", "/nonsense"]) {
      const answer = await reef.fetch(path);
      expect([answer.status, await answer.text()]).toEqual([404, '{"error":"not found"}']);
    }
  });

  test("lists page without repeating or skipping, a cursor of another list is foreign (spec §2.7)", async () => {
    const all = (await reef.api("GET", "/reef/tasks")).tasks.map((task: { name: string }) => task.name);
    const paged: string[] = [];
    for (let cursor = ""; ; ) {
      const page = await reef.api("GET", `/reef/tasks?limit=1${cursor}`);
      paged.push(...page.tasks.map((task: { name: string }) => task.name));
      if (page.nextCursor === undefined) break;
      cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
      const root = (await reef.api("GET", "/reef/tree?limit=1")).root;
      await refused(await reef.fetch(`/reef/tree/${root}?${cursor.slice(1)}`), 400);
    }
    expect(paged).toEqual(all);
    expect((await reef.api("GET", "/reef/tasks?status=sleeping")).tasks).toEqual([]);
  });

  test("pages of the tree put together are the whole tree, forwards and backwards (spec §4.6)", async () => {
    const whole = (await reef.nodes()).map((node) => node.id);
    const forwards: string[] = [];
    for (let since: number | undefined = 0; since !== undefined; ) {
      const page: { nodes: Record<string, unknown>; nextCursor?: number } = await reef.api(
        "GET",
        `/reef/tree?since=${since}&limit=3&ancestors=1`,
      );
      forwards.push(...Object.keys(page.nodes));
      since = page.nextCursor;
    }
    expect(forwards).toEqual(whole);
    const backwards: string[] = [];
    for (let before: number | undefined = 1_000_000; before !== undefined; ) {
      const page: { nodes: Record<string, unknown>; nextCursor?: number } = await reef.api(
        "GET",
        `/reef/tree?before=${before}&limit=3`,
      );
      backwards.unshift(...Object.keys(page.nodes));
      before = page.nextCursor;
    }
    expect(backwards).toEqual(whole);
  });
});
