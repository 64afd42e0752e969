// The texts of the tools that every task has.
import { expect, test } from "bun:test";
import type { FleetClient } from "../../src/core/types.js";
import { registerReefTools } from "../../src/reef/tools.js";

test("a failure of any length stays within 8000 characters and ends with the next step (spec §12)", async () => {
  const task = {
    name: "x",
    status: "error",
    nodes: [],
    usage: { cost: 0 },
    artifacts: { error: "e".repeat(50_000) },
  };
  const client = {
    api: async (method: string) => (method === "POST" ? { id: "x", status: "running" } : task),
    err: (text: string) => ({
      content: [{ type: "text", text: `Error: ${text}` }],
      isError: true,
      details: {},
    }),
  } as unknown as FleetClient;
  const tools = new Map<string, { execute(...args: unknown[]): Promise<{ content: { text: string }[] }> }>();
  const pi = { registerTool: (tool: { name: string }) => tools.set(tool.name, tool as never) };
  const parts = {
    servicesDir: "",
    modules: () => [],
    tools: () => [],
    capabilities: () => [],
    now: Date.now,
  };
  registerReefTools(parts)(pi as never, client);
  const result = await tools.get("reef_submit")?.execute("call", { task: "do it" });
  const text = result?.content[0]?.text ?? "";
  expect(text).toStartWith("Error: Task x failed: eee");
  expect(text).toEndWith("more characters). Read it with reef_task_read.");
  expect(text.length).toBeLessThanOrEqual(8000);
});
