// One pi process from start to stop, played by fakes that misbehave.
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { startTimeOf } from "../../src/agent/processes.js";
import {
  cleanUp,
  eventually,
  FAKE,
  filesIn,
  HOST_ENV,
  isAlive,
  SERVER_ID,
  startFake,
  tagged,
  tempDir,
  until,
} from "./support.js";

afterEach(cleanUp);

const getState = { type: "get_state" };
const prompt = { type: "prompt", message: "hello" };

describe("start", () => {
  test("the run file names the process before it is used (spec pi §17.6)", () => {
    const dir = tempDir();
    const pi = startFake("good", { dir });
    const path = join(dir, "run", `${pi.runId}.json`);
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({
      pid: pi.pid,
      startTime: startTimeOf(pi.pid),
      bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
      tag: `${SERVER_ID}.${pi.runId}`,
      taskId: null,
    });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    pi.assign("build-1");
    expect(JSON.parse(readFileSync(path, "utf8")).taskId).toBe("build-1");
  });

  test("it gets the environment it was given, its token, its control word and its tag, and nothing else", async () => {
    const pi = startFake("good", { env: { ...HOST_ENV, MARK: "1" } });
    await pi.request(getState);
    const entries = readFileSync(`/proc/${pi.pid}/environ`, "utf8").split("\0").filter(Boolean);
    expect(entries.sort()).toEqual(
      [
        ...Object.entries({ ...HOST_ENV, MARK: "1" }).map(([name, value]) => `${name}=${value}`),
        `VERS_AUTH_TOKEN=${pi.token}`,
        `REEF_CONTROL=${pi.control}`,
        `REEF_RUN=${SERVER_ID}.${pi.runId}`,
      ].sort(),
    );
    expect(pi.token).toMatch(/^rt_[A-Za-z0-9_-]{43}$/);
    expect(pi.control).toMatch(/^[0-9a-f]{16}$/);
  });

  test("it starts in an empty folder of its own, in a session of its own", () => {
    const dir = tempDir();
    const pi = startFake("good", { dir });
    expect(readFileSync(`/proc/${pi.pid}/stat`, "utf8").split(") ")[1]?.split(" ")[3]).toBe(String(pi.pid));
    const cwd = join(dir, "run", pi.runId);
    expect(filesIn(cwd)).toEqual([]);
    expect(statSync(cwd).mode & 0o777).toBe(0o700);
  });

  test("a program that does not exist throws and leaves no files", () => {
    const dir = tempDir();
    expect(() => startFake("good", { dir, argv: ["/no/such/pi"] })).toThrow("no such file");
    expect(filesIn(join(dir, "run"))).toEqual([]);
  });
});

describe("end", () => {
  test("one that exits early rejects whoever waits, with its code and what it said", async () => {
    const pi = startFake("fails");
    await expect(pi.request(getState)).rejects.toThrow("pi exited with code 3: Error: nothing works here");
    expect(await pi.exited).toEqual({ code: 3, signal: null, stderr: "Error: nothing works here\n" });
  });

  test("an exit with code 0 before the answer is an early end too", async () => {
    const pi = startFake("exits");
    await expect(pi.request(getState)).rejects.toThrow("pi exited with code 0");
    expect(await until(pi, () => false)).toEqual([]);
  });

  test("one that is killed tells the signal", async () => {
    const pi = startFake("killed");
    await expect(pi.request(prompt)).rejects.toThrow("pi exited on signal SIGKILL");
    expect(await pi.exited).toMatchObject({ code: null, signal: "SIGKILL" });
  });

  test("one that closes its output is ended, and its events end", async () => {
    const pi = startFake("deaf");
    await expect(pi.request(prompt)).rejects.toThrow("pi exited");
    expect(await until(pi, () => false)).toEqual([]);
    await pi.exited;
    expect(await isAlive(pi.pid)).toBe(false);
  });

  test("a slow listener gets all that was said before the end", async () => {
    const pi = startFake("says-much-and-exits");
    await pi.request(prompt);
    let heard = 0;
    for await (const _event of pi.events()) {
      // Longer than pi's last words are waited for when nobody is behind.
      if (heard++ === 0) await Bun.sleep(1_300);
    }
    expect(heard).toBe(2000);
    expect(await pi.exited).toMatchObject({ code: 4 });
  });

  test("one line without end is ended at the limit, with the reason", async () => {
    const pi = startFake("floods-one-line", { lineBytesMax: 1024 * 1024 });
    await expect(pi.request(prompt)).rejects.toThrow("pi sent a line over 1 MiB");
    expect((await pi.exited).reason).toBe("pi sent a line over 1 MiB");
  });

  test("garbage is ended at its limit, with the reason", async () => {
    const pi = startFake("garbage");
    await expect(pi.request(prompt)).rejects.toThrow("pi sent 100 lines in a row that are not JSON");
    expect((await pi.exited).reason).toBe("pi sent 100 lines in a row that are not JSON");
  });

  test("a flood of events waits in the pipe, not in memory, and does not hinder the stop", async () => {
    const pi = startFake("floods");
    const waiting = pi.request(prompt).catch((error: Error) => error.message);
    const before = process.memoryUsage.rss();
    let taken = 0;
    for await (const event of pi.events()) {
      expect(event.type).toBe("tool_execution_update");
      if (++taken === 10_000) break;
    }
    expect(process.memoryUsage.rss() - before).toBeLessThan(300 * 1024 * 1024);
    await pi.stop();
    expect(await waiting).toContain("pi exited");
  });
});

describe("stop", () => {
  test("leaves no process and no file", async () => {
    const dir = tempDir();
    const pi = startFake("good", { dir });
    await pi.request(getState);
    await pi.stop();
    expect(await pi.exited).toMatchObject({ signal: "SIGTERM" });
    expect(await tagged(`${SERVER_ID}.${pi.runId}`)).toEqual([]);
    expect(filesIn(join(dir, "run"))).toEqual([]);
  });

  test("called twice it is one stop, and after the end it does no harm", async () => {
    const pi = startFake("good");
    expect(pi.stop()).toBe(pi.stop());
    await pi.stop();
    await pi.stop();
  });

  test("ends the events at once", async () => {
    const pi = startFake("asks");
    await pi.request(prompt);
    const events = until(pi, () => false);
    const stopped = pi.stop();
    await events;
    await stopped;
  });

  test("SIGTERM ignored and abort unanswered, it is over within the limit (spec §4.5)", async () => {
    const pi = startFake("hangs");
    await pi.request(prompt);
    const begin = performance.now();
    await pi.stop();
    expect(performance.now() - begin).toBeLessThan(5_500);
    expect(await pi.exited).toMatchObject({ signal: "SIGKILL" });
  }, 15_000);

  test("cancels what it was asked, so that nothing waits for an answer (spec pi §17.8)", async () => {
    const log = join(tempDir(), "answers");
    const pi = startFake("asks", { env: { ...HOST_ENV, FAKE_LOG: log } });
    await pi.request(prompt);
    await until(pi, (event) => event.type === "extension_ui_request");
    await pi.stop();
    expect(JSON.parse(readFileSync(log, "utf8"))).toEqual({
      type: "extension_ui_response",
      id: "q1",
      cancelled: true,
    });
  });
});

test("the server's death does not leave a fake that heeds the end of its input", async () => {
  const dir = tempDir();
  const script = join(dir, "server.ts");
  await Bun.write(
    script,
    `import { startPi } from ${JSON.stringify(join(import.meta.dirname, "../../src/agent/process.ts"))};
     const pi = startPi(${JSON.stringify({ argv: [...FAKE, "good"], env: HOST_ENV, runDir: join(dir, "run"), serverId: "srv-dies" })});
     await pi.request({ type: "get_state" });
     console.log(pi.pid);
     process.kill(process.pid, "SIGKILL");`,
  );
  const server = Bun.spawn([process.execPath, "--no-install", script], { stdout: "pipe" });
  const pid = Number(await new Response(server.stdout).text());
  expect(pid).toBeGreaterThan(1);
  await eventually(async () => !(await isAlive(pid)), "the end of the fake");
  expect(existsSync(join(dir, "run"))).toBe(true);
});
