import { expect, test } from "bun:test";
import { drawTree } from "../../src/reef/drawing.js";
import type { TreeNode } from "../../src/tree/node.js";
import { node } from "../tasks/samples.js";

let at = 0;
const make = (parentId: string | null, fields: Partial<TreeNode>) => {
  at += 1;
  return node({ id: `d${at}`, seq: at, parentId, ...fields });
};

async function draw(
  nodes: TreeNode[],
  options: { width?: number; depth?: number; all?: boolean } = {},
): Promise<string> {
  const [root] = nodes;
  if (!root) return "";
  const children = async (id: string, { after = 0, limit }: { after?: number; limit: number }) => {
    const found = nodes.filter((one) => one.parentId === id && one.seq > after);
    return { nodes: found.slice(0, limit), more: found.length > limit };
  };
  let text = "";
  for await (const chunk of drawTree(children, { root, width: 120, all: false, ...options })) text += chunk;
  return text;
}

test("the history of the README is drawn character for character (spec §4.11, §13.19)", async () => {
  const root = make(null, { role: "system", content: "You are a reef agent" });
  const first = make(root.id, { role: "user", content: "What is 2+2?" });
  const started = make(first.id, { eventType: "run_started" });
  const call = make(first.id, {
    role: "tool_call",
    toolName: "bash",
    toolParams: { command: "echo $((2+2))" },
  });
  const result = make(call.id, { role: "tool_result", content: "4\n" });
  const reply = make(first.id, { role: "assistant", content: "2+2 = 4" });
  const done = make(first.id, { eventType: "task_done" });
  const second = make(reply.id, { role: "user", content: "Multiply by 10" });
  const forty = make(second.id, { role: "assistant", content: "40" });
  const cron = make(root.id, { eventType: "cron_start", content: "heartbeat (exec)" });
  const alive = make(cron.id, { eventType: "cron_done", content: "alive 03:02:00" });
  const deployed = make(root.id, { eventType: "service_deploy", content: "service deployed: ping" });
  const nodes = [root, first, started, call, result, reply, done, second, forty, cron, alive, deployed];
  expect(await draw(nodes)).toBe(`[system] You are a reef agent
├─ [user] What is 2+2?
│  ├─ [tool] bash(echo $((2+2)))
│  │  └─ [result] 4
│  └─ [assistant] 2+2 = 4
│     └─ [user] Multiply by 10
│        └─ [assistant] 40
├─ [cron] heartbeat (exec)
│  └─ [done] alive 03:02:00
└─ [event] service deployed: ping
`);
  expect(await draw(nodes, { all: true })).toContain("├─ [event]");
  expect((await draw(nodes, { depth: 1 })).split("\n")).toHaveLength(5);
});

test("text is one line, cut at the width, and arguments are shown as the call needs", async () => {
  const root = make(null, { role: "system", content: "a\nb\u0000c\u2028d" });
  const long = make(root.id, { role: "user", content: "x".repeat(200) });
  const one = make(root.id, { role: "tool_call", toolName: "read", toolParams: { path: "/a" } });
  const two = make(root.id, { role: "tool_call", toolName: "put", toolParams: { key: "k", value: 1 } });
  const none = make(root.id, { role: "tool_call", toolName: "list", toolParams: {} });
  const lines = (await draw([root, long, one, two, none], { width: 10 })).split("\n");
  expect(lines[0]).toBe("[system] a b c d");
  expect(lines[1]).toBe("├─ [user] xxxxxxxxx…");
  expect((await draw([root, one, two, none])).split("\n").slice(1, 4)).toEqual([
    "├─ [tool] read(/a)",
    '├─ [tool] put({"key":"k","value":1})',
    "└─ [tool] list()",
  ]);
});

test("a conversation two thousand levels deep is drawn", async () => {
  const nodes = [make(null, { role: "system", content: "s" })];
  for (let n = 0; n < 2_000; n++)
    nodes.push(make(nodes.at(-1)?.id ?? null, { role: "user", content: `${n}` }));
  const byParent = new Map(nodes.map((one) => [one.parentId, one]));
  let lines = 0;
  const [root] = nodes as [TreeNode];
  const children = async (id: string) => ({
    nodes: [byParent.get(id)].filter((one) => one !== undefined),
    more: false,
  });
  for await (const chunk of drawTree(children, { root, width: 20, all: false }))
    lines += chunk.split("\n").length - 1;
  expect(lines).toBe(2_001);
});
