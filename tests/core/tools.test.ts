// Recording, listing and running the tools of modules.
import { expect, test } from "bun:test";
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { Type } from "@sinclair/typebox";
import { coerce } from "../../src/core/coerce.js";
import { createToolBox } from "../../src/core/tools.js";
import type { ServiceModule, ToolResult } from "../../src/core/types.js";
import { listener, noClient } from "./modules.js";

type Definition = Record<string, unknown>;
type Recorder = {
  registerTool(definition: Definition): void;
  [method: string]: (...args: never[]) => unknown;
};

const text = (value: string) => ({ content: [{ type: "text", text: value }], details: {} });

function module(name: string, ...definitions: Definition[]): ServiceModule {
  return {
    name,
    registerTools(pi: ExtensionAPI) {
      const recorder = pi as unknown as Recorder;
      for (const definition of definitions)
        recorder.registerTool({ execute: () => text(name), ...definition });
    },
  };
}

function box(...modules: ServiceModule[]) {
  const heard = listener();
  const tools = createToolBox({ log: () => heard.log, abortGraceMs: 20 });
  for (const one of modules) tools.add(one, noClient);
  const run = (name: string, params?: unknown, call: object = {}): Promise<ToolResult> =>
    tools.run(name, {
      params,
      toolCallId: "call-1",
      signal: new AbortController().signal,
      ctx: { cwd: "/tmp", agentName: "agent" },
      ...call,
    });
  return { tools, heard, run };
}

test("a tool is listed with all that agents are told of it (spec §4.14)", () => {
  const { tools } = box(
    module(
      "notes",
      {
        name: "notes_add",
        label: "Notes: add",
        description: "Adds a note.",
        parameters: Type.Object({ text: Type.String(), tag: Type.Optional(Type.String()) }),
        promptSnippet: "Add notes",
        promptGuidelines: ["Be short"],
        executionMode: "sequential",
        annotations: { readOnly: false },
      },
      { name: "notes_clear" },
    ),
  );
  expect(tools.list()).toEqual([
    {
      name: "notes_add",
      label: "Notes: add",
      description: "Adds a note.",
      parameters: {
        type: "object",
        required: ["text"],
        properties: { text: { type: "string" }, tag: { type: "string" } },
      },
      promptSnippet: "Add notes",
      promptGuidelines: ["Be short"],
      executionMode: "sequential",
      annotations: { readOnly: false },
      service: "notes",
    },
    {
      name: "notes_clear",
      label: "notes_clear",
      description: "",
      parameters: { type: "object", properties: {} },
      service: "notes",
    },
  ]);
  expect(tools.get("notes_clear")?.service).toBe("notes");
  expect(Object.getOwnPropertySymbols(tools.list()[0]?.parameters ?? {})).toEqual([]);
});

test("the version changes whenever the list does, and only then (spec §4.14)", () => {
  const { tools } = box(module("a", { name: "one" }));
  const first = tools.version;
  tools.add(module("a", { name: "one" }), noClient);
  tools.add(module("b"), noClient);
  expect(tools.version).toBe(first);
  tools.add(module("b", { name: "two" }), noClient);
  expect(tools.version).not.toBe(first);
  tools.remove("b");
  expect(tools.version).toBe(first);
});

test("refused and taken names are problems of their module (spec §5.4)", () => {
  const { tools } = box(module("first", { name: "shared" }));
  const problems = tools.add(
    module(
      "second",
      { name: "bash" },
      { name: "1st" },
      { name: 5 },
      { name: "shared" },
      { name: "twice" },
      { name: "twice" },
      { name: "idle", execute: undefined },
      { name: "odd", parameters: { type: "string" } },
      { name: "fine" },
    ),
    noClient,
  );
  expect(problems).toEqual([
    `tool "bash" is built into pi`,
    `invalid tool name "1st": must match ^[A-Za-z][A-Za-z0-9_-]{0,63}$`,
    "a tool without a name. Received: number",
    `tool "twice" is registered twice`,
    `tool "idle" has no execute()`,
    `tool "odd": parameters must be a JSON Schema of an object`,
    `tool "shared" is already registered by "first"`,
  ]);
  expect(tools.list().map(({ name, service }) => `${service}/${name}`)).toEqual([
    "first/shared",
    "second/twice",
    "second/fine",
  ]);
});

test("when the first owner of a name goes, the next one has it", () => {
  const { tools } = box(module("first", { name: "shared" }), module("second", { name: "shared" }));
  tools.remove("first");
  expect(tools.get("shared")?.service).toBe("second");
  expect(tools.problems("second")).toEqual([]);
});

test("registerTools that throws registers nothing", () => {
  const { tools, heard } = box();
  const registerTools = (pi: ExtensionAPI) => {
    (pi as unknown as Recorder).registerTool({ name: "early", execute: () => text("x") });
    throw new Error("half way");
  };
  expect(tools.add({ name: "half", registerTools }, noClient)).toEqual(["registerTools() failed: half way"]);
  expect(tools.list()).toEqual([]);
  expect(heard.lines).toEqual(["error registerTools() failed: half way"]);
});

test("what makes sense only inside pi does nothing and warns once (spec §5.4)", () => {
  const { tools, heard } = box();
  const registerTools = (pi: ExtensionAPI) => {
    pi.registerCommand("x", { handler: async () => {} });
    pi.registerCommand("y", { handler: async () => {} });
    pi.sendUserMessage("hello");
  };
  expect(tools.add({ name: "curious", registerTools }, noClient)).toEqual([]);
  expect(heard.lines).toEqual([
    "warn pi.registerCommand works only inside pi and does nothing here",
    "warn pi.sendUserMessage works only inside pi and does nothing here",
  ]);
});

test("execute gets the call's id, parameters, signal and agent (spec §5.4)", async () => {
  const got: unknown[] = [];
  const { run } = box(
    module("a", {
      name: "tell",
      execute: (...args: unknown[]) => {
        got.push(...args);
        return text("done");
      },
    }),
  );
  const { signal } = new AbortController();
  const ctx = { cwd: "/work", agentName: "ann", taskId: "t", nodeId: "n" };
  expect(await run("tell", { a: 1 }, { toolCallId: "c9", signal, ctx })).toEqual(text("done") as ToolResult);
  expect(got[0]).toBe("c9");
  expect(got[1]).toEqual({ a: 1 });
  expect(got[2]).toBe(signal);
  expect(got[4]).toEqual({ ...ctx, hasUI: false });
});

test("execute keeps its this", async () => {
  const { run } = box(
    module("a", {
      name: "self",
      word: "mine",
      execute() {
        return text((this as { word: string }).word);
      },
    }),
  );
  expect((await run("self")).content).toEqual([{ type: "text", text: "mine" }]);
});

test("an unknown tool is 404; parameters that do not fit are 400 with their places, and nothing runs (spec §4.14)", async () => {
  let ran = 0;
  const parameters = {
    type: "object",
    required: ["name", "size"],
    properties: {
      name: { type: "string" },
      size: { type: "integer", minimum: 1 },
      tags: { type: "array", items: { type: "number" } },
    },
  };
  const { run } = box(module("a", { name: "make", parameters, execute: () => ran++ }));
  await expect(run("nope")).rejects.toMatchObject({ code: "not_found", message: `Tool "nope" not found` });
  await expect(run("make", { size: 0, tags: [1, "x"] })).rejects.toMatchObject({
    code: "bad_request",
    details: {
      errors: [
        { path: "", message: "must have required properties name" },
        { path: "/size", message: "must be >= 1" },
        { path: "/tags/1", message: "must be number" },
      ],
    },
  });
  await expect(run("make", "text")).rejects.toMatchObject({ code: "bad_request" });
  expect(ran).toBe(0);
});

test("TypeBox and plain JSON Schema check and coerce alike", async () => {
  const got: unknown[] = [];
  const execute = (_id: string, params: unknown) => {
    got.push(params);
    return text("ok");
  };
  const typebox = Type.Object({ n: Type.Number(), on: Type.Optional(Type.Boolean()) });
  const plain = {
    type: "object",
    required: ["n"],
    properties: { n: { type: "number" }, on: { type: "boolean" } },
  };
  const { run } = box(
    module("a", { name: "t", parameters: typebox, execute }, { name: "p", parameters: plain, execute }),
  );
  for (const name of ["t", "p"]) {
    await run(name, { n: "4", on: "true" });
    await expect(run(name, { n: "four" })).rejects.toMatchObject({ code: "bad_request" });
  }
  expect(got).toEqual([
    { n: 4, on: true },
    { n: 4, on: true },
  ]);
});

test("coercion is pi's: only what loses nothing, in objects, arrays and unions, on a copy", () => {
  const number = { type: "number" };
  const cases: [unknown, unknown, unknown][] = [
    ["4", number, 4],
    ["", number, ""],
    ["4.5", { type: "integer" }, "4.5"],
    [true, number, 1],
    [null, number, 0],
    [null, { type: "string" }, ""],
    [5, { type: "string" }, "5"],
    [1, { type: "boolean" }, true],
    ["false", { type: "boolean" }, false],
    ["yes", { type: "boolean" }, "yes"],
    ["", { type: "null" }, null],
    ["7", { type: ["string", "number"] }, "7"],
    ["7", { type: ["number", "null"] }, 7],
    ["7", { anyOf: [number, { type: "null" }] }, 7],
    ["x", { anyOf: [number, { const: "x" }] }, "x"],
    [
      { a: "1", b: "1" },
      { type: "object", properties: { a: number }, additionalProperties: { type: "boolean" } },
      { a: 1, b: "1" },
    ],
    [["1", "x"], { type: "array", items: number }, [1, "x"]],
    [{ a: "1" }, { allOf: [{ properties: { a: number } }] }, { a: 1 }],
    ["1", true, "1"],
  ];
  for (const [value, schema, expected] of cases) expect(coerce(value, schema)).toEqual(expected);
  const given = { a: "1" };
  coerce(given, { properties: { a: number } });
  expect(given).toEqual({ a: "1" });
});

test("prepareArguments comes before the check", async () => {
  const parameters = { type: "object", required: ["text"], properties: { text: { type: "string" } } };
  const prepareArguments = (given: { content?: string }) => ({ text: given.content });
  const execute = (_id: string, params: { text: string }) => text(params.text);
  const { run } = box(module("a", { name: "t", parameters, prepareArguments, execute }));
  expect((await run("t", { content: "old" })).content).toEqual([{ type: "text", text: "old" }]);
});

test("a tool that throws, rejects or answers nonsense is a result (spec §4.14)", async () => {
  const { run } = box(
    module(
      "a",
      {
        name: "throws",
        execute() {
          throw new Error("boom");
        },
      },
      { name: "rejects", execute: () => Promise.reject("text") },
      { name: "nothing", execute: () => undefined },
      { name: "wrong", execute: () => ({ content: [{ type: "video" }] }) },
      { name: "word", execute: () => "word" },
      { name: "cyclic", execute: () => ({ content: [], details: { big: 1n } }) },
      { name: "error", execute: () => ({ ...text("no"), isError: true, terminate: true, extra: 1 }) },
    ),
  );
  const failed = (message: string) => ({ ...text(`Error: ${message}`), isError: true }) as ToolResult;
  expect(await run("throws")).toEqual(failed("boom"));
  expect(await run("rejects")).toEqual(failed("text"));
  expect(await run("nothing")).toEqual(failed(`tool "nothing" answered without content`));
  expect(await run("wrong")).toEqual(failed(`tool "wrong" answered without content`));
  expect(await run("word")).toEqual(text("word") as ToolResult);
  expect(await run("cyclic")).toEqual({ content: [], details: {} });
  expect(await run("error")).toEqual({ ...text("no"), isError: true, terminate: true } as ToolResult);
});

test("updates reach the caller until the result is there", async () => {
  let later: (partial: unknown) => void = () => {};
  const updates: unknown[] = [];
  const { run } = box(
    module("a", {
      name: "steps",
      async execute(
        _id: string,
        _params: unknown,
        _signal: AbortSignal,
        onUpdate: (partial: unknown) => void,
      ) {
        later = onUpdate;
        onUpdate(text("half"));
        onUpdate("nonsense");
        return text("whole");
      },
    }),
  );
  await run("steps", {}, { onUpdate: (partial: ToolResult) => updates.push(partial) });
  later(text("late"));
  expect(updates).toEqual([text("half")]);
});

test("an aborted tool may answer; one that does not heed the signal is left behind", async () => {
  const { run } = box(
    module(
      "a",
      {
        name: "heeds",
        execute: (_id: string, _params: unknown, signal: AbortSignal) =>
          new Promise((resolve) => signal.addEventListener("abort", () => resolve(text("stopped")))),
      },
      { name: "deaf", execute: () => new Promise(() => {}) },
    ),
  );
  for (const [name, answer] of [
    ["heeds", "stopped"],
    ["deaf", "Error: aborted"],
  ] as const) {
    const controller = new AbortController();
    const running = run(name, {}, { signal: controller.signal });
    controller.abort();
    expect((await running).content).toEqual([{ type: "text", text: answer }]);
  }
  expect((await run("deaf", {}, { signal: AbortSignal.abort() })).isError).toBe(true);
});

test("a schema that cannot be compiled fails the call, not the server", async () => {
  const parameters = { type: "object", properties: { a: { type: "string", pattern: "(" } } };
  const { run } = box(module("a", { name: "odd", parameters }));
  await expect(run("odd", { a: "x" })).rejects.toThrow();
});
