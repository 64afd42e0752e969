// bin/reef.mjs under Node: which Bun it finds, and that arguments, exit codes and signals go through it.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { eventStream, fakeServer } from "./support.js";

const LAUNCHER = resolve(import.meta.dirname, "../../bin/reef.mjs");
const NODE = Bun.which("node") ?? "";
const BUN = process.execPath;

let dir: string;
let withBun: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "reef-launcher-"));
  withBun = await pathWith("bun", { bun: `exec ${BUN} "$@"`, npx: "exit 9" });
});
afterAll(() => rm(dir, { recursive: true }));

/** A folder for PATH with these shell scripts, and Node. */
async function pathWith(name: string, scripts: Record<string, string>): Promise<string> {
  const folder = join(dir, name);
  for (const [script, text] of Object.entries({ ...scripts, node: `exec ${NODE} "$@"` })) {
    await Bun.write(join(folder, script), `#!/bin/sh\n${text}\n`);
    await chmod(join(folder, script), 0o755);
  }
  return folder;
}

function launch(path: string, argv: string[], env: Record<string, string> = {}) {
  return Bun.spawn([NODE, LAUNCHER, ...argv], {
    env: { PATH: path, HOME: dir, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

function textOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  return new Response(stream).text();
}

async function outcome(process: ReturnType<typeof launch>) {
  const [out, err] = await Promise.all([textOf(process.stdout), textOf(process.stderr)]);
  return { code: await process.exited, out, err };
}

describe("the Bun that runs it", () => {
  const version = { code: 0, out: `reef ${packageJson.version}\n`, err: "" };

  test("is the one on PATH", async () => {
    expect(await outcome(launch(withBun, ["--version"]))).toEqual(version);
  });

  test("is npx's when there is none, or one that is too old", async () => {
    const npx = `[ "$1 $2" = "-y bun@${Bun.version}" ] && echo ${BUN}`;
    expect(await outcome(launch(await pathWith("none", { npx }), ["--version"]))).toEqual(version);
    const old = await pathWith("old", { npx, bun: "echo 1.3.99" });
    expect(await outcome(launch(old, ["--version"]))).toEqual(version);
  });

  test("is named when there is none at all", async () => {
    const { code, err } = await outcome(launch(await pathWith("nothing", { npx: "exit 1" }), ["--version"]));
    expect(code).toBe(1);
    expect(err).toBe(`reef: needs Bun 1.4.0 or newer. Install it with: npm install -g bun@${Bun.version}\n`);
  });

  test("is the one that runs the launcher, if that is Bun", async () => {
    const { stdout, exitCode } = Bun.spawnSync([BUN, LAUNCHER, "--version"], {
      env: { PATH: "/nowhere", HOME: dir },
    });
    expect({ exitCode, out: String(stdout) }).toEqual({ exitCode: 0, out: version.out });
  });

  test("is told to install nothing by itself (spec §5.2)", async () => {
    const path = await pathWith("flags", {
      bun: `[ "$1" = --version ] && exec ${BUN} --version; echo "$1 $2"`,
    });
    const { out } = await outcome(launch(path, []));
    expect(out).toBe(`--no-install ${join(dirname(dirname(LAUNCHER)), "src/cli.ts")}\n`);
  });
});

describe("what goes through it", () => {
  test("the exit code and the error of a command", async () => {
    const ran = await outcome(launch(withBun, ["tasks", "--url", "http://127.0.0.1:1"]));
    expect(ran.code).toBe(1);
    expect(ran.err).toStartWith("reef: cannot reach http://127.0.0.1:1");
    expect((await outcome(launch(withBun, ["frob"]))).code).toBe(2);
  });

  test("the environment: address, port and token", async () => {
    await using server = fakeServer({ "GET /reef/tasks": () => ({ tasks: [], count: 0 }) });
    const port = new URL(server.url).port;
    await outcome(launch(withBun, ["tasks"], { PORT: port, VERS_AUTH_TOKEN: "secret" }));
    await outcome(launch(withBun, ["tasks"], { VERS_INFRA_URL: server.url, VERS_AGENT_NAME: "ada" }));
    const seen = server.requests.map(({ headers }) => [
      headers.get("authorization"),
      headers.get("x-agent-name"),
    ]);
    expect(seen).toEqual([
      ["Bearer secret", null],
      [null, "ada"],
    ]);
  });

  test.each(["SIGTERM", "SIGINT"] as const)("%s, so that the command ends as it wants to", async (signal) => {
    await using server = fakeServer({
      "GET /reef/events": () => eventStream([{ type: "event", seq: 1 }], { open: true }),
    });
    const tail = launch(withBun, ["tail", "--json", "--since", "0", "--url", server.url]);
    const reader = tail.stdout.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('{"type":"event","seq":1}\n');
    tail.kill(signal);
    expect(await tail.exited).toBe(0);
  });

  test("a pipe that is closed by its reader ends the command quietly", async () => {
    const frames = Array.from({ length: 5000 }, (_, seq) => ({
      type: "event",
      seq: seq + 1,
      content: "x".repeat(100),
    }));
    await using server = fakeServer({ "GET /reef/events": () => eventStream(frames, { open: true }) });
    const command = `${NODE} ${LAUNCHER} tail --json --since 0 --url ${server.url} | head -n 1`;
    const { stdout, stderr } = Bun.spawn(["sh", "-c", command], { stderr: "pipe", stdin: "ignore" });
    expect(JSON.parse(await textOf(stdout)).seq).toBe(1);
    expect(await textOf(stderr)).toBe("");
  });
});
