// The conversation that is shown: nothing of it missing, whatever comes while it is read.
import { describe, expect, test } from "bun:test";
import { promptOf } from "./branch.js";
import { BranchView } from "./branch-view.js";
import { call, idOf, node, prompt, reply } from "./samples.js";
import type { TreeNode } from "./types.js";

const first = [node(1), prompt(2, 1), reply(3, 2)];
const second = [prompt(4, 3), reply(5, 4)];

function view(
  answers: Record<string, TreeNode[]>,
  leaves: Record<string, string> = {},
  prompts: readonly TreeNode[] = [],
) {
  const asked: string[] = [];
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const answer = async (what: string) => {
    asked.push(what);
    await gates.get(what)?.promise;
    const nodes = answers[what];
    if (!nodes) throw new Error(`no ${what}`);
    return nodes;
  };
  const branch = new BranchView({
    read: answer,
    readTask: (name) => answer(`task ${name}`),
    leafOf: (id) => leaves[id],
    readPrompts: async () => prompts.map(promptOf),
  });
  const hold = (what: string) => {
    const gate = Promise.withResolvers<void>();
    gates.set(what, gate);
    return gate.resolve;
  };
  return { branch, asked, hold, seqs: () => branch.nodes.value.map(({ seq }) => seq) };
}

describe("a conversation", () => {
  test("is read to where it ends, and not again for another node of it", async () => {
    const { branch, asked, seqs } = view({ n0005: [...first, ...second] }, { n0002: idOf(5) });
    await branch.show(idOf(2));
    expect([seqs(), branch.nodeId.value, branch.isLoading.value]).toEqual([[1, 2, 3, 4, 5], idOf(2), false]);
    await branch.show(idOf(4));
    expect([asked, branch.nodeId.value]).toEqual([["n0005"], idOf(4)]);
  });

  test("of a node that the feed does not hold is read to the end of its task, if the node is on it", async () => {
    const { branch, seqs, asked } = view({ n0003: first, "task t": [...first, ...second] });
    await branch.show(idOf(3));
    expect([seqs(), asked]).toEqual([
      [1, 2, 3, 4, 5],
      ["n0003", "task t"],
    ]);
    const elsewhere = view({ n0003: first, "task t": [node(1), prompt(9, 1)] });
    await elsewhere.branch.show(idOf(3));
    expect(elsewhere.seqs()).toEqual([1, 2, 3]);
    const alone = view({ n0002: [node(1), node(2)] });
    await alone.branch.show(idOf(2));
    expect(alone.asked).toEqual(["n0002"]);
  });

  test("grows by what hangs under it", async () => {
    const { branch, seqs } = view({ n0003: first }, { n0003: idOf(3) });
    await branch.show(idOf(3));
    branch.hear([call(6, 5), ...second]);
    expect(seqs()).toEqual([1, 2, 3, 4, 5, 6]);
    branch.hear([prompt(7, 1)]);
    expect(seqs()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("misses nothing that comes while it is read", async () => {
    const { branch, seqs, hold } = view({ n0003: first }, { n0003: idOf(3) });
    const release = hold("n0003");
    const shown = branch.show(idOf(3));
    expect(branch.isLoading.value).toBe(true);
    branch.hear([prompt(4, 3)]);
    branch.hear([reply(5, 4)]);
    release();
    await shown;
    expect(seqs()).toEqual([1, 2, 3, 4, 5]);
  });

  test("that was asked for last is shown, though another answer comes later", async () => {
    const other = [node(1), prompt(8, 1)];
    const { branch, seqs, hold } = view({ n0003: first, n0008: other }, { n0003: idOf(3), n0008: idOf(8) });
    const release = hold("n0003");
    const slow = branch.show(idOf(3));
    await branch.show(idOf(8));
    release();
    await slow;
    expect([seqs(), branch.nodeId.value, branch.isLoading.value]).toEqual([[1, 8], idOf(8), false]);
  });

  test("that cannot be read says why, and leaves what is shown", async () => {
    const { branch, seqs } = view({ n0003: first }, { n0003: idOf(3), n0009: idOf(9) });
    await branch.show(idOf(3));
    await branch.show(idOf(9));
    expect([branch.error.value, seqs(), branch.isLoading.value]).toEqual(["no n0009", [1, 2, 3], false]);
    await branch.show(idOf(2));
    expect(branch.error.value).toBeUndefined();
  });

  test("that could not be read is read when one asks for it again", async () => {
    const answers: Record<string, TreeNode[]> = { n0003: first };
    const { branch, seqs } = view(answers, { n0003: idOf(3) });
    await branch.show(idOf(3));
    delete answers.n0003;
    await branch.reload();
    expect(branch.error.value).toBe("no n0003");
    answers.n0003 = [...first, ...second];
    await branch.show(idOf(3));
    expect([branch.error.value, seqs()]).toEqual([undefined, [1, 2, 3, 4, 5]]);
  });

  test("is read anew for what only led to the one that is shown (spec §14)", async () => {
    const began = [...first, call(6, 2)];
    const subTask = [...began, prompt(7, 6, { meta: { fresh: true } }), reply(8, 7)];
    const { branch, seqs } = view({ n0008: subTask, n0003: began }, { n0008: idOf(8), n0002: idOf(3) });
    await branch.show(idOf(8));
    await branch.show(idOf(2));
    expect(seqs()).toEqual([1, 2, 3, 6]);
  });

  test("knows the prompts of its other branches, those too that come later", async () => {
    const { branch } = view({ n0003: first }, { n0003: idOf(3) }, [prompt(2, 1), prompt(4, 3)]);
    await branch.show(idOf(3));
    branch.hear([prompt(4, 3), prompt(6, 3), prompt(7, 1), prompt(8, 5)]);
    expect(branch.prompts.value.map(({ seq }) => seq)).toEqual([2, 4, 6, 7]);
  });

  test("is read again after nodes were passed over", async () => {
    const answers: Record<string, TreeNode[]> = { n0003: first };
    const { branch, seqs } = view(answers, { n0003: idOf(3) });
    await branch.reload();
    await branch.show(idOf(3));
    answers.n0003 = [...first, ...second];
    await branch.reload();
    expect(seqs()).toEqual([1, 2, 3, 4, 5]);
  });
});
