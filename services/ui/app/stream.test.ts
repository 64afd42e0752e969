// The event stream: frames whole whatever the pieces, and after each break exactly what follows the last one.
import { afterEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createSplitter } from "./frames.js";
import { type Connection, type Following, follow } from "./stream.js";
import type { Frame } from "./types.js";

describe("frames", () => {
  const anyFrame = fc.record({
    type: fc.string(),
    text: fc.string({ unit: "binary" }),
    seq: fc.option(fc.nat(), { nil: undefined }),
  });
  const written = ({ seq, ...frame }: Frame, end: string) =>
    `${seq === undefined ? "" : `id: ${seq}${end}`}data: ${JSON.stringify({ ...frame, seq })}${end}${end}`;

  test("come whole and in order, however the text is cut, comments and fields in between", () => {
    fc.assert(
      fc.property(
        fc.array(anyFrame),
        fc.constantFrom("\n", "\r\n"),
        fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
        (frames, end, sizes) => {
          const text = frames
            .map((frame) => `: ping${end}${end}retry: 2000${end}${end}event: x${end}${written(frame, end)}`)
            .join("");
          const split = createSplitter();
          const found: Frame[] = [];
          for (let at = 0; at < text.length; ) {
            const size = sizes.next().value;
            found.push(...split(text.slice(at, at + size)));
            at += size;
          }
          expect(found).toEqual(frames.map((frame) => JSON.parse(JSON.stringify(frame))));
        },
      ),
    );
  });

  test("of several data lines are one, and what is no frame is passed over", () => {
    const split = createSplitter();
    expect(split('data: {"type":\ndata:"a"}\n\n')).toEqual([{ type: "a" }]);
    expect(split("data: {\n\ndata: null\n\ndata: 7\n\ndata: {}\n\ndata:\n\n")).toEqual([]);
    expect(split('data: {"type":"b"}\n')).toEqual([]);
    expect(split("\n")).toEqual([{ type: "b" }]);
  });
});

describe("following", () => {
  let server: Bun.Server<undefined> | undefined;
  let following: Following | undefined;
  afterEach(async () => {
    following?.pause();
    await server?.stop(true);
  });

  /** A journal of numbered frames, served from after the id that is asked for, and broken off at random places. */
  function serve(frames: number, cutAfter: () => number, hang = false): { asked: (number | undefined)[] } {
    const asked: (number | undefined)[] = [];
    server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch(request) {
        const after = request.headers.get("last-event-id");
        asked.push(after === null ? undefined : Number(after));
        const from = Number(after ?? 0) + 1;
        const text = Array.from({ length: Math.max(0, frames - from + 1) }, (_, at) => {
          const seq = from + at;
          return `id: ${seq}\ndata: {"type":"x","seq":${seq}}\n\ndata: {"type":"live"}\n\n`;
        }).join("");
        const cut = cutAfter();
        const isWhole = cut >= text.length;
        return new Response(
          new ReadableStream({
            start(controller) {
              controller.enqueue(new TextEncoder().encode(`: connected\n\n${text.slice(0, cut)}`));
              if (!isWhole || !hang) controller.close();
            },
          }),
        );
      },
    });
    return { asked };
  }

  function start(
    done: (frame: Frame) => boolean,
    { since, silenceMs = 30_000 }: { since?: number; silenceMs?: number } = { since: 0 },
  ) {
    const frames: Frame[] = [];
    const states: Connection["state"][] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const address = server?.url.href ?? "";
    following = follow({
      connect: async (after, signal) => {
        const headers: Record<string, string> = after === undefined ? {} : { "last-event-id": String(after) };
        const response = await fetch(address, { headers, signal });
        if (!response.ok) throw new Error(`answered ${response.status}`);
        return response;
      },
      since,
      frame(frame) {
        frames.push(frame);
        if (done(frame)) resolve();
      },
      state: ({ state }) => void states.push(state),
      waitMinMs: 1,
      silenceMs,
    });
    return { frames, states, done: promise };
  }

  test("sees each committed frame once and in order, however often the stream breaks", async () => {
    let cut = 0;
    const { asked } = serve(200, () => {
      cut += 97;
      return 40 + (cut % 900);
    });
    const { frames, states, done } = start(({ seq }) => seq === 200);
    await done;
    const seqs = frames.flatMap(({ seq }) => seq ?? []);
    expect(seqs).toEqual(Array.from({ length: 200 }, (_, at) => at + 1));
    expect(asked.length).toBeGreaterThan(5);
    expect(states[0]).toBe("connecting");
    expect(new Set(states.slice(1))).toEqual(new Set(["live", "lost"]));
  });

  test("says nothing of an id when there is none, and begins again after a silence", async () => {
    const { asked } = serve(0, () => Number.POSITIVE_INFINITY, true);
    const { states } = start(() => false, { silenceMs: 20 });
    while (asked.length < 3) await Bun.sleep(5);
    expect(asked.slice(0, 3)).toEqual([undefined, undefined, undefined]);
    expect(states.slice(0, 3)).toEqual(["connecting", "live", "lost"]);
  });

  test("gives up a server that does not answer, and asks again", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let tries = 0;
    following = follow({
      connect: (_after, signal) =>
        new Promise((_, reject) => {
          if (++tries === 3) resolve();
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
      since: 0,
      frame: () => {},
      state: () => {},
      waitMinMs: 1,
      silenceMs: 5,
    });
    await promise;
  });

  test("goes on from a resync's number, not from the one that was unknown", async () => {
    const asked: (string | null)[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch(request) {
        asked.push(request.headers.get("last-event-id"));
        if (asked.length === 2) resolve();
        return new Response('data: {"type":"resync","seq":7,"reason":"unknown_cursor"}\n\n');
      },
    });
    start(() => false, { since: 99 });
    await promise;
    expect(asked.slice(0, 2)).toEqual(["99", "7"]);
  });

  test("paused it holds no connection; resumed it goes on after the last id", async () => {
    const { asked } = serve(5, () => Number.POSITIVE_INFINITY, true);
    const { frames, done } = start(({ type, seq }) => type === "live" || seq === 5);
    await done;
    while (!frames.some(({ seq }) => seq === 5)) await Bun.sleep(1);
    following?.pause();
    while ((server?.pendingRequests ?? 0) > 0) await Bun.sleep(1);
    following?.retry();
    expect(asked).toEqual([0]);
    following?.resume();
    following?.resume();
    while (asked.length < 2) await Bun.sleep(1);
    expect(asked).toEqual([0, 5]);
  });

  test("is renewed when the connection may be dead, with nothing missing and nothing twice", async () => {
    const { asked } = serve(5, () => Number.POSITIVE_INFINITY, true);
    const { frames, done } = start(({ type, seq }) => type === "live" || seq === 5);
    await done;
    while (!frames.some(({ seq }) => seq === 5)) await Bun.sleep(1);
    following?.renew();
    while (asked.length < 2) await Bun.sleep(1);
    expect(asked).toEqual([0, 5]);
    expect(frames.flatMap(({ seq }) => seq ?? [])).toEqual([1, 2, 3, 4, 5]);
    following?.pause();
    following?.renew();
    expect(asked).toHaveLength(2);
  });

  test("waits longer and longer while there is no server, and not at all when told that there is one", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waits: number[] = [];
    let tries = 0;
    following = follow({
      connect: async () => {
        tries++;
        throw new TypeError("no network");
      },
      since: 0,
      frame: () => {},
      state(connection) {
        if (connection.state !== "lost") return;
        waits.push(connection.retryAt - Date.now());
        if (waits.length === 6) resolve();
      },
      waitMinMs: 4,
    });
    await promise;
    expect(waits.at(-1)).toBeGreaterThan(4 * 2 ** 4);
    const before = tries;
    following.retry();
    expect(tries).toBe(before + 1);
  });
});
