// Keeps the end of what a process writes to its stderr, while reading all of it.
import { messageOf } from "../core/errors.js";

export interface Tail {
  text(): string;
  /** Settles when there is nothing more to read. */
  readonly over: Promise<void>;
  stop(): void;
}

export function keepTail(stream: ReadableStream<Uint8Array>, charsMax: number): Tail {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let tail = "";
  const keep = (text: string) => {
    tail = (tail + text).slice(-charsMax);
  };
  const unreadable = (error: unknown) => keep(`\n(could not be read on: ${messageOf(error)})`);
  async function read(): Promise<void> {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      keep(decoder.decode(value, { stream: true }));
    }
  }
  return {
    text: () => tail,
    over: read().catch(unreadable),
    stop: () => void reader.cancel().catch(unreadable),
  };
}
