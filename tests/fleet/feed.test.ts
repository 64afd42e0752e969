// The feed in a real reef: its order among many writers, what survives, what it does while agents work.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { FeedEvent } from "../../examples/services/feed/event.js";
import { readSse } from "../core/sse-reader.js";
import { cleanUp, type Reef } from "../flow/reef.js";
import { killWhileWriting } from "./kill.js";
import { startReefWith } from "./reef-with.js";

const PUBLISHED = 3_000;
const WRITERS = 100;
const CUTS = 100;

afterAll(cleanUp);

const publish = (reef: Reef, summary: string, more: object = {}): Promise<FeedEvent> =>
  reef.api("POST", "/feed/events", { agent: "ada", type: "custom", summary, ...more });

describe("one feed", () => {
  let reef: Reef;
  beforeAll(async () => {
    reef = await startReefWith(["feed"]);
  });

  test("3,000 concurrent publishes reach pollers and streams that are cut 100 times, once and in order (spec §17.5)", async () => {
    const start = await publish(reef, "start");
    let isOver = false;
    const published = publishAll(reef).then((events) => {
      isOver = true;
      return events;
    });
    const [events, polled, streamed] = await Promise.all([
      published,
      poll(reef, start.id, () => isOver),
      followWithCuts(reef, start.id),
    ]);
    const ids = events.map(({ id }) => id).toSorted();
    expect(new Set(ids).size).toBe(PUBLISHED);
    expect(polled).toEqual(ids);
    expect(streamed).toEqual(ids);
  });

  test("is reloaded under load without a failed request or a doubled event, and streams go on (spec §17.8)", async () => {
    const start = await publish(reef, "start");
    const seen = followWithCuts(reef, start.id, { until: 400, cuts: 0 });
    const sent: Promise<FeedEvent>[] = [];
    for (let n = 0; n < 400; n++) {
      sent.push(publish(reef, `${n}`));
      if (n % 100 === 50) await reef.api("POST", "/services/reload/feed");
    }
    const ids = (await Promise.all(sent)).map(({ id }) => id).toSorted();
    expect(await seen).toEqual(ids);
    const { modules } = await reef.api("GET", "/services");
    const { holds } = modules.find(({ name }: { name: string }) => name === "feed");
    expect(holds.map(({ count }: { count: number }) => count)).toEqual(holds.map(() => 1));
  });

  test("says bye to its streams when it is reloaded, and when the server stops (spec §1.6)", async () => {
    for (const [end, reason] of [
      [() => reef.api("POST", "/services/reload/feed"), "reload"],
      [() => reef.stop(), "shutdown"],
    ] as const) {
      const stream = readSse(await reef.fetch("/feed/stream"));
      await stream.until(({ retry }) => retry !== undefined);
      await end();
      expect((await stream.rest()).at(-1)).toEqual({ event: "bye", data: JSON.stringify({ reason }) });
    }
  });
});

/** Each writer publishes one event after the other; all of them at once. */
async function publishAll(reef: Reef): Promise<FeedEvent[]> {
  const events: FeedEvent[] = [];
  await Promise.all(
    Array.from({ length: WRITERS }, async (_, writer) => {
      for (let n = 0; n < PUBLISHED / WRITERS; n++) events.push(await publish(reef, `${writer}-${n}`));
    }),
  );
  return events;
}

/** Asks with `since` and a limit of 7, from the last id that it saw, until nothing new comes. */
async function poll(reef: Reef, since: string, isOver: () => boolean): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const isLast = isOver();
    const page: FeedEvent[] = await reef.api("GET", `/feed/events?limit=7&since=${ids.at(-1) ?? since}`);
    ids.push(...page.map(({ id }) => id));
    if (page.length === 0 && isLast) return ids;
  }
}

/** Follows the stream, goes away at random and comes back with the last id. */
async function followWithCuts(
  reef: Reef,
  since: string,
  { until = PUBLISHED, cuts = CUTS }: { until?: number; cuts?: number } = {},
): Promise<string[]> {
  const ids: string[] = [];
  for (let cut = 0; ids.length < until; cut++) {
    const response = await reef.fetch("/feed/stream", { headers: { "Last-Event-ID": ids.at(-1) ?? since } });
    const stream = readSse(response);
    const take = cut < cuts ? Math.ceil(Math.random() * 2 * (until / CUTS)) : until;
    for (let taken = 0; taken < take && ids.length < until; ) {
      const frame = await stream.next();
      if (frame === undefined) break;
      if (frame.id === undefined) continue;
      ids.push(frame.id);
      taken++;
    }
    await stream.close();
  }
  return ids;
}

test("what was acknowledged is there after kill -9 and a restart, and counted (spec §17.4)", async () => {
  const { acknowledged, found, begun } = await killWhileWriting({
    services: ["feed"],
    write: async (reef, n) => (await publish(reef, `${n}`)).id,
    read: async (reef) => {
      const page: FeedEvent[] = await reef.api("GET", "/feed/events?since=2020-01-01&limit=1000");
      const { total } = await reef.api("GET", "/feed/stats");
      expect(total).toBe(page.length);
      return page.map(({ id }) => id);
    },
  });
  expect(acknowledged.length).toBeGreaterThanOrEqual(300);
  expect(found).toEqual([...new Set(found)].toSorted());
  expect(acknowledged.filter((id) => !found.includes(id))).toEqual([]);
  expect(found.length).toBeLessThanOrEqual(begun);
});

describe("while agents work (spec §15, §17.9)", () => {
  let reef: Reef;
  beforeAll(async () => {
    reef = await startReefWith(["feed", "log"]);
  });

  test("the feed says when they start, what each turn takes, and when they are done", async () => {
    const task = await reef.submit({ task: "What is 2+2?", taskId: "sum" });
    expect((await reef.over(task.id)).status).toBe("done");
    const events = await untilStopped(reef, "sum");
    expect(events.map(({ type }) => type)).toEqual([
      "agent_started",
      "token_update",
      "token_update",
      "agent_stopped",
    ]);
    const [started, first, second, stopped] = events;
    expect(started?.summary).toBe("Agent sum started processing");
    const turns = [first, second].map((event) => JSON.parse(event?.detail ?? ""));
    const tokens = turns[0].tokensThisTurn + turns[1].tokensThisTurn;
    expect(turns[0].tokensThisTurn).toBeGreaterThan(0);
    expect(turns[1]).toEqual({
      agent: "sum",
      tokensThisTurn: turns[1].inputTokens + turns[1].outputTokens,
      totalTokens: tokens,
      inputTokens: expect.any(Number),
      outputTokens: expect.any(Number),
      timestamp: expect.any(Number),
    });
    expect(second?.summary).toBe(`${turns[1].tokensThisTurn} tokens`);
    const { usage } = await reef.over("sum");
    expect(usage.totalTokens).toBe(tokens);
    expect(stopped?.summary).toBe(
      `Agent sum finished (2 turns, ${tokens} tokens, $${usage.cost.toFixed(2)})`,
    );
    expect(stopped?.metadata).toEqual({ turns: 2, tokens, cost: expect.closeTo(usage.cost), taskId: "sum" });
    expect((await reef.nodes()).filter(({ source }) => source === "feed")).toEqual([]);
  });

  test("what a tool call publishes and logs hangs under that call, and why leads to the prompt", async () => {
    const prompt =
      'call feed_publish {"type": "finding", "summary": "It holds"}\ncall log_append {"text": "Looked into it"}';
    const task = await reef.submit({ task: prompt, taskId: "tell" });
    expect((await reef.over(task.id)).status).toBe("done");
    const nodes = await reef.nodes();
    for (const [tool, eventType, content] of [
      ["feed_publish", "feed_event", "tell: It holds"],
      ["log_append", "log_entry", "tell: Looked into it"],
    ]) {
      const call = nodes.find(({ role, toolName }) => role === "tool_call" && toolName === tool);
      const event = nodes.find((node) => node.eventType === eventType);
      expect(event).toMatchObject({ parentId: call?.id, content, taskId: "tell" });
      const { chain } = await reef.api("GET", `/reef/tree/${event?.id}/why`);
      expect(chain.map(({ node }: { node: { id: string } }) => node.id)).toContain(task.nodeId);
    }
  });
});

async function untilStopped(reef: Reef, agent: string): Promise<FeedEvent[]> {
  const stream = readSse(await reef.fetch(`/feed/stream?agent=${agent}&since=2020-01-01`));
  const frames = await stream.until(({ data }) => data?.includes('"agent_stopped"') ?? false);
  await stream.close();
  return frames.flatMap(({ id, data }) => (id && data ? [JSON.parse(data)] : []));
}
