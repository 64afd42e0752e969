// An endpoint that speaks Anthropic's Messages protocol: it keeps what it was asked and answers as a test says.

export type ReplyBlock =
  | { type: "text"; text: string }
  | { type: "thinking"; thinking: string; signature: string }
  | { type: "tool_use"; id: string; name: string; input: unknown };

export interface ModelRequest {
  system: { text: string }[];
  // biome-ignore lint/suspicious/noExplicitAny: tests look into what pi sent.
  messages: { role: "user" | "assistant"; content: any }[];
  tools?: { name: string; description: string; input_schema: unknown }[];
}

/** What the model says to its nth request, counted from 0; a number is an HTTP status. */
export type Script = (
  request: ModelRequest,
  n: number,
) => ReplyBlock[] | number | Promise<ReplyBlock[] | number>;

export interface RecordedModel {
  url: string;
  requests: ModelRequest[];
  stop(): void;
}

export function startModel(script: Script): RecordedModel {
  const requests: ModelRequest[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      const body = (await request.json()) as ModelRequest;
      requests.push(body);
      const reply = await script(body, requests.length - 1);
      if (typeof reply !== "number") return streamOf(reply);
      return Response.json(
        { type: "error", error: { type: "api_error", message: "scripted" } },
        { status: reply },
      );
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, requests, stop: () => void server.stop(true) };
}

export function text(words: string): ReplyBlock[] {
  return [{ type: "text", text: words }];
}

export function calls(...made: [id: string, name: string, input: unknown][]): ReplyBlock[] {
  return made.map(([id, name, input]) => ({ type: "tool_use", id, name, input }));
}

/** The names of the tools that a request offered. */
export function offered(request: ModelRequest | undefined): string[] {
  return (request?.tools ?? []).map((tool) => tool.name).sort();
}

function streamOf(blocks: ReplyBlock[]): Response {
  const stop_reason = blocks.some((block) => block.type === "tool_use") ? "tool_use" : "end_turn";
  const usage = {
    input_tokens: 10,
    output_tokens: 5,
    cache_read_input_tokens: 0,
    cache_creation_input_tokens: 0,
  };
  const message = { id: "msg", type: "message", role: "assistant", model: "scripted", content: [], usage };
  const events = [
    { type: "message_start", message: { ...message, stop_reason: null, stop_sequence: null } },
    ...blocks.flatMap(eventsOf),
    { type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 5 } },
    { type: "message_stop" },
  ];
  const body = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
  return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
}

function eventsOf(block: ReplyBlock, index: number): { type: string; [field: string]: unknown }[] {
  const deltas = {
    text: () => [{ type: "text_delta", text: (block as { text: string }).text }],
    thinking: () => {
      const { thinking, signature } = block as { thinking: string; signature: string };
      return [
        { type: "thinking_delta", thinking },
        { type: "signature_delta", signature },
      ];
    },
    tool_use: () => [
      { type: "input_json_delta", partial_json: JSON.stringify((block as { input: unknown }).input) },
    ],
  }[block.type]();
  const start = { text: { text: "" }, thinking: { thinking: "", signature: "" }, tool_use: { input: {} } }[
    block.type
  ];
  return [
    { type: "content_block_start", index, content_block: { ...block, ...start } },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index },
  ];
}
