// Hand-over to a process, with fakes: what is asked in which order, and what a refusal leads to.
import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { PiProcess } from "../../src/agent/process.js";
import { type RunOptions, startRun } from "../../src/agent/run.js";
import {
  afterwards,
  cleanUp,
  FAKE,
  fakePool,
  filesIn,
  SERVER_ID,
  tagged,
  tempDir,
  textsOf,
  untilSettled,
} from "./support.js";

afterEach(cleanUp);

async function start(
  argv: () => string[],
  options: Partial<RunOptions> & { dir?: string; serverId?: string } = {},
) {
  const { dir = tempDir(), serverId, ...further } = options;
  const run = await startRun({
    pool: fakePool(argv, { dir, serverId }),
    provider: "fake",
    modelId: "one",
    session: "session text\n",
    prompt: "hello",
    ...further,
  });
  afterwards(run.stop);
  return run;
}

describe("hand-over", () => {
  test("gives the session before the prompt, and settles", async () => {
    const dir = tempDir();
    const run = await start(() => [...FAKE, "good"], { dir, taskId: "build-1" });
    const path = join(dir, "run", `${run.process.runId}.jsonl`);
    expect(readFileSync(path, "utf8")).toBe("session text\n");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(path.replace("jsonl", "json"), "utf8")).taskId).toBe("build-1");
    const events = await untilSettled(run);
    expect(textsOf(events, "user")).toEqual(["hello"]);
    expect(events.at(-1)).toEqual({ type: "settled" });
    await run.stop();
    expect(filesIn(join(dir, "run"))).toEqual([]);
  });

  test("a session can be written for the process that was taken", async () => {
    const run = await start(() => [...FAKE, "good"], { session: (process) => `for ${process.runId}` });
    expect(readFileSync(run.process.sessionPath, "utf8")).toBe(`for ${run.process.runId}`);
  });

  test("model and thinking are set only when they differ", async () => {
    const run = await start(() => [...FAKE, "good"], { modelId: "two", thinking: "high" });
    expect(await run.process.request({ type: "get_state" })).toMatchObject({
      model: { provider: "fake", id: "two" },
      thinkingLevel: "high",
    });
  });

  test("the process is bound before it is given anything", async () => {
    const seen: string[] = [];
    const run = await start(() => [...FAKE, "good"], {
      bind: (process: PiProcess) => {
        seen.push(process.token);
        expect(filesIn(join(process.sessionPath, ".."))).not.toContain(`${process.runId}.jsonl`);
      },
    });
    expect(seen).toEqual([run.process.token]);
  });
});

describe("a refusal", () => {
  test("is tried once more on a fresh process, which is bound in turn", async () => {
    let starts = 0;
    const tokens: string[] = [];
    const run = await start(() => [...FAKE, starts++ === 0 ? "refuses" : "good"], {
      bind: (process) => void tokens.push(process.token),
    });
    expect(starts).toBe(2);
    expect(tokens).toHaveLength(2);
    expect(tokens[1]).toBe(run.process.token);
  });

  test("twice rejects with pi's words and leaves nothing", async () => {
    const dir = tempDir();
    const refused = start(() => [...FAKE, "refuses"], { dir });
    await expect(refused).rejects.toThrow("Failed to spawn pi: no such session");
    expect(await tagged(`${SERVER_ID}.`)).toEqual([]);
    expect(filesIn(join(dir, "run"))).toEqual([]);
  });

  test("of a model that the warm process cannot be given leads to one that is started with it", async () => {
    const commands: string[][] = [];
    const argv = () => [...FAKE, "good"];
    const refused = start(argv, {
      modelId: "unknown",
      bind: ({ pid }) => void commands.push(commandOf(pid)),
    });
    await expect(refused).rejects.toThrow("Failed to spawn pi: Model not found: fake/unknown");
    expect(commands.map((command) => command[command.indexOf("--model") + 1])).toEqual([
      "fake/one",
      "fake/unknown",
    ]);
  });

  test("a pi that dies at the prompt counts as one", async () => {
    const refused = start(() => [...FAKE, "dies"]);
    await expect(refused).rejects.toThrow("Failed to spawn pi: pi exited with code 3: the fake broke");
  });

  test("a pi that cannot be started says why (spec §4.4)", async () => {
    await expect(start(() => ["/no/such/pi"])).rejects.toThrow(/^Failed to spawn pi: .*\/no\/such\/pi/);
    await expect(start(() => [...FAKE, "fails"])).rejects.toThrow(
      "Failed to spawn pi: pi exited with code 3: Error: nothing works here",
    );
  });

  test("what bind throws is passed on as it is, and not tried again", async () => {
    let binds = 0;
    const bind = () => {
      binds += 1;
      throw new Error("the turn is over");
    };
    await expect(start(() => [...FAKE, "good"], { bind })).rejects.toThrow(/^the turn is over$/);
    expect(binds).toBe(1);
    expect(await tagged(`${SERVER_ID}.`)).toEqual([]);
  });
});

test("a start can be called off, and leaves nothing", async () => {
  const calledOff = new AbortController();
  const bind = () => calledOff.abort(new Error("cancelled"));
  const started = start(() => [...FAKE, "good"], { bind, signal: calledOff.signal });
  await expect(started).rejects.toThrow("cancelled");
  expect(await tagged(`${SERVER_ID}.`)).toEqual([]);
});

function commandOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
}
