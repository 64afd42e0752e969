// What a terminal is shown: filtered, cut, and in units that people read.
import { describe, expect, test } from "bun:test";
import { uncolored } from "../../src/cli/terminal.js";
import { age, call, cut, dollars, duration, head, oneLine, plain, table } from "../../src/cli/text.js";
import { colorLabels } from "../../src/cli/tree.js";

describe("plain", () => {
  test("no escape sequence of a model or a tool reaches the terminal", () => {
    expect(plain("a\x1b[31mred\x1b[0m\x1b]0;title\x07b\x08\x9b1mc")).toBe("ared]0;titleb1mc");
  });

  test("line breaks and tabs stay, and a carriage return becomes a line break", () => {
    expect(plain("a\tb\r\nc\rd\n")).toBe("a\tb\nc\nd\n");
  });
});

test("a line is cut by characters, never inside one", () => {
  expect(cut("👍👍👍👍", 3)).toBe("👍👍…");
  expect(oneLine("  a\n\tb  ", 10)).toBe("a b");
});

test("a long result shows its first lines and says how many follow", () => {
  expect(head("1\n2\n3\n4\n", 2, 80)).toEqual(["1", "2", "… (2 more lines)"]);
  expect(head("1\n2\n3", 2, 80)).toEqual(["1", "2", "… (1 more line)"]);
  expect(head("1\n2\n", 2, 80)).toEqual(["1", "2"]);
});

test("a call shows bash's command, the one string argument, or compact JSON (spec §4.11)", () => {
  expect(call("bash", { command: "ls", timeout: 5 }, 80)).toBe("bash(ls)");
  expect(call("read", { path: "a.txt" }, 80)).toBe("read(a.txt)");
  expect(call("store", { key: "a", ttl: 1 }, 80)).toBe('store({"key":"a","ttl":1})');
  expect(call("reef_manifest", {}, 80)).toBe("reef_manifest()");
  expect(call("odd", undefined, 80)).toBe("odd()");
});

test.each([
  [0, "0 ms"],
  [850, "850 ms"],
  [3210, "3.2 s"],
  [250_000, "4 min 10 s"],
  [7_500_000, "2 h 5 min"],
  [300_000_000, "3 d"],
])("%d ms are %s", (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test("an age has one unit", () => {
  expect([5_000, 65_000, 3_700_000, 90_000_000].map(age)).toEqual(["5s", "1m", "1h", "1d"]);
});

test("a small cost is more than nothing", () => {
  expect([0, 0.00001, 0.010326, 0.5, 12.345].map(dollars)).toEqual([
    "$0",
    "<$0.0001",
    "$0.0103",
    "$0.5000",
    "$12.35",
  ]);
});

test("a table's columns are as wide as their widest cell, and its last one is not padded", () => {
  expect(
    table([
      ["A", "B", "C"],
      ["long", "x", "text"],
      ["y", "zz", ""],
    ]),
  ).toEqual(["A     B   C", "long  x   text", "y     zz"]);
});

test("a drawing is coloured label by label and otherwise untouched", () => {
  const drawing = "[system] You\n├─ [user] [tool] is text\n│  └─ [error] no\n";
  expect(colorLabels(drawing, uncolored)).toBe(drawing);
  expect(colorLabels(drawing, (color, text) => (text ? `<${color}>${text}</>` : ""))).toBe(
    "<dim>[system]</> You\n<dim>├─ </><green>[user]</> [tool] is text\n<dim>│  └─ </><red>[error]</> no\n",
  );
});
