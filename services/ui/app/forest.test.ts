// The window of the tree and its rows: whatever the order in which nodes come, the same rows, none twice and none missing.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { NO_FILTER } from "./filter.js";
import { Forest, HELD_MAX } from "./forest.js";
import { type Row, rowsOf } from "./rows.js";
import { ancestorsOf, anyTree, call, event, idOf, node, prompt, reply, result } from "./samples.js";
import type { TreeNode } from "./types.js";

const NONE: ReadonlySet<string> = new Set();
const forestOf = (nodes: readonly TreeNode[]) => {
  const forest = new Forest();
  forest.add(nodes);
  return forest;
};
const rows = (forest: Forest, folded = NONE, filter = NO_FILTER) => rowsOf(forest, folded, filter);
/** Each row as indent and number. */
const drawn = (given: readonly Row[]) =>
  given.map(({ id, depth }) => `${"  ".repeat(depth)}${Number(id.slice(1))}`);
const shapeOf = (given: readonly Row[]) =>
  given.map(({ id, depth, hasChildren, hidden, turn, entry }) => [
    id,
    depth,
    hasChildren,
    hidden,
    turn,
    entry.node?.seq,
  ]);

describe("the window", () => {
  test("any order of arrival, in any pieces, with or without what is above first, gives the same rows", () => {
    fc.assert(
      fc.property(anyTree, fc.infiniteStream(fc.nat()), (tree, random) => {
        const expected = shapeOf(rows(forestOf(tree)));
        const shuffled = tree
          .map((one) => ({ one, at: random.next().value }))
          .sort((a, b) => a.at - b.at)
          .map(({ one }) => one);
        const forest = new Forest();
        for (let at = 0; at < shuffled.length; ) {
          const page = shuffled.slice(at, at + 1 + (random.next().value % 5));
          forest.add(page, random.next().value % 2 === 0 ? ancestorsOf(page, tree) : []);
          at += page.length;
          rows(forest);
        }
        expect(shapeOf(rows(forest))).toEqual(expected);
        expect([forest.size, forest.oldest, forest.newest]).toEqual([tree.length, 1, tree.length]);
      }),
      { numRuns: 300 },
    );
  });

  test("each node has one row, except those that their prompt's row speaks for", () => {
    fc.assert(
      fc.property(anyTree, (tree) => {
        const shown = rows(forestOf(tree)).map(({ id }) => id);
        expect(new Set(shown).size).toBe(shown.length);
        const missing = tree.filter(({ id }) => !shown.includes(id));
        for (const one of missing) expect(["run_started", "task_done"]).toContain(one.eventType ?? "");
        const parents = new Set(
          tree
            .filter(({ id, role }) => shown.includes(id) && role !== "user")
            .map(({ parentId }) => parentId),
        );
        for (const { id } of missing) expect(parents.has(id)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  test("a row is at most one step deeper than the one before it, and stands after what it hangs under", () => {
    fc.assert(
      fc.property(anyTree, (tree) => {
        const shown = rows(forestOf(tree));
        const at = new Map(shown.map(({ id }, index) => [id, index]));
        for (const [index, { depth, entry }] of shown.entries()) {
          expect(depth).toBeLessThanOrEqual((shown[index - 1]?.depth ?? -1) + 1);
          const above = at.get(entry.parentId ?? "");
          if (above !== undefined) expect(above).toBeLessThan(index);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("what a fold hides is counted: rows and hidden ones are always all rows", () => {
    fc.assert(
      fc.property(anyTree, fc.array(fc.nat(), { maxLength: 8 }), (tree, picks) => {
        const forest = forestOf(tree);
        const folded = new Set(picks.map((pick) => tree[pick % tree.length]?.id ?? ""));
        const some = rows(forest, folded);
        const hidden = some.reduce((sum, row) => sum + row.hidden, 0);
        expect(some.length + hidden).toBe(rows(forest).length);
        for (const row of some) expect(row.isFolded).toBe(row.hasChildren && folded.has(row.id));
      }),
      { numRuns: 300 },
    );
  });

  test("a window of the tree shows its nodes and what is above them, and nothing else", () => {
    fc.assert(
      fc.property(anyTree, fc.nat(), fc.nat(), (tree, a, b) => {
        const from = a % tree.length;
        const page = tree.slice(from, from + 1 + (b % (tree.length - from)));
        const forest = new Forest();
        forest.add(page, ancestorsOf(page, tree));
        const ids = new Set([...page, ...ancestorsOf(page, tree)].map(({ id }) => id));
        const shown = rows(forest).map(({ id }) => id);
        for (const id of shown) expect(ids.has(id)).toBe(true);
        for (const { id, eventType = "" } of page)
          if (!["run_started", "task_done"].includes(eventType)) expect(shown).toContain(id);
      }),
      { numRuns: 200 },
    );
  });

  test("a node that comes twice is there once", () => {
    const forest = forestOf([node(1), node(2)]);
    forest.add([node(2), node(1)]);
    forest.add([node(2, { content: "other" })]);
    expect(drawn(rows(forest))).toEqual(["1", "2"]);
    expect(forest.get(idOf(2))?.line).toBe("node 2");
  });

  test("holds at most so many nodes, drops them from the far end, and keeps what is above the others", () => {
    const tree = [node(1), ...Array.from({ length: HELD_MAX + 500 }, (_, at) => prompt(at + 2, 1))];
    const children = tree.slice(1).map((one, at) => reply(HELD_MAX + 600 + at, 2, { parentId: one.id }));
    const forest = forestOf([...tree, ...children.slice(0, 400)]);
    forest.trim("newest");
    expect(forest.size).toBe(HELD_MAX);
    expect(forest.newest).toBe(HELD_MAX + 999);
    expect(forest.get(idOf(2))?.node).toBeUndefined();
    expect(forest.get(idOf(2))?.line).toBe("node 2");
    expect(forest.get(idOf(402))).toBeUndefined();
    expect(drawn(rows(forest)).slice(0, 4)).toEqual(["1", "2", `  ${HELD_MAX + 600}`, "3"]);
    forest.trim("newest");
    expect(forest.size).toBe(HELD_MAX);
    const other = forestOf(tree);
    other.trim("oldest");
    expect([other.size, other.oldest, other.newest]).toEqual([HELD_MAX, 1, HELD_MAX]);
  });

  test("dropping at one end and reading the same again gives what was there", () => {
    const tree = Array.from({ length: HELD_MAX + 1_000 }, (_, at) =>
      at === 0 ? node(1) : at % 3 === 1 ? prompt(at + 1, 1) : reply(at + 1, at - (at % 3 === 0 ? 1 : 0)),
    );
    const forest = forestOf(tree.slice(1_000));
    const before = shapeOf(rows(forest));
    forest.add(tree.slice(0, 1_000));
    forest.trim("oldest");
    forest.add(tree.slice(HELD_MAX), ancestorsOf(tree.slice(HELD_MAX), tree));
    forest.trim("newest");
    expect(shapeOf(rows(forest)).filter(([, , , , , seq]) => seq !== undefined)).toEqual(
      before.filter(([, , , , , seq]) => seq !== undefined),
    );
  });

  test("thousands of nodes, each under the one before it, are no problem", () => {
    const chain = Array.from({ length: HELD_MAX }, (_, at) =>
      at === 0 ? node(1) : event(at + 1, at, "note"),
    );
    const shown = rows(forestOf(chain));
    expect(shown.length).toBe(HELD_MAX);
    expect(rows(forestOf(chain), new Set([idOf(2)])).at(-1)?.hidden).toBe(HELD_MAX - 2);
  });
});

describe("how it is laid out", () => {
  const turn = [
    node(1),
    prompt(2, 1),
    event(3, 2, "run_started"),
    call(4, 2),
    result(5, 4),
    reply(6, 2),
    event(7, 2, "task_done"),
  ];

  test("a turn stands under its prompt; that it began and ended well is said by the prompt's row", () => {
    expect(drawn(rows(forestOf(turn)))).toEqual(["1", "2", "  4", "    5", "  6"]);
  });

  test("a conversation stays on one level, however long it is", () => {
    const more = [prompt(8, 6), reply(9, 8), prompt(10, 9), reply(11, 10)];
    expect(drawn(rows(forestOf([...turn, ...more])))).toEqual([
      "1",
      "2",
      "  4",
      "    5",
      "  6",
      "8",
      "  9",
      "10",
      "  11",
    ]);
  });

  test("where several prompts go on from one turn, each is a branch of it, whatever node they hang under", () => {
    const more = [prompt(8, 6), reply(9, 8), prompt(10, 4), reply(11, 10), prompt(12, 11)];
    expect(drawn(rows(forestOf([...turn, ...more])))).toEqual([
      "1",
      "2",
      "  4",
      "    5",
      "  6",
      "  8",
      "    9",
      "  10",
      "    11",
      "  12",
    ]);
  });

  test("a task that a call began stands under the call, for its context begins afresh", () => {
    const more = [prompt(8, 4, { meta: { fresh: true }, taskId: "sub" }), reply(9, 8)];
    expect(drawn(rows(forestOf([...turn, ...more])))).toEqual([
      "1",
      "2",
      "  4",
      "    5",
      "    8",
      "      9",
      "  6",
    ]);
  });

  test("threads stand in the order of their newest prompts: what merely happens moves nothing", () => {
    const threads = [node(1), prompt(2, 1), prompt(3, 1), prompt(4, 1), event(5, 1, "note")];
    expect(drawn(rows(forestOf([...threads, call(6, 3), result(7, 6)])))).toEqual([
      "1",
      "2",
      "3",
      "  6",
      "    7",
      "4",
      "5",
    ]);
    const goesOn = [reply(6, 3), prompt(7, 6), reply(8, 4)];
    expect(drawn(rows(forestOf([...threads, ...goesOn])))).toEqual([
      "1",
      "2",
      "4",
      "  8",
      "5",
      "3",
      "  6",
      "7",
    ]);
  });

  test("folding a prompt hides its turn, and not the conversation that goes on after it", () => {
    const all = forestOf([...turn, prompt(8, 6), reply(9, 8)]);
    expect(drawn(rows(all, new Set([idOf(2)])))).toEqual(["1", "2", "8", "  9"]);
    expect(rows(all, new Set([idOf(2)]))[1]).toMatchObject({ isFolded: true, hidden: 3 });
  });

  test("a prompt says how its turn stands and what it has cost", () => {
    const usage = { input: 1, output: 2, cacheRead: 0, cacheWrite: 0, totalTokens: 3, cost: 0.5 };
    const turnOf = (...more: TreeNode[]) => rows(forestOf([node(1), prompt(2, 1), ...more]))[1]?.turn;
    expect(turnOf()?.status).toBe("queued");
    expect(turnOf(event(3, 2, "run_started"))?.status).toBe("running");
    expect(turnOf(event(3, 2, "run_started"), event(4, 2, "task_interrupted"))?.status).toBe("queued");
    expect(turnOf(call(3, 2), event(4, 3, "pending"))?.status).toBe("waiting");
    expect(turnOf(event(3, 2, "pending"))?.status).toBe("waiting");
    expect(turnOf(call(3, 2), event(4, 3, "pending"), event(5, 4, "answer"))?.status).toBe("running");
    expect(turnOf(event(3, 2, "pending"), event(4, 2, "task_cancelled"))?.status).toBe("cancelled");
    expect(turnOf(event(3, 2, "task_error"))?.status).toBe("error");
    expect(
      turnOf(reply(3, 2, { meta: { usage } }), call(4, 2, { meta: { usage } }), event(5, 2, "task_done")),
    ).toEqual({
      status: "done",
      usage: { ...usage, input: 2, output: 4, totalTokens: 6, cost: 1 },
    });
    expect(rows(forestOf([node(1), prompt(2, 1, { taskId: undefined })]))[1]?.turn).toBeUndefined();
  });

  test("a prompt beyond the window stands above its turn, without what is not known of it", () => {
    const forest = new Forest();
    const page = turn.slice(3);
    forest.add(page, ancestorsOf(page, turn));
    expect(drawn(rows(forest))).toEqual(["1", "2", "  4", "    5", "  6"]);
    expect(rows(forest)[1]).toMatchObject({ turn: undefined, entry: { node: undefined, line: "node 2" } });
  });
});

describe("a filter", () => {
  const tree = [
    node(1),
    prompt(2, 1),
    call(3, 2),
    result(4, 3, { isError: true, content: "No such file" }),
    reply(5, 2, { content: "first answer" }),
    prompt(6, 5),
    reply(7, 6, { content: "Second\n  line Answer" }),
    event(8, 1, "cron_start", { source: "cron", taskId: undefined }),
  ];
  const found = (filter: Partial<typeof NO_FILTER>) =>
    rows(forestOf(tree), new Set([idOf(2)]), { ...NO_FILTER, ...filter });

  test("shows what fits, in whose turn it happened, and nothing of the turns before; folds are open", () => {
    expect(drawn(found({ text: "SECOND answer" }))).toEqual(["6", "  7"]);
    expect(found({ text: "SECOND answer" }).map(({ isContext }) => isContext)).toEqual([true, false]);
    expect(drawn(found({ errorsOnly: true }))).toEqual(["1", "2", "  3", "    4"]);
    expect(drawn(found({ kinds: new Set(["reply"] as const) }))).toEqual(["1", "2", "  5", "6", "  7"]);
    expect(drawn(found({ source: "cron" }))).toEqual(["1", "8"]);
    expect(drawn(found({ taskId: "t", from: node(6).timestamp }))).toEqual(["6", "  7"]);
    expect(found({ text: "nowhere" })).toEqual([]);
  });

  test("for events finds no beginnings and ends of turns, which have no rows", () => {
    const ended = [
      node(1),
      prompt(2, 1),
      event(3, 2, "run_started"),
      event(4, 2, "task_done"),
      event(5, 1, "note"),
    ];
    const filter = { ...NO_FILTER, kinds: new Set(["event"] as const) };
    expect(drawn(rows(forestOf(ended), NONE, filter))).toEqual(["1", "5"]);
  });

  test("of blanks is none", () => {
    expect(found({ text: "  " }).length).toBe(rows(forestOf(tree), new Set([idOf(2)])).length);
  });

  test("shows each node that fits once, whatever the tree", () => {
    fc.assert(
      fc.property(anyTree, (all) => {
        const shown = rows(forestOf(all), NONE, { ...NO_FILTER, kinds: new Set(["reply", "call"] as const) });
        const hits = shown.filter(({ isContext }) => !isContext).map(({ id }) => id);
        const fitting = all.filter(({ role }) => role === "assistant" || role === "tool_call");
        expect(hits.toSorted()).toEqual(fitting.map(({ id }) => id).toSorted());
      }),
      { numRuns: 200 },
    );
  });
});
