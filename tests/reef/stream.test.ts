// A stream that ends with one turn: at its last frame exactly, live and replayed, whatever the commit group holds beside it.
import { afterEach, describe, expect, test } from "bun:test";
import { createEventStream, type EventStream, type StreamFilter } from "../../src/reef/stream.js";
import type { Tree } from "../../src/tree/tree.js";
import { type Count, event, open as openTree, removeDir, reply, tempDir, user } from "../tree/support.js";

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function rig(): Promise<{ tree: Tree<Count>; stream: EventStream }> {
  const dir = tempDir();
  const tree = await openTree(dir);
  const stream = createEventStream(tree, { debug: () => {} });
  undo.push(
    () => removeDir(dir),
    () => tree.close(),
    stream.close,
  );
  return { tree, stream };
}

/** The seqs of the frames until the stream ends. */
async function seqs(body: ReadableStream<Uint8Array>): Promise<number[]> {
  const text = await new Response(body).text();
  return Array.from(text.matchAll(/^id: (\d+)$/gm), ([, seq]) => Number(seq));
}

/** A turn whose end shares its commit group with a later event of the task and with the end of another task. */
async function appendTurn(tree: Tree<Count>): Promise<{ nodeId: string; seqs: number[] }> {
  const [mine, other] = await Promise.all(["t", "o"].map((name) => tree.append(user(tree.root(), name))));
  if (!mine || !other) throw new Error("Nothing was appended.");
  const end = tree.append(event(mine.id, "task_done", { taskId: "t" }));
  const rest = [
    tree.append(event(other.id, "task_done", { taskId: "o" })),
    tree.append(event(mine.id, "late", { taskId: "t" })),
  ];
  await Promise.all(rest);
  return { nodeId: mine.id, seqs: [mine.seq, (await end).seq] };
}

const upTo = (until: string, more: Partial<StreamFilter> = {}): StreamFilter => ({
  taskIds: new Set(["t"]),
  live: true,
  until,
  ...more,
});

describe("a stream with an end (spec §11)", () => {
  test("replays up to the frame of the turn's end and closes", async () => {
    const { tree, stream } = await rig();
    const turn = await appendTurn(tree);
    expect(await seqs(stream.open(0, upTo(turn.nodeId)))).toEqual(turn.seqs);
    expect(stream.clients()).toBe(0);
  });

  test("closes a live client in the middle of a commit group", async () => {
    const { tree, stream } = await rig();
    const mine = await tree.append(user(tree.root(), "t"));
    const reading = seqs(stream.open(mine.seq, upTo(mine.id)));
    await new Promise((resolve) => setImmediate(resolve));
    const nodes = await Promise.all([
      tree.append(reply(mine.id, "t")),
      tree.append(event(mine.id, "task_error", { taskId: "t" })),
      tree.append(event(mine.id, "late", { taskId: "t" })),
    ]);
    expect(await reading).toEqual([nodes[0].seq, nodes[1].seq]);
    expect(stream.clients()).toBe(0);
    stream.send({ type: "message_update", taskId: "t" });
  });

  test("closes also when its filter leaves the frame of the end out", async () => {
    const { tree, stream } = await rig();
    const turn = await appendTurn(tree);
    expect(await seqs(stream.open(0, upTo(turn.nodeId, { types: new Set(["task_started"]) })))).toEqual([
      turn.seqs[0] ?? 0,
    ]);
  });

  test("goes on over the end of an earlier turn of the same task", async () => {
    const { tree, stream } = await rig();
    const first = await appendTurn(tree);
    const again = await tree.append(user(first.nodeId, "t"));
    const end = await tree.append(event(again.id, "task_cancelled", { taskId: "t" }));
    const seen = await seqs(stream.open(0, upTo(again.id)));
    expect(seen.slice(0, 2)).toEqual(first.seqs);
    expect(seen.slice(-2)).toEqual([again.seq, end.seq]);
  });
});
