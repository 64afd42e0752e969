// The smaller commands: what each sends and prints.
import { describe, expect, test } from "bun:test";
import type { Frame } from "../../src/cli/events.js";
import { eventStream, fakeServer, reef } from "./support.js";

describe("tasks", () => {
  const listed = (n: number) => ({
    name: `t${n}`,
    status: "done",
    trigger: `prompt ${n}`,
    createdAt: Date.now() - 65_000,
    usage: { cost: 0.5 },
    artifacts: n === 1 ? { summary: "four\nlines" } : undefined,
  });

  test("is a table with name, status, age, cost and summary, the newest last", async () => {
    await using server = fakeServer({
      "GET /reef/tasks": () => ({ tasks: [listed(1), listed(2)], count: 2 }),
    });
    const { code, out } = await reef(server.url, ["tasks"]);
    expect(code).toBe(0);
    expect(out).toBe(
      [
        "NAME  STATUS  AGE  COST     SUMMARY",
        "t1    done    1m   $0.5000  four lines",
        "t2    done    1m   $0.5000  prompt 2",
        "",
      ].join("\n"),
    );
  });

  test("reads every page and keeps the newest", async () => {
    await using server = fakeServer({
      "GET /reef/tasks": ({ path }) =>
        path.includes("cursor=c1")
          ? { tasks: [listed(3)], count: 1 }
          : { tasks: [listed(1), listed(2)], count: 2, nextCursor: "c1" },
    });
    const { out, err } = await reef(server.url, [
      "tasks",
      "--limit",
      "2",
      "--status",
      "done,error",
      "--json",
    ]);
    expect(JSON.parse(out).tasks.map(({ name }: { name: string }) => name)).toEqual(["t2", "t3"]);
    expect(err).toBe("");
    expect(server.requests[0]?.path).toBe("/reef/tasks?limit=1000&status=done%2Cerror");
    expect((await reef(server.url, ["tasks", "--limit", "2"])).err).toBe("… and 1 older (see --limit)\n");
  });

  test("says so when there are none", async () => {
    await using server = fakeServer({ "GET /reef/tasks": () => ({ tasks: [], count: 0 }) });
    expect(await reef(server.url, ["tasks"])).toEqual({ code: 0, out: "", err: "No tasks.\n" });
  });
});

describe("tree", () => {
  const drawing = "[system] You are a reef agent\n├─ [user] What is 2+2?\n│  └─ [assistant] 4\n";

  test("prints the server's drawing as it is (spec §4.11)", async () => {
    await using server = fakeServer({
      "GET /reef/tree": () =>
        new Response(drawing, { headers: { "Content-Type": "text/plain; charset=utf-8" } }),
    });
    const { code, out } = await reef(server.url, "tree --root n1 --depth 2 --width 60 --all".split(" "));
    expect({ code, out }).toEqual({ code: 0, out: drawing });
    expect(server.requests[0]?.path).toBe("/reef/tree?root=n1&format=text&depth=2&width=60&all=1");
  });

  test("--json is the tree itself", async () => {
    await using server = fakeServer({ "GET /reef/tree": () => ({ nodes: {}, refs: {}, seq: 0 }) });
    const { out } = await reef(server.url, ["tree", "--json"]);
    expect(JSON.parse(out)).toEqual({ nodes: {}, refs: {}, seq: 0 });
    expect(server.requests[0]?.path).toBe("/reef/tree");
  });
});

describe("cancel, steer and answer (spec §4.5)", () => {
  const routes = {
    "POST /reef/tasks/x/cancel": () => ({ id: "x", status: "cancelled", nodeId: "n" }),
    "POST /reef/tasks/x/steer": () => Response.json({ id: "x", nodeId: "n" }, { status: 202 }),
    "POST /reef/tasks/x/answer": () => ({ id: "x", nodeId: "n" }),
    "GET /reef/pending": () => ({
      pending: [
        {
          id: "p1",
          taskId: "x",
          content: "Which?",
          meta: { request: { method: "select", options: ["a", "b"] } },
        },
        { id: "p2", taskId: "y", content: "Sure?" },
      ],
      count: 2,
    }),
  };

  test.each([
    [["cancel", "x"], { children: true }],
    [["cancel", "x", "--reason", "late", "--keep-children"], { reason: "late", children: false }],
    [["steer", "x", "hurry"], { message: "hurry", mode: "steer" }],
    [["steer", "x", "-", "--follow-up"], { message: "typed", mode: "follow_up" }],
    [["answer", "x", "a"], { value: "a" }],
    [["answer", "x", "--yes", "--node", "p1"], { nodeId: "p1", confirmed: true }],
    [["answer", "x", "--no"], { confirmed: false }],
    [["answer", "x", "--dismiss"], { cancelled: true }],
  ])("%j sends %j", async (argv, body) => {
    await using server = fakeServer(routes);
    expect((await reef(server.url, argv, { stdin: "typed" })).code).toBe(0);
    expect(server.requests[0]?.body).toEqual(body);
  });

  test("answer alone shows what the task asks", async () => {
    await using server = fakeServer(routes);
    expect((await reef(server.url, ["answer", "x"])).out).toBe("p1  Which?\n  - a\n  - b\n");
    expect((await reef(server.url, ["answer", "z"])).out).toBe("z asks nothing\n");
    expect(JSON.parse((await reef(server.url, ["answer", "x", "--json"])).out).count).toBe(1);
  });
});

describe("tail", () => {
  const frames: Frame[] = [
    { type: "task_started", seq: 8, taskId: "math", timestamp: 1, prompt: "2+2?" },
    {
      type: "tool_execution_start",
      seq: 9,
      taskId: "math",
      timestamp: 1,
      toolName: "bash",
      args: { command: "ls" },
    },
  ];

  /** Presses Ctrl-C once the server has been asked for events a second time. */
  async function tail(argv: string[], answer: (connection: number) => Response) {
    let connections = 0;
    let press = () => {};
    await using server = fakeServer({
      "GET /reef/state": () => ({ seq: 7 }),
      "GET /reef/events": () => {
        connections++;
        if (connections > 1) press();
        return answer(connections);
      },
    });
    const interrupts = (fn: () => void) => {
      press = fn;
    };
    const ran = await reef(server.url, ["tail", ...argv], { interrupts });
    return { ...ran, requests: server.requests };
  }

  test("begins now, prints a line per frame, and resumes after the last one", async () => {
    const { code, out, requests } = await tail([], () => eventStream(frames));
    expect(code).toBe(0);
    expect(out.split("\n").map((line) => line.replace(/\d\d:\d\d:\d\d/, "T"))).toEqual([
      "     8  T  math          task_started  2+2?",
      "     9  T  math          tool_execution_start  bash(ls)",
      "",
    ]);
    const events = requests.filter(({ path }) => path.startsWith("/reef/events"));
    expect(events.map(({ path, headers }) => [path, headers.get("last-event-id")])).toEqual([
      ["/reef/events?live=0", "7"],
      ["/reef/events?live=0", "9"],
    ]);
  });

  test("--json prints the frames themselves; filters and --since are the server's", async () => {
    const { out, requests } = await tail(["--json", "--task", "math", "--types", "a,b", "--since", "3"], () =>
      eventStream(frames),
    );
    expect(
      out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual(frames);
    expect(requests[0]?.path).toBe("/reef/events?taskId=math&types=a%2Cb");
    expect(requests[0]?.headers.get("last-event-id")).toBe("3");
  });
});
