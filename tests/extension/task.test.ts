// What a task of reef's own gets in pi, under each way in which pi is run: identity, prompts, bash, /proc.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { piFlags } from "../../src/agent/flags.js";
import { CONTROL, emptySession, handOver, MARKERS } from "./rig/handover.js";
import { calls, offered, text } from "./rig/model.js";
import type { PiLine, Runtime } from "./rig/pi.js";
import { rigs } from "./rig/rig.js";

const rig = rigs();
const folder = mkdtempSync(join(tmpdir(), "reef-task-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ends = (lines: PiLine[]) => lines.filter((line) => line.type === "tool_execution_end");
const outputs = (lines: PiLine[]) => ends(lines).map((line) => line.result.content[0].text as string);

const RUNTIMES: Runtime[] = ["bun", "node", "compiled"];

describe.each(RUNTIMES)("under %s", (runtime) => {
  test("a warm pi asks the server nothing until it has a task, and then works for that task", async () => {
    const { pi, model, server } = await rig(
      (_request, n) =>
        n === 0
          ? calls(["k1", "echo", { text: "hi" }], ["k2", "bash", { command: "env; pwd" }])
          : text("done"),
      {
        echo: {
          run: ({ params }) => ({ content: [{ type: "text", text: `said ${params.text}` }], details: {} }),
        },
      },
      {
        runtime,
        env: {
          SECRET_API_KEY: "sk-secret",
          VERS_PARENT_AGENT: "stale",
          PASSED_ON: "1",
          REEF_TASK_ENV: "PASSED_ON",
        },
      },
    );
    await pi.request({ type: "get_state" });
    expect(server.requests).toEqual([]);

    await pi.switchTo(
      emptySession(pi.dir, handOver({ systemPrompt: "You are T.", appendSystemPrompt: "Be brief." })),
    );
    const lines = await pi.prompt("Hello");
    expect(offered(model.requests[0])).toEqual(["bash", "echo", "edit", "read", "write"]);
    const prompt = model.requests[0]?.system[0]?.text ?? "";
    expect(prompt).toStartWith("You are T.\n\nBe brief.\nCurrent date: ");
    expect(prompt).toEndWith(`Current working directory: ${pi.dir}`);

    const [environment = "", said] = outputs(lines).toSorted((a, b) => b.length - a.length);
    expect(said).toBe("said hi");
    const names = environment.split("\n").map((line) => line.split("=")[0]);
    expect(environment).toContain("REEF_TASK_ID=task-1\n");
    expect(environment).toContain("REEF_NODE_ID=node-1\n");
    expect(environment).toContain("VERS_AGENT_NAME=task-1\n");
    expect(environment).toContain("TERM=dumb\n");
    expect(environment).toContain("PASSED_ON=1\n");
    expect(environment).toEndWith(`${pi.dir}\n`);
    for (const name of ["SECRET_API_KEY", "REEF_CONTROL", "VERS_PARENT_AGENT", "PI_CODING_AGENT_DIR"]) {
      expect(names).not.toContain(name);
    }
    expect(pi.lines.filter((line) => line.type === "extension_error")).toEqual([]);
  });

  test("a second session of the same process has its own prompt, and the command still works", async () => {
    const { pi, model } = await rig(() => text("ok"), {}, { runtime });
    await pi.switchTo(emptySession(pi.dir, handOver({ systemPrompt: "One." })));
    await pi.prompt("Hello");
    await pi.switchTo(emptySession(pi.dir, handOver({ systemPrompt: "Two." })));
    await pi.prompt(`/reef-continue-${CONTROL} Go on`);
    expect(model.requests.map((request) => request.system[0]?.text.split("\n")[0])).toEqual(["One.", "Two."]);
    expect(model.requests[1]?.messages.at(-1)?.content[0].text).toBe("Go on");
  });
});

test("reef's command line carries the markers that the extension replaces (spec §17.3)", () => {
  const flags = piFlags({ provider: "p", id: "m", thinking: "off" });
  expect(flags.join(" ")).toContain(MARKERS.join(" "));
});

test("nothing is read below /proc, not through links either; other files are (spec §17.3)", async () => {
  symlinkSync("/proc/self", join(folder, "link"));
  const { pi } = await rig((_request, n) =>
    n === 0
      ? calls(
          ["a", "read", { path: "/proc/self/environ" }],
          ["b", "read", { path: `${folder}/link/environ` }],
          ["c", "ls", { path: "../../../../../../../../proc" }],
          ["d", "grep", { pattern: "x", path: "@/proc/self" }],
          ["e", "find", { pattern: "environ", path: "/" }],
          ["f", "read", { path: "agent/models.json" }],
          ["g", "ls", {}],
        )
      : text("done"),
  );
  const tools = ["read", "ls", "grep", "find"];
  await pi.switchTo(emptySession(pi.dir, handOver({ tools })));
  const lines = await pi.prompt("Go");
  const byCall = new Map(ends(lines).map((line) => [line.toolCallId, line]));
  const said = (id: string) => byCall.get(id)?.result.content[0].text as string;
  expect(said("a")).toBe("/proc/self/environ is below /proc, which tools do not read.");
  for (const id of ["b", "c", "d"]) expect(said(id)).toEndWith("is below /proc, which tools do not read.");
  expect(said("e")).toBe("A search of / would read /proc. Name a folder below it.");
  for (const id of ["a", "b", "c", "d", "e"]) expect(byCall.get(id)?.isError).toBe(true);
  expect(said("f")).toContain("recorded");
  expect(said("g")).toContain("agent/");
});

test("the file tools work in the session's folder, and bash keeps its texts", async () => {
  const { pi } = await rig(
    (_request, n) =>
      [
        calls(["a", "write", { path: "x.txt", content: "one\ntwo\n" }]),
        calls(["b", "edit", { path: "x.txt", edits: [{ oldText: "two", newText: "three" }] }]),
        calls(["c", "bash", { command: "cat x.txt" }], ["d", "bash", { command: "sleep 5", timeout: 0.2 }]),
      ][n] ?? text("done"),
  );
  await pi.switchTo(emptySession(pi.dir));
  const lines = await pi.prompt("Go");
  const [, , third, fourth] = outputs(lines);
  expect([third, fourth]).toEqual(["one\nthree\n", "Command timed out after 0.2 seconds"]);
});
