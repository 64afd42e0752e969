// reef over MCP as its clients see it: the official inspector, the SDK's client, and a task that speaks it itself.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ToolListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { connectTo, INITIALIZE, textOf } from "../mcp/support.js";
import { cleanUp, type Reef, startReef, temporaryFolder } from "./reef.js";

const TOKEN = "server-token-51c97f3a";
const AUTH = { Authorization: `Bearer ${TOKEN}` };
const INSPECTOR = fileURLToPath(
  import.meta.resolve("@modelcontextprotocol/inspector/clients/launcher/build/index.js"),
);
const home = temporaryFolder("reef-inspector-");

let reef: Reef;
beforeAll(async () => {
  reef = await startReef({ token: TOKEN, env: { HOST: "127.0.0.1" } });
});
afterAll(cleanUp);

/** One run of the inspector's command line, as anybody would start it. */
// biome-ignore lint/suspicious/noExplicitAny: a test says what it expects by looking at it.
async function inspect(...args: string[]): Promise<any> {
  const command = [process.execPath, "--no-install", INSPECTOR, "--cli", `${reef.url}/mcp`];
  const options = [
    "--transport",
    "http",
    "--header",
    `Authorization: ${AUTH.Authorization}`,
    "--format",
    "json",
  ];
  const child = Bun.spawn([...command, ...options, ...args], {
    env: { PATH: process.env.PATH, HOME: home },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`The inspector ended with ${code}: ${err}`);
  return JSON.parse(out).result;
}
/** A service without routes whose one tool says `said`. */
async function load(name: string, said: string): Promise<void> {
  const dir = join(reef.servicesDir, name);
  mkdirSync(dir, { recursive: true });
  writeFileSync(
    join(dir, "index.ts"),
    `export default { name: "${name}", registerTools: (pi) => pi.registerTool({ name: "${name}", description: "Says ${said}",
      parameters: { type: "object", properties: { to: { type: "string" } }, required: ["to"] },
      execute: async (_id, { to }) => ({ content: [{ type: "text", text: "${said} " + to }] }) }) };`,
  );
  await reef.api("POST", `/services/reload/${name}`);
}

describe("the official inspector", () => {
  test("lists the tools and calls one (spec §14)", async () => {
    const { tools } = await inspect("--method", "tools/list");
    const names = tools.map(({ name }: { name: string }) => name);
    expect(names).toEqual(
      (await reef.api("GET", "/reef/tools")).tools.map(({ name }: { name: string }) => name),
    );
    const put = ["--tool-name", "reef_store_put", "--tool-arg", "key=colour", "--tool-arg", "value=blue"];
    expect(textOf(await inspect("--method", "tools/call", ...put))).toStartWith('Stored "colour"');
    expect((await reef.api("GET", "/store/colour")).value).toBe("blue");
  });

  test("calls a tool that was loaded since its last call", async () => {
    const call = ["--method", "tools/call", "--tool-name", "greet", "--tool-arg", "to=Ada"];
    await expect(inspect(...call)).rejects.toThrow("greet");
    await load("greet", "hello");
    expect(textOf(await inspect(...call))).toBe("hello Ada");
    await load("greet", "good morning");
    expect(textOf(await inspect(...call))).toBe("good morning Ada");
  });

  test("finds no fault in the tools' schemas", async () => {
    expect(await inspect("--method", "tools/list", "--strict")).toBeDefined();
  });

  test("reads resources and prompts", async () => {
    const { resources } = await inspect("--method", "resources/list");
    const { contents } = await inspect("--method", "resources/read", "--uri", resources[0].uri);
    expect(JSON.parse(contents[0].text)).toMatchObject({ role: "system" });
    expect((await inspect("--method", "resources/templates/list")).resourceTemplates).toHaveLength(2);
    expect(await inspect("--method", "prompts/list")).toMatchObject({ prompts: expect.any(Array) });
  });
});

test("a connected client hears of a service that is loaded, and calls its tool (spec §14)", async () => {
  const { client } = await connectTo(reef.url, AUTH);
  const changed = new Promise<void>((resolve) => {
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => resolve());
  });
  await load("wave", "bye");
  await changed;
  expect((await client.listTools()).tools.map(({ name }) => name)).toContain("wave");
  expect(textOf(await client.callTool({ name: "wave", arguments: { to: "Ada" } }))).toBe("bye Ada");
  await reef.api("DELETE", "/services/wave");
  expect(await client.callTool({ name: "wave", arguments: { to: "Ada" } })).toMatchObject({ isError: true });
  await client.close();
});

test("a sub-task that a client submits over MCP is cancelled with its call", async () => {
  const { client } = await connectTo(reef.url, AUTH);
  const given = new AbortController();
  const calling = client.callTool(
    { name: "reef_submit", arguments: { task: "Run `sleep 60`.", taskId: "given-up" } },
    undefined,
    { signal: given.signal },
  );
  await untilTask("given-up");
  await reef.until("given-up", (nodes) => nodes.some((node) => node.role === "tool_call"));
  given.abort("enough");
  await expect(calling).rejects.toThrow("enough");
  expect((await reef.over("given-up")).status).toBe("cancelled");
  await client.close();
});

async function untilTask(name: string): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if ((await reef.fetch(`/reef/tasks/${name}`)).ok) return;
    await Bun.sleep(20);
  }
  throw new Error(`'${name}' was not submitted.`);
}

/** Shell commands with which a task opens a session with its own token and calls a tool on it. */
function script(tool: string, args: object): string {
  const head = `-H "Authorization: Bearer $VERS_AUTH_TOKEN" -H "Content-Type: application/json" -H "Accept: application/json, text/event-stream"`;
  const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: tool, arguments: args } };
  return [
    `curl -s -D headers ${head} -d '${JSON.stringify(INITIALIZE)}' $VERS_INFRA_URL/mcp > /dev/null`,
    "session=$(sed -n 's/^mcp-session-id: *//ip' headers | tr -d '\\r')",
    'printf %s "$session" > session; printf %s "$VERS_AUTH_TOKEN" > token',
    `curl -s ${head} -H "Mcp-Session-Id: $session" -d '${JSON.stringify(call)}' $VERS_INFRA_URL/mcp`,
  ].join("\n");
}

describe("a task that speaks MCP with its own token", () => {
  async function run(name: string, tool: string, args: object, more: object = {}) {
    const cwd = temporaryFolder();
    const file = join(cwd, "call.sh");
    writeFileSync(file, script(tool, args));
    await reef.submit({ task: `Run \`sh ${file}\`.`, taskId: name, cwd, ...more });
    const task = await reef.over(name);
    const result = task.nodes.find((node) => node.role === "tool_result");
    return {
      task,
      said: JSON.stringify(result?.result),
      read: (name: string) => readFileSync(join(cwd, name), "utf8"),
    };
  }

  test("acts as that task: what it submits hangs under its call, and its session ends with it (spec §14)", async () => {
    const sub = { task: "What is 2+2?", taskId: "over-mcp", wait: false };
    const { task, said, read } = await run("speaks", "reef_submit", sub);
    expect(said).toContain("Task over-mcp");
    const child = await reef.over("over-mcp");
    const user = child.nodes.find((node) => node.taskId === "over-mcp");
    expect(user?.meta?.submittedBy).toBe("task:speaks");
    const call = task.nodes.find((node) => node.role === "tool_call");
    expect(user?.parentId).toBe(call?.id ?? "");

    const ask = (token: string) =>
      fetch(`${reef.url}/mcp`, {
        method: "DELETE",
        headers: { Authorization: `Bearer ${token}`, "Mcp-Session-Id": read("session") },
      });
    expect(read("session")).toMatch(/^[0-9a-f-]{36}$/);
    expect([(await ask(read("token"))).status, (await ask(TOKEN)).status]).toEqual([401, 404]);
  });

  test("has no more rights there than its scopes give it", async () => {
    const sub = { task: "What is 2+2?", taskId: "not-allowed", wait: false };
    const { said } = await run("meek", "reef_submit", sub, { scopes: ["modules"] });
    expect(said).toContain("(403)");
    expect((await reef.fetch("/reef/tasks/not-allowed")).status).toBe(404);
  });
});

test("/mcp is listed as what it is, and cannot be unloaded", async () => {
  expect(reef.output()).toMatch(/^ {2}\/mcp — \S.*$/m);
  expect(reef.output()).toMatch(/\/mcp — [\s\S]*\/services — [\s\S]*\/reef — [^\n]*\nreef running on/);
  expect((await reef.api("GET", "/health")).services).toContain("mcp");
  const { client } = await connectTo(reef.url, AUTH);
  expect(textOf(await client.callTool({ name: "reef_manifest" }))).toMatch(/^\/mcp — \S.* \[routes: 3\]$/m);
  await client.close();
  await expect(reef.api("DELETE", "/services/mcp")).rejects.toThrow("Cannot unload a built-in module");
});

test("a stop ends open streams and is done in time (spec §1.4)", async () => {
  const other = await startReef();
  const send = (headers: Record<string, string>, body?: object) =>
    fetch(`${other.url}/mcp`, {
      method: body ? "POST" : "GET",
      headers: {
        Accept: "application/json, text/event-stream",
        "Content-Type": "application/json",
        ...headers,
      },
      body: body && JSON.stringify(body),
    });
  const opened = await send({}, INITIALIZE);
  await opened.text();
  const stream = await send({ "Mcp-Session-Id": opened.headers.get("mcp-session-id") ?? "" });
  expect(stream.status).toBe(200);
  const [text, code] = await Promise.all([stream.text(), other.stop()]);
  expect([text, code]).toEqual([": connected\n\n", 0]);
});
