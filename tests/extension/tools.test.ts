// The server's tools inside a real pi: registered from the list, run over HTTP, failed, aborted, gone.
import { expect, test } from "bun:test";
import { emptySession, handOver } from "./rig/handover.js";
import { calls, type ModelRequest, offered, text } from "./rig/model.js";
import type { PiLine } from "./rig/pi.js";
import { rigs } from "./rig/rig.js";
import type { TestTool } from "./rig/server.js";

const rig = rigs();

const echo: TestTool = {
  run: ({ params }) => ({ content: [{ type: "text", text: `said ${params.text}` }], details: { n: 1 } }),
};

/** One call of each name, then a word. */
const callOnce =
  (...names: string[]) =>
  (_request: ModelRequest, n: number) =>
    n === 0
      ? calls(...names.map((name): [string, string, unknown] => [`k-${name}`, name, { text: "hi" }]))
      : text("done");

const ended = (lines: PiLine[]) => lines.filter((line) => line.type === "tool_execution_end");

test("a task's pi offers pi's own tools and the server's, with their schemas", async () => {
  const { pi, model } = await rig(() => text("ok"), {
    echo: { ...echo, info: { description: "Says it again" } },
  });
  await pi.switchTo(emptySession(pi.dir));
  await pi.prompt("Hello");
  expect(offered(model.requests[0])).toEqual(["bash", "echo", "edit", "read", "write"]);
  const tool = model.requests[0]?.tools?.find(({ name }) => name === "echo");
  expect(tool).toMatchObject({
    description: "Says it again",
    input_schema: { properties: { text: { type: "string" } } },
  });
});

test("a profile's tools are the only ones offered, grep among them (spec §17.4)", async () => {
  const { pi, model } = await rig(() => text("ok"), { echo, other: echo });
  await pi.switchTo(emptySession(pi.dir, handOver({ tools: ["read", "grep", "echo", "nothing"] })));
  await pi.prompt("Hello");
  expect(offered(model.requests[0])).toEqual(["echo", "grep", "read"]);
});

test("a call names its agent, streams its updates, and gives back content and details", async () => {
  const { pi, model, server } = await rig(callOnce("slow"), {
    slow: {
      run({ update, params }) {
        update("half");
        return { content: [{ type: "text", text: `said ${params.text}` }], details: { n: 1 } };
      },
    },
  });
  await pi.switchTo(emptySession(pi.dir));
  const lines = await pi.prompt("Hello");
  const request = server.requests.find(({ line }) => line === "POST /reef/tools/slow");
  expect(request?.body).toEqual({ params: { text: "hi" }, toolCallId: "k-slow" });
  expect(request?.headers).toMatchObject({
    authorization: "Bearer rt_secret",
    accept: "text/event-stream",
    "x-agent-name": "task-1",
    "x-agent-role": "worker",
  });
  const updates = lines.filter((line) => line.type === "tool_execution_update");
  expect(updates.map((line) => line.partialResult.content[0].text)).toEqual(["half"]);
  expect(ended(lines)[0]).toMatchObject({
    isError: false,
    result: { content: [{ text: "said hi" }], details: { n: 1 } },
  });
  expect(model.requests[1]?.messages.at(-1)?.content[0]).toMatchObject({
    tool_use_id: "k-slow",
    is_error: false,
  });
});

test("a result with isError fails in pi and keeps its image and its details (spec §5.4)", async () => {
  const content = [
    { type: "text" as const, text: "Error: no such thing" },
    { type: "image" as const, data: "aGk=", mimeType: "image/png" },
  ];
  const { pi, model } = await rig(callOnce("bad"), {
    bad: { run: () => ({ content, details: { why: 1 }, isError: true }) },
  });
  await pi.switchTo(emptySession(pi.dir));
  const lines = await pi.prompt("Hello");
  expect(ended(lines)[0]).toMatchObject({ isError: true, result: { content, details: { why: 1 } } });
  expect(model.requests[1]?.messages.at(-1)?.content[0]).toMatchObject({
    is_error: true,
    content: [{}, { type: "image" }],
  });
});

test("a tool that has gone says so, and ends the loop so that the model gets the list without it", async () => {
  const context = await rig(
    () => {
      context.server.tools.delete("echo");
      return calls(["k", "echo", {}]);
    },
    { echo },
  );
  const { pi, model } = context;
  await pi.switchTo(emptySession(pi.dir));
  const [end] = ended(await pi.prompt("Hello"));
  expect(end?.result.content[0].text).toBe("Error: The tool echo is not offered by this server any more.");
  expect(end).toMatchObject({
    isError: true,
    result: { terminate: true, details: { toolsChanged: { removed: ["echo"] } } },
  });
  expect(model.requests.length).toBe(1);
});

test("without its server a task's call fails with a reason, and the agent goes on (spec §5.6)", async () => {
  const { pi, server, model } = await rig(
    (_request, n) => {
      if (n === 0) server.stop();
      return n === 0 ? calls(["k", "echo", {}]) : text("done");
    },
    { echo },
  );
  await pi.switchTo(emptySession(pi.dir));
  const lines = await pi.prompt("Hello");
  expect(ended(lines)[0]?.result.content[0].text).toStartWith(
    `Error: reef at ${server.url} could not be reached: `,
  );
  expect(model.requests.length).toBe(2);
});

test("aborting the agent aborts the tool in the server (spec §4.14)", async () => {
  let aborted: Promise<void> | undefined;
  const { pi, server } = await rig(callOnce("forever"), {
    forever: {
      run({ signal }) {
        aborted = new Promise((done) => signal.addEventListener("abort", () => done()));
        return new Promise(() => {});
      },
    },
  });
  await pi.switchTo(emptySession(pi.dir));
  const from = pi.lines.length;
  const called = server.next("POST /reef/tools/forever");
  await pi.request({ type: "prompt", message: "Hello" });
  await called;
  await pi.request({ type: "abort" });
  await aborted;
  expect(ended(pi.lines.slice(from))[0]?.result.content[0].text).toBe("Error: forever was aborted.");
});

test("a connection that ends without a result is a failure that says the call may have taken effect", async () => {
  const { pi } = await rig(callOnce("broken"), { broken: { run: () => undefined } });
  await pi.switchTo(emptySession(pi.dir));
  const [end] = ended(await pi.prompt("Hello"));
  expect(end?.isError).toBe(true);
  expect(end?.result.content[0].text).toBe(
    "Error: reef closed the connection before broken returned. It may have taken effect.",
  );
});

test("what the server refuses is told with its reasons, wherever it refuses (spec §4.14)", async () => {
  const errors = [{ path: "/text", message: "Expected string" }];
  const run = () => undefined;
  const { pi } = await rig(callOnce("params", "rights"), {
    params: { run, refuse: { status: 400, inStream: true, error: "Invalid params", errors } },
    rights: { run, refuse: { status: 403, error: 'Forbidden — scope "deploy" is required' } },
  });
  await pi.switchTo(emptySession(pi.dir));
  const texts = ended(await pi.prompt("Hello")).map((line) => line.result.content[0].text);
  expect(texts.sort()).toEqual([
    'Error: Forbidden — scope "deploy" is required (403)',
    "Error: Invalid params (400)\n- /text: Expected string",
  ]);
});

test("a call whose answer tells the list's version costs no question of its own (spec §17.5)", async () => {
  const { pi, server } = await rig(callOnce("echo"), { echo });
  await pi.switchTo(emptySession(pi.dir));
  await pi.prompt("Hello");
  expect(server.requests.filter(({ line }) => line === "GET /reef/tools").length).toBe(1);
});
