// The order in which modules start: dependencies first, otherwise as given; and the cycles, which cannot start at all.

export interface Dependent {
  name: string;
  dependencies?: readonly string[];
}

export interface Ordered<T> {
  /** What is in no cycle. What depends on a missing module, or on one in a cycle, is still in it. */
  order: T[];
  /** Every member of a cycle, with the shortest one through it: `a -> b -> a`. */
  cycles: { member: T; path: string }[];
}

export function orderByDependencies<T extends Dependent>(modules: readonly T[]): Ordered<T> {
  const byName = new Map(modules.map((module) => [module.name, module]));
  const cycles = modules.flatMap((member) => {
    const path = cycleThrough(member, byName);
    return path ? [{ member, path: [...path, path[0]].join(" -> ") }] : [];
  });
  const order = new Set<T>();
  const left = new Set(modules);
  for (const { member } of cycles) left.delete(member);

  function place(module: T | undefined): void {
    if (!module || !left.delete(module)) return;
    for (const name of module.dependencies ?? []) place(byName.get(name));
    order.add(module);
  }
  for (const module of modules) place(module);
  return { order: [...order], cycles };
}

/** The names on the shortest way from a module back to itself, the first in alphabet in front. */
function cycleThrough(start: Dependent, byName: ReadonlyMap<string, Dependent>): string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [start.name];
  for (const name of queue) {
    for (const next of byName.get(name)?.dependencies ?? []) {
      if (next === start.name) return alphabetically(wayTo(name, start.name, cameFrom));
      if (cameFrom.has(next) || !byName.has(next)) continue;
      cameFrom.set(next, name);
      queue.push(next);
    }
  }
  return undefined;
}

function wayTo(end: string, start: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const way = [end];
  for (let name = end; name !== start; way.unshift(name)) name = cameFrom.get(name) ?? start;
  return way;
}

function alphabetically(cycle: string[]): string[] {
  const first = cycle.indexOf([...cycle].sort()[0] ?? "");
  return [...cycle.slice(first), ...cycle.slice(0, first)];
}
