// Lists over SQLite: those that one follows, those that one leafs through, and how their pages go out.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Hono } from "hono";
import { ReefError } from "../../src/core/errors.js";
import {
  anyText,
  arrayAnswer,
  asFlag,
  browse,
  follow,
  lastIdAt,
  linesAnswer,
  listAnswer,
  type Ordered,
  readBrowse,
  readFollow,
  readWindow,
  repeated,
  ulid,
} from "../../src/core/http.js";
import { openStorage, type Storage } from "../../src/core/storage.js";
import { createTestHarness, queryPlans, scansIn, type TestHarness } from "../../src/core/testing.js";

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 0, 10);

const MIGRATIONS = [
  `CREATE TABLE entries (id TEXT NOT NULL UNIQUE, agent TEXT NOT NULL, text TEXT NOT NULL) STRICT;
   CREATE INDEX entries_by_agent ON entries (agent, id);
   CREATE TABLE tasks (id TEXT NOT NULL UNIQUE, status TEXT NOT NULL, updated_at INTEGER NOT NULL) STRICT;
   CREATE INDEX tasks_by_update ON tasks (updated_at, id);
   CREATE INDEX tasks_by_status ON tasks (status, updated_at, id);`,
];

interface Entry {
  id: string;
  agent: string;
  text: string;
}

let harness: TestHarness;
let storage: Storage;
let nowMs: number;
let nextId: () => string;
beforeEach(async () => {
  harness = await createTestHarness({ services: [] });
  storage = openStorage(harness.ctx, { name: "lists", migrations: MIGRATIONS });
  nowMs = NOW;
  nextId = ulid({ now: () => nowMs });
});
afterEach(() => harness.cleanup());

async function addEntry(text: string, agent = "a"): Promise<string> {
  return storage.write((db) => {
    const id = nextId();
    db.query("INSERT INTO entries VALUES (?, ?, ?)").run(id, agent, text);
    return id;
  });
}

const app = new Hono()
  .get("/follow", (c) => listAnswer("entries", entries(readFollow(c), c.req.query("agent"))))
  .get("/window", (c) => listAnswer("entries", entries(readWindow(c, { now: () => nowMs }))))
  .get("/array", (c) => arrayAnswer(entries(readFollow(c, { limit: 2, limitMax: 3 }))))
  .get("/lines", (c) => linesAnswer(entries(readFollow(c))))
  .get("/tasks", (c) => {
    const page = readBrowse(c, {
      list: "tasks",
      filters: { status: anyText, tag: repeated(anyText), ready: asFlag },
      limit: 2,
    });
    const list: Ordered = {
      columns: "id, status, updated_at",
      from: "tasks",
      where: [["status = ?", page.filters.status], ["updated_at > 0"]],
      order: ["updated_at", "id"],
      isDescending: true,
    };
    return listAnswer(
      "tasks",
      browse<{ id: string }>(storage.read, list, { page, toText: ({ id }) => `"${id}"` }),
    );
  })
  .onError((error, c) => {
    if (!(error instanceof ReefError)) throw error;
    return c.json({ error: error.message }, error.status);
  });

function entries(range: ReturnType<typeof readFollow>, agent?: string) {
  const list = { columns: "id, agent, text", from: "entries", where: [["agent = ?", agent] as const] };
  return follow<Entry>(storage.read, list, { range, toText: ({ text }) => JSON.stringify(text) });
}

// biome-ignore lint/suspicious/noExplicitAny: a test says what it expects by looking at it.
async function ask(path: string): Promise<any> {
  return (await app.request(path)).json();
}

describe("a list that one follows (spec §1.5)", () => {
  let ids: string[];
  beforeEach(async () => {
    ids = [];
    for (let n = 0; n < 9; n++) {
      nowMs = NOW + Math.floor(n / 3);
      ids.push(await addEntry(String(n), n % 2 === 0 ? "even" : "odd"));
    }
  });
  const shown = async (path: string) => (await ask(path)).entries?.join("");

  test("shows the newest oldest first, and after a point the oldest", async () => {
    expect(await shown("/follow?limit=3")).toBe("678");
    expect(await shown(`/follow?limit=3&since=${ids[2]}`)).toBe("345");
    expect(await shown(`/follow?limit=3&since=${ids[2]?.toLowerCase()}`)).toBe("345");
    expect(await shown(`/follow?limit=3&cursor=${ids[2]}`)).toBe("345");
    expect(await shown(`/follow?limit=3&before=${ids[5]}`)).toBe("234");
    expect(await shown(`/follow?since=${ids[2]}&before=${ids[7]}&limit=2`)).toBe("34");
    expect(await shown(`/follow?since=${ids[2]}&cursor=${ids[4]}&limit=2`)).toBe("56");
    expect(await shown(`/follow?since=${new Date(NOW).toISOString()}`)).toBe("345678");
    expect(await shown(`/follow?agent=odd&limit=2`)).toBe("57");
    expect(await shown(`/follow?agent=odd&since=${ids[1]}`)).toBe("357");
    expect(await shown(`/follow?agent=nobody`)).toBe("");
  });

  test("has the last id as its cursor, null on an empty page, and counts all when asked", async () => {
    expect(await ask("/follow?limit=2&total=true")).toEqual({
      entries: ["7", "8"],
      count: 2,
      cursor: ids[8],
      total: 9,
    });
    expect(await ask(`/follow?cursor=${ids[2]}&limit=2&total=true&agent=even`)).toEqual({
      entries: ["4", "6"],
      count: 2,
      cursor: ids[6],
      total: 5,
    });
    expect(await ask(`/follow?since=${ids[8]}&total=true`)).toEqual({
      entries: [],
      count: 0,
      cursor: null,
      total: 0,
    });
  });

  test("is a bare array or lines with its cursor in a header", async () => {
    const array = await app.request("/array?limit=100&total=true");
    expect(await array.json()).toEqual(["6", "7", "8"]);
    expect([array.headers.get("x-next-cursor"), array.headers.get("x-total-count")]).toEqual([
      ids[8] ?? "",
      "9",
    ]);
    expect(await (await app.request("/array")).json()).toEqual(["7", "8"]);
    const lines = await app.request(`/lines?since=${ids[6]}`);
    expect(await lines.text()).toBe('"7"\n"8"');
    expect(lines.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    const empty = await app.request(`/lines?since=${ids[8]}`);
    expect([await empty.text(), empty.headers.get("x-next-cursor")]).toEqual(["", null]);
  });

  test.each([
    ["limit=0", "invalid limit: 0"],
    ["limit=1.5", "invalid limit: 1.5"],
    ["limit=", "invalid limit: "],
    ["since=x", "invalid since: x"],
    ["before=x", "invalid before: x"],
    ["cursor=x", "invalid cursor"],
    ["total=1", "invalid total: 1"],
  ])("?%s is refused", async (query, error) => expect(await ask(`/follow?${query}`)).toEqual({ error }));

  test("read through windows includes both bounds, and shows 24 hours without any", async () => {
    const at = (n: number) => new Date(NOW + n).toISOString();
    nowMs = NOW + DAY_MS + 1;
    expect(await shown("/window")).toBe("345678");
    expect(await shown("/window?last=2d")).toBe("012345678");
    expect(await shown(`/window?since=${at(1)}`)).toBe("345678");
    expect(await shown(`/window?since=${ids[3]}`)).toBe("45678");
    expect(await shown(`/window?until=${at(1)}`)).toBe("012345");
    expect(await shown(`/window?until=${ids[4]}`)).toBe("01234");
    expect(await shown(`/window?since=${at(1)}&until=${at(1)}`)).toBe("345");
    expect(await shown(`/window?since=${at(2)}&last=9d`)).toBe("678");
    expect(await shown(`/window?last=1d&until=${at(1)}`)).toBe("345");
    expect(await shown(`/window?cursor=${ids[0]}&limit=2`)).toBe("12");
    expect(await shown(`/window?before=${ids[2]}`)).toBe("01");
    expect(await shown("/window?limit=2")).toBe("78");
    expect(await shown("/window?since=1960-01-01")).toBe("012345678");
    expect(await shown("/window?until=1960-01-01")).toBe("");
    expect(await ask("/window?last=1y")).toEqual({ error: "invalid last: 1y" });
  });
});

test("a poller that goes on from the last id gets every entry once, whatever its limit (spec §17.5)", async () => {
  const steps = fc.array(fc.record({ add: fc.nat({ max: 5 }), limit: fc.integer({ min: 1, max: 4 }) }));
  await fc.assert(
    fc.asyncProperty(steps, async (plan) => {
      const start = await addEntry("start");
      const added: string[] = [];
      const seen: string[] = [];
      let since = start;
      const poll = async (limit: number) => {
        const { entries, cursor } = await ask(`/follow?since=${since}&limit=${limit}`);
        seen.push(...entries);
        since = cursor ?? since;
        return entries.length;
      };
      for (const { add, limit } of plan) {
        for (let n = 0; n < add; n++)
          added.push(await addEntry(`${added.length}`).then(() => `${added.length}`));
        await poll(limit);
      }
      while ((await poll(3)) > 0);
      expect(seen).toEqual(added);
    }),
    { numRuns: 30 },
  );
});

test("a page ends before 8 MiB and its cursor leads on (spec §1.3)", async () => {
  const large = "x".repeat(1024 * 1024 - 2);
  for (let n = 0; n < 10; n++) await addEntry(large);
  const first = await ask(`/follow?since=${lastIdAt(0)}`);
  expect(first.count).toBe(8);
  const added = await addEntry("new");
  const second = await ask(`/follow?cursor=${first.cursor}`);
  expect(second).toMatchObject({ count: 3, cursor: added });
  const newest = await ask("/follow");
  expect([newest.count, newest.entries.at(-1), newest.cursor]).toEqual([8, "new", added]);
});

describe("a list that one leafs through (spec §1.5)", () => {
  beforeEach(async () => {
    await storage.write((db) => {
      for (const [id, status, at] of [
        ["a", "open", 1],
        ["b", "done", 2],
        ["c", "open", 2],
        ["d", "open", 2],
        ["e", "done", 3],
      ] as const)
        db.query("INSERT INTO tasks VALUES (?, ?, ?)").run(id, status, at);
    });
  });

  async function pages(query: string): Promise<string[]> {
    const found: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page = await ask(`/tasks?${query}${cursor && `&cursor=${cursor}`}`);
      found.push(page.tasks.join(""));
      cursor = page.cursor;
    }
    return found;
  }

  test("goes on in its order until the cursor is null", async () => {
    expect(await pages("")).toEqual(["ed", "cb", "a"]);
    expect(await pages("limit=5")).toEqual(["edcba"]);
    expect(await pages("status=open")).toEqual(["dc", "a"]);
    expect(await pages("status=unknown")).toEqual([""]);
    expect(await ask("/tasks?total=true&limit=1&status=done")).toMatchObject({ count: 1, total: 2 });
  });

  test("keeps the filters of its cursor, whether or not they are sent again", async () => {
    const { cursor } = await ask("/tasks?status=open&tag=x&tag=y");
    expect((await ask(`/tasks?cursor=${cursor}`)).tasks).toEqual(["a"]);
    expect((await ask(`/tasks?status=open&cursor=${cursor}`)).tasks).toEqual(["a"]);
    for (const other of ["status=done", "tag=x", "ready=true"])
      expect(await ask(`/tasks?${other}&cursor=${cursor}`)).toEqual({ error: "invalid cursor" });
  });

  test("shows an entry neither twice nor never while others come and go", async () => {
    const { cursor } = await ask("/tasks");
    await storage.write((db) => {
      db.run("INSERT INTO tasks VALUES ('f', 'open', 9)");
      db.run("DELETE FROM tasks WHERE id = 'd'");
    });
    expect((await ask(`/tasks?cursor=${cursor}`)).tasks).toEqual(["c", "b"]);
  });

  const cursorOf = (content: unknown) => Buffer.from(JSON.stringify(content)).toString("base64url");
  test.each([
    ["nothing", ""],
    ["no base64", "%00"],
    ["another list", cursorOf(["notes", {}, [2, "d"]])],
    ["a position too short", cursorOf(["tasks", {}, [2]])],
    ["a position of objects", cursorOf(["tasks", {}, [{}, null]])],
    ["filters of another form", cursorOf(["tasks", { status: "open" }, [2, "d"]])],
    ["the other kind of cursor", cursorOf(["tasks", [2, "d"]])],
    ["a prototype", '{"__proto__":1}'],
  ])("refuses a cursor with %s", async (_what, cursor) => {
    expect(await ask(`/tasks?cursor=${encodeURIComponent(cursor)}`)).toEqual({ error: "invalid cursor" });
  });

  test("reads a forged filter like one that was sent", async () => {
    expect(await ask(`/tasks?cursor=${cursorOf(["tasks", { ready: ["x"] }, [2, "d"]])}`)).toEqual({
      error: "invalid ready: x",
    });
  });
});

test("no list and no count scans its table or sorts, and one that did would be found (spec §17.7)", async () => {
  const path = `${harness.dataDir}/lists.sqlite`;
  const plans = await queryPlans(path, async () => {
    await ask("/follow?total=true");
    await ask(`/follow?agent=a&total=true&since=${lastIdAt(0)}`);
    await ask("/window?last=1h");
    const first = await ask("/tasks");
    await ask("/tasks?status=open&total=true");
    await ask(`/tasks?cursor=${first.cursor}`);
  });
  expect(plans.length).toBeGreaterThan(5);
  expect(scansIn(plans)).toEqual([]);
  const slow = [
    "SELECT id FROM entries WHERE text = 'x' LIMIT 1",
    "SELECT count(*) FROM entries",
    "SELECT id FROM entries WHERE agent = 'a' ORDER BY text LIMIT 1",
    "DELETE FROM tasks WHERE updated_at + 1 = 2",
  ];
  const found = await queryPlans(path, () => {
    for (const sql of slow) storage.read.query(sql);
  });
  expect(scansIn(found).map(({ sql }) => sql)).toEqual(slow);
});
