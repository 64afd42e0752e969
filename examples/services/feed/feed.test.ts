// The feed over HTTP, in process and with a file of its own in each test.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { routesOf } from "#core/http.js";
import { createTestHarness, type RequestOptions, type TestHarness } from "#core/testing.js";
import { type FeedEvent, TYPES } from "./event.js";
import feed from "./index.js";

let harness: TestHarness;
beforeEach(async () => {
  harness = await createTestHarness({ services: [feed] });
});
afterEach(() => harness.cleanup());

const ask = (path: string, options: RequestOptions = {}) =>
  harness.json(`/feed${path}`, { auth: true, ...options });
const publish = async (event: Partial<FeedEvent> = {}): Promise<FeedEvent> => {
  const { data } = await ask("/events", {
    body: { agent: "ada", type: "finding", summary: "It works", ...event },
  });
  return data;
};
const summaries = (events: FeedEvent[]) => events.map(({ summary }) => summary).join("");

describe("POST /feed/events (spec §3)", () => {
  test("answers 201 with the event, its keys in order, as lists and single reads show it", async () => {
    const sent = {
      metadata: { taskId: "t", deep: [{}] },
      detail: " d ",
      summary: " s ",
      type: "finding",
      agent: " a ",
    };
    const response = await harness.fetch("/feed/events", { auth: true, body: { ...sent, unknown: 1 } });
    const text = await response.text();
    expect(response.status).toBe(201);
    const event = JSON.parse(text);
    expect(Object.keys(event)).toEqual(["id", "agent", "type", "summary", "timestamp", "detail", "metadata"]);
    expect(event).toMatchObject(sent);
    expect(event.id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(new Date(event.timestamp).toISOString()).toBe(event.timestamp);
    expect(await (await harness.fetch(`/feed/events/${event.id.toLowerCase()}`, { auth: true })).text()).toBe(
      text,
    );
    expect(await (await harness.fetch("/feed/events", { auth: true })).text()).toBe(`[${text}]`);
  });

  test("leaves out what was not sent", async () => {
    const event = await publish({ detail: " ", metadata: undefined });
    expect(Object.keys(event)).toEqual(["id", "agent", "type", "summary", "timestamp"]);
  });

  test.each([...TYPES])("takes the type %s", async (type) => {
    expect(await publish({ type })).toMatchObject({ type });
  });

  const types = `Invalid 'type'. Must be one of: ${TYPES.join(", ")}`;
  const valid = { agent: "a", type: "custom", summary: "s" };
  test.each([
    ["", "Invalid JSON body"],
    ["[]", "Invalid JSON body"],
    ["{", "Invalid JSON body"],
    [{ ...valid, agent: undefined, type: "x" }, "Missing or invalid 'agent' field"],
    [{ ...valid, agent: " " }, "Missing or invalid 'agent' field"],
    [{ ...valid, agent: 5 }, "Missing or invalid 'agent' field"],
    [{ ...valid, type: undefined, summary: 5 }, types],
    [{ ...valid, type: "Custom" }, types],
    [{ ...valid, type: ["custom"] }, types],
    [{ ...valid, summary: null }, "Missing or invalid 'summary' field"],
    [{ ...valid, detail: {} }, "detail must be a string"],
    [{ ...valid, metadata: [] }, "metadata must be an object"],
    [{ ...valid, metadata: "x" }, "metadata must be an object"],
    [{ ...valid, agent: "x".repeat(201) }, "agent is longer than 200 characters"],
    [{ ...valid, summary: "x".repeat(2_001) }, "summary is longer than 2000 characters"],
    [{ ...valid, detail: "x".repeat(65_537) }, "detail is longer than 65536 characters"],
    [{ ...valid, metadata: { x: "x".repeat(65_536) } }, "metadata is longer than 65536 bytes"],
  ])("refuses %.60j", async (body, error) => {
    const answer = await ask("/events", { method: "POST", body });
    expect(answer).toMatchObject({ status: 400, data: { error, code: "bad_request" } });
    expect((await ask("/events")).data).toEqual([]);
  });

  test("takes texts as long as their limits, and refuses a body over 1 MiB", async () => {
    const largest = { agent: "x".repeat(200), summary: "x".repeat(2_000), detail: "日".repeat(65_536) };
    expect(await publish(largest)).toMatchObject(largest);
    const answer = await ask("/events", { body: { ...valid, detail: "x".repeat(1_048_576) } });
    expect(answer).toMatchObject({ status: 413, data: { error: "body too large", limit: 1_048_576 } });
  });
});

describe("GET /feed/events (spec §3)", () => {
  test("shows the newest 50, oldest first, as a bare array", async () => {
    for (let n = 0; n < 51; n++) await publish({ summary: `${n},` });
    const { data, headers } = await ask("/events");
    expect(summaries(data)).toBe(`${Array.from({ length: 50 }, (_, n) => n + 1).join(",")},`);
    expect(headers.get("x-next-cursor")).toBe(data.at(-1).id);
    expect((await ask("/events?limit=5000")).data).toHaveLength(51);
    expect((await ask("/events?total=true&limit=1")).headers.get("x-total-count")).toBe("51");
  });

  test("filters by agent and type, and goes on from a point", async () => {
    const [first] = [
      await publish({ agent: "ada", summary: "1" }),
      await publish({ agent: "bob", summary: "2" }),
      await publish({ agent: "ada", type: "question", summary: "3" }),
      await publish({ agent: "ada", summary: "4" }),
    ];
    const shown = async (query: string) => summaries((await ask(`/events?${query}`)).data);
    expect(await shown("agent=ada")).toBe("134");
    expect(await shown("agent=ada&type=finding")).toBe("14");
    expect(await shown("type=nothing")).toBe("");
    expect(await shown(`since=${first.id}&limit=2`)).toBe("23");
    expect(await shown(`cursor=${first.id}&agent=ada`)).toBe("34");
    expect(await shown(`before=${(await ask("/events")).data[3].id}&limit=2`)).toBe("23");
    expect(await shown(`since=${first.timestamp}`)).not.toContain("1");
    expect(await shown("since=2020-01-01")).toBe("1234");
  });

  test.each(["since=x", "before=x", "limit=0", "total=x"])("refuses ?%s", async (query) => {
    const [name, value] = query.split("=");
    expect(await ask(`/events?${query}`)).toMatchObject({
      status: 400,
      data: { error: `invalid ${name}: ${value}`, code: "bad_request" },
    });
  });
});

test.each(["x", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "..%2f", "__proto__", "%00"])(
  "GET /feed/events/%s is not found (spec §3)",
  async (id) => {
    expect(await ask(`/events/${id}`)).toMatchObject({
      status: 404,
      data: { error: "Event not found", code: "not_found" },
    });
  },
);

describe("DELETE /feed/events (spec §3)", () => {
  test("removes all, and ids go on increasing, also after a restart", async () => {
    const before = await publish();
    expect(await ask("/events", { method: "DELETE" })).toMatchObject({ status: 200, data: { ok: true } });
    expect((await ask("/events")).data).toEqual([]);
    expect((await ask("/stats")).data).toEqual({ total: 0, byAgent: {}, byType: {}, latestPerAgent: {} });
    const after = await publish();
    expect(after.id > before.id).toBe(true);
    expect((await ask("/stats")).data.total).toBe(1);
  });

  test("is for operators", async () => {
    const event = await publish();
    const remove = (as: object) =>
      harness.ctx.fetch("/feed/events", { method: "DELETE", as: { kind: "task", ...as } });
    const refused = await remove({ agentName: "ada", scopes: ["modules"] });
    expect([refused.status, await refused.json()]).toEqual([
      403,
      { error: 'Forbidden — scope "admin" is required', code: "forbidden" },
    ]);
    expect((await ask("/events")).data).toEqual([event]);
    expect((await remove({ scopes: ["modules", "admin"] })).status).toBe(200);
  });
});

test("GET /feed/stats counts by agent and type, with the latest of each agent (spec §3)", async () => {
  await publish({ agent: "ada" });
  await publish({ agent: "__proto__", type: "custom" });
  const latest = await publish({ agent: "ada", type: "custom" });
  const text = await (await harness.fetch("/feed/stats", { auth: true })).text();
  const stats = JSON.parse(text);
  expect(stats).toMatchObject({ total: 3, byType: { finding: 1, custom: 2 } });
  expect(Object.entries(stats.byAgent)).toEqual([
    ["ada", 2],
    ["__proto__", 1],
  ]);
  expect(stats.latestPerAgent.ada).toEqual(latest);
});

test("an event is told on the bus and to the tree, unless an agent made it by itself (spec §3)", async () => {
  const told: unknown[] = [];
  harness.events.on("feed:event", ({ event }) => told.push(event));
  harness.events.on("reef:event", (event) => told.push(event));
  const event = await publish({ summary: `a\nb ${"x".repeat(400)}`, metadata: { taskId: "t7" } });
  expect(told).toEqual([
    event,
    {
      type: "feed_event",
      source: "feed",
      content: `ada: a b ${"x".repeat(290)}…`,
      eventId: event.id,
      taskId: "t7",
    },
  ]);
  for (const type of ["token_update", "agent_started", "agent_stopped"] as const) {
    told.length = 0;
    const routine = await publish({ type });
    expect(told).toEqual([routine]);
  }
});

test("the panel is a fragment of its own (spec §1.10)", async () => {
  const { status, data, headers } = await ask("/_panel");
  expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=UTF-8"]);
  expect(data).toMatch(/^<style>\n\.panel-feed \{/);
  expect(data.match(/<script>/g)).toHaveLength(1);
});

test("every route is documented, and every route needs a token (spec §1.9)", async () => {
  const routes = routesOf(feed).map(({ method, relativePath }) => `${method} ${relativePath}`);
  expect(routes.toSorted()).toEqual(Object.keys(feed.routeDocs).toSorted());
  for (const route of routes) {
    const [method = "", path = ""] = route.split(" ");
    expect((await harness.fetch(`/feed${path.replace(":id", "x")}`, { method })).status).toBe(401);
  }
});
