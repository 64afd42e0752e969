// Calls over a socket: both ways at once, with bodies that flow, signals that abort, and an end that nobody waits beyond.
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ReefError } from "../../../src/core/errors.js";
import { type Body, WINDOW_BYTES } from "../../../src/core/isolation/body.js";
import { serviceCarrier } from "../../../src/core/isolation/carrier.js";
import { type Answers, ConnectionLost, Peer } from "../../../src/core/isolation/peer.js";
import { until } from "./world.js";

type Calls = {
  echo: { args: unknown; value: unknown };
  fail: { args: string; value: never };
  body: { args: { answer?: "stream" | "none" | "endless" }; value: number };
  wait: { args: null; value: string };
};
type Tells = { note: string };
type Ends = Peer<Calls, Tells, Calls, Tells>;

interface Rig {
  server: Ends;
  service: Ends;
  heard: string[];
  broken: ConnectionLost[];
  cancelled: string[];
  close(): void;
}

const folder = mkdtempSync(join(tmpdir(), "reef-peer-"));
const rigs: Rig[] = [];
let count = 0;
afterEach(() => {
  for (const rig of rigs.splice(0)) rig.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function bytesOf(body: Body): Promise<number> {
  if (!(body instanceof ReadableStream)) return body?.byteLength ?? 0;
  let bytes = 0;
  for await (const part of body) bytes += part.byteLength;
  return bytes;
}

function endless(cancelled: () => void): ReadableStream<Uint8Array> {
  return new ReadableStream(
    { pull: (controller) => controller.enqueue(new Uint8Array(10_000)), cancel: cancelled },
    { highWaterMark: 0 },
  );
}

/** Two peers over a real socket, each with the same to offer. */
async function open(): Promise<Rig> {
  const rig = { heard: [] as string[], broken: [] as ConnectionLost[], cancelled: [] as string[] };
  const answers: Answers<Calls> = {
    echo: async (args) => ({ value: args }),
    fail: async (message) => {
      if (message === "reef") throw new ReefError("conflict", message, { by: "x" });
      throw Object.assign(new TypeError(message, { cause: new Error("deep") }), { status: 418 });
    },
    async body({ answer }, call) {
      if (answer === "endless") return { value: 0, body: endless(() => rig.cancelled.push("endless")) };
      const body = call.body();
      if (answer === "none") return { value: 0 };
      if (answer === "stream") return { value: 0, body };
      return { value: await bytesOf(body) };
    },
    async wait(_args, { signal, news }) {
      news("waiting");
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
      rig.cancelled.push("wait");
      return { value: "given up" };
    },
  };
  const path = join(folder, `s${count++}`);
  const ends: Partial<Record<"server" | "service", Bun.Socket>> = {};
  const peerOn = (side: "server" | "service"): Ends =>
    new Peer({
      side,
      carrier: serviceCarrier(),
      answers,
      hearers: { note: (text) => void rig.heard.push(`${side} ${text}`) },
      write: (bytes) => ends[side]?.write(bytes) ?? 0,
      broken: (reason) => void rig.broken.push(reason),
    });
  const [server, service] = [peerOn("server"), peerOn("service")];
  const connected = Promise.withResolvers<void>();
  const handlers = (side: "server" | "service", peer: Ends) => ({
    open(socket: Bun.Socket) {
      ends[side] = socket;
      if (side === "server") connected.resolve();
    },
    data: (_socket: Bun.Socket, bytes: Buffer) => peer.received(bytes),
    drain: () => peer.drained(),
    close: () => peer.lost(new ConnectionLost("closed")),
  });
  const listener = Bun.listen({ unix: path, socket: handlers("server", server) });
  await Bun.connect({ unix: path, socket: handlers("service", service) });
  await connected.promise;
  const close = () => {
    ends.server?.end();
    listener.stop(true);
  };
  const opened = { ...rig, server, service, close };
  rigs.push(opened);
  return opened;
}

describe("a call", () => {
  test("brings JSON there and back, in both directions at the same time", async () => {
    const { server, service } = await open();
    const values = [1, "ä€😀", null, { a: [true] }, "x".repeat(1_000_000), undefined];
    const both = values.flatMap((value) => [server.call("echo", value), service.call("echo", value)]);
    const answers = (await Promise.all(both)).map(({ value }) => value);
    expect(answers).toEqual(values.flatMap((value) => [value, value]));
  });

  test("rejects with what was thrown: a ReefError as one, another with its name, stack, cause and fields", async () => {
    const { server } = await open();
    const reef = await server.call("fail", "reef").catch((error) => error);
    expect(reef).toBeInstanceOf(ReefError);
    expect(reef).toMatchObject({ code: "conflict", status: 409, message: "reef", details: { by: "x" } });
    const other = await server.call("fail", "other").catch((error) => error);
    expect(other).toMatchObject({
      name: "TypeError",
      message: "other",
      status: 418,
      cause: { message: "deep" },
    });
    expect(other.stack).toContain("peer.test.ts");
  });

  test("with what JSON cannot hold is refused on this side, and the next one goes through", async () => {
    const { server } = await open();
    await expect(server.call("echo", 1n)).rejects.toThrow(TypeError);
    expect(await server.call("echo", 2)).toEqual({ value: 2 });
  });

  test("hears news, and of a signal that aborts; it waits for the answer all the same", async () => {
    const { server, cancelled } = await open();
    const controller = new AbortController();
    const news: unknown[] = [];
    const onNews = (one: unknown) => {
      news.push(one);
      controller.abort();
    };
    const { value } = await server.call("wait", null, { signal: controller.signal, onNews });
    expect([value, news, cancelled]).toEqual(["given up", ["waiting"], ["wait"]]);
  });

  test("that is abandoned rejects at once, and the other side hears of it", async () => {
    const { server, cancelled } = await open();
    const controller = new AbortController();
    const answer = server.call("wait", null, { abandon: controller.signal });
    controller.abort(new Error("enough"));
    await expect(answer).rejects.toThrow("enough");
    await until(() => cancelled.length === 1);
    expect(await server.call("echo", "still here")).toEqual({ value: "still here" });
  });

  test("that is told needs no answer, and keeps its place in the order", async () => {
    const { server, heard } = await open();
    server.tell("note", "one");
    server.tell("note", "two");
    await server.call("echo", null);
    expect(heard).toEqual(["service one", "service two"]);
  });
});

describe("a body", () => {
  test.each([0, 1, WINDOW_BYTES - 1, WINDOW_BYTES, WINDOW_BYTES + 1, 5_000_000])(
    "of %d bytes arrives whole, whichever way and in whatever form",
    async (length) => {
      const { server, service } = await open();
      const whole = new Uint8Array(length);
      for (const peer of [server, service]) {
        expect(await peer.call("body", {}, { body: whole })).toEqual({ value: length });
        const streamed = new Response(whole).body ?? new Uint8Array();
        const { body = null } = await peer.call("body", { answer: "stream" }, { body: streamed });
        expect(await bytesOf(body)).toBe(length);
      }
    },
  );

  test("that nobody reads goes no further than its window, and holds up no other call", async () => {
    const { server } = await open();
    let made = 0;
    const source = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          made += 10_000;
          controller.enqueue(new Uint8Array(10_000));
        },
      },
      { highWaterMark: 0 },
    );
    const unread = await server.call("body", { answer: "endless" });
    void server.call("body", { answer: "stream" }, { body: source });
    await until(() => made >= WINDOW_BYTES);
    for (let n = 0; n < 50; n++) await server.call("echo", n);
    // One window on the way there, and one on the way back.
    expect(made).toBeLessThan(2 * WINDOW_BYTES + 100_000);
    expect(unread.body).toBeInstanceOf(ReadableStream);
  });

  test("that is cancelled by who reads it is cancelled where it is made", async () => {
    const { server, cancelled } = await open();
    const { body } = await server.call("body", { answer: "endless" });
    if (!(body instanceof ReadableStream)) throw new Error("no stream");
    const reader = body.getReader();
    await reader.read();
    await reader.cancel();
    await until(() => cancelled.includes("endless"));
  });

  test("that goes with a call is cancelled when the call is answered without it", async () => {
    const { server } = await open();
    const { promise, resolve } = Promise.withResolvers<void>();
    expect(await server.call("body", { answer: "none" }, { body: endless(resolve) })).toEqual({ value: 0 });
    await promise;
  });

  test("that breaks where it is made breaks for who reads it, with the same error", async () => {
    const { server } = await open();
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(10));
        controller.error(new ReefError("too_large", "body too large"));
      },
    });
    const error = await server.call("body", {}, { body }).catch((error) => error);
    expect(error).toMatchObject({ code: "too_large", message: "body too large" });
  });

  test("of something else than bytes breaks", async () => {
    const { server } = await open();
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue({ not: "bytes" });
      },
    });
    await expect(server.call("body", {}, { body })).rejects.toThrow(
      "A body is made of bytes. Received: object",
    );
  });
});

describe("the end of the connection", () => {
  test("ends calls, bodies and signals on both sides, and what is called after", async () => {
    const { server, service, cancelled, close } = await open();
    const waiting = server.call("wait", null).catch((error) => error);
    const { body } = await server.call("body", { answer: "endless" });
    await service.call("echo", null);
    close();
    expect(await waiting).toBeInstanceOf(ConnectionLost);
    if (!(body instanceof ReadableStream)) throw new Error("no stream");
    await expect(bytesOf(body)).rejects.toThrow(ConnectionLost);
    await until(() => cancelled.length === 2);
    expect(cancelled.toSorted()).toEqual(["endless", "wait"]);
    await expect(server.call("echo", 1)).rejects.toThrow(ConnectionLost);
    await expect(service.call("echo", 1)).rejects.toThrow(ConnectionLost);
    server.tell("note", "into the void");
  });

  test("leaves no body behind that was on its way", async () => {
    const { server, close } = await open();
    close();
    await until(async () => (await server.call("echo", 1).catch((error) => error)) instanceof ConnectionLost);
    const { promise, resolve } = Promise.withResolvers<void>();
    const late = Promise.withResolvers<Uint8Array>();
    const calls = [
      server.call("body", {}, { body: endless(resolve) }),
      server.call("body", {}, { body: late.promise }),
    ];
    for (const call of calls) await expect(call).rejects.toThrow(ConnectionLost);
    late.reject(new Error("nobody hears this"));
    await promise;
  });

  test("comes when the other side sends what is no frame", async () => {
    const { server, broken } = await open();
    server.received(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
    expect(broken.map(({ message }) => message)).toEqual(["it sent what cannot be read"]);
  });

  test("comes when the other side does not read what it is sent", async () => {
    const broken: string[] = [];
    const stuck = new Peer<Calls, Tells, Calls, Tells>({
      side: "server",
      carrier: serviceCarrier(),
      answers: { echo: never, fail: never, body: never, wait: never },
      hearers: { note() {} },
      write: () => 0,
      broken: (reason) => {
        broken.push(reason.message);
        stuck.lost(reason);
      },
    });
    const calls: Promise<unknown>[] = [];
    for (let n = 0; n < 100 && broken.length === 0; n++) {
      calls.push(stuck.call("echo", "x".repeat(2_000_000)).catch((error) => error));
    }
    expect(broken).toEqual(["it does not read what it is sent"]);
    for (const error of await Promise.all(calls)) expect(error).toBeInstanceOf(ConnectionLost);
  });
});

async function never(): Promise<never> {
  throw new Error("nobody asks");
}
