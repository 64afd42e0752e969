// One stream of events: its bytes, and every way in which it ends.
import { expect, test } from "bun:test";
import { Hono } from "hono";
import { type SseOptions, type SseStream, sse, sseFrame } from "../../src/core/sse.js";

async function open(run: (stream: SseStream) => unknown, options: SseOptions = {}): Promise<Response> {
  return new Hono().get("/", (c) => sse(c, run, options)).request("/");
}

test("a frame is an id, an event where it has one, and one line of data", () => {
  const text = (frame: Parameters<typeof sseFrame>[0]) => new TextDecoder().decode(sseFrame(frame));
  expect(text({ data: { a: "x\ny" } })).toBe('data: {"a":"x\\ny"}\n\n');
  expect(text({ id: 5, event: "resync", data: null })).toBe("id: 5\nevent: resync\ndata: null\n\n");
});

test("a stream greets, sends what it is given and ends with the work", async () => {
  const answer = await open(
    async (stream) => {
      expect(stream.send({ id: "1", data: 1 })).toBe(true);
      await Bun.sleep(1);
      stream.send({ data: 2 });
    },
    { retry: 2000 },
  );
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    "content-type": "text/event-stream",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
  });
  expect(await answer.text()).toBe(": connected\n\nretry: 2000\n\nid: 1\ndata: 1\n\ndata: 2\n\n");
});

test("the module's signal ends it with a bye, and nothing is sent after", async () => {
  const module = new AbortController();
  let stream: SseStream | undefined;
  const answer = await open(
    (opened) => {
      stream = opened;
    },
    { signal: module.signal },
  );
  module.abort();
  expect(stream?.signal.aborted).toBe(true);
  expect(stream?.send({ data: 1 })).toBe(false);
  expect(await answer.text()).toBe(': connected\n\nevent: bye\ndata: {"reason":"reload"}\n\n');
});

test("a stream of a module that has ended is over at once", async () => {
  const answer = await open((stream) => void stream.send({ data: 1 }), { signal: AbortSignal.abort() });
  expect(await answer.text()).toBe(': connected\n\nevent: bye\ndata: {"reason":"reload"}\n\n');
});

test("a client that goes ends it", async () => {
  let stream: SseStream | undefined;
  const answer = await open((opened) => {
    stream = opened;
  });
  await answer.body?.cancel();
  expect(stream?.signal.aborted).toBe(true);
  expect(stream?.send({ data: 1 })).toBe(false);
});

test("a client that does not read is cut when its queue is full", async () => {
  let sent = 0;
  const answer = await open((stream) => {
    while (stream.send({ data: "x".repeat(100_000) })) sent++;
    expect(stream.signal.aborted).toBe(true);
  });
  expect(sent).toBe(10);
  expect(await answer.text()).toEndWith('event: bye\ndata: {"reason":"slow"}\n\n');
});

test("Bun's idle timeout is taken off the request", async () => {
  const timeouts: unknown[] = [];
  const connection = {
    timeout: (request: Request, seconds: number) => timeouts.push([request.url, seconds]),
  };
  const app = new Hono().get("/", (c) => sse(c, (stream) => stream.close()));
  await app.request("/", {}, connection);
  expect(timeouts).toEqual([["http://localhost/", 0]]);
});
