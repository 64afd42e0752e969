// `reef submit` and `reef task`: what is sent, what is shown, and how they end.
import { describe, expect, test } from "bun:test";
import type { Frame } from "../../src/cli/events.js";
import { eventStream, fakeServer, reef, turnFrames } from "./support.js";

const SUBMITTED = { id: "math", status: "running", prompt: "2+2?", nodeId: "n1", parentId: "n0", seq: 1 };
const TASK = {
  name: "math",
  status: "done",
  trigger: "2+2?",
  createdAt: 1,
  startedAt: 1000,
  completedAt: 4200,
  nodeId: "n1",
  leafId: "n5",
  usage: { input: 200, output: 40, cost: 0.0042 },
  nodes: [
    { id: "n1", seq: 1, role: "user", content: "2+2?" },
    {
      id: "n3",
      seq: 3,
      role: "tool_call",
      content: "bash",
      toolName: "bash",
      toolParams: { command: "echo 4" },
    },
    { id: "n4", seq: 4, role: "tool_result", content: "4" },
    { id: "n5", seq: 5, role: "assistant", content: "2+2 = 4" },
  ],
};

function serverOf(frames: readonly Frame[]) {
  return fakeServer({
    "POST /reef/submit": () => Response.json(SUBMITTED, { status: 202 }),
    "GET /reef/events": ({ headers }) =>
      eventStream(
        frames.filter(({ seq }) => seq === undefined || seq > Number(headers.get("last-event-id"))),
      ),
    "GET /reef/tasks/math": () => TASK,
    "POST /reef/tasks/math/cancel": () => ({ id: "math", status: "cancelled", nodeId: "n9" }),
  });
}

const DONE = turnFrames("math", { type: "task_done", summary: "2+2 = 4" });

describe("submit", () => {
  test("sends what the options say, and nothing else (spec §4.3)", async () => {
    await using server = serverOf(DONE);
    const options =
      "--task-id math --parent n0 --model a/b --thinking low --priority=-3 --timeout 1.5 --no-follow";
    await reef(server.url, ["submit", "2+2?", ...options.split(" ")]);
    expect(server.requests[0]?.body).toEqual({
      task: "2+2?",
      taskId: "math",
      parentId: "n0",
      model: "a/b",
      thinking: "low",
      priority: -3,
      timeoutSeconds: 1.5,
    });
    await reef(server.url, ["submit", "2+2?", "--no-follow"]);
    expect(server.requests[1]?.body).toEqual({ task: "2+2?" });
  });

  test("follows from its own node to the end: the reply on stdout, all else on stderr", async () => {
    await using server = serverOf(DONE);
    const { code, out, err } = await reef(server.url, ["submit", "2+2?"]);
    expect(code).toBe(0);
    expect(out).toBe("2+2 = 4\n");
    expect(err).toBe(
      [
        "task math is running · node n1",
        "▸ bash(echo 4)",
        "  4",
        "done in 400 ms $0.0042 (200 tokens in, 40 out)",
        "",
      ].join("\n"),
    );
    const followed = server.requests.find(({ path }) => path.startsWith("/reef/events"));
    expect(followed?.path).toBe("/reef/events?taskId=math");
    expect(followed?.headers.get("last-event-id")).toBe("1");
  });

  test("reads the task from stdin", async () => {
    await using server = serverOf(DONE);
    await reef(server.url, ["submit", "-", "--no-follow"], { stdin: "from\nstdin\n" });
    expect(server.requests[0]?.body).toEqual({ task: "from\nstdin\n" });
  });

  test.each(["task_error", "task_cancelled"])("exits with 1 after %s", async (type) => {
    await using server = serverOf(turnFrames("math", { type, error: "no credit" }));
    expect((await reef(server.url, ["submit", "2+2?"])).code).toBe(1);
  });

  test("--no-follow prints the task's name, with --json the whole answer", async () => {
    await using server = serverOf(DONE);
    expect((await reef(server.url, ["submit", "x", "--no-follow"])).out).toBe("math\n");
    const { out } = await reef(server.url, ["submit", "x", "--no-follow", "--json"]);
    expect(JSON.parse(out)).toEqual(SUBMITTED);
  });

  test("--json prints the task with its whole reply when it is over, and nothing else on stdout", async () => {
    await using server = serverOf(DONE);
    const { nodes: _, ...task } = TASK;
    const { code, out } = await reef(server.url, ["submit", "x", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({ ...task, reply: "2+2 = 4" });
  });

  test("goes on over a connection that is lost in the middle of the turn", async () => {
    let connections = 0;
    await using server = fakeServer({
      "POST /reef/submit": () => Response.json(SUBMITTED, { status: 202 }),
      "GET /reef/events": () => eventStream(connections++ === 0 ? DONE.slice(0, 2) : DONE.slice(2)),
    });
    const { code, out, err } = await reef(server.url, ["submit", "x"]);
    expect({ code, out }).toEqual({ code: 0, out: "2+2 = 4\n" });
    expect(err).toContain("connection lost (the server closed it); connecting again");
  });
});

describe("Ctrl-C", () => {
  const running = DONE.slice(0, 2);

  test("leaves the task running and says how to come back", async () => {
    await using server = fakeServer({
      "POST /reef/submit": () => Response.json(SUBMITTED, { status: 202 }),
      "GET /reef/events": () => eventStream(running, { open: true }),
    });
    const { code, err } = await reef(server.url, ["submit", "x"], {
      interrupts: (press) => setImmediate(press),
    });
    expect(code).toBe(130);
    expect(err).toEndWith("'math' goes on. Watch it again: reef task math --follow\n");
    expect(server.requests.some(({ path }) => path.includes("cancel"))).toBe(false);
  });

  test("a second one cancels the task, at a terminal", async () => {
    await using server = fakeServer({
      "POST /reef/submit": () => Response.json(SUBMITTED, { status: 202 }),
      "GET /reef/events": () => eventStream(running, { open: true }),
      "POST /reef/tasks/math/cancel": () => ({ id: "math", status: "cancelled", nodeId: "n9" }),
    });
    const { code, err } = await reef(server.url, ["submit", "x"], {
      columns: 80,
      interrupts: (press) => setImmediate(press),
    });
    expect(code).toBe(130);
    expect(err).toEndWith("Press Ctrl-C again within 3 s to cancel it.\ncancelled 'math'\n");
  });
});

describe("task", () => {
  test("shows status, time, cost and the conversation", async () => {
    await using server = serverOf([]);
    const { code, out } = await reef(server.url, ["task", "math"]);
    expect(code).toBe(0);
    expect(out).toBe(
      [
        "math done in 3.2 s $0.0042 (200 tokens in, 40 out)",
        "",
        "❯ 2+2?",
        "▸ bash(echo 4)",
        "  4",
        "",
        "2+2 = 4",
        "",
      ].join("\n"),
    );
  });

  test("--follow shows the newest turn from its beginning", async () => {
    await using server = serverOf(DONE);
    const { code, out } = await reef(server.url, ["task", "math", "--follow"]);
    expect({ code, out }).toEqual({ code: 0, out: "2+2 = 4\n" });
  });

  test("--wait asks again until the task is over, and exits with 1 when that is an error", async () => {
    const answers = ["running", "waiting", "error"];
    await using server = fakeServer({ "GET /reef/tasks/math": () => ({ ...TASK, status: answers.shift() }) });
    const { code, out } = await reef(server.url, ["task", "math", "--wait", "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(out).status).toBe("error");
    expect(server.requests.map(({ path }) => path)).toEqual(Array(3).fill("/reef/tasks/math?wait=60"));
  });

  test("a name is sent as one path segment", async () => {
    await using server = fakeServer({});
    expect((await reef(server.url, ["task", "a/b c"])).err).toBe("reef: not found\n");
    expect(server.requests[0]?.path).toBe("/reef/tasks/a%2Fb%20c");
  });
});
