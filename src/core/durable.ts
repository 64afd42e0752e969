// Small files that are on disk when their write is acknowledged.
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Whatever happens meanwhile, a reader finds the old text or the new one. */
export async function writeDurably(path: string, text: string): Promise<void> {
  const next = `${path}.next`;
  const file = await open(next, "w");
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(next, path);
  await flush(dirname(path));
}

/** A file, or the names in a folder. */
export async function flush(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
