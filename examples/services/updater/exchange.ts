// Two folders change places in one step, so that at no moment one of them is missing, whatever happens to the process.
import { dlopen, FFIType } from "bun:ffi";
import { existsSync, renameSync } from "node:fs";

/** Paths are relative to the working directory. */
const AT_FDCWD = -100;
const RENAME_EXCHANGE = 2;

/** Both have to be there, on one file system. */
export function exchange(one: string, two: string): void {
  for (const path of [one, two]) if (!existsSync(path)) throw new Error(`${path} is missing`);
  if (process.platform === "linux" && exchangedByKernel(one, two)) return;
  // Elsewhere there is a moment in which `one` is missing.
  const aside = `${two}.aside`;
  renameSync(one, aside);
  renameSync(two, one);
  renameSync(aside, two);
}

/** False where the C library or the file system does not know how. */
function exchangedByKernel(one: string, two: string): boolean {
  const library = openLibrary();
  if (library === undefined) return false;
  const path = (text: string) => Buffer.from(`${text}\0`);
  try {
    return library.symbols.renameat2(AT_FDCWD, path(one), AT_FDCWD, path(two), RENAME_EXCHANGE) === 0;
  } finally {
    library.close();
  }
}

function openLibrary() {
  const { i32, u32, cstring } = FFIType;
  try {
    return dlopen("libc.so.6", {
      renameat2: { args: [i32, cstring, i32, cstring, u32], returns: i32 },
    });
  } catch (error) {
    // Another C library than GNU's.
    if (error instanceof Error) return undefined;
    throw error;
  }
}
