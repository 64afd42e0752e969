// The journal over HTTP and through its tool, in process and with a file of its own in each test.
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
import type { ServiceModule } from "#core/types.js";
import type { Entry, EntryInput } from "./entry.js";
import journal from "./index.js";
import { openJournal } from "./store.js";

let harness: TestHarness;
beforeEach(async () => {
  harness = await createTestHarness({ services: [journal] });
});
afterEach(() => harness.cleanup());

const ask = (path = "", options: RequestOptions = {}) =>
  harness.json(`/journal${path}`, { auth: true, ...options });
const write = async (text: string, more: Partial<EntryInput> = {}): Promise<Entry> =>
  (await ask("", { body: { text, ...more } })).data;
const shown = async (query: string) =>
  (await ask(`?${query}`)).data.entries.map(({ text }: Entry) => text).join("");

describe("POST /journal (spec §5)", () => {
  test("answers 201 with the entry, trimmed and tidied, and lists show the same", async () => {
    const { status, data } = await ask("", {
      body: { text: " so \n", author: " Ada ", mood: " calm ", tags: [" a", "a ", " ", "B"], other: 1 },
    });
    expect(status).toBe(201);
    expect(Object.keys(data)).toEqual(["id", "timestamp", "text", "author", "mood", "tags"]);
    expect(data).toMatchObject({ text: "so", author: "Ada", mood: "calm", tags: ["a", "B"] });
    const plain = await write("x", { mood: " ", tags: [""] });
    expect(Object.keys(plain)).toEqual(["id", "timestamp", "text"]);
    expect((await ask()).data).toEqual({ entries: [data, plain], count: 2, cursor: plain.id });
  });

  test("takes the agent that calls for the author, and nobody else", async () => {
    const as = async (caller: object, body: object = { text: "x" }) => {
      const init = { method: "POST", body: JSON.stringify(body), as: { kind: "server" as const, ...caller } };
      return (await (await harness.ctx.fetch("/journal", init)).json()).author;
    };
    expect(await as({ agentName: "eve" })).toBe("eve");
    expect(await as({ kind: "task", agentName: "task-1", scopes: ["modules"] })).toBe("task-1");
    expect(await as({ agentName: "eve" }, { text: "x", author: "bob" })).toBe("bob");
    expect(await as({ kind: "session" })).toBeUndefined();
    expect(await as({ kind: "panel", panel: "journal" })).toBeUndefined();
  });

  test.each([
    ["", "Invalid JSON body"],
    ["[]", "Invalid JSON body"],
    [{}, "text is required"],
    [{ text: " " }, "text is required"],
    [{ text: {} }, "text must be a string"],
    [{ text: "x", author: 5, tags: "x" }, "author must be a string"],
    [{ text: "x", mood: true }, "mood must be a string"],
    [{ text: "x", tags: "a" }, "tags must be an array"],
    [{ text: "x", tags: { a: 1 } }, "tags must be an array"],
    [{ text: "x", tags: ["a", 1] }, "tags must contain only strings"],
    [{ text: "x", tags: Array.from({ length: 51 }, (_, n) => `t${n}`) }, "tags has more than 50 items"],
    [{ text: "x", tags: ["x".repeat(101)] }, "tags is longer than 100 characters"],
    [{ text: "x", mood: "x".repeat(201) }, "mood is longer than 200 characters"],
    [{ text: "x".repeat(262_145) }, "text is longer than 262144 characters"],
  ])("refuses %.50j", async (body, error) => {
    expect(await ask("", { method: "POST", body })).toMatchObject({
      status: 400,
      data: { error, code: "bad_request" },
    });
    expect((await ask()).data.count).toBe(0);
  });

  test("tells the bus the whole entry, and the tree 120 characters of it", async () => {
    const told: unknown[] = [];
    harness.events.on("journal:entry", ({ entry }) => told.push(entry));
    harness.events.on("reef:event", (event) => told.push(event));
    const entry = await write(`a\n${"x".repeat(200)}`, { author: "ada" });
    const content = `ada: a ${"x".repeat(117)}…`;
    expect(told).toEqual([entry, { type: "journal_entry", source: "journal", content, entryId: entry.id }]);
  });
});

describe("GET /journal (spec §5)", () => {
  test("filters by author and tag in any case, exactly", async () => {
    await write("1", { author: "Ada", tags: ["Design", "design"] });
    await write("2", { author: "ÉVE", tags: ["design"] });
    await write("3", { author: "ada", tags: ["cache"] });
    await write("4");
    expect(await shown("author=ADA")).toBe("13");
    expect(await shown("author=%C3%A9ve")).toBe("2");
    expect(await shown("author=e%CC%81ve")).toBe("2");
    expect(await shown("tag=DESIGN")).toBe("12");
    expect(await shown("tag=design&author=ada")).toBe("1");
    expect(await shown("tag=des")).toBe("");
    expect(await shown("author=")).toBe("");
    const page = await ask("?tag=design&limit=1&since=2020-01-01&total=true");
    expect(page.data).toMatchObject({ count: 1, total: 2, cursor: page.data.entries[0].id });
    expect(await shown(`tag=design&cursor=${page.data.cursor}`)).toBe("2");
  });

  test("reads windows as the log does, and counts the last 24 hours for the widget", async () => {
    let nowMs = Date.now() - 25 * 3_600_000;
    const store = openJournal({ ...harness.ctx, name: "journal" }, { now: () => nowMs });
    const { timestamp } = await store.write({ text: "old" });
    nowMs = Date.now();
    await store.write({ text: "new" });
    expect(await shown("")).toBe("new");
    expect(await shown("last=26h")).toBe("oldnew");
    expect(await shown(`until=${timestamp}`)).toBe("old");
    expect(await shown(`since=${timestamp}&limit=1`)).toBe("old");
    const { widget }: ServiceModule = journal;
    expect(await widget?.getLines(createFleetClient())).toEqual(["Journal: 1 entries (24h)"]);
  });

  test.each([
    ["since=x", "invalid since: x"],
    ["last=1y", "invalid last: 1y"],
    ["raw=1", "invalid raw: 1"],
    ["cursor=x", "invalid cursor"],
  ])("refuses ?%s", async (query, error) => {
    expect(await ask(`?${query}`)).toMatchObject({ status: 400, data: { error, code: "bad_request" } });
  });
});

test("the text has what is there of an entry, and none can be forged (spec §5)", async () => {
  const one = await write("a\n[b] c", { author: "Ada\n[x]", mood: "so\nso", tags: ["t1", "t\n[2"] });
  const two = await write("plain");
  const text = `[${one.timestamp}] (Ada [x]) [so so] #t1 #t [2 a\n  [b] c\n[${two.timestamp}] plain`;
  for (const path of ["/raw", "?raw=true"]) {
    const { data, headers } = await ask(path);
    expect(data).toBe(text);
    expect(headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(headers.get("x-next-cursor")).toBe(two.id);
  }
  expect((await ask("/raw?tag=t1")).data).toStartWith(`[${one.timestamp}]`);
});

test("journal_entry writes as the agent that calls (spec §5)", async () => {
  const result = await harness.tool("journal_entry", { text: "so", mood: "calm", tags: ["a"] });
  const [entry] = (await ask()).data.entries;
  expect(entry).toMatchObject({ text: "so", author: "test-agent", mood: "calm", tags: ["a"] });
  expect(result.details).toEqual({ entry });
  expect(await harness.tool("journal_entry", { text: " " })).toMatchObject({
    isError: true,
    content: [{ text: "Error: text is required" }],
  });
});

test("no list and no count scans its table or sorts (spec §17.7)", async () => {
  await write("x", { author: "ada", tags: ["t"] });
  const plans = await queryPlans(`${harness.dataDir}/journal.sqlite`, async () => {
    for (const query of ["", "since=2026-01-01", "author=ada", "tag=t", "tag=t&author=ada&last=1h"])
      expect((await ask(`?total=true&${query}`)).data.total).toBe(1);
    await harness.ctx.getModule("journal")?.widget?.getLines(createFleetClient());
  });
  expect(plans.length).toBeGreaterThan(7);
  expect(scansIn(plans)).toEqual([]);
});

test("every route is documented, and every route needs a token (spec §1.9)", async () => {
  const routes = routesOf(journal).map(({ method, relativePath }) => `${method} ${relativePath}`);
  expect(routes.toSorted()).toEqual(Object.keys(journal.routeDocs).toSorted());
  for (const route of routes) {
    const [method = "", path = ""] = route.split(" ");
    expect((await harness.fetch(`/journal${path}`, { method })).status).toBe(401);
  }
});
