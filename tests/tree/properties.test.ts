// What holds for every tree, whatever was committed to it and however much of it at once.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { ReefError } from "../../src/core/errors.js";
import type { NewNode, TreeNode } from "../../src/tree/node.js";
import type { Tree } from "../../src/tree/tree.js";
import { type Count, call, event, ids, reply, result, user, withTree } from "./support.js";

const RUNS = { numRuns: 25 };
/** Each run makes a tree of its own, which costs a few fsyncs. */
const TIMEOUT_MS = 60_000;

/** One attempt to add something below the node that `pick` chooses; many of them break a rule and fail. */
interface Attempt {
  kind: "user" | "reply" | "call" | "result" | "event" | "end" | "caused";
  task: string;
  pick: number;
  together: boolean;
}

const attempts = fc.array(
  fc.record<Attempt>({
    kind: fc.constantFrom("user", "reply", "call", "result", "event", "end", "caused"),
    task: fc.constantFrom("a", "b", "c"),
    pick: fc.nat(),
    together: fc.boolean(),
  }),
  { maxLength: 60 },
);

test(
  "every result hangs under its call, every path ends at the root, every ref points at a node (spec §4.1)",
  () =>
    fc.assert(
      fc.asyncProperty(attempts, (list) =>
        withTree(async (tree) => {
          await perform(tree, list);
          const journal = await tree.since(0, 999);
          const known = new Map(journal.map((node) => [node.id, node]));
          for (const node of journal) checkPlace(node, known);
          for (const node of journal) expect((await tree.path(node.id))[0]?.id).toBe(tree.root());
          for (const id of Object.values(await tree.refs())) expect(known.has(id)).toBe(true);
        }),
      ),
      RUNS,
    ),
  TIMEOUT_MS,
);

test(
  "what was announced is what is replayed, from any seq, byte for byte (spec §4.8)",
  () =>
    fc.assert(
      fc.asyncProperty(attempts, fc.nat({ max: 70 }), (list, from) =>
        withTree(async (tree) => {
          const heard = await tree.since(0, 1);
          tree.subscribe((nodes) => heard.push(...nodes));
          await perform(tree, list);
          const expected = heard.filter((node) => node.seq > from);
          expect(JSON.stringify(await tree.since(from, 999))).toBe(JSON.stringify(expected));
          expect(heard.map((node) => node.seq)).toEqual(heard.map((_, i) => i + 1));
        }),
      ),
      RUNS,
    ),
  TIMEOUT_MS,
);

test(
  "the states of tasks are those that the nodes alone give (spec §4.4)",
  () =>
    fc.assert(
      fc.asyncProperty(attempts, (list) =>
        withTree(async (tree) => {
          await perform(tree, list);
          const live = [await tree.tasks({ limit: 9 }), await tree.counts()];
          await tree.rebuildTasks();
          expect([await tree.tasks({ limit: 9 }), await tree.counts()]).toEqual(live);
        }),
      ),
      RUNS,
    ),
  TIMEOUT_MS,
);

test(
  "effects are what a walk over the whole journal finds (spec §4.6)",
  () =>
    fc.assert(
      fc.asyncProperty(attempts, fc.nat(), (list, pick) =>
        withTree(async (tree) => {
          await perform(tree, list.slice(0, 30));
          const journal = await tree.since(0, 999);
          const start = journal[pick % journal.length] as TreeNode;
          await tree.effects(start.id, { limit: 1 });
          await perform(tree, list.slice(30));
          const led = new Set([start.id]);
          for (const node of await tree.since(0, 999))
            if (led.has(node.parentId ?? "") || led.has(node.causeId ?? "")) led.add(node.id);
          led.delete(start.id);
          expect(ids((await tree.effects(start.id, { limit: 999 })).effects)).toEqual([...led]);
        }),
      ),
      RUNS,
    ),
  TIMEOUT_MS,
);

test(
  "of any number of commits that race for one thing exactly one wins",
  () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 50 }), (racers) =>
        withTree(async (tree) => {
          const prompt = await tree.append(user(tree.root(), "t"));
          const race = Array.from({ length: racers }, (_, i) =>
            tree.commit((tx) => {
              if (tx.task("t")?.status === "done") throw new ReefError("conflict", "somebody was faster");
              return { nodes: [event(prompt.id, "task_done", { taskId: "t", meta: { i } })] };
            }),
          );
          const won = (await Promise.allSettled(race)).filter((outcome) => outcome.status === "fulfilled");
          expect(won).toHaveLength(1);
          expect((await tree.children(prompt.id, { limit: 99 })).nodes).toHaveLength(1);
        }),
      ),
      RUNS,
    ),
  TIMEOUT_MS,
);

/** Some of them in one group, some each on its own; what breaks a rule is refused, and anything else is a fault. */
async function perform(tree: Tree<Count>, list: Attempt[]): Promise<void> {
  let group: Promise<unknown>[] = [];
  for (const attempt of list) {
    group.push(
      tree.commit((tx) => ({ nodes: nodesOf(attempt, tx.children(tree.root())[0]?.id, tx, tree.root()) })),
    );
    if (attempt.together) continue;
    expectRefusals(await Promise.allSettled(group));
    group = [];
  }
  expectRefusals(await Promise.allSettled(group));
}

type View = Parameters<Parameters<Tree<Count>["commit"]>[0]>[0];

function nodesOf(attempt: Attempt, first: string | undefined, tx: View, root: string): NewNode[] {
  const { kind, task, pick } = attempt;
  const leaf = tx.ref(task);
  const near = [root, first ?? root, leaf ?? root, ...ids(leaf === undefined ? [] : tx.children(leaf))];
  const parent = near[pick % near.length] ?? root;
  const toolCallId = tx.get(parent)?.toolCallId ?? `call-${pick % 5}`;
  const byKind: Record<Attempt["kind"], NewNode> = {
    user: user(parent, task),
    reply: reply(parent, task),
    call: call(parent, task, toolCallId),
    result: result(parent, task, toolCallId),
    event: event(parent, "note", { taskId: task, meta: { pick } }),
    end: event(parent, "task_done", { taskId: task }),
    caused: event(root, "timer", { causeId: parent }),
  };
  return [byKind[kind]];
}

function expectRefusals(outcomes: PromiseSettledResult<unknown>[]): void {
  for (const outcome of outcomes)
    if (outcome.status === "rejected") expect(outcome.reason).toBeInstanceOf(ReefError);
}

function checkPlace(node: TreeNode, known: Map<string, TreeNode>): void {
  const parent = known.get(node.parentId ?? "");
  expect(parent === undefined ? 0 : parent.seq).toBeLessThan(node.seq);
  if (node.role !== "tool_result") return;
  expect([parent?.role, parent?.toolCallId]).toEqual(["tool_call", node.toolCallId]);
  const siblings = [...known.values()].filter(
    (one) => one.parentId === node.parentId && one.role === "tool_result",
  );
  expect(siblings).toHaveLength(1);
}
