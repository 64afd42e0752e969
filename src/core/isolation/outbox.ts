// What waits to be written to a socket: gathered for one turn of the event loop, so that many small frames are one
// write, and kept when the socket takes no more for now.

/** What one write is made of at most. */
const WRITE_BYTES = 1024 ** 2;

export interface OutboxOptions {
  /** Returns how many bytes were taken; a negative number for a socket that is closed. */
  write(bytes: Uint8Array): number;
  /** The other end does not read: more than this would only fill the memory. */
  bytesMax: number;
  full(): void;
}

export class Outbox {
  readonly #options: OutboxOptions;
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #isScheduled = false;
  #isBlocked = false;
  #isClosed = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  push(...pieces: Uint8Array[]): void {
    if (this.#isClosed) return;
    for (const piece of pieces) {
      this.#waiting.push(piece);
      this.#bytes += piece.byteLength;
    }
    if (this.#bytes > this.#options.bytesMax) this.#options.full();
    else if (!this.#isScheduled && !this.#isBlocked) this.#schedule();
  }

  /** Writes what waits, as far as the socket takes it. */
  flush(): void {
    while (this.#waiting.length > 0 && !this.#isBlocked && !this.#isClosed) {
      const bytes = this.#next();
      const taken = this.#options.write(bytes);
      if (taken < 0) this.close();
      else this.#taken(bytes, taken);
    }
  }

  /** The socket takes more now. */
  drained(): void {
    this.#isBlocked = false;
    this.flush();
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
    this.#bytes = 0;
  }

  #schedule(): void {
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.flush();
    });
  }

  #taken(bytes: Uint8Array, count: number): void {
    this.#bytes -= count;
    this.#isBlocked = count < bytes.byteLength;
    if (this.#isBlocked) this.#waiting.unshift(bytes.subarray(count));
  }

  #next(): Uint8Array {
    let count = 0;
    let bytes = 0;
    while (count < this.#waiting.length && (count === 0 || bytes < WRITE_BYTES)) {
      bytes += this.#waiting[count]?.byteLength ?? 0;
      count++;
    }
    const pieces = this.#waiting.splice(0, count);
    return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
  }
}
