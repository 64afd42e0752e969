import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockDataDir } from "../../src/core/lock.js";

const dir = mkdtempSync(join(tmpdir(), "reef-lock-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const holder = `const { lockDataDir } = await import(${JSON.stringify(join(import.meta.dir, "../../src/core/lock.ts"))});
globalThis.held = lockDataDir(${JSON.stringify(dir)});
console.log("held");
setInterval(() => {}, 1000);`;

test("a second server is refused with the pid of the first, and a killed one holds nothing (spec §1.4)", async () => {
  const child = Bun.spawn([process.execPath, "--no-install", "-e", holder], {
    stdout: "pipe",
    stderr: "inherit",
  });
  await child.stdout.getReader().read();
  expect(() => lockDataDir(dir)).toThrow(`${dir} is in use by process ${child.pid}`);
  child.kill("SIGKILL");
  await child.exited;
  lockDataDir(dir).release();
});

test("a released folder can be taken again", () => {
  const lock = lockDataDir(dir);
  expect(() => lockDataDir(dir)).toThrow("is in use");
  lock.release();
  lockDataDir(dir).release();
});
