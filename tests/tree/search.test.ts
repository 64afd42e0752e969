// The search over a real tree: what is found, in which order, and an index that keeps up, survives and mends itself.
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TreeNode } from "../../src/tree/node.js";
import { openSearch, type Search } from "../../src/tree/search.js";
import { phrasesOf, type SearchQuery } from "../../src/tree/search-query.js";
import type { Tree } from "../../src/tree/tree.js";
import {
  type Count,
  call,
  event,
  type Line,
  open as openTree,
  recordingLog,
  removeDir,
  reply,
  result,
  tempDir,
  user,
} from "./support.js";

const FILE = "tree.search.sqlite";
/** As large as one full-text table is. */
const SHARD_NODES = 16_384;

let dir: string;
let tree: Tree<Count>;
let search: Search;
let lines: Line[];

async function open(now?: () => number): Promise<void> {
  tree = await openTree(dir, now ? { now } : {});
  search = await openSearch({ dir, tree, log: recordingLog(lines) });
}

async function close(): Promise<void> {
  await search.close();
  await tree.close();
}

beforeEach(async () => {
  dir = tempDir();
  lines = [];
  await open();
});
afterEach(async () => {
  await close();
  removeDir(dir);
});

const note = (content: string, more = {}) => tree.append(event(tree.root(), "note", { content, ...more }));
const find = (q: string | undefined, more: SearchQuery = {}, limit = 50) =>
  search.find({ ...more, phrases: q === undefined ? undefined : phrasesOf(q) }, { limit });
/** A search waits for the index only a moment, which large nodes on a busy machine outlast. */
async function indexed(): Promise<void> {
  while ((await find("nothing")).indexedSeq < tree.newestSeq());
}
const contents = async (q: string | undefined, more?: SearchQuery) =>
  (await find(q, more)).found.map(({ node }) => node.content);

async function notes(count: number, content: (n: number) => string, timestamp?: (n: number) => number) {
  const added: TreeNode[] = [];
  for (let n = 0; n < count; n += 1000) {
    const batch = Array.from({ length: Math.min(1000, count - n) }, (_, i) =>
      note(content(n + i), timestamp ? { timestamp: timestamp(n + i) } : {}),
    );
    added.push(...(await Promise.all(batch)));
  }
  return added;
}

describe("what is found (spec §4.2)", () => {
  test("what was just committed is found, the newest first, with the words around it", async () => {
    await note("the first shell");
    await note("another thing");
    const last = await note("The second SHELL, on the beach");
    const { found, more, indexedSeq } = await find("shell");
    expect(found.map(({ snippet }) => snippet)).toEqual([
      "The second SHELL, on the beach",
      "the first shell",
    ]);
    expect(found[0]?.node).toEqual(last);
    expect([more, indexedSeq]).toEqual([false, last.seq]);
  });

  test("all words have to be there, in any order; a phrase stands as it is", async () => {
    await note("red apples and green pears");
    await note("green apples");
    expect(await contents("apples green")).toEqual(["green apples", "red apples and green pears"]);
    expect(await contents('"green apples"')).toEqual(["green apples"]);
    expect(await contents('"apples green"')).toEqual([]);
    expect(await contents("apple")).toEqual([]);
    expect(await contents("APPLES")).toHaveLength(2);
  });

  test("what is syntax elsewhere is a word or nothing here", async () => {
    await note("to be OR not to be: x*y");
    for (const q of ["or", "OR not", "x*", "be:", "-not", "NOT be", "(be)", "^to", 'to"', "x y"])
      expect([q, await contents(q)]).toEqual([q, ["to be OR not to be: x*y"]]);
    for (const q of ['"', "*", "--", "()", "'"]) expect([q, await contents(q)]).toEqual([q, []]);
  });

  test("accents do not count, and a script without spaces is found by any part", async () => {
    await note("café — これは日本語です");
    for (const q of ["cafe", "日本", "本語", "です", '"cafe これ"'])
      expect(await contents(q)).toHaveLength(1);
    expect(await contents("日語")).toEqual([]);
  });

  test("arguments of calls and whole results are searched, beyond what content keeps of them", async () => {
    const { id } = await tree.append(user(tree.root(), "t", "run it"));
    const command = "grep -r needle1 ./hay_stack";
    const made = await tree.append({
      ...call(id, "t", "c1"),
      toolParams: { command, nested: [{ a: "deeper" }] },
    });
    const text = `${"hay ".repeat(500)}needle2`;
    const returned = { ...result(made.id, "t", "c1"), content: text.slice(0, 1000) };
    await tree.append({ ...returned, result: { content: [{ type: "text", text }] } });
    await tree.append(reply(id, "t", "found needle3"));
    const roles = async (q: string) => (await find(q)).found.map(({ node }) => node.role);
    expect(await roles("needle1")).toEqual(["tool_call"]);
    expect(await roles("hay_stack")).toEqual(["tool_call"]);
    expect(await roles("deeper bash")).toEqual(["tool_call"]);
    expect(await roles("needle2")).toEqual(["tool_result"]);
    expect(await roles("needle3")).toEqual(["assistant"]);
    expect((await find("needle2")).found[0]?.snippet).toEndWith("hay needle2");
  });

  test("filters narrow it, each alone, together, and without words", async () => {
    const one = await tree.append(user(tree.root(), "one", "alpha"));
    const made = await tree.append(call(one.id, "one", "c1"));
    await tree.append({ ...result(made.id, "one", "c1", true), content: "alpha failed", result: undefined });
    const two = await tree.append(user(tree.root(), "two-2.x_y", "alpha too"));
    await tree.append(
      event(two.id, "task_error", { taskId: "two-2.x_y", source: "reef", content: "alpha broke" }),
    );
    await note("alpha note", { source: "notes", timestamp: 5000 });
    const seen = (more: SearchQuery) => contents("alpha", more);
    expect(await seen({ taskIds: ["one"] })).toEqual(["alpha failed", "alpha"]);
    expect(await seen({ taskIds: ["two-2.x_y", "one"], types: ["user"] })).toEqual(["alpha too", "alpha"]);
    expect(await seen({ taskIds: ["TWO-2.X_Y"] })).toEqual([]);
    expect(await seen({ types: ["tool_result", "note"] })).toEqual(["alpha note", "alpha failed"]);
    expect(await seen({ sources: ["notes"] })).toEqual(["alpha note"]);
    expect(await seen({ errors: true })).toEqual(["alpha broke", "alpha failed"]);
    expect(await seen({ from: 5000, to: 5000 })).toEqual(["alpha note"]);
    expect(await seen({ to: 4999 })).toEqual([]);
    expect(await contents(undefined, { errors: true, taskIds: ["one"] })).toEqual(["alpha failed"]);
    expect(await contents(undefined, {})).toHaveLength(tree.newestSeq());
  });

  test("pages neither repeat nor skip what was there, while more is appended", async () => {
    const all = await notes(120, (n) => `entry ${n}`);
    const seen: string[] = [];
    for (let before: number | undefined; ; ) {
      const { found, more } = await search.find({ phrases: ["entry"] }, { before, limit: 7 });
      seen.push(...found.map(({ node }) => node.id));
      await note("entry of later");
      if (!more) break;
      before = found.at(-1)?.node.seq;
    }
    expect(seen).toEqual(all.map(({ id }) => id).reverse());
  });

  test("a page of large nodes ends early, and the next goes on", async () => {
    const text = "x".repeat(2 * 1024 * 1024);
    for (let n = 0; n < 6; n++) await note(`large ${n} ${text}`);
    await indexed();
    const first = await find("large");
    expect([first.found.length, first.more]).toEqual([4, true]);
    const rest = await search.find(
      { phrases: ["large"] },
      { before: first.found.at(-1)?.node.seq, limit: 50 },
    );
    expect(rest.found.map(({ node }) => node.content.slice(0, 7))).toEqual(["large 1", "large 0"]);
    expect(rest.more).toBe(false);
  });
});

describe("many nodes", () => {
  test("are found over the tables that hold them, in order, and by time", async () => {
    const count = SHARD_NODES + 3000;
    // The clock goes back once, as clocks do.
    const time = (n: number) => 1_000_000 + n - (n > 10_000 ? 5_000 : 0);
    await notes(count, (n) => `common ${n % 4000 === 1 ? "rare" : "usual"} w${n}`, time);
    while ((await find("common", {}, 1)).indexedSeq < tree.newestSeq());
    expect(await contents("rare")).toEqual([16_001, 12_001, 8_001, 4_001, 1].map((n) => `common rare w${n}`));
    expect(await contents("w3 common")).toEqual(["common usual w3"]);
    expect(await contents('"usual rare"')).toEqual([]);
    const within: SearchQuery = { from: 1_007_000, to: 1_007_001 };
    expect(await contents("common", within)).toEqual(
      [12_001, 12_000, 7_001, 7_000].map((n) => expect.stringContaining(`w${n}`)),
    );
    const tables = new Database(join(dir, FILE), { readonly: true });
    expect(tables.query("SELECT id, last - first + 1 AS nodes FROM shards").all()).toEqual([
      { id: 1, nodes: SHARD_NODES },
      { id: 2, nodes: tree.newestSeq() - SHARD_NODES },
    ]);
    tables.close();
  }, 60_000);

  test("that come all the time hold no search up, and no search holds them up", async () => {
    let going = true;
    let appended = 0;
    const appending = (async () => {
      while (going) appended += (await notes(200, (n) => `storm ${n}`)).length;
    })();
    let last = 0;
    for (let n = 0; n < 8; n++) {
      const before = appended;
      const { found, indexedSeq } = await find("storm", {}, 200);
      const seqs = found.map(({ node }) => node.seq);
      expect(seqs).toEqual(seqs.toSorted((a, b) => b - a));
      expect(new Set(seqs).size).toBe(seqs.length);
      expect(seqs.every((seq) => seq <= indexedSeq)).toBe(true);
      expect(indexedSeq).toBeGreaterThanOrEqual(last);
      last = indexedSeq;
      while (appended === before) await new Promise((resolve) => setImmediate(resolve));
    }
    going = false;
    await appending;
    expect(last).toBeGreaterThan(0);
    let seen = await find("storm", {}, 1);
    while (seen.indexedSeq < tree.newestSeq()) seen = await find("storm", {}, 1);
    expect(seen.found[0]?.node.seq).toBe(tree.newestSeq());
  }, 60_000);
});

describe("the index", () => {
  test("survives a restart, and catches up with what came without it", async () => {
    await note("before");
    await find("before");
    await search.close();
    await note("meanwhile");
    await tree.close();
    await open();
    await note("after");
    expect(await contents(undefined, { types: ["note"] })).toEqual(["after", "meanwhile", "before"]);
    expect(lines).toEqual([]);
  });

  test("fills by itself, without anybody searching", async () => {
    await notes(50, (n) => `quiet ${n}`);
    const deadline = Date.now() + 20_000;
    const indexed = () => {
      const db = new Database(join(dir, FILE), { readonly: true });
      const mark = db.query<{ seq: number }, []>("SELECT seq FROM mark").get()?.seq ?? 0;
      db.close();
      return mark;
    };
    while (indexed() < tree.newestSeq() && Date.now() < deadline) await Bun.sleep(20);
    expect(indexed()).toBe(tree.newestSeq());
  });

  test("of another tree is made again", async () => {
    await note("old");
    await find("old");
    await close();
    const other = tempDir();
    cpSync(join(dir, FILE), join(other, FILE));
    removeDir(dir);
    dir = other;
    await open();
    await note("new");
    expect([await contents("old"), await contents("new")]).toEqual([[], ["new"]]);
    expect(lines.map(({ text }) => text)).toEqual(["the search index is of another tree; making it again"]);
  });

  test.each([
    ["no database", () => Buffer.from("this is no database, and never was one".repeat(1000))],
    ["of another form", undefined],
  ])("whose file is %s is made again", async (_what, damaged) => {
    await note("still there");
    await find("still");
    await close();
    const path = join(dir, FILE);
    if (damaged) writeFileSync(path, damaged());
    else {
      const db = new Database(path);
      db.run("PRAGMA user_version = 99");
      db.close();
    }
    await open();
    expect(await contents("still")).toEqual(["still there"]);
  });

  test("whose file cannot be opened says what to do", async () => {
    const other = tempDir();
    mkdirSync(join(other, FILE));
    const opening = openSearch({ dir: other, tree, log: recordingLog(lines) });
    await expect(opening).rejects.toThrow(/^The search index in .* cannot be opened \(.*\)\. Check rights/);
    removeDir(other);
  });

  test("that turns out to be damaged says so once, and is made again", async () => {
    await notes(3000, (n) => `plain words of note ${n}`);
    while ((await find("plain", {}, 1)).indexedSeq < tree.newestSeq());
    await close();
    const path = join(dir, FILE);
    const bytes = readFileSync(path);
    // From the third page on: the schema stays readable, the words do not.
    bytes.fill(0x5a, 3 * 4096);
    writeFileSync(path, bytes);
    await open();
    const failures: unknown[] = [];
    for (let tries = 0; tries < 200; tries++) {
      const answer = await find("plain", {}, 1).catch((error) => failures.push(error));
      if (typeof answer !== "number" && answer.indexedSeq === tree.newestSeq() && answer.found.length === 1)
        break;
      await Bun.sleep(20);
    }
    expect(failures.length).toBeLessThanOrEqual(1);
    for (const failure of failures) expect(failure).toMatchObject({ code: "unavailable" });
    expect(await contents('"note 2999"')).toEqual(["plain words of note 2999"]);
    expect(lines.filter(({ text }) => text.includes("damaged"))).toHaveLength(1);
  }, 30_000);

  test("that cannot be written leaves searches what it has, and goes on when it can", async () => {
    await note("first");
    await find("first");
    const other = new Database(join(dir, FILE));
    other.run("BEGIN IMMEDIATE");
    const added = await note("second");
    const stale = await find(undefined, { types: ["note"] });
    expect(stale.found.map(({ node }) => node.content)).toEqual(["first"]);
    expect(stale.indexedSeq).toBeLessThan(added.seq);
    other.run("ROLLBACK");
    other.close();
    expect(await contents(undefined, { types: ["note"] })).toEqual(["second", "first"]);
    expect(lines.every(({ text }) => text.startsWith("the search index could not be written"))).toBe(true);
  });

  test("closes in the middle of its work, and refuses from then on", async () => {
    await notes(5000, (n) => `many ${n}`);
    const searching = find("many").then(
      () => "answered",
      ({ code }) => code,
    );
    await search.close();
    expect(["answered", "unavailable"]).toContain(await searching);
    await expect(find("many")).rejects.toMatchObject({ code: "unavailable" });
    expect(existsSync(join(dir, FILE))).toBe(true);
    search = await openSearch({ dir, tree, log: recordingLog(lines) });
    while ((await find("many", {}, 1)).indexedSeq < tree.newestSeq());
    expect((await find("many", {}, 200)).found).toHaveLength(200);
  });
});
