import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beginBoot } from "../../src/core/boot.js";

const dir = mkdtempSync(join(tmpdir(), "reef-boot-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("after three starts in a row that ended early the user's services are held (spec §1.1)", () => {
  for (let start = 0; start < 3; start++) expect(beginBoot(dir, undefined).hold).toBeUndefined();
  const fourth = beginBoot(dir, undefined);
  expect(fourth.hold).toBe("not started: 3 starts in a row ended early");
  fourth.stopped();
  expect(existsSync(join(dir, "starting"))).toBe(false);
  expect(beginBoot(dir, undefined).hold).toBeUndefined();
});

test("REEF_SAFE forces it or forbids it", () => {
  for (let start = 0; start < 5; start++) expect(beginBoot(dir, false).hold).toBeUndefined();
  expect(beginBoot(dir, true).hold).toBe("not started: REEF_SAFE=1");
});
