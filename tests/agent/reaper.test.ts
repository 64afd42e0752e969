// What an earlier life of the server has left is ended at boot, and nothing else.
import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bootId, startTimeOf } from "../../src/agent/processes.js";
import { reapStrays } from "../../src/agent/reaper.js";
import { newRunId } from "../../src/agent/runfiles.js";
import { afterwards, cleanUp, filesIn, isAlive, newServerId, tagged, tempDir } from "./support.js";

afterEach(cleanUp);

const SERVER = newServerId();

function sleeper(env: Record<string, string> = {}): Bun.Subprocess {
  const child = Bun.spawn(["sleep", "60"], { env: { PATH: process.env.PATH ?? "", ...env }, detached: true });
  afterwards(() => child.kill("SIGKILL"));
  return child;
}

function runFile(dataDir: string, fields: object): void {
  mkdirSync(join(dataDir, "run"), { recursive: true });
  const record = { startTime: 1, bootId: bootId(), tag: `${SERVER}.x`, taskId: null, ...fields };
  writeFileSync(join(dataDir, "run", `${newRunId()}.json`), JSON.stringify(record));
}

describe("reaper", () => {
  test("ends every process with a tag of this server, and spares those of another", async () => {
    const ours = [sleeper({ REEF_RUN: `${SERVER}.run-1` }), sleeper({ REEF_RUN: `${SERVER}.run-2` })];
    const theirs = sleeper({ REEF_RUN: `${SERVER}2.run-1` });
    expect(await reapStrays({ dataDir: tempDir(), serverId: SERVER })).toEqual([]);
    await Promise.all(ours.map((child) => child.exited));
    expect(await tagged(`${SERVER}.`)).toEqual([]);
    expect(await isAlive(theirs.pid)).toBe(true);
  });

  test("ends what a run file names when the start time fits, and nothing when it does not", async () => {
    const dataDir = tempDir();
    const [ours, reused, otherBoot, otherServer] = [sleeper(), sleeper(), sleeper(), sleeper()];
    runFile(dataDir, { pid: ours.pid, startTime: startTimeOf(ours.pid) });
    runFile(dataDir, { pid: reused.pid, startTime: 1 });
    runFile(dataDir, { pid: otherBoot.pid, startTime: startTimeOf(otherBoot.pid), bootId: "earlier" });
    runFile(dataDir, { pid: otherServer.pid, startTime: startTimeOf(otherServer.pid), tag: "srv-other.x" });
    await reapStrays({ dataDir, serverId: SERVER });
    await ours.exited;
    for (const child of [reused, otherBoot, otherServer]) expect(await isAlive(child.pid)).toBe(true);
  });

  test("clears the run files, damaged ones too, and leaves other files alone", async () => {
    const dataDir = tempDir();
    const run = join(dataDir, "run");
    const id = newRunId();
    mkdirSync(join(run, id), { recursive: true });
    writeFileSync(join(run, `${id}.json`), "{ half");
    writeFileSync(join(run, `${id}.jsonl`), "session");
    writeFileSync(join(run, "notes.txt"), "keep");
    await reapStrays({ dataDir, serverId: SERVER });
    expect(filesIn(run)).toEqual(["notes.txt"]);
  });

  test("a first start with an empty folder finds nothing", async () => {
    expect(await reapStrays({ dataDir: join(tempDir(), "new"), serverId: SERVER })).toEqual([]);
  });
});
