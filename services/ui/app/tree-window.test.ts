// The window over a tree that grows: read on at both ends, moved, followed; never a gap, never more than it may hold.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ancestorsOf, node, prompt } from "./samples.js";
import { TreeWindow } from "./tree-window.js";
import type { TreeNode, TreePage } from "./types.js";

const SIZES = { first: 4, page: 10, held: 25 };

/** The server's part: pages of a list that grows, as `GET /reef/tree` cuts them (spec §4.6). */
function serverWith(count: number) {
  const all: TreeNode[] = [];
  const asked: string[] = [];
  const heard = new Set<number>();
  let failing = false;
  let skipped = 0;
  let onTheWay = Promise.withResolvers<void>();
  onTheWay.resolve();
  const grow = (more: number) => {
    for (let seq = all.length + 1; more > 0; more--, seq++) all.push(seq === 1 ? node(1) : prompt(seq, 1));
  };
  grow(count);
  const tree = new TreeWindow({
    async read(query) {
      asked.push(query);
      await Promise.resolve();
      if (failing) throw new Error("out of order");
      const page = pageOf(new URLSearchParams(query), all);
      await onTheWay.promise;
      return page;
    },
    page(page) {
      for (const { seq } of Object.values(page.nodes)) heard.add(seq);
    },
    skipped: () => {
      skipped++;
    },
    sizes: SIZES,
  });
  return {
    tree,
    all,
    asked,
    heard,
    grow,
    skipped: () => skipped,
    /** Answers from now on are late, until what is returned is called. */
    hold() {
      onTheWay = Promise.withResolvers<void>();
      return onTheWay.resolve;
    },
    fail: (on: boolean) => {
      failing = on;
    },
  };
}

function pageOf(query: URLSearchParams, all: readonly TreeNode[]): TreePage {
  const limit = Number(query.get("limit"));
  const before = query.get("before");
  const since = Number(query.get("since") ?? 0);
  if (before === null && since > all.length) throw new Error("since is beyond the newest node");
  const fitting = all.filter(({ seq }) => (before === null ? seq > since : seq < Number(before)));
  const nodes = before === null ? fitting.slice(0, limit) : fitting.slice(-limit);
  return {
    nodes: Object.fromEntries(nodes.map((one) => [one.id, one])),
    ancestors: Object.fromEntries(ancestorsOf(nodes, all).map((one) => [one.id, one])),
    refs: {},
    tasks: {},
    root: "n0001",
    seq: all.length,
    ...(fitting.length > nodes.length && { nextCursor: "more" }),
  };
}

const seqsOf = ({ forest }: TreeWindow) =>
  [...forest.entries()].flatMap(({ node: one }) => one?.seq ?? []).sort((a, b) => a - b);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);

describe("the window", () => {
  test("begins with a small page at the end", async () => {
    const { tree, asked } = serverWith(30);
    await tree.loadNewest();
    expect(seqsOf(tree)).toEqual(range(27, 30));
    expect([tree.isAtEnd.value, tree.hasOlder.value, tree.tail]).toEqual([true, true, 30]);
    expect(asked).toEqual(["before=100000000000000&limit=4&ancestors=1"]);
  });

  test("scrolled to the beginning and back, it shows every node on the way and holds no more than it may", async () => {
    const { tree } = serverWith(100);
    await tree.loadNewest();
    const seen = new Set(seqsOf(tree));
    while (tree.hasOlder.value) {
      await tree.loadOlder();
      for (const seq of seqsOf(tree)) seen.add(seq);
      expect(tree.forest.size).toBeLessThanOrEqual(SIZES.held);
    }
    expect([...seen].sort((a, b) => a - b)).toEqual(range(1, 100));
    expect([tree.forest.oldest, tree.isAtEnd.value]).toEqual([1, false]);
    seen.clear();
    while (!tree.isAtEnd.value) {
      await tree.loadNewer();
      for (const seq of seqsOf(tree)) seen.add(seq);
    }
    expect(seen.size).toBeGreaterThan(99 - SIZES.held);
    expect(tree.forest.newest).toBe(100);
    expect(tree.forest.oldest).toBe(100 - tree.forest.size + 1);
  });

  test("misses nothing that is announced while an answer without it is on the way", async () => {
    const { tree, grow, hold, asked } = serverWith(5);
    await tree.loadNewest();
    for (const begin of [() => tree.announce(6), () => void tree.loadNewest()]) {
      const newest = tree.tail + 2;
      const before = asked.length;
      grow(1);
      const release = hold();
      begin();
      while (asked.length === before) await Bun.sleep(1);
      await Bun.sleep(1);
      grow(1);
      tree.announce(newest);
      release();
      while (tree.tail < newest) await Bun.sleep(1);
      expect(seqsOf(tree).at(-1)).toBe(newest);
    }
  });

  test("of a short tree is the whole of it", async () => {
    const { tree } = serverWith(3);
    await tree.loadNewest();
    expect(seqsOf(tree)).toEqual([1, 2, 3]);
    expect([tree.isAtEnd.value, tree.hasOlder.value]).toEqual([true, false]);
    await tree.loadOlder();
    await tree.loadNewer();
    expect(seqsOf(tree)).toEqual([1, 2, 3]);
  });

  test("takes in what is announced, once for many announcements", async () => {
    const { tree, grow, asked } = serverWith(10);
    await tree.loadNewest();
    grow(7);
    for (const seq of range(11, 17)) tree.announce(seq);
    await tree.reached(17);
    expect(seqsOf(tree)).toEqual(range(7, 17));
    expect(asked.length).toBe(2);
    await tree.reached(5);
    expect(asked.length).toBe(2);
  });

  test("gives way at the old end to what is followed, and leaves what is read elsewhere where it is", async () => {
    const { tree, grow, heard } = serverWith(30);
    await tree.loadNewest();
    await tree.loadOlder();
    await tree.loadOlder();
    expect(seqsOf(tree)).toEqual(range(7, 30));
    grow(5);
    await tree.reached(35);
    expect(seqsOf(tree)).toEqual(range(11, 35));
    tree.follows.value = false;
    grow(5);
    await tree.reached(40);
    expect(seqsOf(tree)).toEqual(range(11, 35));
    expect([tree.isAtEnd.value, tree.missed.value, tree.tail]).toEqual([false, 5, 40]);
    expect(heard.has(40)).toBe(true);
    await tree.followEnd();
    expect(seqsOf(tree)).toEqual(range(37, 40));
    expect([tree.isAtEnd.value, tree.missed.value, tree.follows.value]).toEqual([true, 0, true]);
  });

  test("moves to a node that is elsewhere, and stays for one that it holds", async () => {
    const { tree, asked } = serverWith(100);
    await tree.loadNewest();
    await tree.showAround(98);
    expect(asked.length).toBe(1);
    await tree.showAround(50);
    expect(seqsOf(tree)).toEqual(range(47, 54));
    expect([tree.isAtEnd.value, tree.hasOlder.value, tree.follows.value]).toEqual([false, true, false]);
    await tree.showAround(2);
    expect([seqsOf(tree), tree.hasOlder.value]).toEqual([range(1, 6), false]);
    await tree.showAround(99);
    expect([seqsOf(tree), tree.isAtEnd.value]).toEqual([range(96, 100), true]);
  });

  test("far behind, it begins again at the newest and says that nodes were passed over", async () => {
    const { tree, grow, skipped, asked } = serverWith(10);
    await tree.loadNewest();
    grow(500);
    await tree.reached(510);
    expect(seqsOf(tree)).toEqual(range(507, 510));
    expect([skipped(), tree.hasOlder.value, tree.tail]).toEqual([1, true, 510]);
    expect(asked.length).toBeLessThan(15);
  });

  test("of a tree that was replaced by a shorter one begins again when told so", async () => {
    const { tree, all } = serverWith(50);
    await tree.loadNewest();
    all.length = 20;
    await tree.loadNewest();
    expect([seqsOf(tree), tree.tail]).toEqual([range(17, 20), 20]);
  });

  test("what cannot be read leaves it as it was, says why, and is read the next time", async () => {
    const { tree, grow, fail } = serverWith(30);
    fail(true);
    await tree.loadNewest();
    expect([tree.isLoaded.value, tree.error.value]).toEqual([false, "out of order"]);
    fail(false);
    await tree.loadNewest();
    expect([tree.isLoaded.value, tree.error.value]).toEqual([true, undefined]);
    fail(true);
    grow(1);
    await tree.reached(31);
    await tree.loadOlder();
    expect([seqsOf(tree), tree.error.value]).toEqual([range(27, 30), "out of order"]);
    fail(false);
    tree.announce(31);
    await tree.reached(31);
    expect([seqsOf(tree), tree.error.value]).toEqual([range(27, 31), undefined]);
  });

  test("whatever is done to it in whatever order, it has no gap, and every new node is heard or said to be skipped", async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("grow" as const), by: fc.integer({ min: 1, max: 12 }) }),
      fc.record({ do: fc.constant("around" as const), at: fc.nat(200) }),
      fc.constantFrom(
        { do: "older" as const },
        { do: "newer" as const },
        { do: "newest" as const },
        { do: "follow" as const },
        { do: "leave" as const },
        { do: "wait" as const },
      ),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 60 }),
        fc.array(step, { maxLength: 14 }),
        async (count, steps) => {
          const { tree, all, grow, heard, skipped } = serverWith(count);
          await tree.loadNewest();
          const works: Promise<void>[] = [];
          for (const one of steps) {
            if (one.do === "grow") {
              grow(one.by);
              tree.announce(all.length);
            } else if (one.do === "around") works.push(tree.showAround(1 + (one.at % all.length)));
            else if (one.do === "older") works.push(tree.loadOlder());
            else if (one.do === "newer") works.push(tree.loadNewer());
            else if (one.do === "newest") works.push(tree.loadNewest());
            else if (one.do === "follow") works.push(tree.followEnd());
            else if (one.do === "leave") tree.follows.value = false;
            else await Promise.all(works);
          }
          await Promise.all(works);
          await tree.reached(all.length);
          const seqs = seqsOf(tree);
          expect(seqs).toEqual(range(tree.forest.oldest, tree.forest.newest));
          expect(seqs.length).toBeLessThanOrEqual(SIZES.held);
          expect(tree.isAtEnd.value).toBe(tree.forest.newest === all.length);
          expect(tree.hasOlder.value).toBe(tree.forest.oldest > 1);
          expect(tree.tail).toBe(all.length);
          if (skipped() === 0)
            for (let seq = count + 1; seq <= all.length; seq++) expect(heard.has(seq)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  }, 30_000);
});
