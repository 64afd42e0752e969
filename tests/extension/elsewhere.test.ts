// The extension in a pi that somebody else started: tools, widget and reports, and nothing of theirs is touched.
import { describe, expect, test } from "bun:test";
import { calls, offered, text } from "./rig/model.js";
import type { PiLine, Runtime } from "./rig/pi.js";
import { rigs } from "./rig/rig.js";
import { startServer, type TestServer, type TestTool } from "./rig/server.js";

const rig = rigs();

const plain: TestTool = { run: () => ({ content: [{ type: "text", text: "ran" }], details: {} }) };
const RUNTIMES: Runtime[] = ["bun", "node"];

const widgets = (lines: PiLine[]) =>
  lines.filter((line) => line.method === "setWidget").map((line) => line.widgetLines);
const notices = (lines: PiLine[]) =>
  lines.filter((line) => line.method === "notify").map((line) => line.message);
const ends = (lines: PiLine[]) => lines.filter((line) => line.type === "tool_execution_end");

/** Resolves when the server has been told of an event of that name. */
async function reported(server: TestServer, name: string): Promise<void> {
  while (!server.reported.some(({ events }) => events.some((event) => event.name === name))) {
    await server.next("POST /reef/agent-events");
  }
}

describe.each(RUNTIMES)("under %s", (runtime) => {
  test("it adds the server's tools and leaves prompts, bash and the environment as they are", async () => {
    const { pi, model, server } = await rig(
      (_request, n) =>
        n === 0
          ? calls(["a", "plain", {}], ["b", "bash", { command: "echo $SECRET_API_KEY" }])
          : text("done"),
      { plain },
      { runtime, elsewhere: true, env: { SECRET_API_KEY: "sk-1", VERS_AGENT_NAME: "someone" } },
    );
    const lines = await pi.prompt("Hello");
    expect(offered(model.requests[0])).toEqual(["bash", "edit", "plain", "read", "write"]);
    expect(model.requests[0]?.system[0]?.text).toStartWith("You are an expert coding assistant");
    expect(
      ends(lines)
        .map((line) => line.result.content[0].text)
        .sort(),
    ).toEqual(["ran", "sk-1\n"]);
    expect(server.requests.find(({ line }) => line === "POST /reef/tools/plain")?.headers).toMatchObject({
      "x-agent-name": "someone",
      authorization: "Bearer rt_secret",
    });
  });
});

test("what changed is offered with the next prompt; no loop is cut short", async () => {
  const context = await rig(
    (_request, n) => (n === 0 ? calls(["k", "deploy", {}]) : text("done")),
    {
      deploy: {
        run() {
          context.server.tools.set("fresh", plain);
          return { content: [], details: {} };
        },
      },
    },
    { elsewhere: true },
  );
  const { pi, model, server } = context;
  await pi.prompt("Go");
  server.tools.delete("deploy");
  await pi.prompt("Again");
  expect(
    model.requests.map((request) => offered(request).filter((name) => name.length > 5 || name === "fresh")),
  ).toEqual([["deploy"], ["deploy"], ["fresh"]]);
});

test("it reports what the agent does, in order, under one session (spec §4.14)", async () => {
  const { pi, server } = await rig(
    (_request, n) => (n === 0 ? calls(["k", "plain", {}]) : text("done")),
    { plain },
    { elsewhere: true, env: { VERS_PARENT_AGENT: "boss" } },
  );
  const done = reported(server, "agent_end");
  await pi.prompt("Go");
  await done;
  const events = server.reported.flatMap((report) => report.events);
  expect(events.map((event) => event.name)).toEqual([
    "session_start",
    "agent_start",
    "turn_start",
    "message_end",
    "message_end",
    "tool_call",
    "tool_result",
    "message_end",
    "turn_end",
    "turn_start",
    "message_end",
    "turn_end",
    "agent_end",
  ]);
  expect(events[0]?.data).toMatchObject({ reason: "startup", parentAgent: "boss" });
  expect(events.find((event) => event.name === "tool_call")?.data).toMatchObject({
    toolName: "plain",
    toolCallId: "k",
  });
  expect(events.find((event) => event.name === "turn_end")?.data).toMatchObject({
    message: { usage: { input: 10 } },
  });
  expect(new Set(server.reported.map((report) => report.session)).size).toBe(1);
});

test("a task of reef's own reports nothing", async () => {
  const { emptySession } = await import("./rig/handover.js");
  const { pi, server } = await rig(() => text("done"));
  await pi.switchTo(emptySession(pi.dir));
  await pi.prompt("Go");
  expect(server.requests.map(({ line }) => line)).not.toContain("POST /reef/agent-events");
});

test("the end of a session is reported before pi is gone", async () => {
  const { pi, server } = await rig(() => text("done"), {}, { elsewhere: true });
  const ended = reported(server, "session_shutdown");
  await pi.prompt("Go");
  await pi.request({ type: "new_session" });
  await ended;
  const sessions = server.reported.filter(({ events }) =>
    events.some((event) => event.name.startsWith("session_")),
  );
  expect(sessions.length).toBeGreaterThanOrEqual(2);
});

test("the widget shows the server's lines and goes with the session (spec §5.6)", async () => {
  const { pi, server } = await rig(() => text("done"), {}, { elsewhere: true });
  const lines = ["─── Agent Services ───", "Feed: 3"];
  server.widget = lines;
  const from = pi.lines.length;
  await pi.request({ type: "new_session" });
  await pi.until((line) => line.method === "setWidget" && line.widgetLines?.length === 2, from);
  server.widget = [];
  await pi.request({ type: "new_session" });
  expect(widgets(pi.lines).slice(-2)).toEqual([lines, undefined]);
});

test("a server that is away is said once; its tools come when it is back", async () => {
  const { pi, model, server } = await rig(() => text("done"), {}, { elsewhere: true });
  server.stop();
  await pi.prompt("One");
  await pi.prompt("Two");
  const back = startServer({ plain }, Number(new URL(server.url).port));
  await pi.prompt("Three");
  back.stop();
  expect(notices(pi.lines)).toEqual([`reef: ${server.url} could not be reached.`]);
  expect(model.requests.map((request) => offered(request).includes("plain"))).toEqual([false, false, true]);
  expect(pi.lines.filter((line) => line.type === "extension_error")).toEqual([]);
});

test("a list that comes when its session is over disturbs nothing", async () => {
  const { pi, model, server } = await rig(() => text("done"), { plain }, { elsewhere: true });
  let release = () => {};
  server.hold = new Promise((done) => {
    release = done;
  });
  const asked = server.next("GET /reef/tools");
  await pi.request({ type: "new_session" });
  await pi.request({ type: "new_session" });
  await asked;
  release();
  await pi.prompt("Go");
  expect(offered(model.requests[0])).toContain("plain");
  expect(pi.lines.filter((line) => line.type === "extension_error")).toEqual([]);
});

test("a server's tool never takes the place of one of pi's", async () => {
  const { pi, model } = await rig(() => text("done"), { bash: plain, plain }, { elsewhere: true });
  await pi.prompt("Go");
  const bash = model.requests[0]?.tools?.find(({ name }) => name === "bash");
  expect(bash?.description).toStartWith("Execute a bash command");
});

test("without VERS_INFRA_URL it warns once and does nothing else (spec §5.6)", async () => {
  const { pi, model, server } = await rig(
    () => text("done"),
    { plain },
    { elsewhere: true, env: { VERS_INFRA_URL: "" } },
  );
  await pi.prompt("Go");
  await pi.request({ type: "new_session" });
  await pi.prompt("Go");
  expect(notices(pi.lines)).toEqual(["reef: VERS_INFRA_URL is not set; reef's tools are not available."]);
  expect(offered(model.requests[0])).toEqual(["bash", "edit", "read", "write"]);
  expect(server.requests).toEqual([]);
});
