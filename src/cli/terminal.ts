// Where the command line reads and writes: results go to stdout, everything said about them to stderr.
import { browse } from "./browse.js";

export interface Terminal {
  /** Results: what somebody may pipe into a file. */
  readonly out: Output;
  /** Progress, notes and errors. */
  readonly err: Output;
  /** The whole of stdin as text, at most STDIN_BYTES_MAX. */
  stdin(): Promise<string>;
  /** Calls `fn` for each Ctrl-C (and for SIGTERM) until the returned undo is called. */
  onInterrupt(fn: () => void): () => void;
  /** Shows an address in a browser; false when none could be started. Undefined where nobody could look at it. */
  browse?(url: string): boolean;
}

export interface Output {
  write(text: string): void;
  readonly paint: Paint;
  /** Undefined where no terminal is at the other end. */
  readonly columns: number | undefined;
}

export type Color = keyof typeof CODES;
export type Paint = (color: Color, text: string) => string;

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 } as const;
const STDIN_BYTES_MAX = 16 * 1024 * 1024;
/** A terminal's Ctrl-C may arrive twice: once by itself and once passed on by a wrapper such as `npx`. */
const SAME_INTERRUPT_MS = 200;

export const colored: Paint = (color, text) => (text === "" ? "" : `\x1b[${CODES[color]}m${text}\x1b[0m`);
export const uncolored: Paint = (_, text) => text;

/** The terminal of this process; `colors` says whether colours are wanted at all, `desktop` whether browsers are of use. */
export function processTerminal({ colors, desktop }: { colors: boolean; desktop: boolean }): Terminal {
  return {
    out: outputTo(process.stdout, colors),
    err: outputTo(process.stderr, colors),
    stdin: readStdin,
    onInterrupt,
    ...(desktop && { browse: (url) => browse(url) }),
  };
}

function outputTo(stream: NodeJS.WriteStream, colors: boolean): Output {
  return {
    write(text) {
      if (stream.listenerCount("error") === 0) stream.on("error", endQuietly);
      stream.write(text);
    },
    paint: colors && stream.isTTY ? colored : uncolored,
    columns: stream.isTTY ? stream.columns : undefined,
  };
}

/** `reef tail | head -1`: the reader has what it wanted. */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
}

async function readStdin(): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    bytes += chunk.length;
    if (bytes > STDIN_BYTES_MAX) throw new Error(`stdin is longer than ${STDIN_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function onInterrupt(fn: () => void): () => void {
  let last = Number.NEGATIVE_INFINITY;
  const heard = () => {
    const now = performance.now();
    if (now - last < SAME_INTERRUPT_MS) return;
    last = now;
    fn();
  };
  process.on("SIGINT", heard).on("SIGTERM", heard);
  return () => void process.off("SIGINT", heard).off("SIGTERM", heard);
}
