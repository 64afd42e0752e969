// From the bytes of an event stream to its frames.
import type { Frame } from "./types.js";

/** Calls `each` with every frame in order. Resolves when the stream ends or stays silent for too long. */
export async function readFrames(
  response: Response,
  silenceMs: number,
  each: (frame: Frame) => void,
): Promise<void> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  const split = createSplitter();
  for (;;) {
    const silence = setTimeout(() => void reader.cancel(), silenceMs);
    const { done, value } = await reader.read().finally(() => clearTimeout(silence));
    if (done) return;
    for (const frame of split(value)) each(frame);
  }
}

/**
 * Pieces of text in, whole frames out. Comments and other fields than `data` are passed over, and so is what is no JSON of
 * an object: a frame that is lost so is fetched as a node.
 */
export function createSplitter(): (piece: string) => Frame[] {
  let rest = "";
  let data: string[] = [];
  return (piece) => {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    const frames: Frame[] = [];
    for (const line of lines.map(withoutReturn)) {
      if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
      if (line !== "") continue;
      const frame = data.length > 0 ? frameIn(data.join("\n")) : undefined;
      if (frame) frames.push(frame);
      data = [];
    }
    return frames;
  };
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

function frameIn(text: string): Frame | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isFrame(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isFrame(value: unknown): value is Frame {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}
