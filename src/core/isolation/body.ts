// Bodies on their way through the socket, in either direction. The reader grants how much may come, so that a slow
// client slows the one who writes for it, and fills nobody's memory.

export type Body = ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null;

/** What a body is sent from; bytes may be on their way themselves. */
export type Source = ReadableStream<Uint8Array> | Uint8Array | Promise<Uint8Array>;

/** What may be on the way, or waiting to be read, of one body. */
export const WINDOW_BYTES = 128 * 1024;
/** Granted anew when this much was read: a frame for each chunk would cost more than it carries. */
const GRANT_BYTES = WINDOW_BYTES / 4;
/** Other calls have their turn between two frames of this size. */
const FRAME_BYTES = 64 * 1024;

export interface InflowEnds {
  grant(bytes: number): void;
  /** Nobody reads the rest. */
  stop(): void;
  /** Nothing more comes. Called once. */
  over(): void;
}

/** A body that comes. */
export class Inflow {
  readonly #ends: InflowEnds;
  #chunks: Buffer[] = [];
  #read = 0;
  #isOver = false;
  #error: { reason: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(ends: InflowEnds) {
    this.#ends = ends;
  }

  push(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#chunks.push(chunk);
    this.#wake?.();
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#wake?.();
    this.#ends.over();
  }

  /** What was not read yet is lost. */
  fail(reason: unknown): void {
    if (this.#isOver) return;
    this.#error = { reason };
    this.#chunks = [];
    this.end();
  }

  /** For a body that nobody wants. */
  drop(): void {
    this.#chunks = [];
    if (this.#isOver) return;
    this.#ends.stop();
    this.end();
  }

  /** All of it when all of it is there, and so the length is known; else a stream. To be called once. */
  body(): Body {
    if (!this.#isOver || this.#error) return this.#stream();
    const bytes = Buffer.concat(this.#chunks);
    this.#chunks = [];
    return bytes;
  }

  #stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        pull: (controller) => this.#pull(controller),
        cancel: () => this.drop(),
      },
      { highWaterMark: 0 },
    );
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    if (this.#chunks.length === 0 && !this.#isOver) await this.#next();
    const chunk = this.#chunks.shift();
    if (chunk) {
      this.#grant(chunk.byteLength);
      controller.enqueue(chunk);
    } else if (this.#error) controller.error(this.#error.reason);
    else if (this.#isOver) controller.close();
  }

  async #next(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
    this.#wake = undefined;
  }

  #grant(bytes: number): void {
    this.#read += bytes;
    if (this.#isOver || this.#read < GRANT_BYTES) return;
    this.#ends.grant(this.#read);
    this.#read = 0;
  }
}

export interface OutflowEnds {
  data(bytes: Uint8Array): void;
  end(): void;
  broken(error: unknown): void;
}

/** A body that goes. */
export class Outflow {
  readonly #ends: OutflowEnds;
  #credit = WINDOW_BYTES;
  #isStopped = false;
  #cancel: (() => Promise<void>) | undefined;
  #granted: (() => void) | undefined;

  constructor(ends: OutflowEnds) {
    this.#ends = ends;
  }

  /** Resolves when all of it is sent, when it broke, or when nobody wants more. Never rejects. */
  async run(source: Source): Promise<void> {
    if (this.#isStopped) return discard(source);
    try {
      if (source instanceof ReadableStream) await this.#drain(source);
      else await this.#send(await source);
      if (!this.#isStopped) this.#ends.end();
    } catch (error) {
      if (!this.#isStopped) this.#ends.broken(error);
      this.stop();
    }
  }

  grant(bytes: number): void {
    this.#credit += bytes;
    this.#granted?.();
  }

  stop(): void {
    this.#isStopped = true;
    this.#granted?.();
    this.#cancel?.().catch(nobodyToTell);
    this.#cancel = undefined;
  }

  async #drain(source: ReadableStream<Uint8Array>): Promise<void> {
    const reader = source.getReader();
    this.#cancel = () => reader.cancel();
    for (let isDone = false; !isDone; ) {
      const { done, value } = await reader.readMany();
      for (const chunk of value) await this.#send(bytesOf(chunk));
      if (this.#isStopped) return;
      isDone = done;
    }
    this.#cancel = undefined;
  }

  async #send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength && !this.#isStopped; at += FRAME_BYTES) {
      if (this.#credit <= 0) await this.#moreCredit();
      if (this.#isStopped) return;
      const piece = bytes.subarray(at, at + FRAME_BYTES);
      this.#credit -= piece.byteLength;
      this.#ends.data(piece);
    }
  }

  async #moreCredit(): Promise<void> {
    while (this.#credit <= 0 && !this.#isStopped) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#granted = resolve;
      await promise;
    }
    this.#granted = undefined;
  }
}

/** For a body that nobody wants. Never rejects. */
export async function discard(source: Source | null | undefined): Promise<void> {
  const gone = source instanceof ReadableStream ? source.cancel() : source;
  await Promise.resolve(gone).catch(nobodyToTell);
}

/** Whoever cancels a source does not want it any more; that it had failed meanwhile is news for nobody. */
function nobodyToTell(): void {}

/** Streams of Bun may hold text and other views; what else they hold is no body. */
function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === "string") return Buffer.from(chunk);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw new TypeError(`A body is made of bytes. Received: ${typeof chunk}`);
}
