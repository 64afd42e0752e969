// The wire format: events in the order of the protocol, in pieces that join to the message, at the pace that was asked.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { messageOf } from "../../src/offline/message.js";
import { checkRequest } from "../../src/offline/request.js";
import type { Reply } from "../../src/offline/script.js";
import { eventsOf, streamOf } from "../../src/offline/stream.js";

const request = checkRequest({
  model: "some-model",
  max_tokens: 10,
  messages: [{ role: "user", content: "12345678" }],
});

function message(reply: Partial<Reply>) {
  return messageOf({ text: "", calls: [], ...reply }, request);
}

function joined(reply: Partial<Reply>, byWord = false): { texts: string[]; kinds: string[] } {
  const texts: string[] = [];
  const kinds: string[] = [];
  for (const event of eventsOf(message(reply), byWord)) {
    kinds.push(event.type);
    if (event.type !== "content_block_delta") continue;
    const { delta } = event;
    const piece =
      "text" in delta
        ? delta.text
        : "partial_json" in delta
          ? delta.partial_json
          : "thinking" in delta
            ? delta.thinking
            : "";
    texts[event.index] = (texts[event.index] ?? "") + piece;
  }
  return { texts, kinds };
}

test("a reply of three kinds of blocks has the events of the protocol in order (pi spec §9)", () => {
  const { kinds, texts } = joined({
    thinking: "hm",
    text: "hello",
    calls: [{ name: "bash", input: { command: "ls" } }],
  });
  expect(kinds.filter((kind, at) => kind !== kinds[at - 1])).toEqual([
    "message_start",
    "ping",
    ...["content_block_start", "content_block_delta", "content_block_stop"],
    ...["content_block_start", "content_block_delta", "content_block_stop"],
    ...["content_block_start", "content_block_delta", "content_block_stop"],
    "message_delta",
    "message_stop",
  ]);
  expect(texts).toEqual(["hm", "hello", '{"command":"ls"}']);
});

test("whatever the text, its pieces join to it and none cuts a character in two", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), fc.boolean(), (text, byWord) => {
      const events = [...eventsOf(message({ text }), byWord)];
      const pieces = events.flatMap((event) =>
        event.type === "content_block_delta" && event.delta.type === "text_delta" ? [event.delta.text] : [],
      );
      expect(pieces.join("")).toBe(text);
      expect(pieces.every((piece) => piece.isWellFormed())).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test("text comes in several pieces, a very long one in a bounded number of them", () => {
  expect(joined({ text: "the quick brown fox jumps over the lazy dog" }).kinds.length).toBeGreaterThan(8);
  expect(joined({ text: "x".repeat(1_000_000) }).kinds.length).toBeLessThan(500);
});

test("usage is counted from lengths, and the model of the request is echoed", () => {
  const { usage, model } = message({ text: "1234567", calls: [{ name: "bash", input: {} }] });
  expect(model).toBe("some-model");
  expect(usage).toMatchObject({
    input_tokens: 3,
    output_tokens: 4,
    cache_read_input_tokens: 0,
    cache_creation_input_tokens: 0,
  });
});

test("ids are never the same", () => {
  const calls = [
    { name: "bash", input: {} },
    { name: "bash", input: {} },
  ];
  const ids = [message({ calls }), message({ calls })].flatMap(({ id, content }) => [
    id,
    ...content.flatMap((block) => (block.type === "tool_use" ? [block.id] : [])),
  ]);
  expect(new Set(ids).size).toBe(6);
});

test("a slow reply sends word by word", async () => {
  const decoder = new TextDecoder();
  const frames: string[] = [];
  for await (const chunk of streamOf(message({ text: "one two three" }), { pauseMs: 1 })) {
    frames.push(decoder.decode(chunk));
  }
  const texts = frames.flatMap((frame) => /"text":"(\w+ ?)"/.exec(frame)?.[1] ?? []);
  expect(texts).toEqual(["one ", "two ", "three"]);
});

test("a reader that goes away ends the pause at once", async () => {
  const reader = streamOf(message({ text: "one two three" }), { pauseMs: 3_600_000 }).getReader();
  await reader.read();
  const waiting = reader.read();
  await reader.cancel();
  expect(await waiting).toEqual({ done: true, value: undefined });
});
