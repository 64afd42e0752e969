// What behaviors hear of a run, whatever number of loops pi needs for it.
import { expect, test } from "bun:test";
import type { AgentEvent } from "../../src/agent/protocol.js";
import { createLifecycle } from "../../src/tasks/lifecycle.js";
import { message } from "./samples.js";

function heard(events: readonly (AgentEvent | "over")[]): string[] {
  const names: string[] = [];
  const lifecycle = createLifecycle((name) => void names.push(name));
  for (const event of events) event === "over" ? lifecycle.end() : lifecycle.hear(event);
  return names;
}

const loop: AgentEvent[] = [
  { type: "agent_start" },
  { type: "turn_start" },
  message({}),
  { type: "turn_end" },
  { type: "agent_end" },
];
const turn = ["turn_start", "message_end", "turn_end"];
const retry = { attempt: 1, maxAttempts: 3, delayMs: 1, errorMessage: "overloaded" };

test("a prompt begins and ends once, over a retry, a compaction and a further loop (spec §5.5)", () => {
  const events: AgentEvent[] = [
    ...loop,
    { type: "auto_retry_start", ...retry },
    ...loop,
    { type: "compaction_start", reason: "overflow" },
    { type: "compaction_end", reason: "overflow", aborted: false, willRetry: true },
    ...loop,
    { type: "settled" },
  ];
  expect(heard([...events, "over"])).toEqual(["agent_start", ...turn, ...turn, ...turn, "agent_end"]);
});

test("a run that is ended in the middle has an end, too, and only one (spec §5.5)", () => {
  expect(heard(["over"])).toEqual([]);
  expect(heard([{ type: "agent_start" }, { type: "turn_start" }, "over", "over"])).toEqual([
    "agent_start",
    "turn_start",
    "agent_end",
  ]);
});

test("a tool call and its result have pi's names and fields (spec §5.5)", () => {
  const told: unknown[] = [];
  const lifecycle = createLifecycle((...event) => void told.push(event));
  const call = { toolCallId: "c", toolName: "bash" };
  const result = { content: [{ type: "text" as const, text: "ok" }], details: { n: 1 } };
  lifecycle.hear({ type: "tool_execution_start", ...call, args: { command: "true" } });
  lifecycle.hear({ type: "tool_execution_end", ...call, result, isError: false });
  lifecycle.hear({ type: "queue_update", steering: [], followUp: [] });
  expect(told).toEqual([
    ["tool_call", { type: "tool_call", ...call, input: { command: "true" } }],
    ["tool_result", { type: "tool_result", ...call, ...result, isError: false }],
  ]);
});
