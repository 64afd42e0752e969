// The warm pool: filled, handed out, refilled, and honest about what it cannot do.
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { PoolOptions } from "../../src/agent/pool.js";
import type { PiProcess } from "../../src/agent/process.js";
import {
  afterwards,
  cleanUp,
  eventually,
  FAKE,
  fakePool,
  filesIn,
  HOST_ENV,
  isAlive,
  memoryLog,
  newServerId,
  tagged,
  tempDir,
} from "./support.js";

afterEach(cleanUp);

const need = { provider: "fake" };

/** A pool of the fake in a mode that the test may change. Every process writes a line when it starts. */
function poolOf(mode: string, options: Partial<PoolOptions> & { dir?: string } = {}) {
  const starts = join(tempDir(), "starts");
  const serverId = newServerId();
  const { env = () => HOST_ENV, ...further } = options;
  const now = { mode };
  const pool = fakePool(() => [...FAKE, now.mode], {
    warm: 2,
    serverId,
    env: (provider) => ({ ...env(provider), FAKE_STARTS: starts }),
    ...further,
  });
  return {
    pool,
    now,
    started: () => (existsSync(starts) ? readFileSync(starts, "utf8").split("\n").length - 1 : 0),
    pids: () => tagged(`${serverId}.`),
  };
}

async function take(pool: ReturnType<typeof fakePool>, wanted: Parameters<typeof pool.take>[0] = need) {
  const pi = await pool.take(wanted);
  afterwards(pi.stop);
  return pi;
}

/** The pool refills when a process that was taken has been put to work. */
async function work(pi: PiProcess): Promise<void> {
  await pi.request({ type: "prompt", message: "hello" });
}

describe("warm processes", () => {
  test("are kept in the number that is asked for (spec pi §17.2)", async () => {
    const { pool, started } = poolOf("good");
    await eventually(() => pool.idle() === 2, "two warm processes");
    expect(started()).toBe(2);
    expect(pool.status()).toMatchObject({ ok: true, mode: "script", version: "0.0.0" });
  });

  test("are handed out at once, oldest first, and replaced", async () => {
    const { pool, started } = poolOf("good");
    await eventually(() => pool.idle() === 2, "two warm processes");
    const first = await take(pool);
    const second = await take(pool);
    expect(first.pid).not.toBe(second.pid);
    expect(pool.idle()).toBe(0);
    expect(started()).toBe(2);
    await work(first);
    await second.stop();
    await eventually(() => pool.idle() === 2, "two new ones");
    expect(started()).toBe(4);
  });

  test("belong to whoever took them: closing the pool leaves them running", async () => {
    const { pool } = poolOf("good");
    const pi = await take(pool);
    await pool.close();
    expect(await pi.request({ type: "get_state" })).toBeDefined();
  });

  test("one that is just starting is waited for instead of starting another", async () => {
    const { pool, started } = poolOf("good", { warm: 1 });
    const pi = await take(pool);
    expect(started()).toBe(1);
    await work(pi);
    await eventually(() => pool.idle() === 1, "the next one");
    expect(started()).toBe(2);
  });

  test("with none kept, each need gets a process started for it", async () => {
    const { pool, started } = poolOf("good", { warm: 0 });
    expect(pool.idle()).toBe(0);
    await take(pool);
    await take(pool);
    expect(started()).toBe(2);
    expect(pool.idle()).toBe(0);
  });

  test("another provider's need gets a process with that provider's flags and environment", async () => {
    const env = (provider: string) => ({ ...HOST_ENV, KEY_OF: provider });
    const { pool } = poolOf("good", { warm: 1, env });
    await eventually(() => pool.idle() === 1, "a warm process");
    const pi = await take(pool, { provider: "other", modelId: "big/model:free", thinking: "high" });
    const read = (name: string) => Bun.file(`/proc/${pi.pid}/${name}`).text();
    expect((await read("environ")).split("\0")).toContain("KEY_OF=other");
    const flags = (await read("cmdline")).split("\0");
    expect(flags[flags.indexOf("--model") + 1]).toBe("other/big/model:free");
    expect(flags[flags.indexOf("--thinking") + 1]).toBe("high");
    expect(pool.idle()).toBe(1);
  });

  test("a changed key retires those that were started with the old one", async () => {
    let key = "old";
    const { pool } = poolOf("good", { env: () => ({ ...HOST_ENV, KEY: key }) });
    await eventually(() => pool.idle() === 2, "two warm processes");
    key = "new";
    const pi = await take(pool);
    expect((await Bun.file(`/proc/${pi.pid}/environ`).text()).split("\0")).toContain("KEY=new");
  });
});

describe("whoever gives up waiting", () => {
  test("leaves the process that was being started to the pool, which hands it out once", async () => {
    const { pool, started } = poolOf("good", { warm: 1 });
    const calledOff = new AbortController();
    const given = pool.take({ ...need, signal: calledOff.signal });
    calledOff.abort(new Error("called off"));
    await expect(given).rejects.toThrow("called off");
    await eventually(() => pool.idle() === 1, "the process");
    expect(started()).toBe(1);
    const first = await take(pool);
    const second = await take(pool);
    expect(second.pid).not.toBe(first.pid);
  });

  test("ends the process that was started for him alone, and it counts as no failure", async () => {
    const { pool, pids } = poolOf("silent", { warm: 0 });
    for (let n = 0; n < 3; n += 1) {
      const calledOff = new AbortController();
      const given = pool.take({ ...need, signal: calledOff.signal });
      calledOff.abort(new Error("called off"));
      await expect(given).rejects.toThrow();
    }
    expect(await pids()).toEqual([]);
    expect(pool.status().ok).toBe(true);
  });
});

describe("what fails", () => {
  test("a warm process that dies is replaced", async () => {
    const log = memoryLog();
    const { pool, started, pids } = poolOf("good", { warm: 1, log });
    await eventually(() => pool.idle() === 1, "a warm process");
    const [pid] = await pids();
    process.kill(pid ?? 0, "SIGKILL");
    await eventually(() => started() === 2 && pool.idle() === 1, "its replacement");
    expect(log.lines.join("\n")).toContain("a warm pi process is replaced: an idle pi ended (SIGKILL)");
    expect(await isAlive(pid ?? 0)).toBe(false);
  });

  test("a warm process that falls silent is replaced", async () => {
    const limits = { checkEveryMs: 20, silentMs: 1_000 };
    const { pool, started, pids } = poolOf("good", { warm: 1, limits });
    await eventually(() => pool.idle() === 1, "a warm process");
    const [pid] = await pids();
    process.kill(pid ?? 0, "SIGSTOP");
    await eventually(() => started() === 2, "its replacement");
    await eventually(async () => !(await isAlive(pid ?? 0)), "its end");
  });

  test("three in a row stop the pool for a while, and the status says so", async () => {
    const log = memoryLog();
    const { pool, now, started } = poolOf("fails", { warm: 1, log, limits: { pauseMs: 300 } });
    await eventually(() => !pool.status().ok, "the pause");
    expect(started()).toBe(3);
    expect(pool.status().detail).toBe(
      "3 pi processes in a row failed: pi exited with code 3: Error: nothing works here",
    );
    now.mode = "good";
    await eventually(() => pool.idle() === 1, "the end of the pause");
    expect(started()).toBe(4);
    expect(pool.status().ok).toBe(true);
  });

  test("those that start well and then die stop it too", async () => {
    const { pool, started } = poolOf("short-lived", { warm: 1, limits: { pauseMs: 60_000 } });
    await eventually(() => !pool.status().ok, "the pause");
    expect(started()).toBe(3);
    expect(pool.status().detail).toContain("an idle pi ended (code 9)");
  });

  test("a task's own start is tried even then, and rejects with the reason", async () => {
    const { pool } = poolOf("fails", { warm: 1, limits: { pauseMs: 60_000 } });
    await eventually(() => !pool.status().ok, "the pause");
    await expect(pool.take(need)).rejects.toThrow("pi exited with code 3: Error: nothing works here");
  });

  test("what a task asks for in vain does not stop it", async () => {
    const { pool } = poolOf("fails", { warm: 0 });
    for (let n = 0; n < 4; n += 1)
      await expect(pool.take({ provider: "nobody" })).rejects.toThrow("nothing works");
    expect(pool.status().ok).toBe(true);
  });

  test("one that never answers is given up at its limit and ended", async () => {
    const { pool, pids } = poolOf("silent", { warm: 0, limits: { startMs: 200 } });
    await expect(pool.take(need)).rejects.toThrow("pi did not answer get_state within 0.2 s");
    expect(await pids()).toEqual([]);
  });

  test("without a program to start, the reason is the system's", async () => {
    const pool = fakePool(() => ["/no/such/pi"], { warm: 1 });
    await eventually(() => !pool.status().ok, "the pause");
    await expect(pool.take(need)).rejects.toThrow("/no/such/pi");
  });
});

test("close ends idle and starting processes, and nothing can be taken any more", async () => {
  const dir = tempDir();
  const { pool, pids } = poolOf("good", { dir });
  await eventually(() => pool.idle() >= 1, "a warm process");
  await pool.take(need).then((pi) => pi.stop());
  await pool.close();
  expect(await pids()).toEqual([]);
  expect(filesIn(join(dir, "run"))).toEqual([]);
  await expect(pool.take(need)).rejects.toThrow("The pool of pi processes is closed.");
});
