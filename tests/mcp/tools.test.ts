// Tools over MCP: what a client is shown, and what becomes of every kind of call.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { ErrorCode, McpError } from "@modelcontextprotocol/sdk/types.js";
import { createKit, type Kit } from "./kit.js";
import { type McpServer, messagesOf, startMcp, TASKS, textOf } from "./support.js";

let kit: Kit;
let server: McpServer;
beforeAll(async () => {
  kit = createKit();
  server = await startMcp({ modules: [kit] });
});
beforeEach(() => void kit.seen.splice(0));
afterAll(() => server.end());

const call = (id: number | string, name: string, more: object = {}) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, ...more },
});

async function rejection(promise: Promise<unknown>): Promise<McpError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof McpError) return error;
  throw new Error(`Expected an McpError. Received: ${error}`);
}

describe("the list", () => {
  test("is that of the live services, in MCP's form (spec §14)", async () => {
    const { client } = await server.connect();
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(server.tools.list().map(({ name }) => name));
    expect(tools.find(({ name }) => name === "echo")).toEqual({
      name: "echo",
      title: "Echo",
      description: "The tool echo",
      inputSchema: { type: "object", properties: { text: { type: "string" } }, required: ["text"] },
      annotations: { readOnlyHint: true, openWorldHint: false },
    });
  });

  test("holds a tool with an odd schema, which a client would otherwise refuse the whole list for", async () => {
    const { client } = await server.connect();
    const { tools } = await client.listTools();
    expect(tools.find(({ name }) => name === "odd")?.inputSchema).toEqual({
      type: "object",
      properties: { anything: {}, nothing: { not: {} }, one: { type: "string" } },
      additionalProperties: false,
    });
  });

  test("comes whole, so that any cursor is refused", async () => {
    const { client } = await server.connect();
    expect(await rejection(client.listTools({ cursor: "next" }))).toMatchObject({
      code: ErrorCode.InvalidParams,
    });
  });
});

describe("a call", () => {
  test("gives the tool's result, with its details where no model reads them", async () => {
    const { client } = await server.connect();
    expect(await client.callTool({ name: "echo", arguments: { text: "café" } })).toEqual({
      content: [{ type: "text", text: "café" }],
      _meta: { "reef/details": { length: 4 } },
    });
  });

  test("of a tool that throws is a result with isError", async () => {
    const { client } = await server.connect();
    expect(await client.callTool({ name: "throws" })).toEqual({
      content: [{ type: "text", text: "Error: out of paint" }],
      isError: true,
    });
    expect(await client.callTool({ name: "refuses" })).toMatchObject({ isError: true });
  });

  test("of an unknown tool is an error that names it", async () => {
    const { client } = await server.connect();
    for (const name of ["nope", "constructor", "__proto__", ""]) {
      const error = await rejection(client.callTool({ name }));
      expect([error.code, error.message]).toEqual([
        ErrorCode.InvalidParams,
        `MCP error -32602: Tool "${name}" not found`,
      ]);
    }
  });

  test("with parameters that do not fit is an error that says where, and the tool does not run", async () => {
    const { client } = await server.connect();
    const error = await rejection(client.callTool({ name: "echo", arguments: { text: [1] } }));
    expect([error.code, error.message]).toEqual([
      ErrorCode.InvalidParams,
      'MCP error -32602: Invalid parameters for tool "echo": /text must be string',
    ]);
    expect(error.data).toEqual({ errors: [{ path: "/text", message: "must be string" }] });
  });

  test("shows images, and says of one that is none what it is", async () => {
    const { client } = await server.connect();
    const { content } = await client.callTool({ name: "picture" });
    expect(content).toEqual([
      { type: "image", data: "aGk=", mimeType: "image/png" },
      { type: "text", text: "[an image of image/png that is not base64]" },
    ]);
  });

  test("may have a result of several megabytes, without details of that length", async () => {
    const { client } = await server.connect();
    const result = await client.callTool({ name: "big", arguments: { size: 5_000_000 } });
    expect(textOf(result)?.length).toBe(5_000_000);
    expect(result._meta).toBeUndefined();
  });

  test("many at the same time get each their own result", async () => {
    const { client } = await server.connect();
    const texts = Array.from({ length: 50 }, (_, index) => `text ${index}`);
    const calls = texts.map((text) => client.callTool({ name: "echo", arguments: { text } }));
    expect((await Promise.all(calls)).map(textOf)).toEqual(texts);
  });
});

describe("progress", () => {
  test("is told to who asks for it, in order and before the result (spec §14)", async () => {
    const { client } = await server.connect();
    const heard: { progress: number; message?: string }[] = [];
    const result = await client.callTool({ name: "steps" }, undefined, {
      onprogress: (progress) => heard.push(progress),
    });
    expect(textOf(result)).toBe("done");
    expect(heard).toEqual([
      { progress: 1, message: "one" },
      { progress: 2, message: "two" },
      { progress: 3, message: `…${"x".repeat(1999)}` },
    ]);
  });

  test("of a tool that makes thousands of steps is told in part, and its result arrives", async () => {
    const { client } = await server.connect();
    const heard: number[] = [];
    const onprogress = ({ progress }: { progress: number }) => heard.push(progress);
    const flood = { name: "floods", arguments: { size: 20_000 } };
    expect(textOf(await client.callTool(flood, undefined, { onprogress }))).toBe("done");
    expect(heard.slice(0, 50)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    expect(heard.length).toBeLessThan(500);
    expect(heard).toEqual(heard.toSorted((a, b) => a - b));
  });

  test("is not told to who does not ask", async () => {
    const session = await server.open();
    const messages = await messagesOf(await server.send(call(1, "steps"), session));
    expect(messages.map(({ id, method }) => [id, method])).toEqual([[1, undefined]]);
  });
});

describe("a call that is under way", () => {
  test("is aborted when its client cancels it, and its stream ends without an answer", async () => {
    for (const id of [0, 7, "seven"]) {
      kit.seen.splice(0);
      const session = await server.open();
      const answer = await server.send(call(id, "waits"), session);
      await kit.until("begun");
      const cancelled = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: id } };
      expect((await server.send(cancelled, session)).status).toBe(202);
      await kit.until("aborted");
      expect(await messagesOf(answer)).toEqual([]);
    }
  });

  test("is aborted when the SDK's client gives it up", async () => {
    const { client } = await server.connect();
    const given = new AbortController();
    const calling = client.callTool({ name: "waits" }, undefined, { signal: given.signal });
    await kit.until("begun");
    given.abort("enough");
    await expect(calling).rejects.toThrow("enough");
    await kit.until("aborted");
  });

  test("is aborted when its client goes away (spec §4.14)", async () => {
    const session = await server.open();
    const answer = await server.send(call(1, "waits"), session);
    await kit.until("begun");
    await answer.body?.cancel();
    await kit.until("aborted");
  });

  test("is aborted when its session ends", async () => {
    const session = await server.open();
    const answer = await server.send(call(1, "waits"), session);
    await kit.until("begun");
    await server.raw({ method: "DELETE", headers: { "Mcp-Session-Id": session } });
    await kit.until("aborted");
    expect(await messagesOf(answer)).toEqual([]);
  });

  test("keeps its id to itself", async () => {
    const session = await server.open();
    const first = await server.send(call(1, "waits"), session);
    await kit.until("begun");
    const second = await server.send(call(1, "echo", { arguments: { text: "x" } }), session);
    expect([second.status, await second.json()]).toEqual([
      400,
      { error: "Request 1 is still being answered", code: "bad_request" },
    ]);
    await first.body?.cancel();
    await kit.until("aborted");
  });

  test("is one of at most 100 of a session", async () => {
    const session = await server.open();
    const ids = Array.from({ length: 100 }, (_, index) => index);
    const answers = await Promise.all(ids.map((id) => server.send(call(id, "waits"), session)));
    const more = await server.send(call(100, "waits"), session);
    expect([more.status, more.headers.get("retry-after")]).toEqual([429, "1"]);
    const other = await server.send(call(1, "waits"), await server.open());
    expect(other.status).toBe(200);
    for (const answer of [...answers, other]) await answer.body?.cancel();
    await kit.until("aborted", 101);
  });

  test("hears nothing of an abort once it has answered", async () => {
    const session = await server.open();
    expect(await messagesOf(await server.send(call(1, "late"), session))).toHaveLength(1);
    await server.send({ jsonrpc: "2.0", id: 2, method: "ping" }, session);
    expect(kit.seen).toEqual([]);
  });
});

describe("the caller", () => {
  test("is who sent the request, with the cause of the moment (spec §5.4)", async () => {
    const { client } = await server.connect("rt_a");
    const said = JSON.parse(textOf(await client.callTool({ name: "whoami" })) ?? "");
    expect(said).toMatchObject({
      name: "a",
      cause: "node-a",
      caller: TASKS.rt_a,
      ctx: { agentName: "a", taskId: "a", nodeId: "node-a", hasUI: false },
    });
    expect(said.id).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("of the server token may name its agent", async () => {
    const { client } = await server.connect(undefined, { "X-Agent-Name": "painter" });
    const said = JSON.parse(textOf(await client.callTool({ name: "whoami" })) ?? "");
    expect(said).toMatchObject({ name: "painter", caller: { kind: "server" }, cause: null });
    expect(said.ctx.nodeId).toBeUndefined();
  });

  test("lends its rights to the tool, and no others", async () => {
    const may = async (token: string, name: string) => {
      const { client } = await server.connect(token);
      return textOf(await client.callTool({ name }));
    };
    expect(await may("rt_a", "post")).toContain('"taskId":"a"');
    expect(await may("rt_b", "post")).toBe(
      'Error: POST /kit/who (403): Forbidden — scope "modules" is required',
    );
    expect(await may("rt_a", "administer")).toContain('(403): Forbidden — scope "admin" is required');
    expect(await may("rt_admin", "administer")).toContain("(404): not found");
  });

  test("acts for each request of its own, two at the same time", async () => {
    const [a, b] = await Promise.all([server.connect("rt_a"), server.connect("rt_b")]);
    const names = await Promise.all(
      [a, b, a, b].map(
        async ({ client }) => JSON.parse(textOf(await client.callTool({ name: "whoami" })) ?? "").name,
      ),
    );
    expect(names).toEqual(["a", "b", "a", "b"]);
  });
});
