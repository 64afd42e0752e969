// Finding and ending all that a run has started, and nothing else.
import { afterEach, describe, expect, test } from "bun:test";
import { type ProcessRow, readProcesses, signal, startTimeOf } from "../../src/agent/processes.js";
import { familyOf, type Hunt, look, sweep } from "../../src/agent/sweep.js";
import { afterwards, cleanUp, eventually, isAlive, newServerId, tagged, tempDir } from "./support.js";

afterEach(cleanUp);

const SERVER = newServerId();

function row(pid: number, parent: number, group: number): ProcessRow {
  return { pid, parent, group, startTime: pid };
}

const pids = (rows: ProcessRow[]) => rows.map(({ pid }) => pid).sort((a, b) => a - b);

describe("the family of a run", () => {
  const rows = [
    row(1, 0, 1),
    row(10, 1, 10),
    row(20, 10, 20),
    row(21, 20, 21),
    row(22, 21, 21),
    row(30, 1, 21),
    row(40, 1, 40),
  ];

  test("is its seeds, all below them, and who shares a session with one of them", () => {
    expect(pids(familyOf(rows, ({ pid }) => pid === 20, 10))).toEqual([20, 21, 22, 30]);
  });

  test("is empty without a seed", () => {
    expect(familyOf(rows, () => false, 10)).toEqual([]);
  });

  test("never holds this process, its ancestors, or its session, even when a task has started the server", () => {
    // 20 is pi, 21 its shell, 22 the server that was started from there, 50 a child of that server, 51 its neighbour.
    const inside = [...rows, row(50, 22, 50), row(51, 21, 21)];
    expect(pids(familyOf(inside, ({ pid }) => pid === 51, 22))).toEqual([51]);
    expect(pids(familyOf(inside, ({ pid }) => pid >= 20 && pid <= 22, 22))).toEqual([]);
  });

  test("never spreads through init or the kernel's group", () => {
    const kernel = [row(1, 0, 0), row(2, 0, 0), row(5, 1, 0), row(9, 1, 9)];
    expect(pids(familyOf(kernel, ({ pid }) => pid === 5 || pid === 1, 9))).toEqual([5]);
  });
});

describe("the processes of this machine", () => {
  test("ps shows what /proc shows", async () => {
    const child = Bun.spawn(["sleep", "60"], { env: { REEF_RUN: `${SERVER}.ps1`, PATH: process.env.PATH } });
    afterwards(() => child.kill("SIGKILL"));
    const [proc, ps] = await Promise.all([readProcesses("proc"), readProcesses("ps")]);
    for (const table of [proc, ps]) {
      const found = table.rows.find(({ pid }) => pid === child.pid);
      expect(found).toMatchObject({ pid: child.pid, parent: process.pid });
      expect(found && table.isTagged(found, `${SERVER}.ps1`, "whole")).toBe(true);
      expect(found && table.isTagged(found, `${SERVER}.`, "prefix")).toBe(true);
      expect(found && table.isTagged(found, `${SERVER}.ps`, "whole")).toBe(false);
      expect(found && table.isTagged(found, `${SERVER.slice(0, -1)}.`, "prefix")).toBe(false);
    }
    expect(startTimeOf(child.pid, "proc")).toBeGreaterThan(0);
    expect(startTimeOf(child.pid, "ps")).toBeGreaterThan(0);
  });

  test("a process that ended and was not waited for is gone", async () => {
    const shell = Bun.spawn(["sh", "-c", "sleep 0 & echo $!; exec sleep 60"], { stdout: "pipe" });
    afterwards(() => shell.kill("SIGKILL"));
    const { value } = await shell.stdout.getReader().read();
    const zombie = Number(new TextDecoder().decode(value));
    await eventually(async () => !(await isAlive(zombie)), "the end of sleep 0");
  });

  test("a pid whose start time differs is not signalled", async () => {
    const child = Bun.spawn(["sleep", "60"]);
    afterwards(() => child.kill("SIGKILL"));
    const startTime = startTimeOf(child.pid) ?? 0;
    expect(signal({ pid: child.pid, startTime: startTime + 1 }, "SIGKILL")).toBe(false);
    expect(signal({ pid: child.pid, startTime: Number.NaN }, "SIGKILL")).toBe(false);
    expect(await isAlive(child.pid)).toBe(true);
    expect(signal({ pid: child.pid, startTime }, "SIGKILL")).toBe(true);
    await child.exited;
    expect(signal({ pid: child.pid, startTime }, "SIGKILL")).toBe(false);
  });
});

describe("sweep", () => {
  const hunt = (tag: string): Hunt => ({ tag, match: "whole", known: new Map(), notBefore: 0 });

  /** Runs a script in a shell that carries the tag, and resolves when the script has written its `ready`. */
  async function shell(tag: string, script: string): Promise<Bun.Subprocess> {
    const child = Bun.spawn(["bash", "-c", `${script}\necho ready; wait`], {
      env: { REEF_RUN: tag, PATH: process.env.PATH, HOME: tempDir() },
      detached: true,
      stdout: "pipe",
    });
    await child.stdout.getReader().read();
    return child;
  }

  test("ends children, those in sessions of their own, and those that nobody waits for", async () => {
    const tag = `${SERVER}.one`;
    await shell(tag, "sleep 60 & setsid sleep 60 & (setsid nohup sleep 60 >/dev/null 2>&1 &) ; (sleep 60 &)");
    await eventually(async () => (await tagged(tag)).length >= 5, "five processes");
    expect(await sweep(hunt(tag), Date.now() + 5000)).toEqual([]);
    expect(await tagged(tag)).toEqual([]);
  });

  test("ends those that have dropped the tag, through their parents and their session", async () => {
    const tag = `${SERVER}.two`;
    const child = await shell(tag, "env -i sleep 61 & env -i setsid sleep 62 & (env -i sleep 63 &)");
    const found = await look(hunt(tag));
    expect(found.length).toBeGreaterThanOrEqual(4);
    expect(await sweep(hunt(tag), Date.now() + 5000)).toEqual([]);
    for (const { pid } of found) expect(await isAlive(pid)).toBe(false);
    await child.exited;
  });

  test("remembers what an earlier look has seen, when nothing shows it any more", async () => {
    const tag = `${SERVER}.three`;
    const child = await shell(tag, "env -i setsid sleep 64 &");
    const hunting = hunt(tag);
    // The sleep has the shell's environment, and with it the tag, until `env` has replaced it.
    const cleared = async () => (await look(hunting)).length === 2 && (await tagged(tag)).length === 1;
    await eventually(cleared, "shell and sleep");
    child.kill("SIGKILL");
    await child.exited;
    expect((await look(hunt(tag))).length).toBe(0);
    expect((await look(hunting)).length).toBe(1);
    expect(await sweep(hunting, Date.now() + 5000)).toEqual([]);
  });

  test("catches up with a process that starts others as fast as it can", async () => {
    const tag = `${SERVER}.four`;
    await shell(tag, "( while :; do setsid sleep 60 & sleep 0.01; done ) &");
    expect(await sweep(hunt(tag), Date.now() + 5000)).toEqual([]);
    expect(await tagged(tag)).toEqual([]);
  });
});
