// The big tree that two measurements share: filled once in a run, by a process of its own, and closed cleanly.
import { startChild } from "./child.js";

/** Returns what fills a folder at its first call and gives the same folder to all callers. */
export function fillOnce(folder: () => string, nodes: number): () => Promise<string> {
  let filled: Promise<string> | undefined;
  return () => {
    filled ??= fill(folder(), nodes);
    return filled;
  };
}

async function fill(dir: string, nodes: number): Promise<string> {
  const child = startChild(import.meta.resolve("./children/tree.ts"));
  await child.ask("open", { name: "big", dir, nodes });
  await child.ask("close");
  await child.end();
  return dir;
}
