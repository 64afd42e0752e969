// The HTTP side: what is refused and how, what is remembered of a request, and that nothing stays behind.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type OfflineModel, startOfflineModel } from "../../src/offline/server.js";
import { clientOf, MODEL, textOf } from "./agent.js";

let model: OfflineModel;
beforeEach(() => {
  model = startOfflineModel({ now: () => 1234 });
});
afterEach(() => model.stop());

const hello = { ...MODEL, messages: [{ role: "user" as const, content: "hello" }] };

function post(body: unknown, headers: Record<string, string> = { "x-api-key": "k" }): Promise<Response> {
  return fetch(`${model.url}/v1/messages`, {
    method: "POST",
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

async function refusal(body: unknown): Promise<string> {
  const response = await post(body);
  const { type, error } = (await response.json()) as {
    type: string;
    error: { type: string; message: string };
  };
  expect([response.status, type, error.type]).toEqual([400, "error", "invalid_request_error"]);
  return error.message;
}

describe("requests that are refused", () => {
  test("a body that is no JSON", async () => {
    expect(await refusal("{")).toBe("The request body is not valid JSON.");
  });

  test("a body of the wrong shape, with the place", async () => {
    expect(await refusal({ ...hello, model: undefined })).toStartWith("model: ");
    expect(await refusal({ ...hello, messages: [] })).toStartWith("messages: ");
    expect(await refusal({ ...hello, messages: [{ role: "robot", content: "x" }] })).toStartWith(
      "messages.0.role: ",
    );
    expect(await refusal([])).toStartWith("body: ");
  });

  test("blank texts", async () => {
    expect(await refusal({ ...hello, messages: [{ role: "user", content: " " }] })).toContain(
      "must be non-empty",
    );
  });

  test("two tools of one name", async () => {
    const tools = [{ name: "bash" }, { name: "bash" }];
    expect(await refusal({ ...hello, tools })).toBe("tools: Tool names must be unique. Received twice: bash");
  });

  test("a call without its result, a result without its call, one id twice", async () => {
    const use = { role: "assistant", content: [{ type: "tool_use", id: "c1", name: "bash", input: {} }] };
    const result = { role: "user", content: [{ type: "tool_result", tool_use_id: "c1", content: "x" }] };
    const done = { role: "assistant", content: "done" };
    const [ask] = hello.messages;
    expect(await refusal({ ...hello, messages: [ask, use] })).toContain(
      "without `tool_result` blocks immediately after: c1",
    );
    expect(await refusal({ ...hello, messages: [ask, use, ask, done, result] })).toContain(
      "immediately after: c1",
    );
    expect(await refusal({ ...hello, messages: [ask, result] })).toContain("unexpected `tool_use_id`");
    expect(await refusal({ ...hello, messages: [ask, use, result, done, result] })).toContain(
      "unexpected `tool_use_id`",
    );
    expect(await refusal({ ...hello, messages: [ask, use, result, use, result] })).toContain(
      "must be unique",
    );
    expect((await post({ ...hello, messages: [ask, use, result, ask] })).status).toBe(200);
  });

  test("a thinking block with another signature", async () => {
    const thought = {
      role: "assistant",
      content: [{ type: "thinking", thinking: "hm", signature: "forged" }],
    };
    const messages = [...hello.messages, thought, ...hello.messages];
    expect(await refusal({ ...hello, messages })).toContain("Invalid `signature` in `thinking` block");
  });

  test("no key at all is 401; a bearer token is as good as x-api-key (pi spec §16)", async () => {
    expect((await post(hello, {})).status).toBe(401);
    expect((await post(hello, { authorization: "Bearer any" })).status).toBe(200);
  });

  test("a page that was resolved to this address", async () => {
    expect((await post(hello, { "x-api-key": "k", host: "evil.example" })).status).toBe(403);
  });

  test("unknown routes", async () => {
    expect((await fetch(`${model.url}/v1/nothing`)).status).toBe(404);
    expect((await fetch(`${model.url}/requests`, { method: "DELETE" })).status).toBe(404);
  });
});

describe("requests that are answered", () => {
  test("whole when they do not ask for a stream", async () => {
    const message = await clientOf(model.url).messages.create({ ...hello, model: "claude-something" });
    expect(message).toMatchObject({
      type: "message",
      role: "assistant",
      model: "claude-something",
      stop_reason: "end_turn",
    });
    expect(textOf(message)).toStartWith('You said: "hello"');
  });

  test("with images in them, which are let through", async () => {
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } };
    const messages = [{ role: "user", content: [{ type: "text", text: "hello" }, image] }];
    expect((await post({ ...hello, messages })).status).toBe(200);
  });

  test("GET and HEAD / say what is served here", async () => {
    expect(await (await fetch(model.url)).json()).toMatchObject({ name: "offline model (scripted)" });
    expect((await fetch(model.url, { method: "HEAD" })).status).toBe(200);
  });

  test("a megabyte of history is answered", async () => {
    const messages = [
      { role: "user", content: "x".repeat(1_000_000) },
      { role: "assistant", content: "4" },
      { role: "user", content: "Multiply by 10" },
    ];
    const message = (await (await post({ ...hello, messages })).json()) as { content: unknown };
    expect(message.content).toEqual([{ type: "text", text: "40", citations: null }]);
  });
});

describe("the log of requests", () => {
  test("keeps bodies and headers without keys, newest last", async () => {
    await post({ ...hello, max_tokens: 1 }, { "x-api-key": "secret-1", "x-other": "shown" });
    await post("no json", { authorization: "Bearer secret-2" });
    const [first, second] = model.requests();
    expect(first).toMatchObject({
      at: 1234,
      body: { max_tokens: 1 },
      headers: { "x-api-key": "redacted", "x-other": "shown" },
    });
    expect(second).toMatchObject({ body: "no json", headers: { authorization: "redacted" } });
    expect(JSON.stringify(model.requests())).not.toContain("secret");
  });

  test("keeps the newest hundred and counts all", async () => {
    for (let request = 0; request < 105; request += 1)
      await (await post({ ...hello, max_tokens: request + 1 })).text();
    expect(model.count()).toBe(105);
    expect(model.requests()).toHaveLength(100);
    expect(model.requests()[0]?.body).toMatchObject({ max_tokens: 6 });
  });

  test("keeps no more than 16 MiB of bodies, but the newest in any case", async () => {
    for (let request = 0; request < 3; request += 1) await post("x".repeat(7 * 1024 * 1024));
    expect(model.requests()).toHaveLength(2);
    await post("x".repeat(20 * 1024 * 1024));
    expect(model.requests()).toHaveLength(1);
  });

  test("is there over HTTP", async () => {
    expect((await fetch(`${model.url}/requests/last`)).status).toBe(404);
    await post({ ...hello, max_tokens: 1 });
    await post({ ...hello, max_tokens: 2 });
    expect(await (await fetch(`${model.url}/requests/last`)).json()).toMatchObject({
      body: { max_tokens: 2 },
    });
    const page = await (await fetch(`${model.url}/requests?last=1`)).json();
    expect(page).toMatchObject({ count: 2, requests: [{ body: { max_tokens: 2 } }] });
    expect((await fetch(`${model.url}/requests?last=-1`)).status).toBe(400);
  });
});

describe("streams", () => {
  const crawl = {
    ...MODEL,
    messages: [{ role: "user" as const, content: "slow: 100 words every 60000 ms" }],
  };

  test("a client that goes away leaves no timer, and stop breaks what still streams", async () => {
    // A process of its own, since only its end shows that nothing is left: a timer would hold it for a minute.
    const code = `
      import { startOfflineModel } from ${JSON.stringify(require.resolve("../../src/offline/server.ts"))};
      const model = startOfflineModel();
      const body = ${JSON.stringify(JSON.stringify({ ...crawl, stream: true }))};
      const open = async (signal) => {
        const response = await fetch(model.url + "/v1/messages", { method: "POST", body, signal, headers: { "x-api-key": "k" } });
        const reader = response.body.getReader();
        await reader.read();
        return reader;
      };
      const gone = new AbortController();
      await open(gone.signal);
      const stopped = await open();
      gone.abort();
      await model.stop();
      await stopped.read().then(({ done }) => console.log("ended", done), () => console.log("broken"));
    `;
    const child = Bun.spawn([process.execPath, "--no-install", "-e", code], {
      stdout: "pipe",
      stderr: "pipe",
      timeout: 10_000,
    });
    const [out, err, exit] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    expect([exit, err]).toEqual([0, ""]);
    expect(out).toBe("broken\n");
  });
});
