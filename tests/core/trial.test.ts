// Trials of staged copies with real child processes: what they say of a copy, and that nothing of them stays behind.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { readdir, readFile, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { readConfig } from "../../src/core/config.js";
import { openStage, type Stage, type StagedCopy } from "../../src/core/stage.js";
import { createTrial, type TrialDeps } from "../../src/core/trial.js";
import { type Files, listener, moduleSource, temporaryDir, write } from "./modules.js";

const root = await realpath(await temporaryDir());
const dataDir = join(root, "data");
const heard = listener();
let stage: Stage;
beforeAll(async () => {
  await write(dataDir, { "trials/trial-old/left": "by a reef that was killed" });
  stage = await openStage(join(dataDir, "live"));
});
afterEach(async () => {
  expect(await readdir(join(dataDir, "trials"))).toEqual([]);
  expect(heard.lines).toEqual([]);
});
afterAll(() => rm(root, { recursive: true, force: true }));

let made = 0;
async function copyOf(files: Files): Promise<StagedCopy> {
  return stage.copy(await write(join(root, "services", `x${made++}`), files));
}

function trial(limits?: TrialDeps["limits"], env: Record<string, string> = {}) {
  const { PATH = "", HOME = "" } = process.env;
  const config = readConfig({ PATH, HOME, ...env, DATA_DIR: dataDir });
  return createTrial({ config, log: heard.log, limits });
}

/** A server has one for its DATA_DIR. */
let usual: ReturnType<typeof trial> | undefined;

const importing = async (index: string, more: Files = {}, limits?: TrialDeps["limits"]) => {
  const copy = await copyOf({ "index.ts": index, ...more });
  usual ??= trial();
  return (limits ? trial(limits) : usual)
    .import(copy)
    .catch((error) => ({ code: error.code, problem: error.message }));
};

const good = moduleSource({ name: '"good"' });

describe("import", () => {
  test("answers with the module's name (spec §6.2)", async () => {
    expect(await importing(good)).toEqual({ name: "good" });
  });

  test.each([
    ["a throw", 'throw new Error("no luck");', "import error: no luck"],
    [
      "a rejection that nobody awaits",
      `Promise.reject(new Error("late")); await Bun.sleep(20); ${good}`,
      "import error: late",
    ],
    ["nothing by default", "export const name = 1;", "default export missing 'name' property"],
    ["no name", "export default { routes: 1 };", "default export missing 'name' property"],
    [
      "a wrong field",
      moduleSource({ name: '"x"', init: "1" }),
      '"init" must be a function. Received: number',
    ],
    [
      "a name not allowed",
      moduleSource({ name: '"Bad Name"' }),
      'invalid name "Bad Name": must match ^[a-z][a-z0-9-]{0,63}$',
    ],
    ["a reserved name", moduleSource({ name: '"health"' }), '"health" is a reserved service name'],
    ["a missing file", 'import "./gone.js";', /^import error: .*gone\.js/],
    ["a missing package", 'import "no-such-package";', /^import error: .*no-such-package/],
    ["a file that does not parse", "export default {", /^import error: index\.ts:1:\d+: /],
    ["an exit", "process.exit(0);", "import error: the module ended its process (exit code 0)"],
    [
      "an exit with words",
      'console.error("I give up"); process.exit(7);',
      "import error: the module ended its process (exit code 7): I give up",
    ],
    [
      "a kill",
      'process.kill(process.pid, "SIGABRT");',
      "import error: the module ended its process (signal SIGABRT)",
    ],
  ] as const)("%s is the problem's text (spec §5.2)", async (_what, index, problem) => {
    const answer = await importing(index);
    expect(answer).toEqual({
      code: "bad_request",
      problem: typeof problem === "string" ? problem : expect.stringMatching(problem),
    });
    expect(JSON.stringify(answer)).not.toContain(root);
  });

  test.each([
    ["an endless loop", "for (;;);"],
    ["a wait without end", "setInterval(() => {}, 1000); await new Promise(() => {});"],
  ])("%s is ended at the limit", async (_what, index) => {
    expect(await importing(index, {}, { importMs: 1_000 })).toEqual({
      code: "bad_request",
      problem: "import error: took longer than 1 s",
    });
  });

  test("a module sees a data folder of its own and no keys (spec §6.2)", async () => {
    const index = `import { readdirSync, realpathSync, writeFileSync } from "node:fs";
writeFileSync("data/mine.json", "{}");
const { DATA_DIR, ...env } = process.env;
const same = realpathSync("data") === realpathSync(DATA_DIR) && readdirSync(DATA_DIR).join();
throw new Error(JSON.stringify([same, env.ANTHROPIC_API_KEY, env.VERS_AUTH_TOKEN, env.DEPLOY_TOKEN, env.COLOR]));`;
    const copy = await copyOf({ "index.ts": index });
    const names = "ANTHROPIC_API_KEY,DEPLOY_TOKEN,COLOR";
    const secrets = {
      ANTHROPIC_API_KEY: "k".repeat(9),
      VERS_AUTH_TOKEN: "t".repeat(9),
      DEPLOY_TOKEN: "d".repeat(9),
    };
    const trying = trial({}, { ...secrets, COLOR: "blue", REEF_TASK_ENV: names }).import(copy);
    expect(await trying.catch((error) => error.message)).toBe(
      'import error: ["mine.json",null,null,null,"blue"]',
    );
    expect(existsSync(join(dataDir, "mine.json"))).toBe(false);
  });

  test("what a module has started is gone, wherever it hid", async () => {
    const mark = `reef-trial-${crypto.randomUUID()}`;
    const index = `import { spawn } from "node:child_process";
const env = { ...process.env, MARK: "${mark}" };
for (const argv of [["sh", "-c", "sleep 600 & sleep 600"], ["setsid", "sh", "-c", "sleep 600 & sleep 600"]]) {
  spawn(argv[0], argv.slice(1), { stdio: "inherit", detached: true, env }).unref();
}
await Bun.sleep(200);
${good}`;
    expect(await importing(index)).toEqual({ name: "good" });
    expect(await processesWith(mark)).toEqual([]);
  });

  test("the server's loop turns while a copy is imported (spec §6.2)", async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 5);
    await importing("for (;;);", {}, { importMs: 1_000 });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(20);
  });
});

const testing = async (files: Files, limits?: TrialDeps["limits"]) =>
  trial(limits).test(await copyOf({ "index.ts": good, ...files }));

const passing = 'import { test } from "bun:test"; test("passes", () => {}); test.skip("later", () => {});';

describe("test", () => {
  test("a copy without a test file has nothing to run (spec §6.2)", async () => {
    expect(await testing({ "test.ts": passing, "node_modules/p/a.test.ts": passing })).toBeNull();
  });

  test("counts what passed in files at any depth (spec §6.2)", async () => {
    const report = await testing({
      "a.test.ts": passing,
      "lib/deep/b.test.ts": passing,
      "node_modules/p/a.test.ts": "throw 1",
    });
    expect(report).toMatchObject({ passed: 2, failed: 0, files: 2, isFailure: false });
    expect(report?.output).toContain("lib/deep/b.test.ts:");
  });

  test("a test imports its module, the kernel by either way, and packages (spec §5.2)", async () => {
    const source = (up: string) => `import { expect, test } from "bun:test";
import { Hono } from "hono";
import { ReefError as a } from "#core/errors.js";
import { createTestHarness } from "#core/testing.js";
import { ReefError as b } from "${up}../../src/core/errors.js";
import module from "${up || "./"}index.js";
test("the same", async () => {
  expect(a).toBe(b);
  const harness = await createTestHarness({ services: [{ ...module, routes: new Hono().get("/", (c) => c.text("hi")) }] });
  expect(await (await harness.fetch("/good", { auth: true })).text()).toBe("hi");
  await harness.cleanup();
});`;
    const files = { "a.test.ts": source(""), "lib/b.test.ts": source("../") };
    expect(await testing(files)).toMatchObject({ passed: 2, failed: 0, isFailure: false });
    expect(await testing({ ...files, "package.json": '{ "name": "good" }' })).toMatchObject({
      passed: 2,
      failed: 0,
    });
  });

  test("shows the end of the output of what failed, without the paths of the server (spec §6.2)", async () => {
    const failing = `import { expect, test } from "bun:test";
console.log("x".repeat(20_000));
test("adds", () => expect(1 + 1).toBe(3));`;
    const report = await testing({ "a.test.ts": passing, "b.test.ts": failing });
    expect(report).toMatchObject({ passed: 1, failed: 1, files: 2, isFailure: true });
    expect(report?.output).toContain("Expected: 3");
    expect(report?.output).not.toContain(root);
    expect(report?.output.length).toBeLessThanOrEqual(2_000);
  });

  test.each([
    ["a file that does not parse", "const = ;", "Expected identifier"],
    ["a file that throws", 'throw new Error("not today");', "not today"],
    [
      "an exit with code 0",
      `${passing} test("goes", () => process.exit(0));`,
      "the tests ended before all had run (exit code 0)",
    ],
    [
      "a crash",
      `${passing} test("dies", () => void process.kill(process.pid, "SIGSEGV"));`,
      "the tests ended before all had run (signal SIGSEGV)",
    ],
  ])("%s is a failure (spec §6.2)", async (_what, source, output) => {
    const report = await testing({ "a.test.ts": source });
    expect(report).toMatchObject({ failed: 1, files: 1, isFailure: true });
    expect(report?.output).toContain(output);
  });

  test("a test that never ends is ended at the limit, with all that it started (spec §6.2)", async () => {
    const mark = `reef-trial-${crypto.randomUUID()}`;
    const source = `import { test } from "bun:test";
test("hangs", async () => {
  const env = { ...process.env, MARK: "${mark}" };
  Bun.spawn(["setsid", "sh", "-c", "sleep 600 & sleep 600"], { env });
  await Bun.sleep(100);
  for (;;);
});`;
    const report = await testing({ "a.test.ts": source }, { testMs: 3_000 });
    expect(report).toMatchObject({ passed: 0, failed: 1, files: 1, isFailure: true });
    expect(report?.output).toEndWith("the tests: took longer than 3 s");
    expect(await processesWith(mark)).toEqual([]);
  });
});

test("two trials at once do not see each other", async () => {
  const index = (name: string) => `import { readdirSync, writeFileSync } from "node:fs";
writeFileSync("data/${name}", "");
await Bun.sleep(300);
if (readdirSync("data").join() !== "${name}") throw new Error(readdirSync("data").join());
${moduleSource({ name: `"${name}"` })}`;
  expect(await Promise.all(["one", "two"].map((name) => importing(index(name))))).toEqual([
    { name: "one" },
    { name: "two" },
  ]);
});

/** Those with the mark in their environment. */
async function processesWith(mark: string): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const marked = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
      return environment.includes(mark);
    }),
  );
  return pids.filter((_, index) => marked[index]);
}
