// A branch as a conversation: what belongs to which turn, what goes on with it, and where a reply would.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  continued,
  conversationOf,
  failureOf,
  isOpen,
  isPartOf,
  leafOf,
  promptOf,
  type Turn,
  waysBeside,
  writingMs,
} from "./branch.js";
import { anyTree, call, event, idOf, node, prompt, reply, result } from "./samples.js";
import type { TreeNode } from "./types.js";

const turn = [
  node(1),
  prompt(2, 1),
  event(3, 2, "run_started"),
  reply(4, 2, { meta: { model: "m/1" } }),
  call(5, 2),
  call(6, 2),
  result(7, 6),
  event(8, 5, "pending"),
  event(9, 8, "answer", { content: "yes" }),
  event(10, 5, "service_deploy"),
  result(11, 5),
  event(12, 2, "steer"),
  reply(13, 2),
  event(14, 2, "task_done"),
];
const shown = ({ user, items }: Turn) => [
  Number(user.id.slice(1)),
  ...items.map((item) => `${item.kind} ${item.node.seq}`),
];
const shownAll = (nodes: readonly TreeNode[]) => conversationOf(nodes).turns.map(shown);
const seqs = (nodes: readonly TreeNode[]) => nodes.map(({ seq }) => seq);

describe("turns", () => {
  test("hold what happened in order; results, effects and answers stand with what they belong to", () => {
    const [one] = conversationOf(turn).turns;
    if (!one) throw new Error("There is no turn.");
    expect(shown(one)).toEqual([2, "reply 4", "call 5", "call 6", "question 8", "note 12", "reply 13"]);
    const calls = one.items.flatMap((item) => (item.kind === "call" ? item : []));
    expect(calls.map(({ result: given, effects }) => [given?.seq, seqs(effects)])).toEqual([
      [11, [10]],
      [7, []],
    ]);
    expect(one.items.find(({ kind }) => kind === "question")).toMatchObject({ answer: { seq: 9 } });
    expect([one.end?.seq, isOpen(one), one.model, leafOf(one)]).toEqual([14, false, "m/1", idOf(13)]);
  });

  test("say how long the model wrote at each step, from the end of the one before", () => {
    const [one] = conversationOf(turn).turns;
    if (!one) throw new Error("There is no turn.");
    expect(one.startedAt).toBe(turn[2]?.timestamp);
    // Reply 4 after the start at 3; call 5 after it; call 6 after the result 11 of call 5, which ran beside it.
    expect([0, 1, 2].map((at) => writingMs(one, at))).toEqual([1_000, 1_000, 0]);
    expect(writingMs({ ...one, startedAt: undefined }, 0)).toBe(2_000);
  });

  test("add up what their messages have cost", () => {
    const usage = { input: 1, output: 1, cacheRead: 0, cacheWrite: 0, totalTokens: 2, cost: 0.25 };
    const [one] = conversationOf([
      node(1),
      prompt(2, 1),
      reply(3, 2, { meta: { usage } }),
      call(4, 2, { meta: { usage } }),
      result(5, 4, { meta: { usage: "nonsense" } }),
    ]).turns;
    expect(one?.usage).toEqual({ ...usage, input: 2, output: 2, totalTokens: 4, cost: 0.5 });
  });

  test("follow one another; each node is in one of them, whatever the tree", () => {
    expect(shownAll([...turn, prompt(15, 13), reply(16, 15)]).at(-1)).toEqual([15, "reply 16"]);
    fc.assert(
      fc.property(anyTree, (tree) => {
        const items = conversationOf(tree).turns.flatMap(({ user, items: own }) => [
          user.id,
          ...own.map((item) => item.node.id),
        ]);
        expect(new Set(items).size).toBe(items.length);
      }),
    );
  });

  test("before a prompt that begins afresh are none of this conversation, but where it came from", () => {
    const sub = prompt(15, 5, { meta: { fresh: true }, taskId: "sub" });
    const { origin, turns } = conversationOf([...turn, sub, reply(16, 15, { taskId: "sub" })]);
    expect(turns.map(shown)).toEqual([[15, "reply 16"]]);
    expect(seqs(origin)).toEqual([5, 2]);
    const job = conversationOf([node(1), event(2, 1, "cron_start"), prompt(3, 2, { meta: { fresh: true } })]);
    expect(seqs(job.origin)).toEqual([2]);
    expect(conversationOf(turn).origin).toEqual([]);
  });

  test("of a node that is in none are none", () => {
    expect(conversationOf([node(1), event(2, 1, "note")])).toEqual({ origin: [], turns: [] });
    expect(conversationOf([])).toEqual({ origin: [], turns: [] });
  });

  test("say how they ended when not well", () => {
    const ended = (type: string, content: string) =>
      conversationOf([node(1), prompt(2, 1), event(3, 2, type, { content })]).turns.map(failureOf);
    expect(ended("task_error", "no key")).toEqual([{ word: "Failed", reason: "no key" }]);
    expect(ended("task_cancelled", "")).toEqual([{ word: "Cancelled", reason: "" }]);
    expect(ended("task_done", "fine")).toEqual([undefined]);
  });

  test("go on at their last reply, else at their last call, else at the prompt", () => {
    const leaf = (...more: TreeNode[]) => {
      const [one] = conversationOf([node(1), prompt(2, 1), ...more]).turns;
      return one && leafOf(one);
    };
    expect(leaf()).toBe(idOf(2));
    expect(leaf(call(3, 2), result(4, 3))).toBe(idOf(3));
    expect(leaf(reply(3, 2), call(4, 2))).toBe(idOf(3));
  });

  test("that no task runs are not open", () => {
    const [one] = conversationOf([node(1), prompt(2, 1, { taskId: undefined })]).turns;
    expect(one && isOpen(one)).toBe(false);
  });
});

describe("what comes later", () => {
  test("goes on the branch when it hangs under it", () => {
    const open = turn.slice(0, 5);
    expect(seqs(continued(open, turn.slice(5)))).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14]);
    expect(seqs(continued(open, turn))).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14]);
    expect(seqs(continued(open, [...turn.slice(5)].reverse()))).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14]);
  });

  test("a prompt goes on with the newest turn; one that replies elsewhere opens another branch", () => {
    const next = [prompt(15, 13), reply(16, 15), event(17, 15, "task_done")];
    expect(seqs(continued(turn, next))).toEqual([15, 16, 17]);
    const beside = [prompt(18, 13), reply(19, 18)];
    expect(seqs(continued([...turn, ...next], beside))).toEqual([]);
    expect(seqs(continued([...turn, ...next], [prompt(18, 5), reply(19, 18)]))).toEqual([]);
    expect(seqs(continued([...turn, ...next], [prompt(18, 16)]))).toEqual([18]);
  });

  test("a task that a call began is a conversation of its own", () => {
    const sub = [prompt(15, 5, { meta: { fresh: true }, taskId: "sub" }), reply(16, 15, { taskId: "sub" })];
    expect(continued(turn, sub)).toEqual([]);
    expect(continued(turn, [prompt(15, 5, { meta: {}, taskId: "sub" })])).toEqual([]);
  });

  test("in pieces gives the same as at once, whatever the tree", () => {
    fc.assert(
      fc.property(anyTree, fc.nat(), fc.nat(), (tree, a, b) => {
        const begin = tree.slice(0, 1 + (a % tree.length));
        const rest = tree.slice(begin.length);
        const at = rest.length === 0 ? 0 : b % rest.length;
        const once = continued(begin, rest);
        const first = continued(begin, rest.slice(0, at));
        const second = continued([...begin, ...first], rest.slice(at));
        expect(seqs([...first, ...second])).toEqual(seqs(once));
      }),
    );
  });
});

describe("branches", () => {
  const path = [...turn, prompt(15, 13), reply(16, 15)];
  const beside = (user: TreeNode | undefined, prompts: TreeNode[]) =>
    user && waysBeside(user, path, prompts.map(promptOf)).map(({ seq }) => seq);

  test("are the prompts that go on from any node of the same turn, by age (spec §14)", () => {
    const others = [prompt(21, 5), prompt(20, 11), prompt(15, 13), prompt(22, 16), prompt(23, 99)];
    expect(beside(path[14], others)).toEqual([15, 20, 21]);
  });

  test("are none at a prompt with which a conversation begins, nor at a task that a call began", () => {
    expect(beside(path[1], [prompt(2, 1), prompt(9, 1)])).toEqual([]);
    expect(beside(path[14], [prompt(15, 13), prompt(24, 5, { meta: { fresh: true } })])).toEqual([15]);
  });

  test("what led to a conversation is no part of it, an end and an answer are", () => {
    const subTask = [...turn, prompt(30, 5, { meta: { fresh: true } }), reply(31, 30)];
    expect([2, 5, 13, 30, 31].map((seq) => isPartOf(subTask, idOf(seq)))).toEqual([
      false,
      false,
      false,
      true,
      true,
    ]);
    expect([1, 9, 14, 99].map((seq) => isPartOf(turn, idOf(seq)))).toEqual([false, true, true, false]);
  });
});
