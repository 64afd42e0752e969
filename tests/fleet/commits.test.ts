// The ledger of commits in a real reef: what it records of agents by itself, under their own node, and over a reload.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Commit } from "../../examples/services/commits/commit.js";
import type { TreeNode } from "../../src/tree/node.js";
import { cleanUp, type Reef } from "../flow/reef.js";
import { startReefWith } from "./reef-with.js";

let reef: Reef;
beforeAll(async () => {
  reef = await startReefWith(["commits"], { token: "commits-test-token" });
});
afterAll(cleanUp);

const recorded = async (): Promise<Commit[]> => (await reef.api("GET", "/commits")).commits;

async function nodesOf(eventType: string): Promise<TreeNode[]> {
  const { nodes }: { nodes: Record<string, TreeNode> } = await reef.api("GET", "/reef/tree");
  return Object.values(nodes).filter((node) => node.eventType === eventType);
}

/** Behaviors never delay an agent, so their work shows a little later. */
async function recordedAs(commitId: string): Promise<Commit> {
  for (let n = 0; n < 1_000; n++) {
    const found = (await recorded()).find((one) => one.commitId === commitId);
    if (found) return found;
    await Bun.sleep(10);
  }
  throw new Error(`${commitId} was not recorded`);
}

test("a snapshot that an agent elsewhere takes is recorded in its name, as a node of the tree (spec §15)", async () => {
  const toolCallId = "t1";
  const toolName = "vers_vm_commit";
  const content = [{ type: "text", text: "VM vm-1 committed: c-1" }];
  await reef.fetch("/reef/agent-events", {
    method: "POST",
    headers: { "X-Agent-Name": "ada", "Content-Type": "application/json" },
    body: JSON.stringify({
      session: "s-1",
      events: [
        { name: "session_start", data: { reason: "startup" } },
        { name: "tool_call", data: { toolCallId, toolName, input: { vmId: "vm-1" } } },
        {
          name: "tool_result",
          data: { toolCallId, toolName, isError: false, content, details: { commit_id: "c-1" } },
        },
        {
          name: "tool_result",
          data: { toolCallId, toolName, isError: false, content, details: { commit_id: "c-1" } },
        },
      ],
    }),
  });
  expect(await recordedAs("c-1")).toMatchObject({ vmId: "vm-1", agent: "ada" });
  expect(await nodesOf("commits_recorded")).toMatchObject([
    { content: "c-1 of vm-1", meta: { commitId: "c-1", vmId: "vm-1" } },
  ]);
});

test("it is reloaded under load without a failed request or a lost entry (spec §17.8)", async () => {
  const before = (await recorded()).length;
  const sent: Promise<Commit>[] = [];
  for (let n = 0; n < 200; n++) {
    sent.push(reef.api("POST", "/commits", { commitId: `load-${n}`, vmId: "vm-2" }));
    if (n % 100 === 50) await reef.api("POST", "/services/reload/commits");
  }
  const ids = (await Promise.all(sent)).map(({ id }) => id);
  expect(new Set(ids).size).toBe(200);
  expect(await recorded()).toHaveLength(before + 200);
});
