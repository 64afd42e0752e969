// The texts of the tools that every task has.
import { expect, test } from "bun:test";
import type { FleetClient } from "../../src/core/types.js";
import { registerReefTools } from "../../src/reef/tools.js";

test("a refused deploy stays within 8000 characters and ends with the next step (spec §12)", async () => {
  const steps = [
    { step: "test", status: "failed", detail: "0 passed, 1 failed (1 files)\n".padEnd(50_000, "x") },
  ];
  const answer = { name: "x", steps, deployed: false, previousHash: null };
  const text = await textOf("reef_deploy", { name: "x" }, async () => {
    throw Object.assign(new Error("POST /services/deploy (400): no"), { status: 400, answer });
  });
  expect(text).toStartWith("Error: Not deployed: test failed.\n0 passed, 1 failed (1 files)\nxxx");
  expect(text).toEndWith("x\nMend the folder /services/x and call reef_deploy again.");
  expect(text.length).toBeLessThanOrEqual(8000);
});

test("without a services manager a deploy says what to do instead (spec §12)", async () => {
  const text = await textOf("reef_deploy", { name: "x" }, async () => {
    throw Object.assign(new Error("POST /services/deploy (404): not found"), { status: 404 });
  });
  expect(text).toBe(
    'Error: The service "services" is not live. Leave the folder as it is and say in your reply that it has to be deployed.',
  );
});

test("a failure of any length stays within 8000 characters and ends with the next step (spec §12)", async () => {
  const task = {
    name: "x",
    status: "error",
    nodes: [],
    usage: { cost: 0 },
    artifacts: { error: "e".repeat(50_000) },
  };
  const text = await textOf("reef_submit", { task: "do it" }, async (method) =>
    method === "POST" ? { id: "x", status: "running" } : task,
  );
  expect(text).toStartWith("Error: Task x failed: eee");
  expect(text).toEndWith("more characters). Read it with reef_task_read.");
  expect(text.length).toBeLessThanOrEqual(8000);
});

/** What a tool says to who calls it, with a server that answers like this. */
async function textOf(
  name: string,
  params: object,
  api: (method: string) => Promise<unknown>,
): Promise<string> {
  const err = (text: string) => ({
    content: [{ type: "text", text: `Error: ${text}` }],
    isError: true,
    details: {},
  });
  const client = { api, err } as unknown as FleetClient;
  const tools = new Map<string, { execute(...args: unknown[]): Promise<{ content: { text: string }[] }> }>();
  const pi = { registerTool: (tool: { name: string }) => tools.set(tool.name, tool as never) };
  const parts = {
    servicesDir: "/services",
    modules: () => [],
    tools: () => [],
    capabilities: () => [],
    now: Date.now,
  };
  registerReefTools(parts)(pi as never, client);
  const result = await tools.get(name)?.execute("call", params);
  return result?.content[0]?.text ?? "";
}
