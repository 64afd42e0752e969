// The small parts of keeping a process: frames in any pieces, lines of output, pauses before a restart.
import { expect, test } from "bun:test";
import { Backoff } from "../../../src/core/isolation/backoff.js";
import {
  dataFrame,
  FrameReader,
  KIND,
  messageFrame,
  readMessage,
} from "../../../src/core/isolation/frames.js";
import { LINE_CHARS_MAX, LINES_PER_SECOND_MAX, readLines } from "../../../src/core/isolation/output.js";
import { residentBytes } from "../../../src/core/isolation/watch.js";

test("frames come out as they went in, in whatever pieces they arrive", () => {
  const frames = [
    messageFrame(KIND.call, 2, { name: "ä", n: [1, 2] }),
    messageFrame(KIND.stop, 4_294_967_295),
    ...dataFrame(7, new Uint8Array([1, 2, 3])),
    messageFrame(KIND.told, 0, "x".repeat(1000)),
    ...dataFrame(8, new Uint8Array()),
  ];
  const bytes = Buffer.concat(frames);
  for (const size of [1, 2, 3, 8, 9, 10, 100, bytes.length]) {
    const read: unknown[] = [];
    const reader = new FrameReader((kind, id, payload) =>
      read.push([kind, id, kind === KIND.data ? [...payload] : readMessage(payload)]),
    );
    for (let at = 0; at < bytes.length; at += size) reader.read(bytes.subarray(at, at + size));
    expect(read).toEqual([
      [KIND.call, 2, { name: "ä", n: [1, 2] }],
      [KIND.stop, 4_294_967_295, undefined],
      [KIND.data, 7, [1, 2, 3]],
      [KIND.told, 0, "x".repeat(1000)],
      [KIND.data, 8, []],
    ]);
  }
});

test("a length that no frame has is refused", () => {
  const reader = new FrameReader(() => {});
  expect(() => reader.read(Buffer.from([255, 255, 255, 255, 0]))).toThrow(RangeError);
  expect(() => new FrameReader(() => {}).read(Buffer.from([1, 0, 0, 0, 0]))).toThrow(RangeError);
});

async function linesOf(chunks: string[], now?: () => number): Promise<string[]> {
  const lines: string[] = [];
  const bytes = chunks.map((chunk) => new TextEncoder().encode(chunk));
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of bytes) controller.enqueue(chunk);
      controller.close();
    },
  });
  await readLines(stream, { write: (line) => lines.push(line), now });
  return lines;
}

test("output is read line by line, blank lines left out, the last one without its end too", async () => {
  expect(await linesOf(["one\ntw", "o\n\n  \nthree"])).toEqual(["one", "two", "three"]);
  const [ä, b] = ["ä".slice(0, 1), "b\n"];
  expect(await linesOf([ä, b])).toEqual(["äb"]);
});

test("a long line is cut, and its rest is no line of its own", async () => {
  const long = "x".repeat(LINE_CHARS_MAX + 10);
  expect(await linesOf([`${long}\nnext\n`])).toEqual([`${"x".repeat(LINE_CHARS_MAX)}…`, "next"]);
  const [first, ...rest] = await linesOf([long, long, long, "\nnext\n"]);
  expect([first?.length, rest]).toEqual([LINE_CHARS_MAX + 1, ["next"]]);
});

test("of too many lines in one second the rest is counted", async () => {
  let now = 0;
  const many = Array.from({ length: LINES_PER_SECOND_MAX + 50 }, (_, n) => `line ${n}`).join("\n");
  const lines = await linesOf([`${many}\n`, "later\n"], () => {
    now += 1;
    return now > LINES_PER_SECOND_MAX + 50 ? 1_500 : 500;
  });
  expect(lines).toHaveLength(LINES_PER_SECOND_MAX + 2);
  expect(lines.slice(-2)).toEqual(["… (50 more lines)", "later"]);
});

test("the pause before a restart doubles up to its limit, and begins anew after a good while (spec §5.8)", () => {
  const backoff = new Backoff({ firstMs: 500, longestMs: 30_000, wellMs: 60_000 });
  const soon = Array.from({ length: 8 }, () => backoff.next(0));
  expect(soon).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  expect([backoff.next(60_000), backoff.next(0)]).toEqual([500, 1_000]);
});

test.if(process.platform === "linux")("the memory of a process is told by the system", () => {
  const own = residentBytes(process.pid) ?? 0;
  expect(own / process.memoryUsage.rss()).toBeWithin(0.5, 2);
  expect(residentBytes(2 ** 22 + 1)).toBeUndefined();
});
