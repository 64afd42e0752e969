// What people type becomes words and phrases, and nothing of it syntax.
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { TreeNode } from "../../src/tree/node.js";
import { expressionOf, fits, phrasesOf } from "../../src/tree/search-query.js";
import { charsOf, spaced, tagsOf, textOf } from "../../src/tree/search-text.js";

test.each([
  ["one two", ["one", "two"]],
  ['"one two" three', ["one two", "three"]],
  ['one"two three"four', ["one", "two three", "four"]],
  ['"never closed', ["never closed"]],
  ["\"\" '' * -- ( )", []],
  ["a* -b +c ^d NEAR(e f) words:g OR", ["a*", "-b", "+c", "^d", "NEAR(e", "f)", "words:g", "OR"]],
  [" \t\n", []],
  ["日本 café", ["日本", "café"]],
])("%s is %j (spec §4.2)", (text, phrases) => {
  expect(phrasesOf(text)).toEqual(phrases);
});

function index(): Database {
  const db = new Database(":memory:");
  db.run(
    "CREATE VIRTUAL TABLE t USING fts5 (words, tags, content = '', tokenize = 'unicode61 remove_diacritics 2')",
  );
  return db;
}

test("whatever is typed is a valid expression, and a text is found by any of its words", () => {
  const db = index();
  const ask = db.prepare<unknown, [string]>("SELECT rowid FROM t WHERE t MATCH ?");
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
      const phrases = phrasesOf(text);
      expect(ask.all(expressionOf({ phrases, taskIds: [text], sources: [text, "x"], errors: true }))).toEqual(
        [],
      );
    }),
    { numRuns: 500 },
  );
  const insert = db.prepare("INSERT INTO t (rowid, words) VALUES (?, ?)");
  let row = 0;
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-zé日ー本0-9]{1,8}$/), { minLength: 1, maxLength: 6 }),
      (words) => {
        insert.run(++row, spaced(words.join(" - ")));
        const found = ask.all(expressionOf({ phrases: phrasesOf(words.toReversed().join(" ")) }));
        expect(found).toContainEqual({ rowid: row });
        expect(ask.all(expressionOf({ phrases: [words.join(" ")] }))).toContainEqual({ rowid: row });
      },
    ),
    { numRuns: 200 },
  );
});

const base: TreeNode = { id: "n", seq: 1, parentId: "r", role: "event", content: "", timestamp: 1000 };

test("the text of a node is its content, the values of its arguments, the whole of its result", () => {
  const call: TreeNode = {
    ...base,
    role: "tool_call",
    content: "bash",
    toolParams: { command: "ls\n-l", options: [{ depth: 3 }, true, null] },
  };
  expect(textOf(call)).toBe("bash\nls\n-l\n3");
  const content = [
    { type: "text" as const, text: "first and then more" },
    { type: "image" as const, data: "aaaa", mimeType: "image/png" },
    { type: "text" as const, text: "second" },
  ];
  expect(textOf({ ...base, role: "tool_result", content: "first", result: { content } })).toBe(
    "first and then more\nsecond",
  );
  expect(textOf({ ...base, role: "tool_result", content: "failed", result: { content: [] } })).toBe("failed");
});

test("a huge or deep node costs no more than its limit", () => {
  let deep: unknown = "needle";
  for (let n = 0; n < 200_000; n++) deep = [deep];
  expect(textOf({ ...base, role: "tool_call", content: "x", toolParams: deep })).toBe("x\nneedle");
  const wide = Array.from({ length: 300_000 }, (_, n) => n);
  expect(textOf({ ...base, role: "tool_call", content: "x", toolParams: { wide } })).toStartWith(
    "x\n0\n1\n2\n",
  );
  const long = textOf({ ...base, content: `${"x".repeat(65_535)}🐚` });
  expect([long.length, long.isWellFormed()]).toEqual([65_536, true]);
  expect(charsOf({ ...base, content: "x".repeat(100_000) })).toBe(100_000);
});

test("tags are letters and digits alone, whatever their values hold", () => {
  const node = {
    ...base,
    taskId: 'a" OR b',
    source: "日本\u0000".repeat(1000),
    eventType: "x:y",
    isError: true,
  };
  expect(tagsOf(node)).toMatch(/^[a-z0-9]+( [a-z0-9]+){5}$/);
  const db = index();
  db.run("INSERT INTO t (rowid, words, tags) VALUES (7, '', ?)", [tagsOf(node)]);
  const query = { taskIds: [node.taskId], sources: [node.source], types: ["x:y"], errors: true };
  expect(db.query("SELECT rowid FROM t WHERE t MATCH ?").all(expressionOf(query))).toEqual([{ rowid: 7 }]);
});

test.each([
  ["another task", { taskIds: ["other"] }, false],
  ["its task among others", { taskIds: ["other", "t"] }, true],
  ["its role", { types: ["event"] }, true],
  ["its event type", { types: ["task_error"] }, true],
  ["another type", { types: ["user"] }, false],
  ["another source that begins alike", { sources: [`${"s".repeat(64)}2`] }, false],
  ["its source", { sources: [`${"s".repeat(64)}1`] }, true],
  ["what failed", { errors: true }, true],
  ["a time that begins with it", { from: 1000 }, true],
  ["a later time", { from: 1001 }, false],
  ["a time that ends with it", { to: 1000 }, true],
  ["an earlier time", { to: 999 }, false],
])("a node fits %s: %j", (_what, query, expected) => {
  const node = { ...base, taskId: "t", source: `${"s".repeat(64)}1`, eventType: "task_error" };
  expect(fits(node, query)).toBe(expected);
});
