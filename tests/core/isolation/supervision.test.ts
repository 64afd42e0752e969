// However the process of a service ends, the server and the other services go on, and the service comes back.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { TOKEN } from "../servers.js";
import { type IsolatedWorld, isAlive, leftOf, openIsolatedWorld, until } from "./world.js";

/** As the real ones, in less time. */
const LIMITS = { lookMs: 50, silentLooksMax: 80, firstMs: 200, longestMs: 800 };

const SOURCE = `
import { Hono } from "hono";
const routes = new Hono();
let ctx;
routes.get("/pid", (c) => c.json({ pid: process.pid }));
routes.get("/exit", () => process.exit(3));
routes.get("/abort", () => process.abort());
routes.get("/kill", () => { process.kill(process.pid, "SIGSEGV"); return new Promise(() => {}); });
routes.get("/loop", () => { while (true); });
routes.get("/memory", async () => {
  const kept = [];
  for (;;) { kept.push(new Uint8Array(8 * 1024 ** 2).fill(kept.length)); await new Promise((resolve) => setTimeout(resolve, 1)); }
});
routes.get("/throw-later", (c) => { setTimeout(() => { throw new Error("in a timer"); }, 1); return c.text("ok"); });
routes.get("/reject-later", (c) => { void Promise.reject(new Error("nobody awaits")); return c.text("ok"); });
routes.get("/never", () => new Promise(() => {}));
routes.get("/stream", () => new Response(new ReadableStream({ start(controller) { controller.enqueue("begun"); } })));
routes.get("/child", (c) => {
  const inGroup = Bun.spawn(["sleep", "600"]);
  const apart = Bun.spawn(["sh", "-c", "setsid sleep 600 >/dev/null & echo $!"], { stdout: "pipe", detached: true });
  return new Response(apart.stdout).text().then((text) => c.json([inGroup.pid, Number(text)]));
});
routes.get("/flood", (c) => {
  for (let n = 0; n < 5_000; n++) console.log("line " + n);
  console.log("x".repeat(100_000));
  console.error("to stderr");
  return c.text("ok");
});
export default { name: "weak", routes, init(given) { ctx = given; ctx.events.on("poke", () => ctx.record({ type: "poked", pid: process.pid })); } };
`;

const STEADY = `
import { Hono } from "hono";
export default { name: "steady", routes: new Hono().get("/", (c) => c.text("steady")) };
`;

let world: IsolatedWorld;
beforeEach(async () => {
  world = await openIsolatedWorld({
    limits: LIMITS,
    config: { isolatedMb: 200, baseEnv: { PATH: "/usr/bin:/bin" } },
  });
});
afterEach(() => world.close());

const pidOf = async (): Promise<number> => (await (await world.server.ask("/weak/pid")).json()).pid;
const isUp = async () => (await world.server.ask("/weak/pid")).status === 200;

/** Asks the server and another service until the work is over. Returns what was not answered. */
async function othersAnswerWhile(work: Promise<unknown>): Promise<unknown[]> {
  let isOver = false;
  void work.finally(() => {
    isOver = true;
  });
  const wrong: unknown[] = [];
  for (let n = 0; n < 3 || !isOver; n++) {
    const [health, steady] = [await world.server.ask("/health"), await world.server.ask("/steady")];
    if (health.status !== 200 || (await steady.text()) !== "steady")
      wrong.push([health.status, steady.status]);
    await Bun.sleep(1);
  }
  return wrong;
}

describe("a process that ends", () => {
  test.each([
    ["exit", { reason: "exit", exitCode: 3, signal: null }],
    ["abort", { reason: "signal", exitCode: null, signal: "SIGABRT" }],
    ["kill", { reason: "signal", exitCode: null, signal: "SIGSEGV" }],
    ["loop", { reason: "hung", exitCode: null, signal: "SIGKILL" }],
    ["memory", { reason: "memory", exitCode: null, signal: "SIGKILL" }],
  ])(
    "by %s: 503 for what it was doing, the others answer, it comes back, and nodes tell (spec §5.8)",
    async (how, end) => {
      await world.isolated("weak", SOURCE);
      await world.isolated("steady", STEADY);
      const before = await pidOf();
      const waiting = world.server.ask("/weak/never");
      const answer = world.server.ask(`/weak/${how}`);
      expect(await othersAnswerWhile(Promise.all([answer, waiting]))).toEqual([]);
      for (const { status, headers, json } of [await answer, await waiting].map(asJson)) {
        expect([status, headers.get("X-Reef-Error")]).toEqual([503, "unavailable"]);
        expect(Number(headers.get("Retry-After"))).toBeGreaterThanOrEqual(1);
        expect(await json()).toMatchObject({
          code: "unavailable",
          error: `service "weak" is being started again`,
        });
      }
      expect(await world.node("service_process_ended")).toMatchObject({
        source: "weak",
        ...end,
        restarts: 0,
      });
      expect(await world.node("service_process_started")).toMatchObject({ source: "weak", restarts: 1 });
      expect(world.faults).toEqual([
        { module: "weak", message: expect.stringMatching(/^Error: its process /) },
      ]);
      await until(isUp);
      expect(await pidOf()).not.toBe(before);
      expect(isAlive(before)).toBe(false);
    },
  );

  test("is 503 until it is back, and what comes then is answered", async () => {
    await world.isolated("weak", SOURCE);
    await world.server.ask("/weak/exit");
    expect((await world.server.ask("/weak/pid")).status).toBe(503);
    await world.node("service_process_started");
    expect((await world.server.ask("/weak/pid")).status).toBe(200);
  });

  test("waits longer each time, and counts", async () => {
    await world.isolated("weak", SOURCE);
    const waits: unknown[] = [];
    for (let n = 0; n < 4; n++) {
      await world.server.ask("/weak/exit");
      expect(await world.node("service_process_ended")).toMatchObject({ restarts: n });
      await world.node("service_process_started");
    }
    for (const line of world.server.lines) waits.push(...(/again in (\S+) s$/.exec(line)?.slice(1) ?? []));
    expect(waits).toEqual(["0.2", "0.4", "0.8", "0.8"]);
  });

  test("takes its subscriptions along, and makes them anew", async () => {
    await world.isolated("weak", SOURCE);
    await world.server.events.emit("poke");
    await world.server.ask("/weak/exit");
    await world.server.events.emit("poke");
    await world.node("service_process_started");
    await world.server.events.emit("poke");
    const poked = world.recorded.filter(({ type }) => type === "poked").map(({ pid }) => pid);
    expect(poked).toHaveLength(2);
    expect(poked[0]).not.toBe(poked[1]);
    const [holds] = world.server.registry.list().map((one) => one.holds);
    expect(holds).toContainEqual({ kind: "subscription", label: "poke", count: 1 });
  });

  test("breaks the streams that it had begun", async () => {
    await world.isolated("weak", SOURCE);
    const answer = await world.server.ask("/weak/stream");
    const reader = answer.body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("begun");
    await world.server.ask("/weak/exit");
    expect(await reader?.read().catch((error) => String(error))).toMatch(/^ConnectionLost: /);
  });

  test("takes along what it has started, in its group or not", async () => {
    await world.isolated("weak", SOURCE);
    const pids = await (await world.server.ask("/weak/child")).json();
    expect(pids.map(isAlive)).toEqual([true, true]);
    await world.server.ask("/weak/loop");
    await world.node("service_process_ended");
    await until(() => !pids.some(isAlive));
  });

  test("two do not know of each other", async () => {
    await world.isolated("weak", SOURCE);
    await world.isolated("frail", SOURCE.replace('"weak"', '"frail"'));
    const pid = (await (await world.server.ask("/frail/pid")).json()).pid;
    expect(pid).not.toBe(await pidOf());
    await world.server.ask("/weak/exit");
    expect((await (await world.server.ask("/frail/pid")).json()).pid).toBe(pid);
  });
});

describe("a fault that nobody catches", () => {
  test.each([
    ["throw-later", "in a timer"],
    ["reject-later", "nobody awaits"],
  ])("%s ends nothing, and is the module's fault (spec §5.3)", async (path, message) => {
    await world.isolated("weak", SOURCE);
    const pid = await pidOf();
    await world.server.ask(`/weak/${path}`);
    await until(() => world.faults.length > 0);
    expect(world.faults).toEqual([{ module: "weak", message: `Error: ${message}` }]);
    expect(await pidOf()).toBe(pid);
  });
});

describe("a service that does not come up again", () => {
  const STUBBORN = (dir: string) => `
import { existsSync } from "node:fs";
import { Hono } from "hono";
export default { name: "weak", routes: new Hono().get("/exit", () => process.exit(1)).get("/pid", (c) => c.json({ pid: process.pid })),
  init() { if (existsSync(${JSON.stringify(join(dir, "bad"))})) throw new Error("not today"); } };
`;

  test("is tried again, and says why it failed", async () => {
    await world.isolated("weak", STUBBORN(world.dataDir));
    await Bun.write(join(world.dataDir, "bad"), "");
    await world.server.ask("/weak/exit");
    expect(await world.node("service_process_ended")).toMatchObject({ reason: "exit" });
    for (let n = 0; n < 2; n++) {
      expect(await world.node("service_process_ended")).toMatchObject({
        reason: "failed",
        content: "process of weak could not be started again: not today",
      });
    }
    await Bun.file(join(world.dataDir, "bad")).delete();
    await world.node("service_process_started");
    expect((await world.server.ask("/weak/pid")).status).toBe(200);
  });
});

describe("nothing stays behind", () => {
  test("after close: no process, no socket, no folder", async () => {
    await world.isolated("weak", SOURCE);
    await world.isolated("steady", STEADY);
    await world.server.ask("/weak/child");
    expect((await leftOf(world.dataDir)).processes.length).toBeGreaterThanOrEqual(4);
    expect((await leftOf(world.dataDir)).sockets).toEqual([]);
    await world.server.close();
    await world.isolation.close();
    await world.isolation.close();
    expect(await leftOf(world.dataDir)).toEqual({ processes: [], sockets: [] });
    expect([...new Bun.Glob("isolated/**").scanSync({ cwd: world.dataDir, dot: true })]).toEqual([]);
  });

  test("after the server was killed, even of a service that is in an endless loop", async () => {
    const parent = Bun.spawn(
      [process.execPath, "--no-install", join(import.meta.dir, "children/server.ts")],
      {
        env: { PATH: "/usr/bin:/bin", DATA_DIR: world.dataDir },
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const reader = parent.stdout.getReader();
    const said = new TextDecoder().decode((await reader.read()).value);
    const pids: number[] = JSON.parse(said);
    expect(pids.map(isAlive)).toEqual([true, true]);
    parent.kill("SIGKILL");
    await parent.exited;
    await until(() => !pids.some(isAlive));
  });
});

test("what it prints is in the log under its name, as much as is good (spec §5.8)", async () => {
  await world.isolated("weak", SOURCE);
  await world.server.ask("/weak/flood");
  await until(() => world.server.lines.some((line) => line.endsWith("to stderr")));
  const lines = world.server.lines.filter((line) => line.startsWith("info line "));
  expect(lines[0]).toBe("info line 0");
  expect(lines.length).toBeLessThan(3_000);
  expect(Math.max(...world.server.lines.map((line) => line.length))).toBeLessThan(5_000);
});

test("a token of the server is in no environment of a service", async () => {
  await world.isolated("weak", SOURCE);
  const environment = await Bun.file(`/proc/${await pidOf()}/environ`).text();
  expect(environment).not.toContain(TOKEN);
});

function asJson(answer: Response) {
  return { status: answer.status, headers: answer.headers, json: () => answer.json() };
}
