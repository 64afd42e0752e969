// Pure: how a tree is laid out so that one can read it. A conversation stands on one level, however long it is: a prompt
// that goes on with one stands beside it, and only where several do is each a level deeper. Threads stand in the order
// of their newest prompts, so that what was asked last is at the end and nothing jumps while several tasks run.
import type { Entry, Forest } from "./forest.js";
import { goesOn } from "./prompts.js";
import type { Role } from "./types.js";

export interface Layout {
  /** What stands at the top, in order. */
  readonly tops: readonly Entry[];
  /** What stands under an entry, in order, without the prompts that go on from it. */
  under(entry: Entry): readonly Entry[];
  /** The prompts that go on from the turn of a prompt, oldest first. */
  continuations(promptId: string): readonly Entry[];
  /** The prompt whose conversation a prompt goes on with. */
  continues(promptId: string): string | undefined;
}

/** Said by the row of their prompt. */
const QUIET_EVENTS = new Set(["run_started", "task_done"]);

export function layOut(forest: Forest): Layout {
  const before = promptsBefore(forest);
  const after = Map.groupBy(before.keys(), (id) => before.get(id) ?? "");
  const isBeside = ({ id }: Entry) => before.has(id);
  const isShown = (entry: Entry) =>
    !isQuiet(entry.node) || forest.children(entry.id).some((one) => !isBeside(one));
  const entriesOf = (ids: readonly string[]) => ids.flatMap((id) => forest.get(id) ?? []).sort(bySeq);
  const newest = newestPrompts(forest, before);
  const inThreadOrder = (entries: readonly Entry[]) =>
    entries.toSorted((a, b) => (newest.get(a.id) ?? seqOf(a)) - (newest.get(b.id) ?? seqOf(b)));
  return {
    tops: inThreadOrder(forest.tops().filter(isShown)),
    under(entry) {
      const own = forest.children(entry.id).filter((one) => !isBeside(one) && isShown(one));
      return entry.role === "system" ? inThreadOrder(own) : own;
    },
    continuations: (id) => entriesOf(after.get(id) ?? []),
    continues: (id) => before.get(id),
  };
}

/** True for what the row of its prompt speaks for. */
export function isQuiet(node: { role: Role; eventType?: string } | undefined): boolean {
  return node?.role === "event" && QUIET_EVENTS.has(node.eventType ?? "");
}

/** Each prompt that goes on with a conversation → the prompt before it. */
function promptsBefore(forest: Forest): Map<string, string> {
  const before = new Map<string, string>();
  for (const entry of forest.entries()) {
    const { parentId } = entry;
    if (entry.role !== "user" || parentId === null) continue;
    if (!goesOn(entry.node?.fresh, forest.get(parentId)?.role)) continue;
    for (const above of forest.path(parentId)) {
      if (above.role !== "user") continue;
      before.set(entry.id, above.id);
      break;
    }
  }
  return before;
}

/** Each prompt with which a conversation begins → the `seq` of the newest prompt in it. */
function newestPrompts(forest: Forest, before: ReadonlyMap<string, string>): Map<string, number> {
  const firsts = new Map<string, string>();
  const firstOf = (id: string): string => {
    const path: string[] = [];
    let at: string | undefined = id;
    while (at !== undefined && !firsts.has(at)) {
      path.push(at);
      at = before.get(at);
    }
    const first = at === undefined ? (path.at(-1) ?? id) : (firsts.get(at) ?? at);
    for (const one of path) firsts.set(one, first);
    return first;
  };
  const newest = new Map<string, number>();
  for (const id of before.keys()) {
    const first = firstOf(id);
    newest.set(first, Math.max(newest.get(first) ?? 0, seqOf(forest.get(id))));
  }
  return newest;
}

function seqOf(entry: Entry | undefined): number {
  return entry?.node?.seq ?? 0;
}

function bySeq(a: Entry, b: Entry): number {
  return seqOf(a) - seqOf(b) || (a.id < b.id ? -1 : 1);
}
