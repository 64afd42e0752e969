// Lines out of chunks, wherever the chunks are cut.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createLineCutter } from "../../src/agent/lines.js";

const bytes = (text: string) => new TextEncoder().encode(text);
const texts = (lines: Buffer[]) => lines.map((line) => line.toString("utf8"));

describe("line cutter", () => {
  test("any way to cut the same bytes into chunks gives the same lines", () => {
    const line = fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => text.replaceAll("\n", " "));
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 8 }),
        fc.array(fc.nat(40), { maxLength: 20 }),
        (lines, sizes) => {
          const whole = bytes(lines.map((text) => `${text}\n`).join(""));
          const cutter = createLineCutter();
          const found: Buffer[] = [];
          let at = 0;
          for (const size of sizes) {
            found.push(...cutter.push(whole.slice(at, at + size)));
            at += size;
          }
          found.push(...cutter.push(whole.slice(at)));
          expect(texts(found)).toEqual(lines);
          expect(cutter.end()).toEqual([]);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("only LF ends a line, not U+2028 (spec pi §3)", () => {
    expect(texts(createLineCutter().push(bytes('{"a":"\u2028"}\n')))).toEqual(['{"a":"\u2028"}']);
  });

  test("a last line without LF is a line at the end", () => {
    const cutter = createLineCutter();
    expect(texts(cutter.push(bytes("one\ntw")))).toEqual(["one"]);
    expect(texts(cutter.push(bytes("o")))).toEqual([]);
    expect(texts(cutter.end())).toEqual(["two"]);
  });

  test("a line over the limit throws and names the limit", () => {
    const cutter = createLineCutter(1024 * 1024);
    const half = new Uint8Array(600_000).fill(97);
    cutter.push(half);
    expect(() => cutter.push(half)).toThrow("pi sent a line over 1 MiB");
  });

  test("a complete line over the limit throws too", () => {
    expect(() => createLineCutter(10).push(bytes("12345678901\n"))).toThrow("pi sent a line over 10 bytes");
    expect(texts(createLineCutter(10).push(bytes("1234567890\n")))).toEqual(["1234567890"]);
  });
});
