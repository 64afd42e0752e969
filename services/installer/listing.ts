// What is installed, for which seeds, and which examples there are.
import { listExamples } from "./examples.js";
import type { Entry } from "./lock.js";
import { hashNow, isThere, type Parts, placeOf } from "./parts.js";

type Listed = Omit<Entry, "url" | "operation"> & { dirName: string; modified: boolean };

/** In the order of the folders' names. */
export async function listInstalled({ ctx, lock }: Parts): Promise<{ installed: Listed[]; count: number }> {
  const installed: Listed[] = [];
  for (const [dirName, { url: _url, operation: _operation, ...entry }] of await lock.read()) {
    const modified = (await hashNow(ctx, dirName)) !== entry.hash;
    installed.push({ dirName, ...entry, modified });
  }
  return { installed, count: installed.length };
}

interface Seed {
  seed: string;
  /** Names of modules. */
  services: string[];
  /** Of the first of them. */
  installedAt: string;
}

/** In the order in which they came. */
export async function listSeeds({ lock }: Parts): Promise<{ seeds: Seed[]; count: number }> {
  const entries = [...(await lock.read()).values()].filter(({ seed }) => seed !== undefined);
  const inOrder = entries.sort((a, b) => (a.installedAt < b.installedAt ? -1 : 1));
  const groups = [...Map.groupBy(inOrder, ({ seed = "" }) => seed)];
  const seeds = groups.map(([seed, [first, ...others]]) => ({
    seed,
    services: [first, ...others].flatMap((entry) => entry?.name ?? []),
    installedAt: first?.installedAt ?? "",
  }));
  return { seeds, count: seeds.length };
}

/** `installed` also of a copy that somebody made by hand. */
export async function listAllExamples({ ctx }: Parts) {
  const examples = (await listExamples(ctx.config)).map((example) => ({
    ...example,
    installed: isThere(placeOf(ctx, example.name)),
  }));
  return { examples, count: examples.length };
}
