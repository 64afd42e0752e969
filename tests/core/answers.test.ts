// What tools answer, whom services name as the one who did something, and text as one line.
import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { createClient } from "../../src/core/client.js";
import {
  actorOf,
  createSessionCall,
  cut,
  etagOf,
  indented,
  jsonAnswer,
  listToolAnswer,
  passesIfMatch,
  plainLine,
  requireOperator,
  toolAnswer,
} from "../../src/core/http.js";
import type { Caller, ToolResult } from "../../src/core/types.js";

const identity = { agentName: "ada", agentRole: "worker" };
const clientAt = (baseUrl: string | null, answer = () => Response.json({})) =>
  createClient(identity, { baseUrl: () => baseUrl, send: async () => answer() });
const client = clientAt("http://localhost");
const textOf = ({ content }: ToolResult) =>
  content.map((part) => (part.type === "text" ? part.text : "")).join("");

describe("a tool (spec §1.9)", () => {
  test("does nothing without a server", async () => {
    const answer = await toolAnswer(clientAt(null), async () => {
      throw new Error("never");
    });
    expect([answer.isError, textOf(answer)]).toEqual([true, "Error: VERS_INFRA_URL is not set."]);
  });

  test("answers with pretty JSON and the same value in its details", async () => {
    const answer = await toolAnswer(client, async () => jsonAnswer(client, "task", { id: 1 }));
    expect(answer).toEqual({
      content: [{ type: "text", text: '{\n  "id": 1\n}' }],
      details: { task: { id: 1 } },
    });
  });

  test("says in the server's words what failed, and what to do next where that is known", async () => {
    const refusing = clientAt("http://x", () =>
      Response.json({ error: "lease lost", code: "conflict" }, { status: 409 }),
    );
    const ask = (advice?: () => string | undefined) =>
      toolAnswer(refusing, () => refusing.api("POST", "/board/tasks/1/heartbeat"), { advice });
    expect(textOf(await ask())).toBe("Error: lease lost");
    expect(textOf(await ask(() => undefined))).toBe("Error: lease lost");
    const advised = await ask(() => "read the task again and claim it if it is open");
    expect([advised.isError, textOf(advised)]).toEqual([
      true,
      "Error: lease lost: read the task again and claim it if it is open",
    ]);
    const statuses: unknown[] = [];
    await toolAnswer(refusing, () => refusing.api("GET", "/x"), {
      advice: ({ status }) => void statuses.push(status),
    });
    expect(statuses).toEqual([409]);
  });

  test("never answers with more than 8,000 characters", async () => {
    const long = jsonAnswer(client, "task", { text: "x".repeat(20_000) });
    expect(textOf(long)).toHaveLength(8_000);
    expect(textOf(long)).toMatch(/^\{\n {2}"text": "x+… \(12\d\d\d more characters\)$/);
    const failed = await toolAnswer(client, async () => {
      throw new Error("y".repeat(20_000));
    });
    expect(textOf(failed).length).toBeLessThanOrEqual(8_000);
    expect(cut("😀".repeat(40), 37)).toBe(`${"😀".repeat(7)}… (66 more characters)`);
  });
});

describe("a list from a tool (spec §1.9)", () => {
  const items = (count: number, chars = 10) =>
    Array.from({ length: count }, (_, n) => ({ id: `t${n}`, text: "x".repeat(chars) }));
  const list = (options: Partial<Parameters<typeof listToolAnswer<{ id: string }>>[2]>) =>
    listToolAnswer(client, "tasks", { items: [], more: ({ id }) => `pass before: "${id}"`, ...options });

  test("is whole when it fits", () => {
    expect(JSON.parse(textOf(list({ items: items(3) })))).toEqual(items(3));
    expect(textOf(list({}))).toBe("[]");
  });

  test("holds whole items as far as they fit, the same in its details, and says how many are left", () => {
    const answer = list({ items: items(50, 1_000) });
    const [json = "", rest] = textOf(answer).split("\n… ");
    const shown = JSON.parse(json);
    expect(textOf(answer).length).toBeLessThanOrEqual(8_000);
    expect(shown).toEqual(items(50, 1_000).slice(0, 7));
    expect(answer.details).toEqual({ tasks: shown });
    expect(rest).toBe('43 more: pass before: "t6"');
  });

  test("counts what the server has beyond the page", () => {
    expect(textOf(list({ items: items(2), total: 9 }))).toEndWith('\n… 7 more: pass before: "t1"');
  });

  test("shows a first item that is too long alone, cut", () => {
    const answer = list({ items: items(2, 10_000) });
    expect(textOf(answer).length).toBeLessThanOrEqual(8_000);
    expect(textOf(answer)).toMatch(/x… \(\d+ more characters\)\n… 1 more: pass before: "t0"$/);
    expect(answer.details).toEqual({ tasks: items(1, 10_000) });
  });
});

test("the actor is the agent, else the dashboard or a panel, else nobody (spec §1.7)", () => {
  expect(actorOf({ kind: "task", agentName: "ada" })).toBe("ada");
  expect(actorOf({ kind: "server", agentName: "ada" })).toBe("ada");
  expect(actorOf({ kind: "server" })).toBeUndefined();
  expect(actorOf({ kind: "session" })).toBe("dashboard");
  expect(actorOf({ kind: "panel", panel: "feed" })).toBe("panel:feed");
  expect(actorOf({ kind: "anonymous" })).toBeUndefined();
});

test("operators are persons, the server token and tasks with scope admin (spec §1.7)", () => {
  const operators: Caller[] = [
    { kind: "server" },
    { kind: "session" },
    { kind: "task", scopes: ["modules", "admin"] },
  ];
  for (const caller of operators) expect(() => requireOperator(caller)).not.toThrow();
  const others: Caller[] = [{ kind: "task", scopes: ["modules"] }, { kind: "panel" }, { kind: "anonymous" }];
  for (const caller of others)
    expect(() => requireOperator(caller)).toThrow('Forbidden — scope "admin" is required');
});

test("a plain line has no breaks, no control characters and at most 300 characters (spec §1.8)", () => {
  expect(plainLine(" a\r\n\tb\u0000\u001b[31mc\u2028d\u00a0 ")).toBe("a b [31mc d");
  expect(plainLine("x".repeat(300))).toBe("x".repeat(300));
  expect(plainLine("x".repeat(301))).toBe(`${"x".repeat(299)}…`);
  expect(plainLine("a\ud800")).toBe("a\ufffd");
  expect(plainLine("😀".repeat(200), 10)).toBe("😀😀😀😀…");
  expect(plainLine(" ".repeat(1_000_000))).toBe("");
});

test("a text among entries begins no other entry (spec §4)", () => {
  const breaks = ["\n", "\r\n", "\r", "\v", "\f", "\u0085", "\u2028", "\u2029", "\x1c"];
  for (const one of breaks) expect(indented(`a${one}[b`)).toBe("a\n  [b");
  expect(indented("a\n\nb")).toBe("a\n  \n  b");
});

test("If-Match lets through what is based on the state that is there, and what names none (spec §2)", async () => {
  const app = new Hono().get("/", (c) => c.json(passesIfMatch(c, etagOf("2026-01-01T00:00:00.000Z"))));
  const passes = async (header?: string) => {
    const answer = await app.request("/", { headers: header === undefined ? {} : { "If-Match": header } });
    return answer.json();
  };
  for (const header of [undefined, "*", '"2026-01-01T00:00:00.000Z"', '"x", "2026-01-01T00:00:00.000Z"'])
    expect(await passes(header)).toBe(true);
  for (const header of ['"x"', "2026-01-01T00:00:00.000Z", 'W/"2026-01-01T00:00:00.000Z"', ""])
    expect(await passes(header)).toBe(false);
});

describe("a behavior's calls (spec §15)", () => {
  test("reject once in a session, and are quiet about what fails after that", async () => {
    const call = createSessionCall(
      clientAt("http://x", () => Response.json({ error: "no" }, { status: 503 })),
    );
    await expect(call("POST", "/feed/events", {})).rejects.toThrow("no");
    expect(await call("POST", "/feed/events", {})).toBeUndefined();
    expect(await createSessionCall(client)("GET", "/feed/stats")).toEqual({});
  });

  test("are given up when they take too long", async () => {
    const never = createClient(identity, { baseUrl: () => "http://x", send: () => new Promise(() => {}) });
    const call = createSessionCall(never, { callMs: 10 });
    await expect(call("GET", "/x")).rejects.toThrow("took longer than 0.01 s");
  });
});
