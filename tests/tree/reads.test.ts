// How the tree is read around a node and in pages (spec §4.6).
import { describe, expect, test } from "bun:test";
import type { NewNode, TreeNode } from "../../src/tree/node.js";
import type { Tree } from "../../src/tree/tree.js";
import { addTurn, type Count, call, event, ids, user, withTree } from "./support.js";

const notFound = { code: "not_found", message: "not found" };

describe("path, why, turn and conversation", () => {
  test("the path goes from the root to the node (spec §4.2)", () =>
    withTree(async (tree) => {
      const turn = await addTurn(tree, tree.root(), "t");
      expect(ids(await tree.path(turn.result.id))).toEqual([
        tree.root(),
        turn.user.id,
        turn.call.id,
        turn.result.id,
      ]);
      expect(ids(await tree.path(tree.root()))).toEqual([tree.root()]);
    }));

  test("why goes to the cause where there is one, else to the parent, node first (spec §4.6)", () =>
    withTree(async (tree) => {
      const turn = await addTurn(tree, tree.root(), "t");
      const deployed = await tree.append(event(turn.call.id, "service_deployed"));
      const fired = await tree.append(event(tree.root(), "timer", { causeId: deployed.id }));
      const below = await tree.append(event(fired.id, "more"));
      const chain = (await tree.why(below.id)).map(({ node, via }) => [node.id, via]);
      expect(chain).toEqual([
        [below.id, undefined],
        [fired.id, "parent"],
        [deployed.id, "cause"],
        [turn.call.id, "parent"],
        [turn.user.id, "parent"],
        [tree.root(), "parent"],
      ]);
    }));

  test("a turn is its user node and what hangs below, without other turns and what is below those", () =>
    withTree(async (tree) => {
      const turn = await addTurn(tree, tree.root(), "t");
      const noted = await tree.append(event(turn.result.id, "noted"));
      const sub = await addTurn(tree, turn.call.id, "sub");
      await addTurn(tree, turn.reply.id, "t");
      const own = [turn.user, turn.call, turn.result, turn.reply, turn.end, noted];
      expect(ids(await tree.turn(turn.user.id))).toEqual(ids(own));
      expect(ids(await tree.turn(sub.user.id))).toEqual(ids(Object.values(sub)));
    }));

  test("a conversation is the path with every turn on it whole, each node once, in seq order (spec §4.2)", () =>
    withTree(async (tree) => {
      const one = await addTurn(tree, tree.root(), "t");
      const two = await addTurn(tree, one.reply.id, "t");
      await addTurn(tree, tree.root(), "other");
      const late = await tree.append(event(one.call.id, "late"));
      const whole = [tree.root(), ...ids(Object.values(one)), ...ids(Object.values(two)), late.id];
      expect(ids(await tree.conversation(two.call.id))).toEqual(whole);
      expect(ids(await tree.conversation(tree.root()))).toEqual([tree.root()]);
    }));

  test("a path of 20,000 nodes is read whole (spec §4.3)", () =>
    withTree(async (tree) => {
      const chain = await addChain(tree, 20_000);
      const leaf = chain.at(-1)?.id ?? "";
      expect(ids(await tree.path(leaf))).toEqual([tree.root(), ...ids(chain)]);
      expect(await tree.why(leaf)).toHaveLength(20_001);
      expect(await tree.conversation(leaf)).toHaveLength(20_001);
    }));

  test("an unknown id is not found (spec §4.2)", () =>
    withTree(async (tree) => {
      expect(await tree.get("nowhere")).toBeUndefined();
      const reads = [
        tree.path("nowhere"),
        tree.why("nowhere"),
        tree.turn("nowhere"),
        tree.conversation("nowhere"),
        tree.children("nowhere", { limit: 1 }),
        tree.effects("nowhere", { limit: 1 }),
        tree.since(0, 1, { root: "nowhere" }),
      ];
      for (const outcome of await Promise.allSettled(reads))
        expect(outcome).toMatchObject({ reason: notFound });
    }));
});

describe("pages", () => {
  test("since gives the oldest above a seq, before the newest under one, oldest first (spec §4.6)", () =>
    withTree(async (tree) => {
      await addChain(tree, 9);
      const seqs = (nodes: TreeNode[]) => nodes.map((node) => node.seq);
      expect(seqs(await tree.since(0, 3))).toEqual([1, 2, 3]);
      expect(seqs(await tree.since(8, 5))).toEqual([9, 10]);
      expect(seqs(await tree.since(10, 5))).toEqual([]);
      expect(seqs(await tree.before(5, 3))).toEqual([2, 3, 4]);
      expect(seqs(await tree.before(99, 3))).toEqual([8, 9, 10]);
    }));

  test("root restricts a page to a node and what hangs under it, also when more comes later (spec §4.6)", () =>
    withTree(async (tree) => {
      const one = await addTurn(tree, tree.root(), "one");
      const two = await addTurn(tree, tree.root(), "two");
      const more = await addTurn(tree, one.reply.id, "one");
      const root = one.user.id;
      const under = ids([...Object.values(one), ...Object.values(more)]);
      expect(ids(await tree.since(0, 99, { root }))).toEqual(under);
      expect(ids(await tree.since(two.end.seq, 2, { root }))).toEqual(under.slice(5, 7));
      expect(ids(await tree.before(more.user.seq, 2, { root }))).toEqual(under.slice(3, 5));
      const late = await tree.append(event(more.result.id, "late"));
      await tree.append(event(two.user.id, "elsewhere"));
      expect(ids(await tree.since(0, 99, { root }))).toEqual([...under, late.id]);
      expect(ids(await tree.before(99, 1, { root }))).toEqual([late.id]);
      expect(await tree.since(0, 99, { root: tree.root() })).toHaveLength(tree.newestSeq());
    }));

  test("the ancestors of a page are those that are not on it, with 120 characters of their text (spec §4.6)", () =>
    withTree(async (tree) => {
      const long = await tree.append({ ...user(tree.root(), "t"), content: "ü".repeat(500) });
      const started = await tree.append(call(long.id, "t", "c"));
      await addTurn(tree, tree.root(), "other");
      const page = await tree.commit(() => ({ nodes: [event(started.id, "a"), event(started.id, "b")] }));
      expect(await tree.ancestors(page)).toEqual([
        { id: tree.root(), parentId: null, role: "system", content: "You are a reef agent" },
        { id: long.id, parentId: tree.root(), role: "user", content: "ü".repeat(120) },
        { id: started.id, parentId: long.id, role: "tool_call", content: "bash" },
      ]);
      expect(await tree.ancestors(await tree.since(0, 99))).toEqual([]);
      expect(await tree.ancestors([])).toEqual([]);
    }));

  test("children come in seq order, a page at a time (spec §4.2)", () =>
    withTree(async (tree) => {
      const added = await tree.commit(() => ({
        nodes: Array.from({ length: 5 }, (_, i) => event(tree.root(), `${i}`)),
      }));
      const first = await tree.children(tree.root(), { limit: 3 });
      expect([ids(first.nodes), first.more]).toEqual([ids(added.slice(0, 3)), true]);
      const rest = await tree.children(tree.root(), { after: first.nodes.at(-1)?.seq, limit: 3 });
      expect([ids(rest.nodes), rest.more]).toEqual([ids(added.slice(3)), false]);
    }));
});

function addChain(tree: Tree<Count>, length: number): Promise<TreeNode[]> {
  return tree.commit((tx) => {
    const nodes: NewNode[] = [];
    for (let parentId = tree.root(); nodes.length < length; parentId = nodes.at(-1)?.id ?? "")
      nodes.push({ ...user(parentId, "deep"), id: tx.id() });
    return { nodes };
  });
}
