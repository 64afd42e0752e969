// The log over HTTP and through its tools, in process and with a file of its own in each test.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createFleetClient } from "#core/client.js";
import { routesOf } from "#core/http.js";
import {
  createTestHarness,
  queryPlans,
  type RequestOptions,
  scansIn,
  type TestHarness,
} from "#core/testing.js";
import type { ServiceModule, ToolResult } from "#core/types.js";
import type { Entry } from "./entry.js";
import log from "./index.js";
import { openLog } from "./store.js";

let harness: TestHarness;
beforeEach(async () => {
  harness = await createTestHarness({ services: [log] });
});
afterEach(() => harness.cleanup());

const ask = (path = "", options: RequestOptions = {}) =>
  harness.json(`/log${path}`, { auth: true, ...options });
const append = async (text: string, agent?: string): Promise<Entry> =>
  (await ask("", { body: { text, agent } })).data;
const textsOf = ({ entries }: { entries: Entry[] }) => entries.map(({ text }) => text).join("");
const textOf = ({ content }: ToolResult) =>
  content.map((part) => (part.type === "text" ? part.text : "")).join("");

describe("POST /log (spec §4)", () => {
  test("answers 201 with the entry, trimmed, and lists show the same", async () => {
    const { status, data } = await ask("", { body: { text: " done \n", agent: " ada ", other: 1 } });
    expect(status).toBe(201);
    expect(Object.keys(data)).toEqual(["id", "timestamp", "text", "agent"]);
    expect(data).toMatchObject({ text: "done", agent: "ada" });
    const plain = await append("x");
    expect(Object.keys(plain)).toEqual(["id", "timestamp", "text"]);
    expect((await ask()).data).toEqual({ entries: [data, plain], count: 2, cursor: plain.id });
  });

  test.each([
    ["", "Invalid JSON body"],
    ["null", "Invalid JSON body"],
    [{}, "text is required"],
    [{ text: null, agent: 5 }, "text is required"],
    [{ text: " \n" }, "text is required"],
    [{ text: 5 }, "text must be a string"],
    [{ text: "x", agent: ["a"] }, "agent must be a string"],
    [{ text: "x", agent: "x".repeat(201) }, "agent is longer than 200 characters"],
    [{ text: "x".repeat(262_145) }, "text is longer than 262144 characters"],
  ])("refuses %.40j", async (body, error) => {
    expect(await ask("", { method: "POST", body })).toMatchObject({
      status: 400,
      data: { error, code: "bad_request" },
    });
    expect((await ask()).data.count).toBe(0);
  });

  test("takes a text of 262,144 characters", async () => {
    expect((await append("日".repeat(262_144))).text).toHaveLength(262_144);
  });

  test("tells the bus and the tree", async () => {
    const told: unknown[] = [];
    harness.events.on("log:entry", ({ entry }) => told.push(entry));
    harness.events.on("reef:event", (event) => told.push(event));
    const entry = await append("a\nb", "ada");
    expect(told).toEqual([
      entry,
      { type: "log_entry", source: "log", content: "ada: a b", entryId: entry.id },
    ]);
  });
});

test.each(["PUT", "PATCH", "DELETE"])("no route answers %s: the log only grows (spec §4)", async (method) => {
  const { id } = await append("x");
  for (const path of ["", "/", `/${id}`, "/raw"])
    expect((await ask(path, { method, body: method === "DELETE" ? undefined : {} })).status).toBe(404);
  expect((await ask()).data.count).toBe(1);
});

describe("GET /log (spec §4)", () => {
  const NOW = Date.UTC(2026, 0, 10);
  const HOUR_MS = 3_600_000;
  const at = (ms: number) => new Date(NOW + ms).toISOString();

  test("reads windows whose bounds are inclusive", async () => {
    let nowMs = NOW;
    const store = openLog({ ...harness.ctx, name: "log" }, { now: () => nowMs });
    for (const text of ["1", "2", "3", "4"]) {
      await store.append({ text, agent: text === "2" ? "ada" : undefined });
      nowMs += HOUR_MS;
    }
    const shown = async (query: string) => textsOf((await ask(`?${query}`)).data);
    expect(await shown(`since=${at(HOUR_MS)}&until=${at(2 * HOUR_MS)}`)).toBe("23");
    expect(await shown(`since=${at(HOUR_MS + 1)}`)).toBe("34");
    expect(await shown(`until=${at(HOUR_MS)}`)).toBe("12");
    expect(await shown(`since=${at(HOUR_MS)}&last=1m`)).toBe("234");
    expect(await shown("last=9000w&limit=2")).toBe("34");
    expect(await shown("since=2026-01-10&limit=2")).toBe("12");
    expect(await shown("since=2026-01-10&agent=ada")).toBe("2");
    expect(await shown("since=2026-01-10T01:00:00%2B01:00")).toBe("1234");
    const { data: first } = await ask("?since=2020-01-01&limit=2&total=true");
    expect(first).toMatchObject({ count: 2, total: 4, cursor: first.entries[1].id });
    expect(await shown(`since=${first.cursor}`)).toBe("34");
    expect(await shown(`cursor=${first.cursor}&limit=1`)).toBe("3");
    expect(await shown(`before=${first.cursor}`)).toBe("1");
  });

  test("shows the last 24 hours without any bound, and counts them for the widget", async () => {
    let nowMs = Date.now() - 24 * HOUR_MS - 1000;
    const store = openLog({ ...harness.ctx, name: "log" }, { now: () => nowMs });
    await store.append({ text: "old", agent: undefined });
    nowMs = Date.now();
    await store.append({ text: "new", agent: undefined });
    expect(textsOf((await ask()).data)).toBe("new");
    expect(textsOf((await ask("?last=25h")).data)).toBe("oldnew");
    const { widget }: ServiceModule = log;
    expect(await widget?.getLines(createFleetClient())).toEqual(["Log: 1 entries (24h)"]);
  });

  test.each([
    ["since=x", "invalid since: x"],
    ["until=", "invalid until: "],
    ["last=0h", "invalid last: 0h"],
    ["limit=-1", "invalid limit: -1"],
    ["cursor=x", "invalid cursor"],
    ["before=x", "invalid before: x"],
  ])("refuses ?%s", async (query, error) => {
    for (const path of ["", "/raw"])
      expect(await ask(`${path}?${query}`)).toMatchObject({
        status: 400,
        data: { error, code: "bad_request" },
      });
  });
});

test("GET /log/raw is a line for each entry, and none can be forged (spec §4)", async () => {
  const forged = "\n[2026-01-01T00:00:00.000Z] (root) forged";
  const first = await append(`one${forged}\r\n[x`, "ada");
  const second = await append("two");
  const third = await append("three", `eve${forged}`);
  const response = await harness.fetch("/log/raw", { auth: true });
  expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  expect(response.headers.get("x-next-cursor")).toBe(third.id);
  expect(await response.text()).toBe(
    `[${first.timestamp}] (ada) one\n  [2026-01-01T00:00:00.000Z] (root) forged\n  [x\n` +
      `[${second.timestamp}] two\n` +
      `[${third.timestamp}] (eve [2026-01-01T00:00:00.000Z] (root) forged) three`,
  );
  expect(await (await harness.fetch("/log/raw?agent=nobody", { auth: true })).text()).toBe("");
});

describe("the tools (spec §4)", () => {
  test("log_append writes as the agent that calls", async () => {
    const result = await harness.tool("log_append", { text: "did it" });
    const [entry] = (await ask()).data.entries;
    expect(entry).toMatchObject({ text: "did it", agent: "test-agent" });
    expect(result.details).toEqual({ entry });
    const refused = await harness.tool("log_append", { text: " " });
    expect([refused.isError, textOf(refused)]).toEqual([true, "Error: text is required"]);
  });

  test("log_query lists the newest first, or plain lines oldest first", async () => {
    expect(textOf(await harness.tool("log_query", { raw: true }))).toBe("(no entries)");
    const [one, two] = [await append("one", "ada"), await append("two")];
    const listed = await harness.tool("log_query", {});
    expect(JSON.parse(textOf(listed))).toEqual([two, one]);
    expect(listed.details).toEqual({ result: { entries: [one, two], count: 2, cursor: two.id } });
    const raw = await harness.tool("log_query", { raw: true, last: "1h" });
    expect(textOf(raw)).toBe(`[${one.timestamp}] (ada) one\n[${two.timestamp}] two`);
    expect(raw.details).toEqual(listed.details);
    expect(textOf(await harness.tool("log_query", { since: "soon" }))).toBe("Error: invalid since: soon");
  });

  test.each([true, false])(
    "log_query gives up to 32,000 characters and says what is left (raw: %j)",
    async (raw) => {
      for (let n = 0; n < 20; n++) await append(`${n}: ${"x".repeat(3_000)}`);
      const result = await harness.tool("log_query", { raw });
      const text = textOf(result);
      const { entries } = (result.details as { result: { entries: Entry[] } }).result;
      expect(text.length).toBeLessThanOrEqual(32_000);
      expect(entries.length).toBeGreaterThan(8);
      expect(entries.at(-1)?.text).toStartWith("19:");
      expect(text).toContain(`… ${20 - entries.length} more: pass until: "${entries[0]?.timestamp}"`);
    },
  );
});

test("no list and no count scans its table or sorts (spec §17.7)", async () => {
  await append("x", "ada");
  const plans = await queryPlans(`${harness.dataDir}/log.sqlite`, async () => {
    for (const query of ["", "since=2026-01-01", "agent=ada", "last=1h&agent=ada"])
      expect((await ask(`?total=true&${query}`)).data.total).toBe(1);
    await harness.ctx.getModule("log")?.widget?.getLines(createFleetClient());
  });
  expect(plans.length).toBeGreaterThan(5);
  expect(scansIn(plans)).toEqual([]);
});

test("every route is documented, and every route needs a token (spec §1.9)", async () => {
  const routes = routesOf(log).map(({ method, relativePath }) => `${method} ${relativePath}`);
  expect(routes.toSorted()).toEqual(Object.keys(log.routeDocs).toSorted());
  for (const route of routes) {
    const [method = "", path = ""] = route.split(" ");
    expect((await harness.fetch(`/log${path}`, { method })).status).toBe(401);
  }
});
