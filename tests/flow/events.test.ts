// The event stream of a real server: resumed without gap or double, filtered, and never held up by a slow reader.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cleanUp, type Reef, startReef } from "./reef.js";

let reef: Reef;
beforeAll(async () => {
  reef = await startReef();
});
afterAll(cleanUp);

interface Seen {
  id: number | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects by looking at it.
  data: Record<string, any>;
}

/** Reads frames until `enough`, or until `bytesMax` bytes were read: a cut in the middle of a frame loses that frame. */
async function read(
  path: string,
  headers: Record<string, string>,
  enough: (seen: Seen[]) => boolean,
  bytesMax = Number.POSITIVE_INFINITY,
): Promise<Seen[]> {
  const response = await reef.fetch(path, { headers });
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  const seen: Seen[] = [];
  let text = "";
  let bytes = 0;
  while (reader && !enough(seen) && bytes < bytesMax) {
    const { value, done } = await reader.read();
    if (done) break;
    const taken = value.subarray(0, bytesMax - bytes);
    bytes += taken.length;
    text += decoder.decode(taken, { stream: true });
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const frame = /^(?:id: (\d+)\n)?data: (.*)$/.exec(text.slice(0, end));
      if (frame)
        seen.push({
          id: frame[1] === undefined ? undefined : Number(frame[1]),
          data: JSON.parse(frame[2] ?? ""),
        });
      text = text.slice(end + 2);
    }
  }
  await reader?.cancel();
  return seen;
}

describe("GET /reef/events (spec §4.9)", () => {
  test("a client cut a hundred times at random and resumed by Last-Event-ID has exactly the journal (spec §13.5)", async () => {
    const tasks = [
      "Run `echo a` and `echo b` at the same time.",
      "slow: 60 words every 10 ms",
      "Use three tools at once.",
      "endless tool loop",
    ];
    const ids = await Promise.all(tasks.map((task) => reef.submit(task)));
    const collected: Seen[] = [];
    let last = 0;
    for (let cut = 0; cut < 100; cut++) {
      const seen = await read(
        "/reef/events",
        { "Last-Event-ID": String(last) },
        (frames) => frames.filter(({ id }) => id !== undefined).length > 40,
        Math.floor(Math.random() * 6_000),
      );
      const committed = seen.filter(({ id }) => id !== undefined);
      collected.push(...committed);
      last = committed.at(-1)?.id ?? last;
    }
    await reef.api("POST", `/reef/tasks/${ids[3]?.id}/cancel`);
    for (const { id } of ids) await reef.over(id);
    const { seq } = await reef.api("GET", "/reef/state");
    if (last < seq)
      collected.push(
        ...(await read(
          "/reef/events?live=0",
          { "Last-Event-ID": String(last) },
          (frames) => frames.at(-1)?.id === seq,
        )),
      );
    const nodes = await reef.nodes();
    expect(collected.map(({ id }) => id)).toEqual(nodes.map((node) => node.seq));
    for (const { id, data } of collected) {
      expect(data.seq).toBe(id);
      expect(data.eventNodeId ?? data.nodeId).toBe(nodes[(id ?? 0) - 1]?.id);
    }
  }, 60_000);

  test("a replayed frame equals the live one, byte for byte (spec §4.8)", async () => {
    const from = (await reef.api("GET", "/reef/state")).seq;
    const live = read(`/reef/events?since=${from}&live=0`, {}, (frames) =>
      frames.some(({ data }) => data.type === "task_done"),
    );
    await reef.submit("What is 2+2?");
    const frames = await live;
    const replayed = await read(
      `/reef/events?since=${from}&live=0`,
      {},
      (seen) => seen.length === frames.length,
    );
    expect(replayed).toEqual(frames);
    expect(frames.map(({ data }) => data.type)).toEqual([
      "task_started",
      "run_started",
      "tool_execution_start",
      "tool_execution_end",
      "message_end",
      "task_done",
    ]);
  });

  test("live frames carry no id, and deltas put together are the text", async () => {
    const { id } = await reef.submit({ task: "slow: 30 words every 5 ms", taskId: "live" });
    const frames = await read(`/reef/events?taskId=${id}&since=0`, {}, (seen) =>
      seen.some(({ data }) => data.type === "task_done"),
    );
    const deltas = frames.filter(({ data }) => data.type === "message_update");
    expect(deltas.every((frame) => frame.id === undefined)).toBe(true);
    expect(JSON.stringify(deltas)).not.toContain('"partial"');
    expect(frames.every(({ data }) => data.taskId === id)).toBe(true);
    expect(frames.findIndex(({ data }) => data.type === "agent_end")).toBeLessThan(
      frames.findIndex(({ data }) => data.type === "task_done"),
    );
  });

  test("filters hold for replayed and live frames alike", async () => {
    const { id } = await reef.submit("What is 9-4?");
    const frames = await read(
      `/reef/events?taskId=${id}&types=task_started,task_done&since=0`,
      {},
      (seen) => seen.length === 2,
    );
    expect(frames.map(({ data }) => [data.type, data.taskId])).toEqual([
      ["task_started", id],
      ["task_done", id],
    ]);
  });

  test("a cursor that is no number or too new gets one resync frame", async () => {
    for (const cursor of ["nonsense", "99999999", "-1"]) {
      const [frame] = await read(`/reef/events?since=${cursor}`, {}, (seen) => seen.length > 0);
      const { seq } = await reef.api("GET", "/reef/state");
      expect(frame).toEqual({ id: undefined, data: { type: "resync", seq, reason: "unknown_cursor" } });
    }
  });

  test("reading the tree and then subscribing since its seq misses and repeats nothing (spec §4.6)", async () => {
    const { id } = await reef.submit("Use three tools at once.");
    const tree = await reef.api("GET", "/reef/tree");
    await reef.over(id);
    const newest = (await reef.api("GET", "/reef/state")).seq;
    const frames =
      tree.seq === newest
        ? []
        : await read(`/reef/events?live=0&since=${tree.seq}`, {}, (seen) => seen.at(-1)?.id === newest);
    const all = [
      ...Object.values(tree.nodes as Record<string, { seq: number }>).map(({ seq }) => seq),
      ...frames.map((frame) => frame.id ?? 0),
    ];
    expect(all.sort((a, b) => a - b)).toEqual(Array.from({ length: newest }, (_, n) => n + 1));
  });

  test("the stream begins with a comment and tells when to come back", async () => {
    const response = await reef.fetch("/reef/events");
    const reader = response.body?.getReader();
    const { value } = (await reader?.read()) ?? {};
    expect(new TextDecoder().decode(value)).toStartWith(": connected\n\nretry: 2000\n\n");
    expect(response.headers.get("x-accel-buffering")).toBe("no");
    expect(response.headers.get("cache-control")).toBe("no-cache");
    await reader?.cancel();
  });
});
