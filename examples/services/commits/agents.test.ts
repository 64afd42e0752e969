// The ledger as agents meet it: its tools, what it records of them by itself, and its line in the widget.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createFleetClient } from "#core/client.js";
import { createTestHarness, type TestHarness } from "#core/testing.js";
import type { FleetClient, ServiceModule, ToolResult } from "#core/types.js";
import type { Commit } from "./commit.js";
import commits from "./index.js";

let harness: TestHarness;
beforeEach(async () => {
  harness = await createTestHarness({ services: [commits] });
});
afterEach(() => harness.cleanup());

const textOf = ({ content }: ToolResult) =>
  content.map((part) => (part.type === "text" ? part.text : "")).join("");
const recorded = async (): Promise<Commit[]> => (await harness.json("/commits", { auth: true })).data.commits;

describe("commits_record (spec §9)", () => {
  test("records as the agent that calls, and answers with the entry", async () => {
    const result = await harness.tool("commits_record", {
      commitId: "c",
      vmId: "v",
      label: "l",
      tags: ["x"],
    });
    const [commit] = await recorded();
    expect(commit).toMatchObject({ commitId: "c", vmId: "v", label: "l", tags: ["x"], agent: "test-agent" });
    expect(result).toEqual({
      content: [{ type: "text", text: JSON.stringify(commit, null, 2) }],
      details: { commit },
    });
    await harness.tool("commits_record", { commitId: "d", vmId: "v", agent: "bob" });
    expect((await recorded())[0]).toMatchObject({ agent: "bob" });
  });

  test("says of a commit that is recorded that nothing is left to do", async () => {
    await harness.tool("commits_record", { commitId: "c", vmId: "v" });
    const result = await harness.tool("commits_record", { commitId: "c", vmId: "v" });
    expect([result.isError, textOf(result)]).toEqual([
      true,
      "Error: commit already recorded: nothing is left to do; commits_list shows what is recorded of it",
    ]);
  });
});

test("commits_list gives what fits, newest first, and says how to get the rest (spec §1.9)", async () => {
  const body = { vmId: "v", tags: ["x"], metadata: { text: "x".repeat(1_000) } };
  for (let n = 0; n < 12; n++)
    await harness.json("/commits", { auth: true, body: { ...body, commitId: `${n}` } });
  await harness.json("/commits", { auth: true, body: { commitId: "other", vmId: "w" } });
  const listed: string[] = [];
  for (let before: string | undefined, n = 0; n < 3; n++) {
    const result = await harness.tool("commits_list", { tag: "x", vmId: "v", ...(before && { before }) });
    const text = textOf(result);
    expect(text.length).toBeLessThanOrEqual(8_000);
    const [json = "", rest] = text.split("\n… ");
    const shown = JSON.parse(json);
    expect(result.details).toMatchObject({ result: { commits: shown, count: shown.length } });
    listed.push(...shown.map(({ commitId }: Commit) => commitId));
    before = /pass before: "(\w+)"$/.exec(rest ?? "")?.[1];
    if (before === undefined) break;
  }
  expect(listed).toEqual(Array.from({ length: 12 }, (_, n) => `${11 - n}`));
  expect(textOf(await harness.tool("commits_list", { limit: 1 }))).toMatch(
    /\n… 12 more: pass before: "\w+"$/,
  );
  expect(JSON.parse(textOf(await harness.tool("commits_list", { tag: "none" })))).toEqual([]);
});

test("the widget counts the entries (spec §9)", async () => {
  await harness.tool("commits_record", { commitId: "c", vmId: "v" });
  const { widget }: ServiceModule = commits;
  expect(await widget?.getLines(createFleetClient())).toEqual(["Commits: 1"]);
});

describe("a snapshot that an agent takes (spec §15)", () => {
  type Handler = (event: Record<string, unknown>) => unknown;

  /** An agent's session, as the kernel tells a module of it. */
  function session(broken: { isBroken: boolean } = { isBroken: false }) {
    const handlers = new Map<string, Handler>();
    const pi = { on: (name: string, handler: Handler) => void handlers.set(name, handler) };
    const client = {
      ...createFleetClient({ agentName: "ada" }),
      agentName: "ada",
      async api(method: string, path: string, body?: unknown) {
        if (broken.isBroken) throw new Error("the server is gone");
        const { status, data } = await harness.json(path, { method, body, auth: true });
        if (status < 400) return data;
        throw Object.assign(new Error(data.error), { status, error: data.error });
      },
    };
    commits.registerBehaviors(pi as never, client as FleetClient);
    return (name: string, event: object) =>
      handlers.get(name)?.({ type: name, toolName: "vers_vm_commit", ...event });
  }
  const result = (more: object = {}) => ({
    toolCallId: "t1",
    isError: false,
    content: [{ type: "text", text: "VM vm-1 committed: c-1" }],
    ...more,
  });
  const EXPECTED = [{ commitId: "c-1", vmId: "vm-1", agent: "ada" }];

  test.each([
    ["by its text", {}, undefined],
    ["by its details", { content: [], details: { commitId: "c-1", vmId: "vm-1" } }, undefined],
    ["by its details and its call", { content: [], details: { commit_id: "c-1" } }, { vmId: "vm-1" }],
    [
      "by its details and its own input",
      { content: [], details: { commit_id: "c-1" }, input: { vmId: "vm-1" } },
      undefined,
    ],
    [
      "whatever else there is",
      {
        details: null,
        content: [null, 5, { type: "image" }, { type: "text", text: "VM vm-1 committed: c-1\n" }],
      },
      undefined,
    ],
  ])("is recorded, %s", async (_how, more, input) => {
    const tell = session();
    if (input) await tell("tool_call", { toolCallId: "t1", input });
    await tell("tool_result", result(more));
    expect(await recorded()).toMatchObject(EXPECTED);
  });

  test.each([
    ["a call that failed", { isError: true }],
    ["another tool", { toolName: "vers_vm_branch" }],
    ["a result without ids", { content: [], details: {} }],
    ["a result of another form", { content: "VM vm-1 committed: c-1", details: [] }],
    ["a commit of an unknown VM", { content: [], details: { commitId: "c-1" } }],
  ])("%s is nothing to the ledger", async (_what, more) => {
    await session()("tool_result", result(more));
    expect(await recorded()).toEqual([]);
  });

  test("and that is recorded already is fine, and stays as it is", async () => {
    await harness.tool("commits_record", { commitId: "c-1", vmId: "vm-1", label: "mine" });
    await session()("tool_result", result());
    expect(await recorded()).toMatchObject([{ label: "mine", agent: "test-agent" }]);
  });

  test("fails once a session, and goes on when the server is back", async () => {
    const server = { isBroken: true };
    const tell = session(server);
    await expect(Promise.resolve(tell("tool_result", result()))).rejects.toThrow("the server is gone");
    await tell("tool_result", result());
    server.isBroken = false;
    await tell("tool_result", result());
    expect(await recorded()).toMatchObject(EXPECTED);
  });
});
