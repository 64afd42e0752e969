// Every published failure, as a client meets it: by status, in the middle of a stream, once, several times or always.
import { afterAll, describe, expect, test } from "bun:test";
import type { APIError } from "@anthropic-ai/sdk";
import { faultOf, faults } from "../../src/offline/faults.js";
import { startOfflineModel } from "../../src/offline/server.js";
import { Agent, clientOf, MODEL, offered, textOf } from "./agent.js";

const model = startOfflineModel();
const client = clientOf(model.url);
afterAll(() => model.stop());

function ask(prompt: string) {
  const request = {
    ...MODEL,
    messages: [{ role: "user" as const, content: prompt }],
    tools: offered(["bash"]),
  };
  return client.messages.stream(request).finalMessage();
}

async function failure(
  prompt: string,
): Promise<{ status?: number; error?: unknown; message: string; headers?: Headers }> {
  return ask(prompt).then(
    (message) => Promise.reject(new Error(`It came through: ${textOf(message)}`)),
    (error: APIError) => error,
  );
}

const STATUS = new Map(
  faults.filter(({ status }) => status !== undefined).map(({ name, status }) => [name, status]),
);

describe("failures before the reply", () => {
  test("have the statuses of the real endpoint", () => {
    expect(Object.fromEntries(STATUS)).toEqual({
      "rate limit": 429,
      "server error": 500,
      overloaded: 529,
      auth: 401,
      "not found": 404,
      "prompt too long": 400,
    });
  });

  for (const { name, status, error, times } of faults) {
    if (status === undefined) continue;
    test(`fail: ${name}`, async () => {
      const failed = await failure(`fail: ${name}`);
      expect(failed.status).toBe(status);
      expect(failed.error).toEqual({ type: "error", error });
      if (times === Infinity) expect((await failure(`fail: ${name}`)).status).toBe(status);
      else expect(textOf(await ask(`fail: ${name}`))).toBe(`Here is the reply that was held up by: ${name}.`);
    });
  }

  test("that may be retried say that it may be at once", async () => {
    expect((await failure("fail: rate limit")).headers?.get("retry-after")).toBe("0");
    expect((await failure("fail: auth")).headers?.get("retry-after")).toBeNull();
  });
});

describe("failures in the middle of the reply", () => {
  test("fail: overloaded mid-stream is an error event after a part of the text", async () => {
    const stream = client.messages.stream({
      ...MODEL,
      messages: [{ role: "user", content: "fail: overloaded mid-stream" }],
    });
    let part = "";
    stream.on("text", (text) => {
      part += text;
    });
    const failed = (await stream.finalMessage().catch((error: APIError) => error)) as APIError;
    expect(part).not.toBe("");
    expect(failed.error).toEqual({
      type: "error",
      error: { type: "overloaded_error", message: "Overloaded" },
    });
    expect(textOf(await ask("fail: overloaded mid-stream"))).toStartWith("Here is the reply");
  });

  test("fail: drop mid-stream breaks the connection after a part of the text", async () => {
    const body = JSON.stringify({
      ...MODEL,
      stream: true,
      messages: [{ role: "user", content: "fail: drop mid-stream 2" }],
    });
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const response = await fetch(`${model.url}/v1/messages`, {
        method: "POST",
        body,
        headers: { "x-api-key": "k" },
      });
      expect(response.status).toBe(200);
      const { text, broken } = await readUntilBroken(response);
      expect(broken).toBeTrue();
      expect(text).toContain("event: content_block_delta");
      expect(text).not.toContain("event: message_stop");
    }
    expect(textOf(await ask("fail: drop mid-stream 2"))).toStartWith("Here is the reply");
  });

  test("break a reply that is not streamed as well", async () => {
    // A plain promise: `expect` reads the SDK's own kind of promise before its body was parsed.
    const whole = async (content: string) => {
      await client.messages.create({ ...MODEL, messages: [{ role: "user", content }] });
    };
    await expect(whole("fail: drop mid-stream")).rejects.toMatchObject({ code: "ECONNRESET" });
    await expect(whole("fail: overloaded mid-stream")).rejects.toMatchObject({ status: 529 });
  });
});

describe("how often and when", () => {
  test("`n times`, `n`, `once` and `always` are understood, other words are not", () => {
    const times = (line: string) => faultOf(line, 0)?.times;
    expect([
      times("fail: rate limit 2 times"),
      times("fail: server error 3"),
      times("fail: auth once"),
      times("Fail: overloaded always."),
    ]).toEqual([2, 3, 1, Infinity]);
    expect([times("fail: gently"), times("fail: rate limit often"), times("fail:")]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("a count begins again for the next conversation with the same text", async () => {
    for (let round = 0; round < 2; round += 1) {
      expect((await failure("fail: rate limit 2 times")).status).toBe(429);
      expect((await failure("fail: rate limit 2 times")).status).toBe(429);
      await ask("fail: rate limit 2 times");
    }
  });

  test("several failures happen in the order of their lines", async () => {
    const prompt = "fail: rate limit 2 times\nfail: server error\nWhat is 2+2?";
    const statuses: (number | undefined)[] = [];
    for (let attempt = 0; attempt < 3; attempt += 1) statuses.push((await failure(prompt)).status);
    expect(statuses).toEqual([429, 429, 500]);
    expect((await ask(prompt)).stop_reason).toBe("tool_use");
  });

  test("a failure below the prompt hits the request that carries the result", async () => {
    const agent = new Agent(model.url);
    const before = model.count();
    await expect(agent.ask("What is 2+2?\nfail: server error")).rejects.toMatchObject({ status: 500 });
    expect(model.count() - before).toBe(2);
  });

  test("the SDK's own retries get through", async () => {
    const patient = client.withOptions({ maxRetries: 2 });
    const message = await patient.messages.create({
      ...MODEL,
      messages: [{ role: "user", content: "fail: overloaded 2" }],
    });
    expect(textOf(message)).toBe("Here is the reply that was held up by: overloaded.");
  });
});

async function readUntilBroken(response: Response): Promise<{ text: string; broken: boolean }> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true });
    return { text, broken: false };
  } catch (error) {
    expect(error).toMatchObject({ code: "ECONNRESET" });
    return { text, broken: true };
  }
}
