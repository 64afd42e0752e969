// The wire: a message -> the events of the streaming protocol, in pieces as a model sends them, whole or broken off.
import type {
  ContentBlock,
  Message,
  RawContentBlockDelta,
  RawMessageStreamEvent,
} from "@anthropic-ai/sdk/resources/messages";

export interface StreamOptions {
  /** Milliseconds between two pieces, which are then single words. */
  pauseMs?: number;
  /** Ends the stream in its middle: with an `error` event, or by breaking the connection. */
  breakOff?: { type: string; message: string } | "connection";
}

/** Characters of a piece of text or arguments, unless the text is so long that there would be too many. */
const PIECE_CHARACTERS = 16;
/** Readers that repeat the whole message with each piece would otherwise need time and memory by the square. */
const PIECES_MAX = 400;
/** Frames are handed to the socket in batches of about this many characters. */
const BATCH_CHARACTERS = 4096;
/** Gives the bytes written before it time to leave, so that the other side sees a reply that broke in its middle. */
const BEFORE_BREAK_MS = 10;

/** The body of a `text/event-stream` answer. */
export function streamOf(
  message: Message,
  { pauseMs = 0, breakOff }: StreamOptions = {},
): ReadableStream<Uint8Array> {
  const frames = Array.from(eventsOf(message, pauseMs > 0), frame);
  if (breakOff) frames.length = middleOf(frames.length);
  if (breakOff && breakOff !== "connection") frames.push(frame({ type: "error", error: breakOff }));
  return bodyOf(frames, { pauseMs, breaks: breakOff === "connection" });
}

/** The body of an answer that was to come whole, and whose connection breaks in the middle. */
export function brokenJson(message: Message): ReadableStream<Uint8Array> {
  const json = JSON.stringify(message);
  return bodyOf([json.slice(0, json.length / 2)], { pauseMs: 0, breaks: true });
}

/** Read at the reader's pace. A reader that goes away ends it at once. */
function bodyOf(frames: readonly string[], { pauseMs, breaks }: { pauseMs: number; breaks: boolean }) {
  const gone = new AbortController();
  const encoder = new TextEncoder();
  const batchCharacters = pauseMs > 0 ? 1 : BATCH_CHARACTERS;
  let next = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (next > 0 && pauseMs > 0) await pause(pauseMs, gone.signal);
      let batch = "";
      while (next < frames.length && batch.length < batchCharacters) batch += frames[next++];
      if (batch !== "") return controller.enqueue(encoder.encode(batch));
      if (!breaks) return controller.close();
      await pause(BEFORE_BREAK_MS, gone.signal);
      controller.error(new Error("The connection was broken on purpose."));
    },
    cancel: () => gone.abort(),
  });
}

/** The same events that the real endpoint sends for this message, `ping` included. */
export function* eventsOf(
  message: Message,
  byWord = false,
): Generator<RawMessageStreamEvent | { type: "ping" }> {
  const { content, stop_reason, stop_sequence, container, usage } = message;
  const start = { ...message, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } };
  yield { type: "message_start", message: start };
  yield { type: "ping" };
  for (const [index, block] of content.entries()) {
    yield { type: "content_block_start", index, content_block: opened(block) };
    for (const delta of deltasOf(block, byWord)) yield { type: "content_block_delta", index, delta };
    yield { type: "content_block_stop", index };
  }
  const {
    input_tokens,
    output_tokens,
    cache_creation_input_tokens,
    cache_read_input_tokens,
    server_tool_use,
  } = usage;
  yield {
    type: "message_delta",
    delta: { stop_reason, stop_sequence, container, stop_details: null },
    usage: {
      input_tokens,
      output_tokens,
      cache_creation_input_tokens,
      cache_read_input_tokens,
      server_tool_use,
    },
  };
  yield { type: "message_stop" };
}

/** After the first piece of the first block, where there is one, and before the end. */
function middleOf(frames: number): number {
  return Math.min(Math.max(4, Math.floor(frames / 2)), frames - 2);
}

function frame(event: { type: string; error?: unknown }): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

function opened(block: ContentBlock): ContentBlock {
  if (block.type === "text") return { ...block, text: "" };
  if (block.type === "thinking") return { ...block, thinking: "", signature: "" };
  return block.type === "tool_use" ? { ...block, input: {} } : block;
}

function deltasOf(block: ContentBlock, byWord: boolean): RawContentBlockDelta[] {
  if (block.type === "text") {
    const texts = byWord ? block.text.split(/(?<=\s)(?=\S)/) : pieces(block.text);
    return texts.map((text) => ({ type: "text_delta", text }));
  }
  if (block.type === "thinking") {
    const thoughts = pieces(block.thinking).map(
      (thinking): RawContentBlockDelta => ({ type: "thinking_delta", thinking }),
    );
    return [...thoughts, { type: "signature_delta", signature: block.signature }];
  }
  if (block.type !== "tool_use") return [];
  const json = ["", ...pieces(JSON.stringify(block.input))];
  return json.map((partial_json) => ({ type: "input_json_delta", partial_json }));
}

/** Cuts a text, after a blank where there is one, and never inside of a character. */
function pieces(text: string): string[] {
  const length = Math.max(PIECE_CHARACTERS, Math.ceil(text.length / PIECES_MAX));
  const cut: string[] = [];
  for (let at = 0; at < text.length; ) {
    const blank = text.lastIndexOf(" ", at + length) + 1;
    const end = whole(text, blank > at + length / 2 ? blank : at + length);
    cut.push(text.slice(at, end));
    at = end;
  }
  return cut;
}

function whole(text: string, end: number): number {
  const code = text.charCodeAt(end);
  return code >= 0xdc00 && code <= 0xdfff ? end + 1 : end;
}

function pause(ms: number, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    gone.addEventListener("abort", done, { once: true });
    function done() {
      clearTimeout(timer);
      gone.removeEventListener("abort", done);
      resolve();
    }
  });
}
