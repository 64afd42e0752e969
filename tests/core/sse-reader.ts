// Reads a stream of events as a browser does: fields by line, a frame at each blank line, comments kept apart.

export interface Heard {
  id?: string;
  event?: string;
  data?: string;
  /** The text of a comment. */
  comment?: string;
  retry?: string;
}

export interface SseReader {
  /** The next frame; undefined when the stream has ended. */
  next(): Promise<Heard | undefined>;
  /** Frames up to the first that fits, that one included. Rejects when the stream ends before. */
  until(fits: (frame: Heard) => boolean): Promise<Heard[]>;
  /** All frames until the stream ends. */
  rest(): Promise<Heard[]>;
  close(): Promise<void>;
}

export function readSse(response: Response): SseReader {
  if (!response.body) throw new Error("The answer has no body.");
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const frames: Heard[] = [];
  let text = "";

  async function next(): Promise<Heard | undefined> {
    while (frames.length === 0) {
      const { done, value } = await reader.read();
      if (done) return undefined;
      text += decoder.decode(value, { stream: true });
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      frames.push(...blocks.map(frameOf));
    }
    return frames.shift();
  }

  async function until(fits: (frame: Heard) => boolean): Promise<Heard[]> {
    const heard: Heard[] = [];
    for (let frame = await next(); frame; frame = await next()) {
      heard.push(frame);
      if (fits(frame)) return heard;
    }
    throw new Error(`The stream ended before: ${JSON.stringify(heard.slice(-3))}`);
  }

  async function rest(): Promise<Heard[]> {
    const heard: Heard[] = [];
    for (let frame = await next(); frame; frame = await next()) heard.push(frame);
    return heard;
  }

  return { next, until, rest, close: () => reader.cancel() };
}

function frameOf(block: string): Heard {
  const frame: Record<string, string> = {};
  for (const line of block.split("\n")) {
    const [name = "", value = ""] = line.split(/:(?: (.*))?/s);
    frame[name === "" ? "comment" : name] = value;
  }
  return frame;
}
