// Following the events of a server: each committed frame once, over connections that end.
import { expect, test } from "bun:test";
import { connect } from "../../src/cli/connection.js";
import { type Frame, followEvents } from "../../src/cli/events.js";
import { eventStream, fakeServer, type Received } from "./support.js";

const FRAMES: Frame[] = [1, 2, 3, 4, 5].map((seq) => ({ type: "event", seq }));

async function collect(url: string, count: number, since?: number) {
  const stop = new AbortController();
  const frames: Frame[] = [];
  const lost: string[] = [];
  const onLost = (reason: string) => lost.push(reason);
  const server = connect({ url }, {});
  for await (const frame of followEvents(server, {
    path: "/reef/events",
    since,
    signal: stop.signal,
    onLost,
  })) {
    frames.push(frame);
    if (frames.length === count) break;
  }
  return { frames, lost };
}

function cursorOf({ headers }: Received): number {
  return Number(headers.get("last-event-id") ?? "NaN");
}

test("each committed frame comes once and in order over connections that carry one frame each (spec §4.9)", async () => {
  await using server = fakeServer({
    "GET /reef/events": (request) =>
      eventStream(FRAMES.filter(({ seq }) => Number(seq) > cursorOf(request)).slice(0, 1)),
  });
  const { frames, lost } = await collect(server.url, 5, 0);
  expect(frames).toEqual(FRAMES);
  expect(server.requests.map(cursorOf)).toEqual([0, 1, 2, 3, 4]);
  expect(lost).toHaveLength(4);
});

test("an answer of 503 to a later connection is waited out", async () => {
  let connections = 0;
  await using server = fakeServer({
    "GET /reef/events": () => {
      connections++;
      if (connections === 2) return Response.json({ error: "too many event clients" }, { status: 503 });
      return eventStream(FRAMES.slice(connections === 1 ? 0 : 1, connections === 1 ? 1 : 2));
    },
  });
  const { frames, lost } = await collect(server.url, 2, 0);
  expect(frames).toEqual(FRAMES.slice(0, 2));
  expect(lost).toContain("too many event clients");
});

test("a first connection that is refused is an error at once, in the server's words", async () => {
  await using server = fakeServer({
    "GET /reef/events": () => Response.json({ error: "Unauthorized — invalid token" }, { status: 401 }),
  });
  await expect(collect(server.url, 1)).rejects.toThrow(
    "Unauthorized — invalid token (set VERS_AUTH_TOKEN or pass --token-file)",
  );
});

test("a server that is not there is an error at once", async () => {
  await expect(collect("http://127.0.0.1:1", 1)).rejects.toThrow(
    "cannot reach http://127.0.0.1:1 — is it running?",
  );
});

test("after a resync the next connection begins at the server's own newest node", async () => {
  await using server = fakeServer({
    "GET /reef/events": ({ headers }) =>
      headers.get("last-event-id") === "99"
        ? eventStream([{ type: "resync", seq: 3, reason: "unknown_cursor" }])
        : eventStream(FRAMES.slice(3)),
  });
  const { frames } = await collect(server.url, 2, 99);
  expect(frames.map(({ type }) => type)).toEqual(["resync", "event"]);
  expect(server.requests.map(cursorOf)).toEqual([99, 3]);
});

test("stopping ends the loop although nothing comes", async () => {
  await using server = fakeServer({ "GET /reef/events": () => eventStream([], { open: true }) });
  const stop = new AbortController();
  const frames = followEvents(connect({ url: server.url }, {}), {
    path: "/reef/events",
    signal: stop.signal,
  });
  const next = frames.next();
  stop.abort();
  expect((await next).done).toBe(true);
});
