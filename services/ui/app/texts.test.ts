// Long texts and edits as they are shown.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { diffOf, excerpt, hitsIn } from "./texts.js";

describe("an excerpt (spec §14)", () => {
  const lines = (count: number) => Array.from({ length: count }, (_, at) => `line ${at}`).join("\n");

  test("is there for more than ten lines or 2 KB, and is what they begin with", () => {
    expect(excerpt(lines(10))).toBeUndefined();
    expect(excerpt(`${lines(10)}\n\n`)).toBeUndefined();
    expect(excerpt(lines(11))).toBe(lines(10));
    expect(excerpt("x".repeat(2_048))).toBeUndefined();
    expect(excerpt("x".repeat(2_049))).toBe("x".repeat(2_048));
    expect(excerpt("")).toBeUndefined();
  });
});

describe("a diff", () => {
  const shown = (params: unknown) => diffOf(params)?.map(({ sign, text }) => `${sign}${text}`);

  test("keeps what both texts begin and end with", () => {
    const edit = { oldText: "a\nb\nc\nd", newText: "a\nX\nY\nd" };
    expect(shown({ path: "p", edits: [edit] })).toEqual([" a", "-b", "-c", "+X", "+Y", " d"]);
    expect(shown({ path: "p", ...edit })).toEqual([" a", "-b", "-c", "+X", "+Y", " d"]);
    expect(shown({ edits: [edit, { oldText: "1", newText: "2" }] })).toHaveLength(8);
    expect(shown({ oldText: "a\na", newText: "a\na\na" })).toEqual([" a", " a", "+a"]);
  });

  test("holds the old text and the new one, whatever they are", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("a", "b", "")),
        fc.array(fc.constantFrom("a", "b", "")),
        (a, b) => {
          const lines = diffOf({ oldText: a.join("\n"), newText: b.join("\n") }) ?? [];
          const side = (sign: string) => lines.filter((line) => line.sign !== sign).map(({ text }) => text);
          expect(side("+").join("\n")).toBe(a.join("\n"));
          expect(side("-").join("\n")).toBe(b.join("\n"));
        },
      ),
    );
  });

  test.each([
    [null],
    ["text"],
    [7],
    [[]],
    [{}],
    [{ edits: [] }],
    [{ edits: [null, 7] }],
    [{ edits: [{ oldText: 1, newText: "x" }] }],
  ])("of %j is none", (params) => {
    expect(diffOf(params)).toBeUndefined();
  });
});

describe("what was found", () => {
  test("is marked, whatever the case, and the pieces are the text", () => {
    expect(
      hitsIn("A vote for Votes.", 'VOTE "for"')
        .filter(({ isHit }) => isHit)
        .map(({ text }) => text),
    ).toEqual(["vote", "for", "Vote"]);
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, query) => {
        const pieces = hitsIn(text, query);
        expect(pieces.map((piece) => piece.text).join("")).toBe(text);
        for (const { at, text: piece } of pieces) expect(text.startsWith(piece, at)).toBe(true);
      }),
    );
  });
});
