// Bodies through a service's process as they flow: large ones both ways at the pace of the slower side, streams of events,
// and clients that go away.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { WINDOW_BYTES } from "../../../src/core/isolation/body.js";
import { TOKEN } from "../servers.js";
import { type IsolatedWorld, openIsolatedWorld, until } from "./world.js";

const MEGABYTE = 1024 ** 2;
const BIG = 50 * MEGABYTE;

const SOURCE = `
import { Hono } from "hono";
import { noTimeout, sse } from "#core/http.js";

const seen = { made: 0, got: 0, aborted: 0, cancelled: 0, ended: "", open: 0 };
const gates = new Map();
const gate = (name) => { if (!gates.has(name)) gates.set(name, Promise.withResolvers()); return gates.get(name); };
let ctx;
const routes = new Hono();
routes.get("/seen", (c) => c.json(seen));
routes.post("/open/:name", (c) => { gate(c.req.param("name")).resolve(); return c.text("ok"); });
routes.get("/bytes/:count", (c) => {
  const count = Number(c.req.param("count"));
  seen.made = 0;
  return new Response(new ReadableStream({
    async pull(controller) {
      if (seen.made >= count) return controller.close();
      const part = new Uint8Array(Math.min(100_000, count - seen.made));
      for (let i = 0; i < part.length; i++) part[i] = (seen.made + i) % 251;
      seen.made += part.length;
      controller.enqueue(part);
    },
    cancel() { seen.cancelled++; },
  }, { highWaterMark: 0 }));
});
routes.get("/whole/:count", (c) => new Response(new Uint8Array(Number(c.req.param("count"))).fill(7)));
routes.post("/count", async (c) => {
  seen.got = 0;
  let sum = 0;
  for await (const part of c.req.raw.body) {
    if (seen.got === 0 && c.req.query("gate")) await gate(c.req.query("gate")).promise;
    seen.got += part.length;
    for (const byte of part) sum = (sum + byte) % 1_000_003;
  }
  return c.json({ got: seen.got, sum });
});
routes.post("/count-or-tell", async (c) => {
  seen.ended = "reading";
  const text = await c.req.text().catch(() => "broken");
  seen.ended = text;
  return c.text(text);
});
routes.post("/echo", (c) => new Response(c.req.raw.body));
routes.post("/whole", async (c) => new Response(await c.req.arrayBuffer()));
routes.get("/events", (c) => sse(c, (stream) => {
  seen.open++;
  let n = 0;
  const timer = setInterval(() => stream.send({ id: ++n, data: { n } }), 5);
  const { promise, resolve } = Promise.withResolvers();
  stream.signal.addEventListener("abort", () => { seen.open--; clearInterval(timer); resolve(); });
  return promise;
}, { signal: ctx.signal }));
routes.get("/hang", async (c) => {
  noTimeout(c);
  seen.ended = "waiting";
  await new Promise((resolve) => c.req.raw.signal.addEventListener("abort", resolve));
  seen.aborted++;
  seen.ended = "aborted";
  return c.text("late");
});
routes.get("/breaks", () => new Response(new ReadableStream({
  start(controller) { controller.enqueue("begun"); },
  async pull(controller) { await gate("break").promise; controller.error(new Error("broken")); },
}, { highWaterMark: 0 })));
routes.get("/address", (c) => c.json(c.env.requestIP(c.req.raw)));
export default { name: "flow", routes, maxBodyBytes: ${BIG + MEGABYTE}, init(given) { ctx = given; } };
`;

let world: IsolatedWorld;
let http: ReturnType<typeof Bun.serve>;
beforeAll(async () => {
  world = await openIsolatedWorld();
  await world.isolated("flow", SOURCE);
  http = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 10,
    development: false,
    fetch: (request, connection) => world.server.app.fetch(request, connection),
  });
});
afterAll(async () => {
  await http.stop(true);
  await world.close();
});

const ask = (path: string, init: RequestInit = {}) =>
  fetch(`${http.url}flow${path}`, {
    ...init,
    headers: { Authorization: `Bearer ${TOKEN}`, ...init.headers },
  });
const seen = async () => (await ask("/seen")).json();

/** `count` bytes, made as they are asked for; `made` says how many were. */
function source(count: number): { stream: ReadableStream<Uint8Array>; made(): number; sum(): number } {
  let made = 0;
  let sum = 0;
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (made >= count) return controller.close();
        const part = new Uint8Array(Math.min(70_000, count - made));
        for (let i = 0; i < part.length; i++) part[i] = (made + i) % 241;
        for (const byte of part) sum = (sum + byte) % 1_000_003;
        made += part.length;
        controller.enqueue(part);
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, made: () => made, sum: () => sum };
}

describe("large bodies", () => {
  test("50 MB come out of a service as they were made", async () => {
    const answer = await ask(`/bytes/${BIG}`);
    let at = 0;
    let wrong = 0;
    for await (const part of answer.body ?? []) {
      for (const byte of part) if (byte !== at++ % 251) wrong++;
    }
    expect([at, wrong]).toEqual([BIG, 0]);
  });

  test("50 MB go into a service as they were made", async () => {
    const { stream, sum } = source(BIG);
    const answer = await ask("/count", { method: "POST", body: stream });
    expect(await answer.json()).toEqual({ got: BIG, sum: sum() });
  });

  test("a body goes in and comes out at the same time", async () => {
    const answer = await ask("/echo", { method: "POST", body: source(5 * MEGABYTE).stream });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    expect(bytes.length).toBe(5 * MEGABYTE);
    expect(bytes.every((byte, index) => byte === index % 241)).toBe(true);
  });

  test("20 MB in one piece, both ways", async () => {
    const body = new Uint8Array(20 * MEGABYTE).map((_, index) => index % 239);
    const answer = await ask("/whole", { method: "POST", body });
    expect(Buffer.from(await answer.arrayBuffer()).equals(Buffer.from(body))).toBe(true);
    expect((await (await ask(`/whole/${20 * MEGABYTE}`)).bytes()).every((byte) => byte === 7)).toBe(true);
  });

  test("a length that is known is announced, as it is by a service in the server", async () => {
    const answer = await ask("/whole/1000");
    expect(answer.headers.get("content-length")).toBe("1000");
    await answer.body?.cancel();
  });

  test("a body over the module's limit is 413, also when no length was announced (spec §2.7)", async () => {
    const limit = BIG + MEGABYTE;
    const answer = await ask("/count", { method: "POST", body: source(limit + MEGABYTE).stream });
    expect([answer.status, await answer.json()]).toEqual([
      413,
      { error: "body too large", code: "too_large", limit },
    ]);
  });
});

describe("the pace", () => {
  test("a client that does not read holds the service back", async () => {
    const { server } = world;
    const answer = await server.ctx.fetch(`/flow/bytes/${BIG}`);
    const reader = answer.body?.getReader();
    await reader?.read();
    await until(async () => (await seen()).made >= WINDOW_BYTES);
    await Bun.sleep(50);
    expect((await seen()).made).toBeLessThan(WINDOW_BYTES + 1_000_000);
    await reader?.cancel();
    await until(async () => (await seen()).cancelled > 0);
  });

  test("a service that does not read holds the client back", async () => {
    const { stream, made } = source(BIG);
    const answer = world.server.ctx.fetch("/flow/count?gate=read", { method: "POST", body: stream });
    await until(() => made() >= WINDOW_BYTES);
    await Bun.sleep(50);
    expect(made()).toBeLessThan(WINDOW_BYTES + 1_000_000);
    await ask("/open/read", { method: "POST" });
    expect(await (await answer).json()).toMatchObject({ got: BIG });
  });

  test("one stream that is not read holds up no other request of the service", async () => {
    const stuck = await Promise.all(
      Array.from({ length: 20 }, () => world.server.ctx.fetch(`/flow/bytes/${BIG}`)),
    );
    for (let n = 0; n < 20; n++) expect((await ask("/seen")).status).toBe(200);
    for (const answer of stuck) await answer.body?.cancel();
  });
});

describe("streams of events", () => {
  test("come as they are sent, and end with the client", async () => {
    const leave = new AbortController();
    const answer = await ask("/events", { signal: leave.signal });
    expect(answer.headers.get("content-type")).toBe("text/event-stream");
    let text = "";
    for await (const part of answer.body ?? []) {
      text += new TextDecoder().decode(part);
      if (text.includes('data: {"n":5}')) break;
    }
    expect(text).toStartWith(': connected\n\nid: 1\ndata: {"n":1}\n\nid: 2\n');
    leave.abort();
    await until(async () => (await seen()).open === 0);
  });

  test("three hundred at once leave room for other requests, of this service and of the server", async () => {
    const answers = await Promise.all(
      Array.from({ length: 300 }, () => world.server.ctx.fetch("/flow/events")),
    );
    expect((await seen()).open).toBe(300);
    expect((await fetch(`${http.url}health`)).status).toBe(200);
    for (const answer of answers) await answer.body?.cancel();
    await until(async () => (await seen()).open === 0);
  });

  test("one that breaks in the service breaks for the client", async () => {
    const reader = (await ask("/breaks")).body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("begun");
    await ask("/open/break", { method: "POST" });
    expect(await reader?.read().catch(() => "broken")).toBe("broken");
  });
});

test("a client that goes away aborts the handler's signal", async () => {
  const leave = new AbortController();
  const gone = ask("/hang", { signal: leave.signal }).catch(() => "gone");
  await until(async () => (await seen()).ended === "waiting");
  leave.abort();
  expect(await gone).toBe("gone");
  await until(async () => (await seen()).ended === "aborted");
});

/** Sends the beginning of a request and nothing more. */
async function begin(text: string): Promise<{ answer: Promise<string>; leave(): void }> {
  const answer = Promise.withResolvers<string>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: http.port ?? 0,
    socket: {
      data: (_socket, bytes) => answer.resolve(bytes.toString()),
      close: () => answer.resolve("closed"),
    },
  });
  socket.write(text);
  return { answer: answer.promise, leave: () => socket.terminate() };
}

const post = (path: string, length: number) =>
  [
    `POST /flow${path} HTTP/1.1`,
    "Host: localhost",
    `Authorization: Bearer ${TOKEN}`,
    `Content-Length: ${length}`,
    "",
    "begun",
  ].join("\r\n");

describe("a body that is announced and does not come", () => {
  test("keeps no handler from answering that does not read it", async () => {
    const { answer, leave } = await begin(post("/open/nothing", 100));
    expect(await answer).toStartWith("HTTP/1.1 200 OK");
    leave();
  });

  test("breaks for the handler that reads it when the client goes", async () => {
    const { leave } = await begin(post("/count-or-tell", 100));
    await until(async () => (await seen()).ended === "reading");
    leave();
    await until(async () => (await seen()).ended === "broken");
  });
});

test("a request whose Host is no host is answered all the same", async () => {
  for (const host of ["a:b:c", "[::1", "%zz"]) {
    const answer = Promise.withResolvers<string>();
    let text = "";
    const lines = [
      "GET /flow/address HTTP/1.1",
      `Host: ${host}`,
      `Authorization: Bearer ${TOKEN}`,
      "Connection: close",
    ];
    await Bun.connect({
      hostname: "127.0.0.1",
      port: http.port ?? 0,
      socket: {
        open: (socket) => void socket.write(`${lines.join("\r\n")}\r\n\r\n`),
        data(_socket, bytes) {
          text += bytes.toString();
        },
        close: () => answer.resolve(text),
      },
    });
    expect(await answer.promise).toStartWith("HTTP/1.1 200 OK");
  }
});

test("a handler sees the address of the client, and may take its time", async () => {
  expect(await (await ask("/address")).json()).toMatchObject({ address: "127.0.0.1" });
});
