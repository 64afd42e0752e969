// What the real pi leaves behind in each way to end, and that nothing of it outlives the run (spec pi §7, §17.6).
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { readProcesses } from "../../src/agent/processes.js";
import { reapStrays } from "../../src/agent/reaper.js";
import { type Run, startRun } from "../../src/agent/run.js";
import {
  afterwards,
  cleanUp,
  emptySession,
  eventually,
  filesIn,
  newServerId,
  realStage,
  type Stage,
  tagged,
  tempDir,
  untilSettled,
} from "./support.js";

afterEach(cleanUp);

let stage: Stage;

beforeAll(() => {
  stage = realStage({ warm: 1 });
});
afterAll(() => stage.close());

/** Sleeps that can be told apart from those of everybody else. */
let seconds = 100_000 + Math.floor(Math.random() * 800_000);

async function run(prompt: string): Promise<Run> {
  const { pool, cwd } = stage;
  const started = await startRun({
    pool,
    provider: "offline",
    modelId: "scripted",
    session: emptySession(cwd),
    prompt,
  });
  afterwards(started.stop);
  return started;
}

async function sleepers(mark: number): Promise<number[]> {
  const { rows } = await readProcesses();
  const commands = await Promise.all(rows.map(({ pid }) => commandOf(pid)));
  return rows.filter((_, at) => commands[at]?.includes(`sleep\0${mark}`)).map(({ pid }) => pid);
}

async function commandOf(pid: number): Promise<string> {
  const file = Bun.file(`/proc/${pid}/cmdline`);
  return file.text().catch(() => "");
}

/** Runs the command until as many sleeps as it starts are there. */
async function sleeping(command: (mark: number) => string, count: number) {
  seconds += 1;
  const mark = seconds;
  const started = await run(`bash: ${command(mark)}`);
  await eventually(async () => (await sleepers(mark)).length === count, `${count} × sleep ${mark}`);
  return { started, mark };
}

async function expectNothingLeft(started: Run, mark: number): Promise<void> {
  expect(await sleepers(mark)).toEqual([]);
  expect(await tagged(`${stage.serverId}.${started.process.runId}`)).toEqual([]);
  expect(
    filesIn(join(stage.dataDir, "run")).filter((name) => name.startsWith(started.process.runId)),
  ).toEqual([]);
}

const COMMANDS: [name: string, command: (mark: number) => string, count: number][] = [
  ["a command in the foreground", (mark) => `sleep ${mark}`, 1],
  ["children of a command", (mark) => `sleep ${mark} & sleep ${mark} & wait`, 2],
  ["a child in a session of its own", (mark) => `setsid sleep ${mark} & wait`, 1],
  [
    "one that has dropped its environment",
    (mark) => `env -i sleep ${mark} & env -i setsid sleep ${mark} & wait`,
    2,
  ],
  ["one that ignores SIGTERM", (mark) => `trap "" TERM; sh -c 'trap "" TERM; sleep ${mark}; true'`, 1],
];

describe("a stop in the middle of a bash call ends", () => {
  for (const [name, command, count] of COMMANDS) {
    test(name, async () => {
      const { started, mark } = await sleeping(command, count);
      const begin = performance.now();
      await started.stop();
      expect(performance.now() - begin).toBeLessThan(5_000);
      await expectNothingLeft(started, mark);
    }, 20_000);
  }
});

describe("after the end of pi itself, a stop ends what is left", () => {
  test("of a pi that was killed in the middle of a bash call", async () => {
    const { started, mark } = await sleeping((mark) => `sleep ${mark} & setsid sleep ${mark} & wait`, 2);
    process.kill(started.process.pid, "SIGKILL");
    await started.exited;
    expect(await sleepers(mark)).toHaveLength(2);
    await started.stop();
    await expectNothingLeft(started, mark);
  }, 20_000);

  test("of a run that ended well: server &", async () => {
    const { started, mark } = await sleeping(
      (mark) =>
        `sleep ${mark} >/dev/null 2>&1 & (setsid nohup sleep ${mark} >/dev/null 2>&1 &); sleep 0.1; echo up`,
      2,
    );
    const events = await untilSettled(started);
    expect(events.at(-1)).toEqual({ type: "settled" });
    expect(await sleepers(mark)).toHaveLength(2);
    await started.stop();
    await expectNothingLeft(started, mark);
  }, 20_000);
});

test("the next run is not touched by the end of the one before", async () => {
  const first = await sleeping((mark) => `sleep ${mark}`, 1);
  const second = await sleeping((mark) => `sleep ${mark}`, 1);
  await first.started.stop();
  await expectNothingLeft(first.started, first.mark);
  expect(await sleepers(second.mark)).toHaveLength(1);
  await second.started.stop();
  await expectNothingLeft(second.started, second.mark);
}, 20_000);

test("the next start ends what a server that was killed has left (spec §1.4)", async () => {
  seconds += 1;
  const mark = seconds;
  const dataDir = tempDir();
  const serverId = newServerId();
  const server = Bun.spawn(
    [
      process.execPath,
      "--no-install",
      join(import.meta.dirname, "fakes/server.ts"),
      dataDir,
      stage.model.url,
      `${mark}`,
      serverId,
    ],
    { stdout: "inherit", stderr: "inherit" },
  );
  afterwards(async () => {
    server.kill("SIGKILL");
    await reapStrays({ dataDir, serverId });
  });
  await eventually(async () => (await sleepers(mark)).length === 2, "two sleeps");
  server.kill("SIGKILL");
  await server.exited;
  await eventually(async () => (await tagged(`${serverId}.`)).length > 0, "what is left");
  expect(await reapStrays({ dataDir, serverId })).toEqual([]);
  expect(await sleepers(mark)).toEqual([]);
  expect(await tagged(`${serverId}.`)).toEqual([]);
}, 30_000);
