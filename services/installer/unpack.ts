// Takes a packed service apart, entry by entry while it arrives. One that holds anything but folders and files below one
// top folder is refused as a whole, and so is one that is too large, as soon as that shows.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Parser, type ReadEntry } from "tar";
import { messageOf, ReefError } from "#core/errors.js";
import { refused } from "#core/http.js";
import { ENTRIES_MAX, FILE_BYTES_MAX, UNPACKED_BYTES_MAX } from "./limits.js";
import { unreadable, unzip } from "./unzip.js";

/** Of what describes the next entry (names, mostly), and of all of that together. */
const META_BYTES_MAX = 64 * 1024;
const ALL_META_CHARS_MAX = 8 * 1024 * 1024;
const FILES = new Set(["File", "OldFile", "ContiguousFile"]);

interface Unpacked {
  /** Below the top folder; empty for that itself. */
  path: string;
  /** Undefined for a folder. */
  bytes?: Buffer;
  isExecutable: boolean;
}

/** Writes what the archive holds below its top folder into `folder`. Rejects `bad_request` for what it refuses. */
export async function unpack(packed: AsyncIterable<Uint8Array>, folder: string): Promise<void> {
  const reader = createReader();
  await mkdir(folder, { recursive: true });
  for await (const chunk of unzip(packed)) {
    for (const entry of reader.read(chunk)) await write(folder, entry);
  }
  reader.end();
}

/** Hands out each entry when all of it is there. Both functions throw `bad_request`. */
function createReader(): { read(chunk: Buffer): Unpacked[]; end(): void } {
  const parser = new Parser({ strict: true, brotli: false, zstd: false, maxMetaEntrySize: META_BYTES_MAX });
  const check = createChecks();
  let complete: Unpacked[] = [];
  let metaChars = 0;
  let isWhole = false;
  let problem: unknown;
  const fail = (error: unknown) => {
    problem ??= error;
  };

  parser.on("error", fail);
  parser.on("ignoredEntry", ({ path }) =>
    fail(refused(`The archive holds "${path}": not a file, not a folder`)),
  );
  parser.on("meta", (text) => {
    metaChars += text.length;
    if (metaChars > ALL_META_CHARS_MAX)
      fail(refused("The archive describes its entries at too great length"));
  });
  parser.on("eof", () => {
    isWhole = true;
  });
  parser.on("entry", (entry) => {
    const path = check(entry);
    if (path instanceof ReefError) fail(path);
    else collect(entry, (bytes) => complete.push({ path, bytes, isExecutable: isExecutable(entry) }));
    entry.resume();
  });

  /** The parser works at once: what goes wrong in a call is known when it returns. */
  function after(call: () => void): Unpacked[] {
    try {
      call();
    } catch (error) {
      fail(error);
    }
    if (problem instanceof ReefError) throw problem;
    if (problem !== undefined) throw unreadable(messageOf(problem), problem);
    const entries = complete;
    complete = [];
    return entries;
  }
  return {
    // What follows the end is nothing, and the parser would collect it.
    read: (chunk) => (isWhole ? [] : after(() => parser.write(chunk))),
    end() {
      after(() => parser.end());
      if (!isWhole) throw unreadable("it ends too early");
    },
  };
}

/** Gives the path below the top folder, or why there can be no such entry. */
function createChecks(): (entry: ReadEntry) => string | ReefError {
  let entries = 0;
  let bytes = 0;
  let top: string | undefined;

  function problemOf(entry: ReadEntry, folders: string[]): string | undefined {
    if (entry.type !== "Directory" && !FILES.has(entry.type)) return `is a ${entry.type}`;
    if (entry.path.startsWith("/")) return "is absolute";
    if (folders.some((name) => name === "." || name === "..") || /\p{Cc}/u.test(entry.path))
      return "is no plain path";
    if (folders[0] !== top || (folders.length === 1 && entry.type !== "Directory"))
      return "is outside of the top folder";
    if (!(entry.size <= FILE_BYTES_MAX)) return `has more than ${FILE_BYTES_MAX} bytes`;
    return undefined;
  }

  return (entry) => {
    const folders = entry.path
      .replace(/^\.\//, "")
      .split("/")
      .filter((name) => name !== "");
    top ??= folders[0];
    const problem = problemOf(entry, folders);
    if (problem) return refused(`The archive holds "${entry.path}", which ${problem}`);
    if (++entries > ENTRIES_MAX) return refused(`The archive holds more than ${ENTRIES_MAX} entries`);
    bytes += entry.size;
    if (bytes > UNPACKED_BYTES_MAX)
      return refused(`The archive is larger than ${UNPACKED_BYTES_MAX} bytes unpacked`);
    return folders.slice(1).join("/");
  };
}

function collect(entry: ReadEntry, done: (bytes: Buffer | undefined) => void): void {
  const chunks: Buffer[] = [];
  entry.on("data", (chunk) => chunks.push(chunk));
  entry.on("end", () => done(entry.type === "Directory" ? undefined : Buffer.concat(chunks)));
}

/** Of the mode, this alone is taken over. */
function isExecutable({ mode = 0 }: ReadEntry): boolean {
  return (mode & 0o100) !== 0;
}

async function write(folder: string, { path, bytes, isExecutable }: Unpacked): Promise<void> {
  const place = join(folder, path);
  try {
    await mkdir(bytes === undefined ? place : dirname(place), { recursive: true });
    if (bytes !== undefined)
      await writeFile(place, bytes, { flag: "wx", mode: isExecutable ? 0o755 : 0o644 });
  } catch (error) {
    if (!isImpossible(error)) throw error;
    throw refused(`The archive holds "${path}", which cannot be written`);
  }
}

/** The same name twice, a file where a folder is, a name that is too long. */
function isImpossible(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return ["EEXIST", "EISDIR", "ENOTDIR", "ENAMETOOLONG", "EINVAL", "EILSEQ"].includes(code);
}
