// The end of what a stream says: enough of it is kept for the output of a run, however much it says.

const OUTPUT_CHARS_MAX = 10_000;
/** No character that is kept takes more. */
const BYTES_PER_CHAR = 4;
/** After so much, everybody else has a turn. */
const BURST_BYTES = 4 * 1024 * 1024;

export interface Tail {
  /** The last characters that came, as many as an output holds. */
  text(): string;
  /** Settles when the stream is over, whoever ended it. Never rejects. */
  readonly over: Promise<void>;
  /** Reads no more. */
  stop(): void;
}

export function keepTail(stream: ReadableStream<Uint8Array>): Tail {
  const reader = stream.getReader();
  const bytesKept = (OUTPUT_CHARS_MAX + 1) * BYTES_PER_CHAR;
  let kept = Buffer.alloc(0);

  async function read(): Promise<void> {
    let burst = 0;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const all = Buffer.concat([kept, value.subarray(-bytesKept)]);
      kept = Buffer.from(all.subarray(-bytesKept));
      burst += value.length;
      if (burst < BURST_BYTES) continue;
      burst = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** How a stream breaks off is told by whoever wrote it: by an exit code, a status or an abort. */
  const ended = () => {};
  return {
    text: () => lastChars(new TextDecoder().decode(kept)),
    over: read().then(ended, ended),
    stop: () => void reader.cancel().catch(ended),
  };
}

/** Cut at a whole character. */
function lastChars(text: string): string {
  if (text.length <= OUTPUT_CHARS_MAX) return text;
  const end = text.slice(-OUTPUT_CHARS_MAX);
  return /^[\udc00-\udfff]/.test(end) ? end.slice(1) : end;
}
