// The line of text that is shown of what a search found.
import { expect, test } from "bun:test";
import { snippetOf } from "../../src/tree/snippet.js";

const filler = (words: number) => "lorem ipsum ".repeat(words / 2);

test("a short text is shown whole, in one line", () => {
  expect(snippetOf("  one\n\ttwo\r\n\u0000three ", ["two"])).toBe("one two three");
  expect(snippetOf("", ["two"])).toBe("");
});

test("a long one is shown around what was found, cut between words", () => {
  const text = `${filler(100)}the needle itself ${filler(100)}`;
  const snippet = snippetOf(text, ["needle"]);
  expect(snippet).toMatch(/^…(lorem|ipsum) .*the needle itself .*(lorem|ipsum)…$/);
  expect(snippet.length).toBeLessThanOrEqual(202);
});

test("nothing is marked as left out where nothing is", () => {
  expect(snippetOf(`needle ${filler(100)}`, ["needle"])).toMatch(/^needle .*…$/);
  expect(snippetOf(`${filler(100)}needle`, ["needle"])).toMatch(/^….* needle$/);
});

test.each([
  ["a whole word goes before a part of one", "start of art", ["art"], /art$/],
  ["case does not count", "the NEEDLE here", ["needle"], /NEEDLE/],
  ["accents do not count", "ein Café am See", ["cafe"], /Café/],
  [
    "a phrase is seen over punctuation and line breaks",
    "snake_case,\ntext",
    ["snake case text"],
    /snake_case, text$/,
  ],
  ["a word that is not seen gives way to the next", "only this", ["absent", "this"], /this$/],
  ["signs of regular expressions are plain signs", "cost (a+b)* $5", ["$5"], /\$5$/],
  ["a script without spaces", "これは日本語です", ["日本"], /日本語/],
] as const)("%s", (_what, ending, phrases, shown) => {
  expect(snippetOf(filler(100) + ending, phrases)).toMatch(shown);
});

test("what is nowhere seen shows the beginning", () => {
  expect(snippetOf(`first ${filler(100)}`, ["absent"])).toStartWith("first lorem");
  expect(snippetOf(`first ${filler(100)}`, [])).toStartWith("first lorem");
});

test("half a character is never shown", () => {
  for (let length = 150; length < 160; length++) {
    for (const text of ["🐚".repeat(length), `a${"🐚".repeat(length)}`, `${"🐚".repeat(length)} b`]) {
      const snippet = snippetOf(text, ["b"]);
      expect(snippet.isWellFormed()).toBe(true);
      expect(snippet).toContain("🐚");
    }
  }
});
