// Times, sizes, money, addresses and days as they are written.
import { describe, expect, test } from "bun:test";
import { argumentOf, lineOf } from "./feed-node.js";
import { age, ago, bill, count, duration, firstLine, money, spend } from "./format.js";
import { isFailure, kindOf, wordOf } from "./kinds.js";
import { nodeLink, readRoute, viewLink } from "./route.js";
import { call, event, node, reply, result } from "./samples.js";
import { NO_USAGE, plus, spendByDay, startOfDay, usageOf } from "./spend.js";
import type { Role, Usage } from "./types.js";

describe("written out", () => {
  test.each([
    [0, "0 ms"],
    [-5, "0 ms"],
    [999, "999 ms"],
    [1_000, "1 s"],
    [59_999, "59 s"],
    [60_000, "1 min"],
    [3_599_999, "59 min"],
    [3_600_000, "1 h"],
    [86_400_000, "1 d"],
    [864_000_000, "10 d"],
  ])("%i ms is %s", (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  test("a moment ago is now, and so is a time ahead: clocks differ", () => {
    expect([ago(1_000, 2_999), ago(5_000, 1_000), ago(0, 2_000)]).toEqual(["now", "now", "2 s ago"]);
    expect([age(0, 1_999), age(0, 60_000)]).toEqual(["now", "1 min"]);
  });

  test.each([
    [1.234, "$1.23"],
    [0.01, "$0.01"],
    [0.0099, "$0.0099"],
    [0.0001, "$0.0001"],
    [0.000049, "<$0.0001"],
    [0, undefined],
    [Number.NaN, undefined],
    [-1, undefined],
  ])("%d dollars are %s: what has no known price is never 0", (dollars, text) => {
    expect(money(dollars)).toBe(text);
  });

  test("numbers are short, and a cost without a price is its tokens", () => {
    expect([9_999, 10_000, 999_499, 999_500, 1_234_567].map(count)).toEqual([
      "9999",
      "10k",
      "999k",
      "1.0M",
      "1.2M",
    ]);
    expect(spend({ cost: 0, totalTokens: 12 })).toBe("12 tokens");
    expect(spend({ cost: 2, totalTokens: 12 })).toBe("$2.00");
    expect(bill({ cost: 0, totalTokens: 12 })).toBe("12 tokens");
    expect(bill({ cost: 2, totalTokens: 12 })).toBe("12 tokens · $2.00");
  });

  test("the first line is the first that says something, cut", () => {
    expect(firstLine("\n \t\n  one \r\ntwo")).toBe("one");
    expect(firstLine("")).toBe("");
    expect(firstLine(" \n ")).toBe("");
    expect(firstLine("x".repeat(300))).toBe(`${"x".repeat(200)}…`);
  });
});

describe("the line of a node", () => {
  test("of a call is its tool and its one argument, command or path, else all of them", () => {
    expect(lineOf(call(2, 1, { toolParams: { command: "ls -l\nrm x", timeout: 3 } }))).toBe("bash ls -l");
    expect(lineOf(call(2, 1, { toolName: "write", toolParams: { path: "/a/b", content: "x" } }))).toBe(
      "write /a/b",
    );
    expect(lineOf(call(2, 1, { toolName: "ask", toolParams: { question: "why?" } }))).toBe("ask why?");
    expect(lineOf(call(2, 1, { toolName: "put", toolParams: { key: "a", value: 1 } }))).toBe(
      'put {"key":"a","value":1}',
    );
    for (const params of [undefined, null, 7, "x", {}, []]) expect(argumentOf(params)).toBe("");
    expect(lineOf(call(2, 1, { toolName: undefined, toolParams: undefined }))).toBe("");
  });

  test("of others is their text, and never nothing", () => {
    expect(lineOf(result(2, 1, { content: "\n\nout" }))).toBe("out");
    expect(lineOf(result(2, 1, { content: "" }))).toBe("(empty)");
    expect(lineOf(event(2, 1, "cron_start", { content: "" }))).toBe("cron_start");
  });
});

describe("kinds", () => {
  const roles: Role[] = ["user", "assistant", "tool_call", "tool_result", "system"];

  test("are words that people know", () => {
    expect(roles.map((role) => kindOf({ role }))).toEqual(["prompt", "reply", "call", "result", "system"]);
    const kinds = ["pending", "cron_done", "service_load", "note", "task_error", "cron_error"].map(
      (eventType) => kindOf({ role: "event", eventType }),
    );
    expect(kinds).toEqual(["question", "cron", "deploy", "event", "error", "error"]);
    expect(kindOf({ role: "tool_result", isError: true })).toBe("error");
    expect(isFailure(node(2))).toBe(false);
  });

  test("some events have a word of their own", () => {
    const word = (eventType: string) => wordOf({ role: "event", eventType });
    expect(["task_cancelled", "task_interrupted", "steer", "answer", "note"].map(word)).toEqual([
      "cancelled",
      "interrupted",
      "steer",
      "answer",
      "event",
    ]);
    expect(wordOf({ role: "user", eventType: "steer" })).toBe("prompt");
  });
});

describe("addresses", () => {
  const read = (hash: string) => {
    const { query, ...rest } = readRoute(hash);
    return { ...rest, ...Object.fromEntries(query) } as Record<string, string>;
  };

  test("name a view, a node or a panel", () => {
    expect(read("")).toEqual({ view: "feed" });
    expect(read("#/tasks?status=waiting")).toEqual({ view: "tasks", status: "waiting" });
    expect(read("#/panel/reports?open=01J")).toEqual({ view: "panel", name: "reports", open: "01J" });
    expect(read("#/node/01J")).toEqual({ view: "feed", nodeId: "01J" });
    expect(read("#/node/")).toEqual({ view: "feed" });
    expect(read("#/feed/x")).toEqual({ view: "feed" });
    expect(read("#/search?q=a%3Fb?c")).toEqual({ view: "search", q: "a?b?c" });
  });

  test("that lead nowhere lead to the feed", () => {
    for (const hash of ["#/nothing", "#", "#//", "#/__proto__", "#/constructor", "#/%", "#/%zz/x"])
      expect(readRoute(hash).view).toBe("feed");
  });

  test("come back as they were made, whatever a name holds", () => {
    for (const name of ["a", "a/b", "a?b#c", "%", "é <b>", "..", " "]) {
      expect(readRoute(nodeLink(name)).nodeId).toBe(name);
      expect(readRoute(viewLink("panel", name)).name).toBe(name);
    }
    expect(viewLink("tasks")).toBe("#/tasks");
  });
});

describe("what was spent", () => {
  const usage = (cost: number, totalTokens: number): Usage => ({ ...NO_USAGE, cost, totalTokens });
  const now = new Date(2030, 5, 15, 13, 30).getTime();
  const task = (daysAgo: number, hour: number, used: Usage) => ({
    createdAt: 0,
    completedAt: startOfDay(now, daysAgo) + hour * 3_600_000,
    usage: used,
  });

  test("is summed by the days of whoever looks", () => {
    const tasks = [
      task(0, 0, usage(1, 10)),
      task(0, 12, usage(2, 10)),
      task(2, 23.9, usage(4, 10)),
      task(9, 0, usage(8, 10)),
    ];
    const { days, values, unit, total } = spendByDay(tasks, { now, days: 3 });
    expect([values, unit, total.cost]).toEqual([[4, 0, 3], "$", 7]);
    expect(days.map((day) => new Date(day * 1000).getHours())).toEqual([0, 0, 0]);
  });

  test("is in tokens where no price is known", () => {
    const { values, unit } = spendByDay([task(1, 1, usage(0, 5)), task(1, 2, usage(0, 7))], { now, days: 2 });
    expect([values, unit]).toEqual([[12, 0], "tokens"]);
    expect(spendByDay([], { now, days: 2 })).toMatchObject({ values: [0, 0], unit: "tokens" });
  });

  test("counts for the day on which a task was last at work", () => {
    const { values } = spendByDay(
      [
        { createdAt: startOfDay(now, 1), usage: usage(1, 1) },
        { createdAt: startOfDay(now, 1), startedAt: startOfDay(now, 0), usage: usage(2, 1) },
      ],
      { now, days: 2 },
    );
    expect(values).toEqual([1, 2]);
  });

  test("is read from what a node says, whatever that is", () => {
    expect(usageOf(reply(2, 1))).toBeUndefined();
    expect(usageOf(reply(2, 1, { meta: { usage: "7" } }))).toBeUndefined();
    expect(usageOf(event(2, 1, "task_done", { meta: { usage: usage(1, 2) } }))).toBeUndefined();
    expect(
      usageOf(reply(2, 1, { meta: { usage: { cost: "7", totalTokens: 3, input: Number.NaN } } })),
    ).toEqual({
      ...NO_USAGE,
      totalTokens: 3,
    });
    expect(plus(usage(1, 2), undefined)).toEqual(usage(1, 2));
    expect(plus(usage(1, 2), usage(3, 4))).toEqual(usage(4, 6));
  });
});
