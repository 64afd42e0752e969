// Sessions of /mcp: whose they are, how many there can be, every way in which they end, and that nothing of them stays.

import { heapStats } from "bun:jsc";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createKit, type Kit } from "./kit.js";
import { INITIALIZE, type McpServer, startMcp } from "./support.js";

const MINUTE_MS = 60_000;
const LISTEN = { Accept: "text/event-stream" };
const PING = { jsonrpc: "2.0", id: "ping", method: "ping" };

let kit: Kit;
let server: McpServer;
beforeEach(async () => {
  kit = createKit();
  server = await startMcp({ modules: [kit] });
});
afterEach(() => server.end());

const as = (token: string) => ({ Authorization: `Bearer ${token}` });

async function ping(session: string, headers?: Record<string, string>): Promise<number> {
  const answer = await server.send(PING, session, headers);
  await answer.text();
  return answer.status;
}

async function listen(session: string): Promise<Response> {
  return server.raw({ headers: { ...LISTEN, "Mcp-Session-Id": session } });
}

async function leave(session: string, headers?: Record<string, string>): Promise<number> {
  return (await server.raw({ method: "DELETE", headers: { "Mcp-Session-Id": session, ...headers } })).status;
}

describe("a session", () => {
  test("is a 404 for everybody but the caller that opened it (spec §14)", async () => {
    const session = await server.open(as("rt_a"));
    expect(await ping(session, as("rt_a"))).toBe(200);
    const others: Record<string, string>[] = [as("rt_b"), {}, { "X-Agent-Name": "a" }];
    for (const other of others) {
      const answer = await server.send(PING, session, other);
      expect([answer.status, await answer.json()]).toEqual([
        404,
        { error: "Session not found", code: "not_found" },
      ]);
      expect((await server.raw({ headers: { ...LISTEN, "Mcp-Session-Id": session, ...other } })).status).toBe(
        404,
      );
      expect(await leave(session, other)).toBe(404);
    }
    expect(await ping(session, as("rt_a"))).toBe(200);
  });

  test("of the server token is none of a task's", async () => {
    const session = await server.open();
    expect([await ping(session), await ping(session, as("rt_a"))]).toEqual([200, 404]);
  });

  test("of one agent is none of another's", async () => {
    const session = await server.open({ "X-Agent-Name": "one" });
    expect(await ping(session, { "X-Agent-Name": "one" })).toBe(200);
    expect(await ping(session, { "X-Agent-Name": "two" })).toBe(404);
  });

  test("ends by DELETE, streams included", async () => {
    const session = await server.open();
    const stream = await listen(session);
    expect(await leave(session)).toBe(200);
    expect(await stream.text()).toBe(": connected\n\n");
    expect([await ping(session), await leave(session), (await listen(session)).status]).toEqual([
      404, 404, 404,
    ]);
  });

  test("ends with the turn of the task that opened it", async () => {
    const [ofA, ofB, ofServer] = [
      await server.open(as("rt_a")),
      await server.open(as("rt_b")),
      await server.open(),
    ];
    await server.events.emit("reef:node", { eventType: "task_done", taskId: "a" });
    await server.events.emit("reef:node", { eventType: "steer", taskId: "b" });
    expect([await ping(ofA, as("rt_a")), await ping(ofB, as("rt_b")), await ping(ofServer)]).toEqual([
      404, 200, 200,
    ]);
  });

  test("ends when the server begins to stop, streams first", async () => {
    const session = await server.open();
    const stream = await listen(session);
    server.stopping.abort();
    expect(await stream.text()).toBe(": connected\n\n");
    expect(await ping(session)).toBe(404);
  });

  test("ends with the module", async () => {
    const stream = await listen(await server.open());
    await server.close();
    expect(await stream.text()).toBe(": connected\n\n");
  });
});

describe("after 30 minutes (spec §14)", () => {
  test("a session that nobody used is gone", async () => {
    const session = await server.open();
    server.pass(29 * MINUTE_MS);
    expect(await ping(session)).toBe(200);
    server.pass(29 * MINUTE_MS);
    expect(await ping(session)).toBe(200);
    server.pass(30 * MINUTE_MS);
    expect(await ping(session)).toBe(404);
  });

  test("one with an open stream is there, and its time begins when the stream ends", async () => {
    const session = await server.open();
    const stream = await listen(session);
    server.pass(300 * MINUTE_MS);
    expect(await ping(session)).toBe(200);
    server.pass(300 * MINUTE_MS);
    await stream.body?.cancel();
    expect(await untilFree(session)).toBe(200);
    server.pass(29 * MINUTE_MS);
    expect(await ping(session)).toBe(200);
  });

  test("one with a call under way is there", async () => {
    const session = await server.open();
    const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "waits" } };
    const answer = await server.send(call, session);
    await kit.until("begun");
    server.pass(300 * MINUTE_MS);
    expect(await ping(session)).toBe(200);
    await answer.body?.cancel();
    await kit.until("aborted");
  });

  /** A second stream is a 409 until the server has noticed the end of the first. */
  async function untilFree(session: string): Promise<number> {
    for (let tries = 0; tries < 500; tries++) {
      const stream = await listen(session);
      await stream.body?.cancel();
      if (stream.status !== 409) return stream.status;
      await Bun.sleep(10);
    }
    return 409;
  }
});

describe("200 sessions", () => {
  test("are all that can be: the next is a 503, until one ends (spec §14)", async () => {
    const sessions = await Promise.all(Array.from({ length: 200 }, () => server.open()));
    expect(new Set(sessions).size).toBe(200);
    const more = await server.send(INITIALIZE);
    expect([more.status, await more.json(), more.headers.get("mcp-session-id")]).toEqual([
      503,
      { error: "200 sessions are open, and no more can be: end one with DELETE /mcp", code: "unavailable" },
      null,
    ]);
    expect(await ping(sessions[0] ?? "")).toBe(200);
    expect(await leave(sessions[0] ?? "")).toBe(200);
    expect((await server.send(INITIALIZE)).status).toBe(200);
    expect((await server.send(INITIALIZE)).status).toBe(503);
  });

  test("make room when their time is over", async () => {
    const sessions = await Promise.all(Array.from({ length: 200 }, () => server.open()));
    server.pass(20 * MINUTE_MS);
    expect(await ping(sessions[0] ?? "")).toBe(200);
    server.pass(10 * MINUTE_MS);
    expect((await server.send(INITIALIZE)).status).toBe(200);
    expect([await ping(sessions[0] ?? ""), await ping(sessions[1] ?? "")]).toEqual([200, 404]);
  });

  test("are not taken up by requests that are refused", async () => {
    for (let index = 0; index < 210; index++) {
      const answer = await server.send(INITIALIZE, undefined, { Accept: "application/json" });
      expect(answer.status).toBe(406);
    }
    expect((await server.send(INITIALIZE)).status).toBe(200);
  });
});

test("a thousand sessions, opened, used and deleted, leave nothing", async () => {
  /** The SDK's server keeps a dozen maps for each session. */
  const maps = () => {
    Bun.gc(true);
    return heapStats().objectTypeCounts.Map ?? 0;
  };
  const round = async (times: number) => {
    for (let index = 0; index < times; index++) {
      const session = await server.open();
      const stream = await listen(session);
      await ping(session);
      await leave(session);
      await stream.text();
    }
  };
  await round(20);
  const before = maps();
  const open = await Promise.all(Array.from({ length: 50 }, () => server.open()));
  expect(maps() - before).toBeGreaterThan(400);
  for (const session of open) await leave(session);
  await round(1000);
  // A stream that ended is kept for its client for another 5 s.
  for (let tries = 0; maps() - before >= 100 && tries < 60; tries++) await Bun.sleep(500);
  expect(maps() - before).toBeLessThan(100);
});
