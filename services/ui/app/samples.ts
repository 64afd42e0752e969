// What the tests of the app share: nodes as the server writes them, and trees made at random.
import fc from "fast-check";
import type { AncestorStub, TreeNode } from "./types.js";

export const START = Date.UTC(2030, 0, 1, 12);

/** A node of a tree; `seq` doubles as its time and, padded, as its id. */
export function node(seq: number, rest: Partial<TreeNode> = {}): TreeNode {
  return {
    id: idOf(seq),
    seq,
    parentId: seq === 1 ? null : idOf(1),
    role: seq === 1 ? "system" : "event",
    content: `node ${seq}`,
    timestamp: START + seq * 1_000,
    ...rest,
  };
}

export function idOf(seq: number): string {
  return `n${String(seq).padStart(4, "0")}`;
}

export const prompt = (seq: number, under: number, rest: Partial<TreeNode> = {}) =>
  node(seq, { parentId: idOf(under), role: "user", taskId: "t", meta: { fresh: under === 1 }, ...rest });
export const reply = (seq: number, under: number, rest: Partial<TreeNode> = {}) =>
  node(seq, { parentId: idOf(under), role: "assistant", taskId: "t", ...rest });
export const call = (seq: number, under: number, rest: Partial<TreeNode> = {}) =>
  node(seq, {
    parentId: idOf(under),
    role: "tool_call",
    taskId: "t",
    toolName: "bash",
    toolParams: { command: `echo ${seq}` },
    ...rest,
  });
export const result = (seq: number, under: number, rest: Partial<TreeNode> = {}) =>
  node(seq, { parentId: idOf(under), role: "tool_result", taskId: "t", ...rest });
export const event = (seq: number, under: number, eventType: string, rest: Partial<TreeNode> = {}) =>
  node(seq, { parentId: idOf(under), role: "event", eventType, ...rest });

const ROLES = ["user", "assistant", "tool_call", "tool_result", "event"] as const;
const EVENTS = ["run_started", "task_done", "task_error", "pending", "answer", "note"];

/** A whole tree, in the order of `seq`: each node but the first hangs under an earlier one, of any role. */
export const anyTree: fc.Arbitrary<TreeNode[]> = fc
  .array(
    fc.record({
      under: fc.nat(),
      role: fc.constantFrom(...ROLES),
      eventType: fc.constantFrom(...EVENTS),
      fresh: fc.constantFrom(true, false, undefined),
      isError: fc.boolean(),
    }),
    { maxLength: 60 },
  )
  .map((parts) => [
    node(1),
    ...parts.map(({ under, role, eventType, fresh, isError }, at) =>
      node(at + 2, {
        // Near ones more often than far ones, so that there are chains.
        parentId: idOf(under % 3 === 0 ? (under % (at + 1)) + 1 : Math.max(1, at + 1 - (under % 3))),
        role,
        ...(role === "event" && { eventType }),
        ...(role === "tool_result" && { isError }),
        ...(role === "user" && { taskId: "t", meta: fresh === undefined ? {} : { fresh } }),
      }),
    ),
  ]);

/** What the server sends beside a page: all that stand above its nodes and are not on it. */
export function ancestorsOf(page: readonly TreeNode[], tree: readonly TreeNode[]): AncestorStub[] {
  const byId = new Map(tree.map((one) => [one.id, one]));
  const onPage = new Set(page.map(({ id }) => id));
  const found = new Map<string, AncestorStub>();
  for (const one of page)
    for (let at = byId.get(one.parentId ?? ""); at; at = byId.get(at.parentId ?? ""))
      if (!onPage.has(at.id) && !found.has(at.id)) {
        const { id, parentId, role, content } = at;
        found.set(id, { id, parentId, role, content });
      }
  return [...found.values()];
}
