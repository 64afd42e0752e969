// The text of an event stream, taken apart whatever its pieces are.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { createBlockReader, parseBlock } from "../../src/cli/sse.js";

test("blocks are the same however the stream is cut into pieces", () => {
  const text = ': connected\n\nretry: 2000\n\nid: 1\ndata: {"a":"x\u2028y"}\n\nid: 2\ndata: {}\n\n';
  const whole = createBlockReader()(text);
  expect(whole).toHaveLength(4);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (sizes) => {
      const read = createBlockReader();
      const blocks: string[] = [];
      for (let at = 0, turn = 0; at < text.length; turn++) {
        const size = sizes[turn % sizes.length] ?? 1;
        blocks.push(...read(text.slice(at, at + size)));
        at += size;
      }
      expect(blocks).toEqual(whole);
    }),
    { numRuns: 100 },
  );
});

test("a block gives its id, its retry and its data; comments and unknown fields give nothing", () => {
  expect(parseBlock('id: 12\nevent: x\ndata: {"b":": \u2028"}')).toEqual({
    id: 12,
    data: '{"b":": \u2028"}',
  });
  expect(parseBlock("retry: 2000")).toEqual({ retryMs: 2000 });
  expect(parseBlock(": ping")).toEqual({});
  expect(parseBlock("data: a\ndata:b")).toEqual({ data: "a\nb" });
  expect(parseBlock("id: x")).toEqual({});
});

test("a stream that never ends a frame is refused", () => {
  const read = createBlockReader();
  const piece = "x".repeat(8 * 1024 * 1024);
  expect(() => [read(piece), read(piece), read(piece)]).toThrow("a frame is longer than 16777216 characters");
});
