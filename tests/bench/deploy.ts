// A deployment, against the bare test run that is a part of it; and how quickly the server answers meanwhile.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Reef, ROOT, startReef } from "../flow/reef.js";
import type { Bench } from "./bench.js";
import { interleaved } from "./sample.js";
import { median, type Row } from "./table.js";

const NAME = "deployed";
const SLOW = "slow";
const SLOW_SECONDS = 2;
const ASKED = 100;

const INDEX = (name: string) => `import { Hono } from "hono";
export default { name: "${name}", routes: new Hono().get("/", (c) => c.json({ ok: true })) };
`;
const TEST = (name: string, seconds: number) => `import { expect, test } from "bun:test";
import { createTestHarness } from "#core/testing.js";
import service from "./index.js";
test("it answers", async () => {
  const t = await createTestHarness({ services: [service] });
  expect((await t.json("/${name}", { auth: true })).status).toBe(200);
  await t.cleanup();
  await Bun.sleep(${seconds * 1000});
}, 60_000);
`;

export async function deploy({ starts, folder }: Bench): Promise<Row[]> {
  const servicesDir = folder();
  await write(servicesDir, NAME, 0);
  await write(servicesDir, SLOW, SLOW_SECONDS);
  const reef = await startReef({ servicesDir });
  const ways = {
    deploy: () => deployMs(reef, NAME),
    test: () => testMs(join(ROOT, "tests/core/testing.test.ts")),
  };
  await interleaved(1, ways);
  const times = await interleaved(starts, ways);
  const idle = await healthMs(reef, async () => {});
  const busy = await healthMs(reef, () => deployMs(reef, SLOW));
  await reef.stop();
  return [
    {
      what: "deploy of a service with one test file",
      measured: times.deploy,
      baseline: times.test,
      unit: "ms",
      // An import in a child and a load come on top of a test run like the baseline's.
      goal: { of: "ratio", atMost: 4 },
    },
    {
      what: `  GET /health during one whose tests take ${SLOW_SECONDS} s`,
      measured: busy,
      baseline: idle,
      unit: "ms",
      goal: { of: "ratio", atMost: 3 },
    },
  ];
}

async function write(servicesDir: string, name: string, seconds: number): Promise<void> {
  await mkdir(join(servicesDir, name), { recursive: true });
  await writeFile(join(servicesDir, name, "index.ts"), INDEX(name));
  await writeFile(join(servicesDir, name, `${name}.test.ts`), TEST(name, seconds));
}

async function deployMs(reef: Reef, name: string): Promise<number> {
  const startedAt = performance.now();
  await reef.api("POST", "/services/deploy", { name });
  return performance.now() - startedAt;
}

/** A bare run of one test file, of the harness itself: what every test of a service begins with. */
async function testMs(file: string): Promise<number> {
  const startedAt = performance.now();
  const run = Bun.spawn([process.execPath, "--no-install", "test", file], {
    stdout: "ignore",
    stderr: "ignore",
  });
  if ((await run.exited) !== 0) throw new Error(`${file} failed`);
  return performance.now() - startedAt;
}

/** The median of answers that come one after another, at least until the work is done. */
async function healthMs(reef: Reef, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  let isDone = false;
  const done = work().finally(() => {
    isDone = true;
  });
  while (!isDone || times.length < ASKED) {
    const startedAt = performance.now();
    await (await reef.fetch("/health")).text();
    times.push(performance.now() - startedAt);
  }
  await done;
  return median(times);
}
