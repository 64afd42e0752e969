// Whatever a client sends to /mcp that makes no sense is a 4xx with {error, code}, or an error of JSON-RPC; it opens no
// session and ends none, and is no fault of the server.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ErrorCode } from "@modelcontextprotocol/sdk/types.js";
import { createKit } from "./kit.js";
import { INITIALIZE, type McpServer, messagesOf, startMcp } from "./support.js";

const LIMIT = 100_000;

let server: McpServer;
let session: string;
beforeAll(async () => {
  server = await startMcp({ modules: [createKit()], config: { maxBodyBytes: LIMIT, token: "server-token" } });
  session = await server.open();
});
afterAll(() => server.end());

const NO_SESSION =
  "Mcp-Session-Id header is required: send an initialize request without it to begin a session";
const BATCH = "Batches are not supported: send one message at a time";
const PING = { jsonrpc: "2.0", id: 1, method: "ping" };

type Headers = Record<string, string>;
const POSTS: [name: string, body: unknown, status: number, error: string, headers?: Headers][] = [
  ["broken JSON", "{", 400, "Invalid JSON body"],
  ["an empty body", "", 400, "Invalid JSON body"],
  ["an empty batch", [], 400, BATCH],
  ["a batch", [PING, { ...PING, id: 2 }], 400, BATCH],
  ["null", "null", 400, "Invalid JSON-RPC message"],
  ["a number", "5", 400, "Invalid JSON-RPC message"],
  ["an empty object", {}, 400, "Invalid JSON-RPC message"],
  ["another version of JSON-RPC", { ...PING, jsonrpc: "1.0" }, 400, "Invalid JSON-RPC message"],
  ["no version", { id: 1, method: "ping" }, 400, "Invalid JSON-RPC message"],
  ["an id that is null", { ...PING, id: null }, 400, "Invalid JSON-RPC message"],
  ["an id that is an object", { ...PING, id: {} }, 400, "Invalid JSON-RPC message"],
  ["a fractional id", { ...PING, id: 1.5 }, 400, "Invalid JSON-RPC message"],
  ["a method that is a number", { ...PING, method: 5 }, 400, "Invalid JSON-RPC message"],
  ["params that are a list", { ...PING, params: [1] }, 400, "Invalid JSON-RPC message"],
  [
    "an odd progress token",
    { ...PING, params: { _meta: { progressToken: {} } } },
    400,
    "Invalid JSON-RPC message",
  ],
  ["a nest of brackets", `${"[".repeat(40_000)}${"]".repeat(40_000)}`, 400, BATCH],
  ["a body over the limit", `"${"x".repeat(LIMIT)}"`, 413, "body too large"],
  ["an Accept of JSON alone", PING, 406, "Not Acceptable", { Accept: "application/json" }],
  ["an Accept of streams alone", PING, 406, "Not Acceptable", { Accept: "text/event-stream" }],
  ["another content type", PING, 415, "Unsupported Media Type", { "Content-Type": "text/plain" }],
  [
    "an unknown protocol version",
    PING,
    400,
    "Bad Request: Unsupported",
    { "Mcp-Protocol-Version": "1999-01-01" },
  ],
];

async function refused(answer: Response): Promise<[number, string]> {
  const body = await answer.json();
  expect([typeof body.error, typeof body.code]).toEqual(["string", "string"]);
  expect(answer.headers.get("x-reef-error")).toBe(body.code);
  return [answer.status, body.error];
}

const failures = () => server.lines.filter((line) => line.startsWith("error"));

describe("POST", () => {
  for (const [name, body, status, error, headers] of POSTS) {
    test(`${name} is ${status}`, async () => {
      const [actual, message] = await refused(await server.send(body, session, headers));
      expect([actual, message.slice(0, error.length)]).toEqual([status, error]);
      expect(failures()).toEqual([]);
      expect(await messagesOf(await server.send(PING, session))).toEqual([
        { jsonrpc: "2.0", id: 1, result: {} },
      ]);
    });
  }

  test("a body of unknown length over the limit is 413", async () => {
    const chunks = async function* () {
      for (let sent = 0; sent <= LIMIT; sent += 10_000) yield new Uint8Array(10_000).fill(32);
    };
    const answer = await server.raw({
      method: "POST",
      body: chunks() as unknown as ReadableStream,
      headers: { "Mcp-Session-Id": session },
    });
    expect(await refused(answer)).toEqual([413, "body too large"]);
  });

  test("anything but initialize without a session is 400, and so is an initialize that is none", async () => {
    const { id: _id, ...notification } = INITIALIZE;
    const bodies = [
      PING,
      { jsonrpc: "2.0", id: 1, method: "tools/list" },
      { jsonrpc: "2.0", method: "notifications/initialized" },
      { jsonrpc: "2.0", id: 1, result: {} },
      { ...INITIALIZE, params: {} },
      { ...INITIALIZE, params: { ...INITIALIZE.params, protocolVersion: 5 } },
      notification,
    ];
    for (const body of bodies) expect(await refused(await server.send(body))).toEqual([400, NO_SESSION]);
  });

  test("a second initialize is 400", async () => {
    const answer = await refused(await server.send(INITIALIZE, session));
    expect(answer).toEqual([400, "Invalid Request: Server already initialized"]);
  });

  test("an unknown session is 404, whatever the message", async () => {
    for (const body of [PING, INITIALIZE, "{"]) {
      for (const id of ["nope", crypto.randomUUID(), "constructor", "x".repeat(5000)])
        expect(await refused(await server.send(body, id))).toEqual([404, "Session not found"]);
    }
  });
});

describe("GET and DELETE", () => {
  test("without a session are 400, with an unknown one 404", async () => {
    for (const method of ["GET", "DELETE"]) {
      const headers = { Accept: "text/event-stream" };
      expect(await refused(await server.raw({ method, headers }))).toEqual([400, NO_SESSION]);
      const unknown = await server.raw({ method, headers: { ...headers, "Mcp-Session-Id": "nope" } });
      expect(await refused(unknown)).toEqual([404, "Session not found"]);
    }
  });

  test("of a stream that is not accepted, or a second one, are 406 and 409", async () => {
    const headers = { "Mcp-Session-Id": session };
    expect(await refused(await server.raw({ headers }))).toEqual([
      406,
      "Not Acceptable: Client must accept text/event-stream",
    ]);
    const stream = await server.raw({ headers: { ...headers, Accept: "text/event-stream" } });
    expect(stream.status).toBe(200);
    const second = await server.raw({ headers: { ...headers, Accept: "text/event-stream" } });
    expect((await refused(second))[0]).toBe(409);
    await stream.body?.cancel();
  });

  test("with an unknown protocol version are 400, and end nothing", async () => {
    const headers = { "Mcp-Session-Id": session, "Mcp-Protocol-Version": "no", Accept: "text/event-stream" };
    for (const method of ["GET", "DELETE"])
      expect((await refused(await server.raw({ method, headers })))[0]).toBe(400);
    expect((await server.send(PING, session)).status).toBe(200);
  });
});

test("other methods and other paths are the kernel's 404, after the gate (spec §2.2)", async () => {
  for (const method of ["PUT", "PATCH", "OPTIONS"]) {
    const answer = await server.raw({ method });
    expect([answer.status, await answer.text()]).toEqual([404, '{"error":"not found"}']);
  }
  expect((await server.ask("/mcp/more")).status).toBe(404);
  for (const path of ["/mcp", "/mcp/", "/mcp/more"]) {
    const answer = await fetch(server.url + path, { method: "POST" });
    expect([answer.status, await answer.text()]).toEqual([
      401,
      '{"error":"Unauthorized — missing Authorization header"}',
    ]);
  }
});

const INVALID: [name: string, method: string, params: unknown][] = [
  ["a call without a name", "tools/call", {}],
  ["a call without params", "tools/call", undefined],
  ["a call of a number", "tools/call", { name: 5 }],
  ["arguments that are a list", "tools/call", { name: "echo", arguments: [1] }],
  ["arguments that are text", "tools/call", { name: "echo", arguments: "text" }],
  ["no arguments where there have to be some", "tools/call", { name: "echo" }],
  ["a prompt without a name", "prompts/get", {}],
  ["a prompt of a number", "prompts/get", { name: 5 }],
  ["a resource without a uri", "resources/read", {}],
  ["a resource of a number", "resources/read", { uri: 5 }],
  ["a cursor of nobody", "tools/list", { cursor: "abc" }],
  ["a cursor that is a number", "resources/list", { cursor: 5 }],
  ["a cursor of templates", "resources/templates/list", { cursor: "abc" }],
  ["a cursor of prompts", "prompts/list", { cursor: "abc" }],
];

describe("a request that does not fit its method is -32602", () => {
  for (const [name, method, params] of INVALID) {
    test(name, async () => {
      const messages = await messagesOf(
        await server.send({ jsonrpc: "2.0", id: 1, method, params }, session),
      );
      expect(messages).toMatchObject([{ id: 1, error: { code: ErrorCode.InvalidParams } }]);
      expect(messages[0].error.message).not.toBe("");
      expect(failures()).toEqual([]);
    });
  }
});

test("a method that reef has not is -32601", async () => {
  const methods = [
    "nope",
    "",
    "constructor",
    "__proto__",
    "resources/subscribe",
    "logging/setLevel",
    "tasks/list",
  ];
  for (const method of methods) {
    const messages = await messagesOf(await server.send({ jsonrpc: "2.0", id: 1, method }, session));
    expect(messages).toEqual([
      {
        jsonrpc: "2.0",
        id: 1,
        error: { code: ErrorCode.MethodNotFound, message: `Method "${method}" not found` },
      },
    ]);
  }
});

test("notifications and answers that nobody expects are taken and passed over", async () => {
  const strays = [
    { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: "unknown" } },
    { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: {} } },
    { jsonrpc: "2.0", method: "notifications/cancelled" },
    { jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: 1, progress: 1 } },
    { jsonrpc: "2.0", method: "notifications/nonsense", params: { a: 1 } },
    { jsonrpc: "2.0", id: 99, result: {} },
    { jsonrpc: "2.0", id: 99, error: { code: 1, message: "no" } },
  ];
  for (const stray of strays) expect((await server.send(stray, session)).status).toBe(202);
  expect(await messagesOf(await server.send(PING, session))).toEqual([{ jsonrpc: "2.0", id: 1, result: {} }]);
  expect(failures()).toEqual([]);
});

test("a foreign page gets nothing while there is no token (spec §2.5)", async () => {
  const open = await startMcp({ config: { token: undefined } });
  const ask = (headers: Headers) => open.send(INITIALIZE, undefined, headers);
  expect((await ask({ Origin: "http://evil.example" })).status).toBe(403);
  expect((await ask({ Host: "evil.example" })).status).toBe(403);
  expect((await ask({})).status).toBe(200);
  await open.end();
});
