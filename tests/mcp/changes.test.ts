// What a connected client hears of lists that change, and what its next requests then get.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  PromptListChangedNotificationSchema,
  ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { moduleSource, shared } from "../core/modules.js";
import { createKit } from "./kit.js";
import { type Connected, type McpServer, messagesOf, startMcp, textOf } from "./support.js";

let servicesDir: string;
let server: McpServer;
beforeEach(async () => {
  servicesDir = await mkdtemp(join(tmpdir(), "reef-changes-"));
  server = await startMcp({ servicesDir, modules: [createKit()] });
});
afterEach(async () => {
  await server.end();
  await rm(servicesDir, { recursive: true, force: true });
});

/** Writes a service whose one tool says `said`, after `first`, and loads it. */
async function load(name: string, said: string, tool = name, first = ""): Promise<void> {
  const execute = `async () => { ${first}; return { content: [{ type: "text", text: ${JSON.stringify(said)} }] }; }`;
  const definition = `{ name: ${JSON.stringify(tool)}, description: "Says something", execute: ${execute} }`;
  await mkdir(join(servicesDir, name), { recursive: true });
  const fields = { name: JSON.stringify(name), registerTools: `(pi) => pi.registerTool(${definition})` };
  await writeFile(join(servicesDir, name, "index.ts"), moduleSource(fields));
  await server.registry.load(name);
}

async function skill(name: string, text: string): Promise<void> {
  await mkdir(join(server.skillsDir, name), { recursive: true });
  await writeFile(join(server.skillsDir, name, "SKILL.md"), text);
}

/** Counts what a client hears. A round trip on its own stream comes after what was sent on it before. */
function ears({ client }: Connected) {
  const heard = { tools: 0, prompts: 0 };
  const looks = new Set<() => void>();
  const hear = (what: keyof typeof heard) => () => {
    heard[what]++;
    for (const look of looks) look();
  };
  client.setNotificationHandler(ToolListChangedNotificationSchema, hear("tools"));
  client.setNotificationHandler(PromptListChangedNotificationSchema, hear("prompts"));
  const until = (what: keyof typeof heard, times: number) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (heard[what] < times) return;
        looks.delete(look);
        resolve();
      };
      looks.add(look);
      look();
    });
  return { heard, until };
}

describe("a connected client", () => {
  test("hears once of each change of the tools, and calls the new one next (spec §14)", async () => {
    const connected = await server.connect();
    const { heard, until } = ears(connected);
    await load("hue", "hello");
    await until("tools", 1);
    expect(textOf(await connected.client.callTool({ name: "hue" }))).toBe("hello");
    await load("hue", "hello again", "hues");
    await until("tools", 2);
    const { tools } = await connected.client.listTools();
    expect(tools.map(({ name }) => name)).toContain("hues");
    await server.registry.unload("hue");
    await until("tools", 3);
    expect(heard).toEqual({ tools: 3, prompts: 0 });
  });

  test("hears nothing of a reload that leaves the tools as they are, and never twice of one change", async () => {
    const session = await server.open();
    const stream = await server.raw({ headers: { Accept: "text/event-stream", "Mcp-Session-Id": session } });
    const steps = [
      () => load("hue", "hello"),
      () => server.registry.replace("hue"),
      () => load("hue", "hello", "hues"),
      () => server.registry.unload("hue"),
    ];
    for (const step of steps) {
      await step();
      // What was due for this step is sent when this returns.
      await server.events.emit("module:updated", { name: "hue" });
    }
    await server.raw({ method: "DELETE", headers: { "Mcp-Session-Id": session } });
    const change = { jsonrpc: "2.0", method: "notifications/tools/list_changed" };
    expect(await messagesOf(stream)).toEqual([change, change, change]);
  });

  test("hears once of prompts that changed meanwhile", async () => {
    const connected = await server.connect();
    const { heard, until } = ears(connected);
    await skill("paint", "---\nname: paint\ndescription: How to paint\n---\nTake a brush.");
    await load("hue", "hello");
    await until("prompts", 1);
    expect((await connected.client.listPrompts()).prompts).toEqual([
      { name: "paint", description: "How to paint" },
    ]);
    await load("other", "other");
    await until("tools", 2);
    expect(heard).toEqual({ tools: 2, prompts: 1 });
  });
});

test("a client that listens late, or again, hears once of what it missed", async () => {
  const session = await server.open();
  const listen = (signal?: AbortSignal) =>
    server.raw({ headers: { Accept: "text/event-stream", "Mcp-Session-Id": session }, signal });
  await load("one", "one");
  await load("two", "two");
  const first = (await listen()).body?.getReader();
  let text = "";
  while (!text.includes("data: ")) text += new TextDecoder().decode((await first?.read())?.value);
  expect(text.match(/tools\/list_changed/g)).toHaveLength(1);
  await first?.cancel();
  const again = await untilListening(listen);
  await server.raw({ method: "DELETE", headers: { "Mcp-Session-Id": session } });
  expect(await messagesOf(again)).toEqual([]);
});

/** A second stream is a 409 until the server has noticed the end of the first. */
async function untilListening(listen: () => Promise<Response>): Promise<Response> {
  for (let tries = 0; tries < 500; tries++) {
    const answer = await listen();
    if (answer.status === 200) return answer;
    await Bun.sleep(10);
  }
  throw new Error("The first stream never ended.");
}

describe("a tool that went away", () => {
  test("is a result that says so, to a client that was shown it (spec §14)", async () => {
    await load("hue", "hello");
    const [knows, never] = [await server.connect(), await server.connect()];
    await knows.client.listTools();
    await server.registry.unload("hue");
    expect(await knows.client.callTool({ name: "hue" })).toEqual({
      content: [
        {
          type: "text",
          text: 'Error: Tool "hue" is gone: its service was unloaded or changed. List the tools again to see which there are.',
        },
      ],
      isError: true,
    });
    await expect(never.client.callTool({ name: "hue" })).rejects.toThrow('Tool "hue" not found');
  });

  test("while its call was held at the door of its service is the same result", async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const { promise: inside, resolve: entered } = Promise.withResolvers<void>();
    shared({ released, entered });
    await load("hue", "hello", "hue", "reefTest.entered(); await reefTest.released");
    const { client } = await server.connect();
    const first = client.callTool({ name: "hue" });
    await inside;
    const replaced = load("hue", "renamed", "hues");
    await untilHeld("hue");
    const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "hue" } };
    // Its stream is open, so it stands at the door.
    const held = await server.send(call, await server.open());
    release();
    expect(textOf(await first)).toBe("hello");
    await replaced;
    const [answer] = await messagesOf(held);
    expect(textOf(answer.result)).toStartWith('Error: Tool "hue" is gone');
    expect(textOf(await client.callTool({ name: "hues" }))).toBe("renamed");
  });
});

/** Waits until new requests for a module have to wait. */
async function untilHeld(name: string): Promise<void> {
  const { enter, leave } = server.registry;
  for (let tries = 0; tries < 2000; tries++) {
    const entered = enter(name);
    if (entered instanceof Promise) return void entered.then(leave);
    if (entered) leave(entered);
    await Bun.sleep(5);
  }
  throw new Error(`"${name}" is not being replaced.`);
}
