// Cuts a stream of bytes into lines. A line that comes in many pieces is put together once, so the cost stays linear.

/** One line of pi's output, spec pi §17.7. */
export const LINE_BYTES_MAX = 64 * 1024 * 1024;

const LF = 0x0a;

export interface LineCutter {
  /** The lines that this chunk completes, without their LF. Throws when a line is longer than allowed. */
  push(chunk: Uint8Array): Buffer[];
  /** What came after the last LF, when that is anything. */
  end(): Buffer[];
}

export function createLineCutter(bytesMax = LINE_BYTES_MAX): LineCutter {
  let pieces: Buffer[] = [];
  let bytes = 0;

  function keep(piece: Buffer): void {
    if (bytes + piece.length > bytesMax) throw new Error(`pi sent a line over ${bytesText(bytesMax)}`);
    if (piece.length === 0) return;
    pieces.push(piece);
    bytes += piece.length;
  }

  function take(): Buffer {
    const line = pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces, bytes);
    pieces = [];
    bytes = 0;
    return line;
  }

  return {
    push(chunk) {
      const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      const lines: Buffer[] = [];
      let start = 0;
      for (let at = buffer.indexOf(LF); at >= 0; at = buffer.indexOf(LF, start)) {
        keep(buffer.subarray(start, at));
        lines.push(take());
        start = at + 1;
      }
      keep(buffer.subarray(start));
      return lines;
    },
    end: () => (bytes > 0 ? [take()] : []),
  };
}

function bytesText(bytes: number): string {
  return bytes % (1024 * 1024) === 0 ? `${bytes / (1024 * 1024)} MiB` : `${bytes} bytes`;
}
