// A pi that cannot do its work: the task ends once, with the reason, and no process stays behind.
import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { cleanUp, processesWith, startReef } from "./reef.js";

afterAll(cleanUp);

const fake = (name: string) =>
  `${process.execPath} --no-install ${join(import.meta.dir, "fakes", `${name}.ts`)}`;

async function outcome(piPath: string) {
  const reef = await startReef({ env: { PI_PATH: piPath, REEF_WARM: "0" } });
  await reef.submit({ task: "What is 2+2?", taskId: "t" });
  const task = await reef.over("t");
  expect(task.status).toBe("error");
  expect(task.nodes.filter((node) => node.eventType === "task_error")).toHaveLength(1);
  expect((await reef.fetch("/health")).status).toBe(200);
  const ready = await reef.api("GET", "/ready").catch((error: Error) => error.message);
  await reef.stop();
  expect(processesWith(reef.dataDir)).toEqual([]);
  return { error: task.artifacts?.error ?? "", ready: JSON.stringify(ready) };
}

describe("spec §4.4: Failed to spawn pi", () => {
  test("one that is not there", async () => {
    const { error, ready } = await outcome("/nonexistent/pi");
    expect(error).toStartWith("Failed to spawn pi: ");
    expect(ready).toContain("not_ready");
  }, 30_000);

  test("one that exits 0 at once", async () => {
    expect((await outcome(fake("exits-0"))).error).toStartWith("Failed to spawn pi: pi exited with code 0");
  }, 30_000);

  test("one that exits with an error says what it wrote", async () => {
    const { error } = await outcome(fake("exits-3"));
    expect(error).toStartWith("Failed to spawn pi: pi exited with code 3");
    expect(error).toContain("out of cheese");
  }, 30_000);

  test("one that floods its output with what is no protocol", async () => {
    expect((await outcome(fake("floods"))).error).toStartWith("Failed to spawn pi: ");
  }, 60_000);
});

test("one that hangs and ignores SIGTERM can be cancelled, within 5 s, and is gone", async () => {
  const reef = await startReef({ env: { PI_PATH: fake("hangs"), REEF_WARM: "1" } });
  await reef.submit({ task: "What is 2+2?", taskId: "t" });
  await Bun.sleep(300);
  const started = performance.now();
  expect((await reef.api("POST", "/reef/tasks/t/cancel")).status).toBe("cancelled");
  expect(performance.now() - started).toBeLessThan(6_000);
  expect((await reef.api("GET", "/reef/tasks/t")).status).toBe("cancelled");
  await reef.stop();
  expect(processesWith(reef.dataDir)).toEqual([]);
}, 40_000);
