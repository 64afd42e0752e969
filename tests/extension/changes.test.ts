// Tools that come and go while a task runs: when the model is offered them, and what the server is told (spec §17.5).
import { expect, test } from "bun:test";
import { CONTROL, emptySession, handOver } from "./rig/handover.js";
import { calls, offered, text } from "./rig/model.js";
import type { PiLine } from "./rig/pi.js";
import { rigs } from "./rig/rig.js";
import type { TestServer, TestTool } from "./rig/server.js";

const rig = rigs();

const plain: TestTool = { run: () => ({ content: [{ type: "text", text: "ran" }], details: {} }) };

/** A tool whose run changes the list, as a deploy does. */
const changing = (server: () => TestServer, change: (tools: TestServer["tools"]) => void): TestTool => ({
  run() {
    change(server().tools);
    return { content: [{ type: "text", text: "changed" }], details: { kept: true } };
  },
});

const ends = (lines: PiLine[]) => lines.filter((line) => line.type === "tool_execution_end");
const errors = (lines: PiLine[]) => lines.filter((line) => line.type === "extension_error");

test("a changed list ends the loop with its batch, and the next loop has it, with the same system prompt", async () => {
  const context = await rig((_request, n) => (n === 0 ? calls(["k", "deploy", {}]) : text("done")), {
    deploy: changing(
      () => context.server,
      (tools) => tools.set("fresh", plain).delete("old"),
    ),
    old: plain,
  });
  const { pi, model } = context;
  await pi.switchTo(emptySession(pi.dir));
  const lines = await pi.prompt("Go");
  expect(ends(lines)[0]?.result).toEqual({
    content: [{ type: "text", text: "changed" }],
    details: { kept: true, toolsChanged: { added: ["fresh"], removed: ["old"], changed: [] } },
    terminate: true,
  });
  expect(model.requests.length).toBe(1);

  const next = await pi.prompt(`/reef-continue-${CONTROL} New tools: fresh\nUse them.`);
  expect(offered(model.requests[1])).toEqual(["bash", "deploy", "edit", "fresh", "read", "write"]);
  expect(model.requests[1]?.system).toEqual(model.requests[0]?.system as never);
  expect(model.requests[1]?.messages.at(-1)).toMatchObject({
    role: "user",
    content: [{ text: "New tools: fresh\nUse them." }],
  });
  expect(errors([...lines, ...next])).toEqual([]);
});

test("the answer to the command that continues comes after its loop has begun", async () => {
  const { pi } = await rig(() => text("done"));
  await pi.switchTo(emptySession(pi.dir));
  const lines = await pi.prompt(`/reef-continue-${CONTROL} Go on.`);
  const order = lines.map((line) => line.type);
  expect(order.indexOf("agent_start")).toBeGreaterThan(-1);
  expect(order.indexOf("agent_start")).toBeLessThan(order.indexOf("response"));
});

test("a changed list is noticed after a call of bash, also of one that fails", async () => {
  const context = await rig((_request, n) =>
    n === 0 ? calls(["k", "bash", { command: "echo out; exit 3" }]) : text("done"),
  );
  const { pi, server, model } = context;
  await pi.switchTo(emptySession(pi.dir));
  await pi.request({ type: "get_state" });
  const started = pi
    .until((line) => line.type === "tool_execution_start")
    .then(() => server.tools.set("fresh", plain));
  const lines = await pi.prompt("Go");
  await started;
  expect(ends(lines)[0]).toMatchObject({
    isError: true,
    result: { details: { toolsChanged: { added: ["fresh"] } }, terminate: true },
  });
  expect(ends(lines)[0]?.result.content[0].text).toBe("out\n\n\nCommand exited with code 3");
  expect(model.requests.length).toBe(1);
});

test("where a call of the batch returned before the change, the list lasts one model call longer (spec §17.5)", async () => {
  let isFirstDone: (() => void) | undefined;
  const firstDone = new Promise<void>((done) => {
    isFirstDone = done;
  });
  const context = await rig(
    (_request, n) =>
      [calls(["a", "quick", {}], ["b", "deploy", {}]), calls(["c", "quick", {}])][n] ?? text("done"),
    {
      quick: plain,
      deploy: {
        async run() {
          await firstDone;
          context.server.tools.set("fresh", plain);
          return { content: [], details: {} };
        },
      },
    },
  );
  const { pi, model } = context;
  await pi.switchTo(emptySession(pi.dir));
  void pi.until((line) => line.type === "tool_execution_end").then(() => isFirstDone?.());
  const lines = await pi.prompt("Go");
  expect(ends(lines).map((line) => line.result.terminate ?? false)).toEqual([false, true, true]);
  expect(model.requests.map((request) => offered(request).includes("fresh"))).toEqual([false, false]);
  await pi.prompt(`/reef-continue-${CONTROL} New tools: fresh`);
  expect(offered(model.requests[2])).toContain("fresh");
});

test("a tool outside the profile's list changes nothing for the task", async () => {
  const context = await rig((_request, n) => (n === 0 ? calls(["k", "deploy", {}]) : text("done")), {
    deploy: changing(
      () => context.server,
      (tools) => tools.set("fresh", plain),
    ),
  });
  const { pi, model } = context;
  await pi.switchTo(emptySession(pi.dir, handOver({ tools: ["deploy"] })));
  const lines = await pi.prompt("Go");
  expect(ends(lines)[0]?.result.terminate).toBeUndefined();
  expect(model.requests.map(offered)).toEqual([["deploy"], ["deploy"]]);
});

test("a changed schema is offered, too", async () => {
  const parameters = { type: "object", properties: { more: { type: "number" } } };
  const context = await rig((_request, n) => (n === 0 ? calls(["k", "deploy", {}]) : text("done")), {
    deploy: changing(
      () => context.server,
      (tools) => tools.set("other", { ...plain, info: { parameters } }),
    ),
    other: plain,
  });
  const { pi, model } = context;
  await pi.switchTo(emptySession(pi.dir));
  const lines = await pi.prompt("Go");
  expect(ends(lines)[0]?.result.details.toolsChanged).toEqual({ added: [], removed: [], changed: ["other"] });
  await pi.prompt(`/reef-continue-${CONTROL} Changed tools: other`);
  expect(model.requests[1]?.tools?.find(({ name }) => name === "other")?.input_schema).toMatchObject(
    parameters,
  );
});

test("a retry after a changed list keeps the system prompt", async () => {
  const context = await rig(
    (_request, n) => [calls(["a", "quick", {}], ["b", "deploy", {}]), 500][n] ?? text("done"),
    {
      quick: plain,
      deploy: {
        async run() {
          await context.pi.until((line) => line.type === "tool_execution_end");
          context.server.tools.set("fresh", plain);
          return { content: [], details: {} };
        },
      },
    },
  );
  const { pi, model } = context;
  await pi.switchTo(emptySession(pi.dir));
  await pi.request({ type: "prompt", message: "Go" });
  await pi.until((line) => line.type === "auto_retry_end");
  expect(model.requests.length).toBe(3);
  for (const request of model.requests) expect(request.system).toEqual(model.requests[0]?.system as never);
});
