// Takes the samples of several ways to do a thing in turns, so that whatever else the machine does slows all of them.
import { median } from "./table.js";

/** The median of each way. Every round takes each of them once, and every other round in reverse. */
export async function interleaved<Way extends string>(
  rounds: number,
  ways: Record<Way, () => Promise<number>>,
): Promise<Record<Way, number>> {
  const samples = new Map<Way, number[]>();
  const names = Object.keys(ways) as Way[];
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      samples.set(name, [...(samples.get(name) ?? []), await ways[name]()]);
    }
  }
  const medians = names.map((name) => [name, median(samples.get(name) ?? [])]);
  return Object.fromEntries(medians) as Record<Way, number>;
}
