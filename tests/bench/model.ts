// A model endpoint that says when it was asked: both sides of the comparison call it, and its clock is the caller's own.

const REPLY = [
  ["message_start", { message: messageStart() }],
  ["content_block_start", { index: 0, content_block: { type: "text", text: "" } }],
  ["content_block_delta", { index: 0, delta: { type: "text_delta", text: "ok" } }],
  ["content_block_stop", { index: 0 }],
  ["message_delta", { delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: 1 } }],
  ["message_stop", {}],
] as const;

const STREAM = REPLY.map(
  ([type, fields]) => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`,
).join("");

const SILENT_MS = 30_000;

export interface Model {
  url: string;
  /** Resolves with the time (`performance.now()`) of the next request; rejects when none comes. */
  nextRequest(): Promise<number>;
  stop(): Promise<void>;
}

/** Speaks as much of the Anthropic Messages protocol as a reply of one word needs. */
export function startModel(): Model {
  let asked: PromiseWithResolvers<number> | undefined;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch() {
      asked?.resolve(performance.now());
      return new Response(STREAM, { headers: { "Content-Type": "text/event-stream" } });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    nextRequest() {
      asked = Promise.withResolvers<number>();
      const { promise, reject } = asked;
      const late = setTimeout(() => reject(new Error(`no model request in ${SILENT_MS} ms`)), SILENT_MS);
      return promise.finally(() => clearTimeout(late));
    },
    stop: () => server.stop(true),
  };
}

function messageStart(): Record<string, unknown> {
  const usage = {
    input_tokens: 1,
    output_tokens: 1,
    cache_read_input_tokens: 0,
    cache_creation_input_tokens: 0,
  };
  return {
    id: "msg_bench",
    type: "message",
    role: "assistant",
    model: "claude-sonnet-4-5",
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage,
  };
}
