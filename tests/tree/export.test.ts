// The whole tree as one JSON text (spec §4.6).
import { expect, test } from "bun:test";
import { addTurn, event, withTree } from "./support.js";

test("the export holds all nodes, refs and tasks, and its seq is its newest node (spec §4.6)", () =>
  withTree(async (tree) => {
    const turn = await addTurn(tree, tree.root(), "t");
    const whole = JSON.parse(
      await textOf(tree.exportJson((name, state) => ({ name, status: state.status }))),
    );
    expect(Object.keys(whole).sort()).toEqual(["archivedTasks", "nodes", "refs", "root", "seq", "tasks"]);
    expect(Object.values(whole.nodes)).toEqual(await tree.since(0, 99));
    expect(whole).toMatchObject({ root: tree.root(), seq: tree.newestSeq(), archivedTasks: [] });
    expect(whole.refs).toEqual({ main: tree.root(), t: turn.reply.id });
    expect(whole.tasks).toEqual({ t: { name: "t", status: "done" } });
  }));

test("what is committed while it is read stays out, so that reading on from its seq misses and repeats nothing (spec §4.6)", () =>
  withTree(async (tree) => {
    await tree.commit(() => ({ nodes: Array.from({ length: 700 }, () => event(tree.root(), "early")) }));
    await addTurn(tree, tree.root(), "early");
    const chunks = tree.exportJson((_, state) => state)[Symbol.asyncIterator]();
    let text = (await chunks.next()).value;
    const late = await addTurn(tree, tree.root(), "late");
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) text += next.value;
    const whole = JSON.parse(text);
    expect(whole.nodes[late.user.id]).toBeUndefined();
    expect([Object.keys(whole.tasks), Object.keys(whole.refs)]).toEqual([["early"], ["early", "main"]]);
    expect(Object.keys(whole.nodes)).toHaveLength(whole.seq);
    expect((await tree.since(whole.seq, 9))[0]?.id).toBe(late.user.id);
  }));

async function textOf(chunks: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const chunk of chunks) text += chunk;
  return text;
}
