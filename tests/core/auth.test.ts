// Who a request says it is from, and what a task needs to be allowed.
import { describe, expect, test } from "bun:test";
import { createAuth, scopeFor } from "../../src/core/auth.js";
import type { Caller } from "../../src/core/types.js";

const task: Caller = { kind: "task", taskId: "t1", agentName: "t1" };
const resolveToken = (token: string) => (token === "rt_good" ? task : undefined);
const withToken = createAuth({ token: "server-token", resolveToken });
const withoutToken = createAuth({ resolveToken });

function request(authorization?: string, headers: Record<string, string> = {}): Request {
  return new Request("http://localhost/", {
    headers: authorization === undefined ? headers : { authorization, ...headers },
  });
}

describe("with a server token (spec §2.2)", () => {
  test("no header is missing", () => expect(withToken(request())).toBe("missing"));

  test.each([
    "Bearer",
    "Bearer ",
    "Basic c2VydmVyLXRva2Vu",
    "server-token",
    "Bearerserver-token",
    "Bearer server-toke",
    "Bearer server-token2",
    "Bearer rt_bad",
    `Bearer ${"x".repeat(8000)}`,
  ])("%.40s is invalid", (header) => expect(withToken(request(header))).toBe("invalid"));

  test.each([
    "Bearer server-token",
    "bearer server-token",
    "BEARER   server-token",
    "Bearer \t server-token  ",
  ])("%j is the server", (header) => expect(withToken(request(header))).toEqual({ kind: "server" }));

  test("a task token is its task, whatever agent it names", () => {
    expect(withToken(request("Bearer rt_good", { "x-agent-name": "other" }))).toBe(task);
  });

  test("the server may name the agent for which it acts (spec §2.3)", () => {
    const headers = { "x-agent-name": " scout ", "x-agent-role": "lead", "x-agent-vm-id": "vm-1" };
    expect(withToken(request("Bearer server-token", headers))).toEqual({
      kind: "server",
      agentName: "scout",
      agentRole: "lead",
      vmId: "vm-1",
    });
    const long = withToken(request("Bearer server-token", { "x-agent-name": "n".repeat(500) }));
    expect(long).toEqual({ kind: "server", agentName: "n".repeat(200) });
  });

  test("a server token that looks like a task token is still the server's", () => {
    expect(createAuth({ token: "rt_good", resolveToken })(request("Bearer rt_good"))).toEqual({
      kind: "server",
    });
  });
});

describe("without a server token (spec §2.2)", () => {
  test("every caller is the server, with dev", () => {
    for (const header of [undefined, "Bearer whatever", "Basic x"]) {
      expect(withoutToken(request(header))).toEqual({ kind: "server", dev: true });
    }
  });

  test("a token that starts with rt_ is still checked", () => {
    expect(withoutToken(request("Bearer rt_good"))).toBe(task);
    expect(withoutToken(request("Bearer rt_bad"))).toBe("invalid");
  });
});

describe("what a task needs (spec §2.4)", () => {
  test.each([
    ["GET", "/installer/installed", null],
    ["HEAD", "/board", null],
    ["POST", "/reef/tools/board_list", null],
    ["POST", "/reef/agent-events", null],
    ["POST", "/mcp", null],
    ["DELETE", "/mcp", null],
    ["POST", "/reef/submit", "submit"],
    ["POST", "/reef/tasks/x/cancel", "submit"],
    ["POST", "/reef/tasks/x/steer", "submit"],
    ["POST", "/reef/tasks/x/answer", "admin"],
    ["PUT", "/reef/refs/main", "admin"],
    ["POST", "/services/deploy", "deploy"],
    ["POST", "/services/check", "deploy"],
    ["POST", "/services/reload/x", "deploy"],
    ["POST", "/services/x/rollback", "deploy"],
    ["POST", "/services/reload", "admin"],
    ["POST", "/services/reload/", "admin"],
    ["POST", "/services/deploy/x", "admin"],
    ["DELETE", "/services/x", "admin"],
    ["PATCH", "/services/seeds/h", "admin"],
    ["POST", "/installer/install", "admin"],
    ["POST", "/board", "modules"],
    ["DELETE", "/store/services/deploy", "modules"],
    ["POST", "/", "modules"],
  ])("%s %s: %p", (method, path, scope) => expect(scopeFor(method, path)).toBe(scope as never));
});

test("right, wrong and wrong-length tokens take the same time (spec §13.2)", () => {
  const auth = createAuth({ token: "a".repeat(43) });
  const kinds = ["a".repeat(43), `b${"a".repeat(42)}`, `${"a".repeat(42)}b`, "b", "b".repeat(60)].map(
    (token) => request(`Bearer ${token}`),
  );
  const times = kinds.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < 60; round++) {
    for (const [i, one] of kinds.entries()) {
      const from = Bun.nanoseconds();
      for (let n = 0; n < 200; n++) auth(one);
      times[i] = Math.min(times[i] ?? 0, Bun.nanoseconds() - from);
    }
  }
  // The right token also reads the agent headers: the wrong ones are compared among each other.
  const wrong = times.slice(1);
  expect(Math.max(...wrong) / Math.min(...wrong)).toBeLessThan(2);
});
