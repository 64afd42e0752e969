// Searching a real tree over HTTP: what tasks said and did, newest first, also right after a kill.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { TreeNode } from "../../src/tree/node.js";
import { cleanUp, type Reef, startReef } from "./reef.js";

interface Answer {
  results: { node: TreeNode; snippet: string }[];
  count: number;
  nextCursor?: string;
  indexedSeq: number;
}

let reef: Reef;
beforeAll(async () => {
  reef = await startReef();
  await reef.submit({ task: "Run `echo periwinkle shells`.", taskId: "shells" });
  await reef.submit({ task: "slow: 3 words every 5 ms\nabout periwinkle", taskId: "words" });
  await reef.submit({ task: "fail: auth\nLook for periwinkle", taskId: "fails" });
  for (const name of ["shells", "words", "fails"]) await reef.over(name);
});
afterAll(cleanUp);

const search = (query: Record<string, string>, at = reef) =>
  at.api<Answer>("GET", `/reef/search?${new URLSearchParams(query)}`);
const roles = async (query: Record<string, string>) =>
  (await search(query)).results.map(({ node }) => `${node.taskId} ${node.eventType ?? node.role}`);

describe("GET /reef/search (spec §4.2)", () => {
  test("finds prompts, calls, results and replies, the newest first, as they stand in the tree", async () => {
    const { results, count, indexedSeq, nextCursor } = await search({ q: "periwinkle shells" });
    const nodes = await reef.nodes();
    expect([count, nextCursor, indexedSeq]).toEqual([results.length, undefined, nodes.length]);
    expect(results.map(({ node }) => node.eventType ?? node.role)).toEqual([
      "task_done",
      "assistant",
      "tool_result",
      "tool_call",
      "user",
    ]);
    for (const { node, snippet } of results) {
      expect(node).toEqual(nodes[node.seq - 1] as TreeNode);
      expect(snippet).toContain("periwinkle shells");
    }
  });

  test("a phrase stands together, words need not, and there is no other syntax", async () => {
    expect((await search({ q: '"shells periwinkle"' })).count).toBe(0);
    expect((await search({ q: "shells periwinkle" })).count).toBe(5);
    for (const q of ["periwinkle OR absent", "periwink*", "periwinkle -shells absent", "content:periwinkle"])
      expect([q, (await search({ q })).count]).toEqual([q, 0]);
    for (const q of ['"', "*", "(", "'", '""', "\u0000", "periwinkle\u0000x", "%", "\ud800"])
      expect([q, (await search({ q })).count]).toEqual([q, 0]);
  });

  test("filters narrow it, alone too", async () => {
    expect(await roles({ q: "periwinkle", taskId: "words,fails", types: "user" })).toEqual([
      "fails user",
      "words user",
    ]);
    expect(await roles({ errors: "1" })).toEqual(["fails task_error"]);
    expect(await roles({ source: "reef", types: "task_done", taskId: "shells" })).toEqual([
      "shells task_done",
    ]);
    const { timestamp } = (await reef.nodes()).find((node) => node.taskId === "words") as TreeNode;
    const before = await search({ q: "periwinkle", to: `${timestamp - 1}` });
    const after = await search({ q: "periwinkle", from: `${timestamp}` });
    expect(before.count + after.count).toBe((await search({ q: "periwinkle" })).count);
    expect(before.results.every(({ node }) => node.timestamp < timestamp)).toBe(true);
  });

  test("pages put together are the whole, and a cursor goes on with its own search only (spec §2.7)", async () => {
    const whole = (await search({ q: "periwinkle" })).results.map(({ node }) => node.id);
    const paged: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await search({ q: "periwinkle", limit: "2", ...(cursor && { cursor }) });
      paged.push(...page.results.map(({ node }) => node.id));
      cursor = page.nextCursor;
      if (!cursor) break;
      for (const other of ["q=shells", "q=periwinkle&types=user"]) {
        expect((await reef.fetch(`/reef/search?${other}&cursor=${cursor}`)).status).toBe(400);
      }
    } while (cursor);
    expect(paged).toEqual(whole);
    expect(whole.length).toBeGreaterThan(5);
  });

  const BAD: [query: string, error: string][] = [
    ["", "q or a filter is required"],
    ["q=", "q or a filter is required"],
    ["q=%20%09", "q or a filter is required"],
    ["q=&taskId=&types=,&errors=0", "q or a filter is required"],
    [`q=${"x".repeat(1001)}`, "q is longer than 1000 characters"],
    [`q=${"a+".repeat(51)}`, "q has more than 50 words"],
    ["q=a&limit=0", "invalid limit: 0"],
    ["q=a&limit=-1", "invalid limit: -1"],
    ["q=a&limit=x", "invalid limit: x"],
    ["q=a&cursor=x", "invalid cursor"],
    ["q=a&cursor=WyJzZWFyY2giLDFd", "invalid cursor"],
    ["q=a&errors=maybe", 'errors must be 0 or 1. Received: "maybe"'],
    ["q=a&from=yesterday", 'from must be an integer of at least 0. Received: "yesterday"'],
    ["q=a&from=-1", "from must be"],
    ["q=a&from=", "from must be"],
    ["q=a&to=1.5", "to must be"],
    ["q=a&to=9999999999999999", "to must be"],
    ["q=a&from=2&to=1", "from must not be after to"],
    [`q=a&taskId=${Array(101).fill("t").join(",")}`, "taskId has more than 100 items"],
    [`q=a&types=${Array(101).fill("t").join(",")}`, "types has more than 100 items"],
    [`q=a&source=${Array(101).fill("t").join(",")}`, "source has more than 100 items"],
  ];
  test.each(BAD.map(([query, error]) => [query.slice(0, 50), error, query]))(
    "?%s is 400: %s",
    async (_, error, query) => {
      const answer = await reef.fetch(`/reef/search?${query}`);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toEqual({ error: expect.stringContaining(error), code: "bad_request" });
    },
  );

  test("hostile values of filters match nothing", async () => {
    for (const value of [
      "'; DROP TABLE shards; --",
      '" OR "',
      "__proto__",
      "x".repeat(5000),
      "日本",
      "\u0000",
    ])
      for (const filter of ["taskId", "types", "source"])
        expect((await search({ q: "periwinkle", [filter]: value })).results).toEqual([]);
    expect((await search({ q: "periwinkle", limit: "999999" })).count).toBeGreaterThan(5);
  });
});

test("what was acknowledged before a kill is found after it, each once, while more is appended (spec §1.5)", async () => {
  const first = await startReef();
  for (let n = 0; n < 20; n++)
    await first.submit({ task: `slow: 2 words every 1 ms\nnautilus ${n}`, taskId: `n${n}` });
  await first.kill();
  const again = await first.restart();
  const submits = Array.from({ length: 20 }, (_, n) =>
    again.submit({ task: `slow: 2 words every 1 ms\nnautilus ${n + 20}`, taskId: `n${n + 20}` }),
  );
  while ((await search({ q: "nautilus" }, again)).indexedSeq === 0);
  await Promise.all(submits);
  const { results } = await search({ q: "nautilus", types: "user", limit: "200" }, again);
  expect(results.map(({ node }) => node.taskId).toSorted()).toEqual(
    Array.from({ length: 40 }, (_, n) => `n${n}`).toSorted(),
  );
  await again.stop();
}, 60_000);
