// An agent extends its own server: it writes a service, deploys it, reads a failing test, repairs it, deploys again and
// calls the new tool. All of it is one task.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { TreeNode } from "../../src/tree/node.js";
import { cleanUp, type Reef, startReef } from "./reef.js";

let reef: Reef;
beforeAll(async () => {
  reef = await startReef();
});
afterAll(cleanUp);

test("a service is built from nothing, with one failing deploy on the way, under one prompt (spec §4.14, §6.2, §13.13)", async () => {
  const { nodeId } = await reef.submit({ task: "Build a service that counts votes.", taskId: "builder" });
  const task = await reef.over("builder");
  expect(task.status).toBe("done");

  const calls = task.nodes.filter(({ role }) => role === "tool_call");
  expect(calls.map(({ toolName }) => toolName)).toEqual([
    "reef_manifest",
    ...Array(5).fill("write"),
    "reef_deploy",
    "edit",
    "reef_deploy",
    "votes_cast",
  ]);
  const [failed, deployed] = calls.filter(({ toolName }) => toolName === "reef_deploy");
  expect(resultOf(failed, task.nodes)).toMatchObject({ isError: true });
  expect(resultOf(failed, task.nodes)?.content).toContain("the choice with the most votes comes first");
  expect(resultOf(deployed, task.nodes)?.content).toContain(
    "Deployed votes: 2 passed, 0 failed. Live at /votes (2 routes).",
  );
  expect(resultOf(deployed, task.nodes)?.content).toContain("New tools: votes_cast");
  expect(resultOf(calls.at(-1), task.nodes)).toMatchObject({ content: "tea: 1", isError: false });

  const nodes = await reef.nodes();
  const under = (id: string) =>
    nodes.filter(({ parentId }) => parentId === id).map(({ eventType }) => eventType);
  expect(under(failed?.id ?? "")).toContain("service_deploy_failed");
  expect(under(deployed?.id ?? "")).toContain("service_deploy");
  const { effects } = await reef.api("GET", `/reef/tree/${nodeId}/effects?limit=1000`);
  const found = new Set(effects.map(({ id }: TreeNode) => id));
  for (const node of nodes.filter(({ source }) => source === "services")) expect(found).toContain(node.id);
}, 60_000);

test("what an agent deployed runs in a process of its own, and serves everyone (spec §5.8)", async () => {
  const { modules } = await reef.api("GET", "/services");
  expect(modules.find(({ name }: { name: string }) => name === "votes")).toMatchObject({
    isolation: "process",
  });
  expect(await reef.api("GET", "/votes")).toEqual({ tally: [{ choice: "tea", votes: 1 }] });
});

function resultOf(call: TreeNode | undefined, nodes: readonly TreeNode[]): TreeNode | undefined {
  return nodes.find(({ role, parentId }) => role === "tool_result" && parentId === call?.id);
}
