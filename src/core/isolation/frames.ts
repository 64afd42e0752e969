// What goes over the socket between the server and the process of a service: frames of a length, a kind, the number of a
// call and a payload, which is JSON or bytes.

/** The first four concern a call and its answer, the next three its body, the last two how much of a body may come. */
export const KIND = {
  call: 0,
  answer: 1,
  failure: 2,
  news: 3,
  cancel: 4,
  data: 5,
  end: 6,
  broken: 7,
  grant: 8,
  stop: 9,
  told: 10,
} as const;

export type Kind = (typeof KIND)[keyof typeof KIND];

/** Length of the rest (4), kind (1), number of the call (4). */
const HEAD_BYTES = 9;
const LENGTH_BYTES = 4;

/** A message that needs more is refused where it is sent: nothing of a service is meant to be that large at once. */
export const MESSAGE_BYTES_MAX = 64 * 1024 ** 2;

/** A frame with bytes as they are, in pieces that may go out one after another without being copied together. */
export function dataFrame(id: number, bytes: Uint8Array): Uint8Array[] {
  return [head(KIND.data, id, bytes.byteLength), bytes];
}

/** A frame with JSON, or with nothing. Throws for a value that JSON cannot hold, and for one that is too large. */
export function messageFrame(kind: Kind, id: number, value?: unknown): Uint8Array {
  const text = value === undefined ? "" : JSON.stringify(value);
  const length = Buffer.byteLength(text);
  if (length > MESSAGE_BYTES_MAX) throw new RangeError(`a message of ${length} bytes is too large`);
  const frame = head(kind, id, length, HEAD_BYTES + length);
  frame.write(text, HEAD_BYTES);
  return frame;
}

/** The value of a payload that `messageFrame` wrote. The other end is this same program, so its form is taken as it is. */
export function readMessage(payload: Buffer) {
  return payload.byteLength === 0 ? undefined : JSON.parse(payload.toString());
}

function head(kind: Kind, id: number, length: number, size = HEAD_BYTES): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  bytes.writeUInt32LE(HEAD_BYTES - LENGTH_BYTES + length, 0);
  bytes.writeUInt8(kind, LENGTH_BYTES);
  bytes.writeUInt32LE(id, LENGTH_BYTES + 1);
  return bytes;
}

export type OnFrame = (kind: number, id: number, payload: Buffer) => void;

/** Puts frames together again from whatever pieces the socket gives. */
export class FrameReader {
  readonly #onFrame: OnFrame;
  #parts: Buffer[] = [];
  #bytes = 0;
  /** How much has to be there before it is worth a look. */
  #needed = LENGTH_BYTES;

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  /** Throws for a length that no frame has: the other end speaks something else then. */
  read(chunk: Buffer): void {
    this.#parts.push(chunk);
    this.#bytes += chunk.byteLength;
    if (this.#bytes < this.#needed) return;
    const bytes = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts);
    const rest = this.#take(bytes);
    this.#parts = rest.byteLength === 0 ? [] : [rest];
    this.#bytes = rest.byteLength;
  }

  /** Hands on the whole frames at the beginning of `bytes` and returns what is left. */
  #take(bytes: Buffer): Buffer {
    let at = 0;
    for (;;) {
      const left = bytes.byteLength - at;
      this.#needed = LENGTH_BYTES + (left < LENGTH_BYTES ? 0 : lengthAt(bytes, at));
      if (left < this.#needed || left < LENGTH_BYTES) return bytes.subarray(at);
      const end = at + this.#needed;
      const payload = bytes.subarray(at + HEAD_BYTES, end);
      this.#onFrame(bytes.readUInt8(at + LENGTH_BYTES), bytes.readUInt32LE(at + LENGTH_BYTES + 1), payload);
      at = end;
    }
  }
}

function lengthAt(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32LE(at);
  if (length < HEAD_BYTES - LENGTH_BYTES || length > HEAD_BYTES + MESSAGE_BYTES_MAX) {
    throw new RangeError(`no frame is ${length} bytes long`);
  }
  return length;
}
