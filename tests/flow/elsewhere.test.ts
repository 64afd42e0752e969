// A pi on another machine, which has nothing of reef but its extension: what the fleet knows of it while it works, when it
// has finished, when it is killed, and after a time in which the server could not be reached (spec §15).
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { FeedEvent } from "../../examples/services/feed/event.js";
import type { Vm } from "../../examples/services/registry/vm.js";
import { type OfflineModel, startOfflineModel } from "../../src/offline/server.js";
import { startPi, type TestPi } from "../extension/rig/pi.js";
import { startReefWith } from "../fleet/reef-with.js";
import { cleanUp, type Reef, temporaryFolder } from "./reef.js";

const TOKEN = "server-token-of-agents-elsewhere";
const OWN_VM = "vm-of-reef";
const MINUTE_MS = 60_000;
/** How many of this test's seconds its processes take for twenty: a minute without a sign of life is three seconds. */
const SPEED = 20;
const WAIT_MS = 60_000;

setDefaultTimeout(3 * WAIT_MS);

/** A preload under which everything that happens by the minute happens so much sooner, and the clock shows it. */
const CLOCK = `
const { now } = Date;
const start = now();
Date.now = () => Math.floor(start + (now() - start) * ${SPEED});
for (const name of ["setTimeout", "setInterval"]) {
  const original = globalThis[name];
  const faster = (fn, ms, ...rest) => original(fn, ms >= ${MINUTE_MS} ? ms / ${SPEED} : ms, ...rest);
  globalThis[name] = Object.defineProperties(faster, Object.getOwnPropertyDescriptors(original));
}
`;

/** An extension of somebody else's, which starts machines and ends one of them. */
const SPAWNER = `
export default (pi) => {
  pi.on("agent_start", () => {
    pi.events.emit("vers:agent_spawned", { vmId: "vm-9", name: "drone" });
    pi.events.emit("vers:lt_created", { vmId: "vm-10", label: "second", address: "10.0.0.10" });
  });
  pi.on("agent_end", () => pi.events.emit("vers:agent_destroyed", { vmId: "vm-9" }));
};
`;

let reef: Reef;
let model: OfflineModel;
let clock: string;
const pis: TestPi[] = [];

beforeAll(async () => {
  clock = join(temporaryFolder(), "clock.mjs");
  writeFileSync(clock, CLOCK);
  const env = { HOST: "127.0.0.1", REEF_OFFLINE: "1", VERS_VM_ID: OWN_VM, BUN_OPTIONS: `--preload=${clock}` };
  reef = await startReefWith(["registry", "feed", "usage"], { token: TOKEN, env });
  model = startOfflineModel();
});
afterAll(async () => {
  await Promise.all(pis.map((pi) => pi.stop()));
  await model.stop();
  await cleanUp();
});

async function startAgent(name: string, vmId: string, args: string[] = []): Promise<TestPi> {
  const identity = {
    VERS_AGENT_NAME: name,
    VERS_VM_ID: vmId,
    VERS_INFRA_URL: reef.url,
    VERS_AUTH_TOKEN: TOKEN,
  };
  const env = { ...identity, NODE_OPTIONS: `--import=${pathToFileURL(clock)}` };
  const pi = await startPi({ runtime: "node", modelUrl: model.url, args, env });
  pis.push(pi);
  return pi;
}

async function until<T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    const value = await read();
    if (holds(value)) return value;
    if (performance.now() > deadline)
      throw new Error(`It stayed ${JSON.stringify(value)}:\n${reef.output()}`);
    await Bun.sleep(100);
  }
}

/** An empty object for one that is not registered. */
const vm = (id: string): Promise<Partial<Vm>> =>
  reef.api("GET", `/registry/vms/${id}`).catch((error) => {
    if (error.status === 404) return {};
    throw error;
  });
const feedOf = (agent: string): Promise<FeedEvent[]> =>
  reef.api("GET", `/feed/events?agent=${agent}&limit=1000`);
const typesOf = (events: FeedEvent[]) => events.map(({ type }) => type);
const stopped = (events: FeedEvent[]) => typesOf(events).filter((type) => type === "agent_stopped");
const discovered = async (): Promise<string[]> =>
  (await reef.api("GET", "/registry/discover/worker")).vms.map(({ id }: Vm) => id);
const told = async (id: string): Promise<string[]> =>
  (await reef.nodes()).filter(({ meta }) => meta?.vmId === id).map(({ content }) => content);

describe("an agent elsewhere", () => {
  let scout: TestPi;

  test("is in the registry, the feed and the ledger by having the extension alone", async () => {
    scout = await startAgent("scout", "vm-7");
    await scout.prompt("What is 2+2?");
    const events = await until(
      () => feedOf("scout"),
      (all) => stopped(all).length === 1,
    );
    expect(typesOf(events)).toEqual([
      "agent_started",
      ...typesOf(events).filter((type) => type === "token_update"),
      "agent_stopped",
    ]);
    const { turns, tokens } = events.at(-1)?.metadata ?? {};
    expect(events.at(-1)?.summary).toStartWith(`Agent scout finished (${turns} turns, ${tokens} tokens, $`);

    const entry = await until(
      () => vm("vm-7"),
      ({ registeredBy }) => registeredBy !== undefined,
    );
    expect(entry).toMatchObject({
      name: "scout",
      role: "worker",
      address: "vm-7.vm.vers.sh",
      registeredBy: "scout",
      stale: false,
    });
    expect(entry.metadata).toMatchObject({ pid: scout.pid });

    const sessions = () => reef.api("GET", "/usage/sessions?agent=scout&range=all");
    const { sessions: rows } = await until(sessions, ({ count }) => count > 0);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ agent: "scout", turns, parentAgent: null });
    expect(rows[0].tokens.input + rows[0].tokens.output).toBe(tokens);
  });

  test("that has finished is found again with its next heartbeat, for its session is open", async () => {
    await until(
      () => told("vm-7"),
      (lines) => lines.some((line) => line.endsWith("to stopped (agent_end)")),
    );
    const back = await until(
      () => vm("vm-7"),
      ({ status }) => status === "running",
    );
    expect(back.statusReason).toBeUndefined();
    expect(await discovered()).toContain("vm-7");
    expect(await told("vm-7")).toEqual([
      "scout (worker) is running at vm-7.vm.vers.sh",
      "scout (worker) went from running to stopped (agent_end)",
      "scout (worker) went from stopped to running",
    ]);
  });

  test("has one row in the ledger, however many prompts it had", async () => {
    await scout.prompt("What is 2+2?");
    await until(
      () => feedOf("scout"),
      (all) => stopped(all).length === 2,
    );
    const sessions = () => reef.api("GET", "/usage/sessions?agent=scout&range=all");
    const turns = (await feedOf("scout")).reduce(
      (sum, { metadata }) => sum + Number(metadata?.turns ?? 0),
      0,
    );
    const { count } = await until(sessions, (page) => page.sessions[0].turns === turns);
    expect(count).toBe(1);
  });

  test("that is killed is given up, and stale, while one that is idle stays", async () => {
    const victim = await startAgent("victim", "vm-8");
    await victim.prompt("What is 2+2?");
    await until(
      () => feedOf("victim"),
      (all) => stopped(all).length === 1,
    );
    await until(
      () => vm("vm-8"),
      ({ status }) => status === "running",
    );
    process.kill(victim.pid, "SIGKILL");

    const gone = await until(
      () => vm("vm-8"),
      ({ statusReason }) => statusReason === "session_shutdown",
    );
    expect(gone.status).toBe("stopped");
    expect(await discovered()).toEqual(["vm-7"]);
    const stale = await until(
      () => vm("vm-8"),
      (entry) => entry.stale === true,
    );
    expect(stale).toEqual({ ...gone, stale: true });
    await until(
      () => told("vm-8"),
      (lines) => lines.at(-1)?.startsWith("victim (worker) was last seen at") === true,
    );
    expect(await vm("vm-7")).toMatchObject({ status: "running", stale: false });
  });

  test("has the machines that it starts in the registry, and is stopped when it quits", async () => {
    const spawner = join(temporaryFolder(), "spawner.ts");
    writeFileSync(spawner, SPAWNER);
    const boss = await startAgent("boss", "vm-11", ["-e", spawner]);
    await boss.prompt("What is 2+2?");
    const drone = await until(
      () => told("vm-9"),
      (lines) => lines.length === 2,
    );
    expect(drone).toEqual(["drone (worker) is running at vm-9.vm.vers.sh", "drone (worker) was removed"]);
    expect(await vm("vm-10")).toMatchObject({
      name: "second",
      role: "lieutenant",
      address: "10.0.0.10",
      registeredBy: "boss",
      metadata: { registeredVia: "vers:lt_created" },
    });
    process.kill(boss.pid, "SIGTERM");
    const quit = await until(
      () => vm("vm-11"),
      ({ statusReason }) => statusReason === "session_shutdown",
    );
    expect(quit.status).toBe("stopped");
  });

  test("is not what a task of reef's own is, whose machine is reef's", async () => {
    const { id } = await reef.submit({ task: "What is 2+2?", taskId: "own" });
    expect((await reef.over(id)).status).toBe("done");
    await until(
      () => feedOf("own"),
      (all) => stopped(all).length === 1,
    );
    expect(await vm(OWN_VM)).toMatchObject({ name: "reef", role: "infra", status: "running", stale: false });
    expect(await told(OWN_VM)).toEqual([`reef (infra) is running at ${OWN_VM}.vm.vers.sh`]);
  });

  test("works on while the server is away, and what it did then is told in order when it is back", async () => {
    const before = await feedOf("scout");
    const { port } = new URL(reef.url);
    await reef.stop();
    await scout.prompt("What is 2+2?");
    await scout.prompt("What is 3+4?");
    reef = await reef.restart({ PORT: port });
    const after = await until(
      () => feedOf("scout"),
      (all) => stopped(all).length === stopped(before).length + 2,
    );
    expect(typesOf(after.slice(before.length)).filter((type) => type !== "token_update")).toEqual([
      "agent_started",
      "agent_stopped",
      "agent_started",
      "agent_stopped",
    ]);
  });
});
