// The client of agents: what it sends, what it makes of answers, and where it runs.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCallerClient } from "../../src/core/caller-client.js";
import { runWithCause } from "../../src/core/cause.js";
import { createFleetClient } from "../../src/core/client.js";
import type { Caller } from "../../src/core/types.js";

interface Sent {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

const NAMES = [
  "VERS_INFRA_URL",
  "VERS_AUTH_TOKEN",
  "VERS_AGENT_NAME",
  "VERS_AGENT_ROLE",
  "VERS_VM_ID",
  "REEF_TASK_ID",
];
const before = Object.fromEntries(NAMES.map((name) => [name, process.env[name]]));
const answers: Record<string, () => Response> = {
  "/json": () => Response.json({ a: 1 }),
  "/text": () => new Response("plain"),
  "/empty": () => new Response(null, { status: 204 }),
  "/empty-json": () => new Response("", { headers: { "Content-Type": "application/json" } }),
  "/conflict": () => Response.json({ error: "taken", code: "conflict", extra: "kept" }, { status: 409 }),
  "/odd": () => Response.json({ message: "x" }, { status: 400 }),
  "/down": () => new Response("try later", { status: 503 }),
};
let sent: Sent;
let server: ReturnType<typeof Bun.serve>;

beforeAll(() => {
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const headers = Object.fromEntries(request.headers);
      sent = { method: request.method, path: pathname + search, headers, body: await request.text() };
      return answers[pathname]?.() ?? Response.json({ error: "not found" }, { status: 404 });
    },
  });
});
beforeEach(() => {
  for (const name of NAMES) delete process.env[name];
});
afterAll(async () => {
  for (const name of NAMES)
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  await server.stop(true);
});

const url = () => server.url.href;

test("a call sends JSON with the token and the agent's headers (spec §5.1)", async () => {
  const client = createFleetClient({
    baseUrl: url(),
    token: "t",
    agentName: "scout",
    agentRole: "lead",
    vmId: "vm-1",
  });
  expect(await client.api<unknown>("POST", "/json?x=1", { b: [2] })).toEqual({ a: 1 });
  expect(sent).toMatchObject({
    method: "POST",
    path: "/json?x=1",
    body: '{"b":[2]}',
    headers: {
      authorization: "Bearer t",
      "content-type": "application/json",
      "x-agent-name": "scout",
      "x-agent-role": "lead",
      "x-agent-vm-id": "vm-1",
    },
  });
  await client.api("GET", "/json");
  expect(sent.body).toBe("");
  expect(sent.headers["content-type"]).toBeUndefined();
});

test("a body of another type comes back as text, an empty one as nothing", async () => {
  const client = createFleetClient({ baseUrl: url() });
  expect(await client.api<string>("GET", "/text")).toBe("plain");
  expect(await client.api<string>("DELETE", "/empty")).toBe("");
  expect(await client.api<null>("GET", "/empty-json")).toBeNull();
});

test("anything but 2xx rejects with the method, the path, the status and the error (spec §5.1)", async () => {
  const client = createFleetClient({ baseUrl: url() });
  const failure = (method: string, path: string) =>
    client.api(method, path).catch((error) => ({ message: error.message, ...error }));
  expect(await failure("PUT", "/conflict")).toEqual({
    message: "PUT /conflict (409): taken",
    status: 409,
    code: "conflict",
    error: "taken",
    answer: { error: "taken", code: "conflict", extra: "kept" },
  });
  expect(await failure("GET", "/down")).toEqual({
    message: "GET /down (503): try later",
    status: 503,
    code: undefined,
    error: "try later",
    answer: "try later",
  });
  expect(await failure("GET", "/odd")).toMatchObject({ message: 'GET /odd (400): {"message":"x"}' });
});

test("what is not given comes from the environment, at each call (spec §5.6)", async () => {
  const client = createFleetClient();
  expect(client.getBaseUrl()).toBeNull();
  expect([client.agentName, client.agentRole, client.vmId, client.taskId]).toEqual([
    `agent-${process.pid}`,
    "worker",
    undefined,
    undefined,
  ]);
  await expect(client.api("GET", "/json")).rejects.toThrow("VERS_INFRA_URL is not set.");
  Object.assign(process.env, {
    VERS_INFRA_URL: url(),
    VERS_AUTH_TOKEN: "late",
    VERS_AGENT_NAME: "café 日",
    VERS_AGENT_ROLE: "r",
    VERS_VM_ID: "v",
    REEF_TASK_ID: "t-1",
  });
  expect(client.getBaseUrl()).toBe(url().slice(0, -1));
  expect([client.agentName, client.agentRole, client.vmId, client.taskId]).toEqual([
    "café 日",
    "r",
    "v",
    "t-1",
  ]);
  await client.api("GET", "/json");
  expect(sent.headers).toMatchObject({ authorization: "Bearer late", "x-agent-name": "caf? ?" });
});

test("results for a model have their fixed forms (spec §5.1)", () => {
  const client = createFleetClient();
  expect(client.ok("fine")).toEqual({ content: [{ type: "text", text: "fine" }], details: {} });
  expect(client.ok("fine", { a: 1 }).details).toEqual({ a: 1 });
  expect(client.err("bad")).toEqual({
    content: [{ type: "text", text: "Error: bad" }],
    details: {},
    isError: true,
  });
  expect(client.noUrl()).toEqual(client.err("VERS_INFRA_URL is not set."));
});

describe("the client that the server gives to tools", () => {
  test("acts as whoever calls at that moment (spec §5.4)", async () => {
    const calls: [string, Caller][] = [];
    const client = createCallerClient({
      baseUrl: () => "http://localhost",
      fetch: async (path, _init, as) => {
        calls.push([path, as]);
        return Response.json({ ok: true });
      },
    });
    const caller: Caller = { kind: "task", taskId: "t1", agentName: "t1", agentRole: "worker", vmId: "v" };
    await runWithCause({ causeId: "n", caller, inFlight: [] }, async () => {
      expect([client.agentName, client.agentRole, client.vmId, client.taskId]).toEqual([
        "t1",
        "worker",
        "v",
        "t1",
      ]);
      await client.api("GET", "/board");
    });
    await client.api("GET", "/feed");
    expect(calls).toEqual([
      ["/board", caller],
      ["/feed", { kind: "server" }],
    ]);
    expect([client.agentName, client.getBaseUrl()]).toEqual(["server", "http://localhost"]);
  });
});

describe("the file for agents", () => {
  const folder = mkdtempSync(join(tmpdir(), "reef-client-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function bundle(): Promise<string> {
    const built = await Bun.build({
      entrypoints: [join(import.meta.dir, "../../src/core/client.ts")],
      target: "node",
    });
    return (await built.outputs[0]?.text()) ?? "";
  }

  test("imports nothing but itself", async () => {
    const code = await bundle();
    expect(code).not.toMatch(/\bfrom "|require\(|\bBun\b|import\(/);
  });

  test.skipIf(!Bun.which("node"))("runs under Node", async () => {
    const script = join(folder, "run.mjs");
    writeFileSync(
      script,
      `${await bundle()}\nconsole.log(JSON.stringify(await createFleetClient({ baseUrl: process.argv[2] }).api("GET", "/json")));`,
    );
    const child = Bun.spawn(["node", script, url()], { stdout: "pipe" });
    expect(await new Response(child.stdout).text()).toBe('{"a":1}\n');
  });
});
