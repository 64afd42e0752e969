// The bytes of a packed archive, unpacked and counted while they arrive, in blocks as a tar has them.
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { messageOf, ReefError } from "#core/errors.js";
import { refused } from "#core/http.js";
import { ENTRIES_MAX, PACKED_BYTES_MAX, UNPACKED_BYTES_MAX } from "./limits.js";

export const BLOCK_BYTES = 512;
/** Headers and padding, the extended headers with long names included. */
const FRAME_BYTES_MAX = ENTRIES_MAX * 16 * BLOCK_BYTES;
const GZIP = [0x1f, 0x8b];

type Chunks = AsyncIterable<Uint8Array>;

/** Each chunk is a whole number of blocks. Rejects `bad_request` for what is no gzip, too large or cut off. */
export async function* unzip(packed: Chunks): AsyncIterable<Buffer> {
  const source = Readable.from(counted(packed, PACKED_BYTES_MAX, "packed"));
  const gunzip = createGunzip();
  source.on("error", (error) => gunzip.destroy(error));
  try {
    yield* blocks(counted(source.pipe(gunzip), UNPACKED_BYTES_MAX, "unpacked", FRAME_BYTES_MAX));
  } catch (error) {
    throw error instanceof ReefError ? error : unreadable(messageOf(error), error);
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}

export function unreadable(problem: string, cause?: unknown): ReefError {
  return new ReefError("bad_request", `The archive cannot be read: ${problem}`, {}, { cause });
}

async function* counted(chunks: Chunks, bytesMax: number, form: string, extra = 0): Chunks {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > bytesMax + extra) throw refused(`The archive is larger than ${bytesMax} bytes ${form}`);
    yield chunk;
  }
}

async function* blocks(chunks: Chunks): AsyncIterable<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  let isFirst = true;
  for await (const chunk of chunks) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : Buffer.from(chunk);
    const end = bytes.length - (bytes.length % BLOCK_BYTES);
    rest = bytes.subarray(end);
    if (end === 0) continue;
    if (isFirst && GZIP.every((byte, at) => bytes[at] === byte)) throw unreadable("it is packed twice");
    isFirst = false;
    yield bytes.subarray(0, end);
  }
  if (rest.length > 0) throw unreadable("it ends too early");
}
