// A tar of the same bytes for the same files: nothing in it tells when, where or by whom it was made.
import { Header, Pax } from "tar";

const BLOCK_BYTES = 512;
const MADE_AT = new Date(0);

/** One file; `path` is the whole of it, with `/`. */
export function tarEntry(path: string, mode: number, bytes: Uint8Array): Uint8Array[] {
  const isProgram = (mode & 0o111) !== 0;
  const header = new Header({
    path,
    type: "File",
    mode: isProgram ? 0o755 : 0o644,
    size: bytes.length,
    mtime: MADE_AT,
    uid: 0,
    gid: 0,
  });
  const block = Buffer.alloc(BLOCK_BYTES);
  const needsMore = header.encode(block);
  const more = needsMore ? [new Pax({ path, mtime: MADE_AT }).encode()] : [];
  return [...more, block, bytes, Buffer.alloc(-bytes.length & (BLOCK_BYTES - 1))];
}

/** What stands behind the last file. */
export function tarEnd(): Uint8Array {
  return Buffer.alloc(2 * BLOCK_BYTES);
}
