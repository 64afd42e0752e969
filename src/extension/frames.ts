// Reads the JSON frames of a `text/event-stream` answer as they arrive.

/** One frame, undecoded; a tool result beyond it could not be kept by anybody. */
const FRAME_CHARS_MAX = 64 * 1024 * 1024;

export interface Frame {
  type: string;
  [field: string]: unknown;
}

/** Leaving the loop early closes the connection. Comments and fields other than `data` are skipped. */
export async function* frames(response: Response): AsyncGenerator<Frame> {
  if (!response.body) return;
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    rest += decoder.decode(chunk, { stream: true });
    const blocks = rest.split("\n\n");
    rest = blocks.pop() ?? "";
    if (rest.length > FRAME_CHARS_MAX) throw new Error(`a frame of over ${FRAME_CHARS_MAX} characters`);
    for (const block of blocks) {
      const data = dataOf(block);
      if (data) yield JSON.parse(data) as Frame;
    }
  }
}

function dataOf(block: string): string {
  const lines = block.split("\n").filter((line) => line.startsWith("data:"));
  return lines.map((line) => line.slice("data:".length).trimStart()).join("\n");
}
