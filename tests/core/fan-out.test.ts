// Streams over a log: where they begin, what they carry when entries come and go meanwhile, and how they end.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Hono } from "hono";
import { ReefError } from "../../src/core/errors.js";
import { anyText, createFanOut, type FanOut, isoTime, readQuery, timeOf, ulid } from "../../src/core/http.js";
import { createTestHarness, type TestHarness } from "../../src/core/testing.js";
import { type Heard, readSse, type SseReader } from "./sse-reader.js";

interface Row {
  id: string;
  json: string;
  agent: string;
}

/** A log in memory; what is in `rows` counts as committed. */
class MemoryLog {
  rows: Row[] = [];
  #newest = "";
  #removed = "";
  #nextId = ulid();

  add(json = "{}", agent = "a"): string {
    const id = this.#nextId();
    this.rows.push({ id, json, agent });
    this.#newest = id;
    return id;
  }

  prune(count: number): void {
    this.#removed = this.rows.splice(0, count).at(-1)?.id ?? this.#removed;
  }

  read(
    after: string,
    { limit, bytesMax, filter }: { limit: number; bytesMax: number; filter?: string },
  ): Row[] {
    const found: Row[] = [];
    let bytes = 0;
    for (const row of this.rows) {
      if (row.id <= after || (filter !== undefined && row.agent !== filter)) continue;
      bytes += row.json.length;
      if (found.length === limit || (found.length > 0 && bytes > bytesMax)) break;
      found.push(row);
    }
    return found;
  }

  matches = (row: Row, filter: string) => row.agent === filter;
  newest = () => this.#newest;
  removed = () => this.#removed;
  oldest = () => this.rows[0]?.id ?? null;
}

let harness: TestHarness;
let ending: AbortController;
let log: MemoryLog;
let streams: FanOut<string>;
beforeEach(async () => {
  harness = await createTestHarness({ services: [] });
  ending = new AbortController();
  log = new MemoryLog();
  streams = createFanOut({ events: harness.events, signal: ending.signal }, log, {
    clientsMax: 3,
  });
});
afterEach(() => harness.cleanup());

const app = new Hono()
  .get("/", (c) => streams.open(c, readQuery(c, { agent: anyText }).agent))
  .onError((error, c) => {
    if (!(error instanceof ReefError)) throw error;
    return c.json({ error: error.message }, error.status);
  });

const get = async (query = "", headers: Record<string, string> = {}) => app.request(`/${query}`, { headers });

/** After what every stream begins with. */
async function open(query = "", headers: Record<string, string> = {}): Promise<SseReader> {
  const reader = readSse(await get(query, headers));
  expect(await reader.next()).toEqual({ comment: "connected" });
  expect(await reader.next()).toEqual({ retry: "2000" });
  return reader;
}

function publish(json?: string, agent?: string): string {
  const id = log.add(json, agent);
  streams.advance(id);
  return id;
}

const idsOf = (frames: Heard[]) => frames.map(({ id }) => id);
const isId = (id: string | undefined) => (frame: Heard) => frame.id === id;

describe("a stream begins (spec §1.6)", () => {
  test("with a comment, and carries an entry as an id and one line of data", async () => {
    const answer = await get();
    const id = publish('{"a":"x\\ny"}');
    ending.abort();
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": "no-cache",
      connection: "keep-alive",
      "x-accel-buffering": "no",
    });
    const goodbye = 'event: bye\ndata: {"reason":"reload"}\n\n';
    expect(await answer.text()).toBe(
      `: connected\n\nretry: 2000\n\nid: ${id}\ndata: {"a":"x\\ny"}\n\n${goodbye}`,
    );
  });

  test("with what is new, without a point to go on from", async () => {
    publish();
    const reader = await open();
    const id = publish();
    expect(await reader.next()).toEqual({ id, data: "{}" });
  });

  test("after Last-Event-ID, else after since, with what was committed and not told yet", async () => {
    const [first = "", second = "", third = ""] = [publish(), publish(), log.add()];
    const from = async (query: string, headers?: Record<string, string>) =>
      idsOf(await (await open(query, headers)).until(isId(third)));
    expect(await from("", { "Last-Event-ID": first })).toEqual([second, third]);
    expect(await from(`?since=${first.toLowerCase()}`)).toEqual([second, third]);
    expect(await from(`?since=${first}`, { "Last-Event-ID": second })).toEqual([third]);
  });

  test("a malformed Last-Event-ID counts as none, a malformed since is refused", async () => {
    const [first, second] = [publish(), publish()];
    const reader = await open(`?since=${first}`, { "Last-Event-ID": "7" });
    expect(await reader.next()).toMatchObject({ id: second });
    const refused = await get("?since=soon");
    expect([refused.status, await refused.json()]).toEqual([400, { error: "invalid since: soon" }]);
    expect(streams.clients()).toBe(1);
  });

  test("later than a time", async () => {
    const old = publish();
    while (Date.now() === timeOf(old)) await Bun.sleep(1);
    const late = publish();
    const reader = await open(`?since=${isoTime(timeOf(old))}`);
    expect(await reader.next()).toMatchObject({ id: late });
    const all = await open("?since=1960-01-01");
    expect(idsOf(await all.until(isId(late)))).toEqual([old, late]);
  });

  test("from now on for an id that lies in the future", async () => {
    publish();
    const reader = await open(`?since=7ZZZZZZZZZZZZZZZZZZZZZZZZZ`);
    const id = publish();
    expect(await reader.next()).toMatchObject({ id });
  });
});

test("a filter holds for what is replayed and for what is live (spec §1.6)", async () => {
  const mine = [publish("{}", "a"), publish("{}", "b"), publish("{}", "a")];
  const reader = await open("?agent=a&since=1960-01-01");
  expect(idsOf(await reader.until(isId(mine[2])))).toEqual([mine[0], mine[2]]);
  publish("{}", "b");
  const live = publish("{}", "a");
  expect(await reader.next()).toMatchObject({ id: live });
});

test("every client gets the same encoded bytes, however many were committed together (spec §1.6)", async () => {
  const answers = await Promise.all([get(), get()]);
  const readers = answers.map(({ body }) => body?.getReader());
  for (const reader of readers) for (let n = 0; n < 2; n++) await reader?.read();
  const [first, , last] = [log.add(), log.add(), log.add()];
  streams.advance(first);
  const [one, two] = await Promise.all(readers.map((reader) => reader?.read()));
  expect(one?.value).toBe(two?.value as Uint8Array<ArrayBuffer>);
  expect(new TextDecoder().decode(one?.value)).toContain(`id: ${last}\n`);
});

test("a stream that is cut at any time and resumed carries every entry once, in order (spec §17.5)", async () => {
  const step = fc.oneof(
    fc.record({ commit: fc.integer({ min: 1, max: 300 }) }),
    fc.record({ take: fc.integer({ min: 1, max: 400 }) }),
    fc.constant({ cut: true }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (plan) => {
      const start = publish();
      const added: string[] = [];
      const seen: string[] = [];
      let reader = await open(`?since=${start}`);
      const take = async (count: number) => {
        for (let n = 0; n < count && seen.length < added.length; n++) {
          const frame = await reader.next();
          if (frame?.id) seen.push(frame.id);
          if (!frame || frame.event === "bye") reader = await resume();
        }
      };
      const resume = async () => {
        await reader.close();
        return open("", { "Last-Event-ID": seen.at(-1) ?? start });
      };
      for (const one of plan) {
        if ("commit" in one) {
          for (let n = 0; n < one.commit; n++) added.push(log.add());
          streams.advance(log.newest());
        } else if ("take" in one) await take(one.take);
        else reader = await resume();
      }
      await take(Number.POSITIVE_INFINITY);
      await reader.close();
      expect(seen).toEqual(added);
    }),
    { numRuns: 60 },
  );
});

describe("entries that are gone (spec §1.6)", () => {
  test("are announced by a resync, and the replay goes on from the oldest kept", async () => {
    const ids = [publish(), publish(), publish(), publish()];
    log.prune(2);
    const reader = await open("", { "Last-Event-ID": ids[0] ?? "" });
    expect(await reader.until(isId(ids[3]))).toEqual([
      { event: "resync", data: JSON.stringify({ oldest: ids[2] }) },
      { id: ids[2], data: "{}" },
      { id: ids[3], data: "{}" },
    ]);
    const kept = await open("", { "Last-Event-ID": ids[1] ?? "" });
    expect(await kept.next()).toEqual({ id: ids[2], data: "{}" });
  });

  test("that were all there was leave null", async () => {
    const id = publish();
    log.prune(1);
    const reader = await open("?since=1960-01-01");
    expect(await reader.next()).toEqual({ event: "resync", data: '{"oldest":null}' });
    expect(id < publish()).toBe(true);
    expect(await reader.next()).toMatchObject({ id: log.newest() });
  });

  test("while a client replays are announced too", async () => {
    for (let n = 0; n < 1000; n++) log.add(JSON.stringify("x".repeat(5_000)));
    const reader = await open("?since=1960-01-01");
    expect(await reader.next()).toMatchObject({ id: log.rows[0]?.id });
    log.prune(990);
    const frames = await reader.until(isId(log.newest()));
    const resync = frames.findIndex(({ event }) => event === "resync");
    expect(frames[resync]).toEqual({ event: "resync", data: JSON.stringify({ oldest: log.oldest() }) });
    expect(idsOf(frames.slice(resync + 1))).toEqual(idsOf(log.rows));
  });

  test("because the log was emptied are told to all, and what comes later follows", async () => {
    publish();
    const [live, resumed] = [await open(), await open("?since=1960-01-01")];
    await resumed.next();
    log.prune(log.rows.length);
    streams.cleared();
    const next = publish();
    for (const reader of [live, resumed])
      expect([await reader.next(), await reader.next()]).toEqual([
        { event: "cleared", data: "{}" },
        { id: next, data: "{}" },
      ]);
  });
});

describe("a client that does not read (spec §1.6)", () => {
  test("is cut when more than 1,000 frames wait, and the others lose nothing", async () => {
    const [stalled, reading] = [await get(), await open()];
    const ids: string[] = [];
    for (let n = 0; n < 1000; n++) {
      ids.push(publish());
      expect(await reading.next()).toMatchObject({ id: ids[n] });
    }
    expect(streams.clients()).toBe(2);
    ids.push(publish());
    expect(streams.clients()).toBe(1);
    expect(await reading.next()).toMatchObject({ id: ids[1000] });
    const frames = (await readSse(stalled).rest()).slice(2);
    expect(idsOf(frames.slice(0, -1))).toEqual(ids);
    expect(frames.at(-1)).toEqual({ event: "bye", data: '{"reason":"slow"}' });
  });

  test("is cut when more than 1 MiB waits", async () => {
    await get();
    const json = JSON.stringify("x".repeat(100_000));
    for (let n = 0; n < 10; n++) publish(json);
    expect(streams.clients()).toBe(1);
    publish(json);
    expect(streams.clients()).toBe(0);
  });

  test("is never cut by a replay, which goes on as the client reads", async () => {
    for (let n = 0; n < 5_000; n++) log.add(JSON.stringify("x".repeat(1_000)));
    const reader = await open("?since=1960-01-01");
    await Bun.sleep(20);
    expect(streams.clients()).toBe(1);
    expect(idsOf(await reader.until(isId(log.newest())))).toEqual(idsOf(log.rows));
    const id = publish();
    expect(await reader.next()).toMatchObject({ id });
  });
});

test("beyond the limit of clients a stream is refused, and one that went makes room (spec §1.6)", async () => {
  const [first] = [await open(), await open(), await open()];
  const refused = await get();
  expect([refused.status, await refused.json(), refused.headers.get("retry-after")]).toEqual([
    503,
    { error: "too many streams", code: "unavailable" },
    "5",
  ]);
  await first.close();
  expect((await get()).status).toBe(200);
});

test("streams end with bye when the server stops, or when their module ends before (spec §1.6)", async () => {
  const [reader, other] = [await open(), await open("?since=1960-01-01")];
  await harness.events.emit("reef:stopping");
  for (const one of [reader, other])
    expect(await one.rest()).toEqual([{ event: "bye", data: '{"reason":"shutdown"}' }]);
  expect(streams.clients()).toBe(0);
});
