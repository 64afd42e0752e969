// Folders that come and go: carried out, undone, and mended at the start whatever moment reef was killed at.
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, renameSync, statSync } from "node:fs";
import { mkdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "#core/types.js";
import { type Entry, type Lock, openLock } from "./lock.js";
import { removeFolders, snapshot, temporaryFolder, write } from "./rig.js";
import { mendSwaps, prepareSwap } from "./swap.js";

afterAll(removeFolders);

let folder: string;
let servicesDir: string;
let lock: Lock;
let logged: unknown[];
beforeEach(async () => {
  folder = temporaryFolder();
  servicesDir = join(folder, "services");
  await mkdir(servicesDir);
  lock = openLock(servicesDir);
  logged = [];
});

const log: Log = {
  debug() {},
  info() {},
  warn() {},
  error: (...args) => logged.push(args.map(String).join(" ")),
};
const mend = () => mendSwaps(servicesDir, openLock(servicesDir), log);
const entry = (hash: string, updatedAt?: string): Entry => ({
  name: "hello",
  source: "user/hello",
  type: "git",
  url: "https://github.com/user/hello",
  hash,
  installedAt: "2026-01-02T03:04:05.678Z",
  ...(updatedAt === undefined ? {} : { updatedAt }),
});

const target = () => join(servicesDir, "hello");
const fresh = () => write(join(folder, "staging"), { "index.ts": "new", "lib/a.ts": "new" });
const installed = async () => {
  await write(target(), { "index.ts": "old", "data/kept.json": "data" });
  await lock.set("hello", entry("old"));
};
const contents = async () => {
  const files = await snapshot(servicesDir);
  return Object.fromEntries(
    Object.entries(files).map(([path, text]) => [path.slice(servicesDir.length + 1), text]),
  );
};

/** The steps of a swap, one after the other, for as long as reef lives. */
function steps(near: string, { comes = true, goes = true, data = true } = {}): (() => void)[] {
  return [
    ...(goes ? [() => renameSync(target(), join(near, "outgoing"))] : []),
    ...(comes ? [() => renameSync(join(near, "incoming"), target())] : []),
    ...(comes && data ? [() => renameSync(join(near, "outgoing/data"), join(target(), "data"))] : []),
  ];
}

function nearOf(): string {
  const [name, ...others] = readdirSync(servicesDir).filter((one) => one.startsWith(".installer-"));
  expect(others).toEqual([]);
  return join(servicesDir, name ?? "");
}

describe("a swap", () => {
  test("puts a folder where none was, and takes it away again when undone", async () => {
    const swap = await prepareSwap({
      servicesDir,
      dirName: "hello",
      path: await fresh(),
      entry: entry("new"),
    });
    swap.carryOut();
    expect((await contents())["hello/lib/a.ts"]).toBe("new");
    await swap.undo();
    expect(await contents()).toEqual({});
  });

  test("puts a folder in the place of another, whose data stays where it is", async () => {
    await installed();
    const inode = statSync(join(target(), "data")).ino;
    const swap = await prepareSwap({
      servicesDir,
      dirName: "hello",
      path: await fresh(),
      entry: entry("new", "later"),
    });
    swap.carryOut();
    expect(await contents()).toMatchObject({ "hello/index.ts": "new", "hello/data/kept.json": "data" });
    expect(statSync(join(target(), "data")).ino).toBe(inode);
    await swap.finish();
    expect(readdirSync(servicesDir).sort()).toEqual([".installer.json", "hello"]);
  });

  test("undone, leaves the other folder as it was", async () => {
    await installed();
    const before = await contents();
    const swap = await prepareSwap({
      servicesDir,
      dirName: "hello",
      path: await fresh(),
      entry: entry("new", "later"),
    });
    swap.carryOut();
    await swap.undo();
    expect(await contents()).toEqual(before);
  });

  test("of a link takes the link, never its target", async () => {
    const elsewhere = await write(join(folder, "elsewhere"), {
      "index.ts": "mine",
      "data/kept.json": "mine",
    });
    const link = join(folder, "link");
    await symlink(elsewhere, link);
    const comes = await prepareSwap({ servicesDir, dirName: "hello", path: link, entry: entry("new") });
    comes.carryOut();
    await comes.finish();
    expect(await Bun.file(join(target(), "index.ts")).text()).toBe("mine");
    const goes = await prepareSwap({ servicesDir, dirName: "hello" });
    goes.carryOut();
    await goes.finish();
    expect(readdirSync(servicesDir)).toEqual([]);
    expect(readdirSync(elsewhere).sort()).toEqual(["data", "index.ts"]);
  });

  test("takes a folder from another file system", async () => {
    const other = "/dev/shm";
    if (!isOtherFileSystem(other)) return;
    const staging = join(other, `reef-installer-${process.pid}`);
    try {
      await write(staging, { "index.ts": "new", "lib/a.ts": "new" });
      await symlink("lib/a.ts", join(staging, "a.ts"));
      const swap = await prepareSwap({ servicesDir, dirName: "hello", path: staging, entry: entry("new") });
      swap.carryOut();
      await swap.finish();
      expect(await contents()).toMatchObject({
        "hello/index.ts": "new",
        "hello/lib/a.ts": "new",
        "hello/a.ts": "",
      });
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  });

  test("throws nobody's folder away to undo itself", async () => {
    await installed();
    const swap = await prepareSwap({
      servicesDir,
      dirName: "hello",
      path: await fresh(),
      entry: entry("new", "later"),
    });
    swap.carryOut();
    const { birthtimeMs } = statSync(target());
    // A file system's clock is coarse, and an inode is given out again at once.
    while (statSync(target()).birthtimeMs === birthtimeMs) {
      await rm(target(), { recursive: true });
      await write(target(), { "index.ts": "somebody's" });
    }
    const refusal = await swap.undo().catch((error) => error);
    expect(refusal).toMatchObject({ message: expect.stringContaining("another hello stands in the place") });
    expect(await Bun.file(join(target(), "index.ts")).text()).toBe("somebody's");
    await mend();
    expect(logged).toEqual([expect.stringContaining("is left as it is")]);
    await rm(target(), { recursive: true });
    await mend();
    expect(await contents()).toMatchObject({ "hello/index.ts": "old" });
  });
});

describe("killed at any moment (spec §7)", () => {
  test.each([[0], [1]])("an install that had come %i steps far never was", async (count) => {
    const before = await contents();
    await prepareSwap({ servicesDir, dirName: "hello", path: await fresh(), entry: entry("new") });
    for (const step of steps(nearOf(), { goes: false, data: false }).slice(0, count)) step();
    await mend();
    expect([await contents(), logged]).toEqual([before, []]);
  });

  test.each([[0], [1], [2], [3]])("an update that had come %i steps far never was", async (count) => {
    await installed();
    const before = await contents();
    await prepareSwap({ servicesDir, dirName: "hello", path: await fresh(), entry: entry("new", "later") });
    for (const step of steps(nearOf()).slice(0, count)) step();
    await mend();
    expect([await contents(), logged]).toEqual([before, []]);
  });

  test("an update to what was there before, too", async () => {
    await installed();
    const before = await contents();
    await prepareSwap({ servicesDir, dirName: "hello", path: await fresh(), entry: entry("old", "later") });
    steps(nearOf())[0]?.();
    await mend();
    expect(await contents()).toEqual(before);
  });

  test.each([[0], [1]])("a removal that had come %i steps far never was", async (count) => {
    await installed();
    const before = await contents();
    await prepareSwap({ servicesDir, dirName: "hello" });
    for (const step of steps(nearOf(), { comes: false }).slice(0, count)) step();
    await mend();
    expect(await contents()).toEqual(before);
  });

  test("what the lock knows of stays", async () => {
    await installed();
    await prepareSwap({ servicesDir, dirName: "hello", path: await fresh(), entry: entry("new", "later") });
    for (const step of steps(nearOf())) step();
    await lock.set("hello", entry("new", "later"));
    await mend();
    expect(readdirSync(servicesDir).sort()).toEqual([".installer.json", "hello"]);
    expect(await contents()).toMatchObject({ "hello/index.ts": "new", "hello/data/kept.json": "data" });
    await prepareSwap({ servicesDir, dirName: "hello" });
    steps(nearOf(), { comes: false })[0]?.();
    await lock.set("hello", undefined);
    await mend();
    expect(readdirSync(servicesDir)).toEqual([".installer.json"]);
  });

  test("before there was a journal: nothing has happened", async () => {
    await mkdir(join(servicesDir, ".installer-half"));
    await write(join(servicesDir, ".installer-other"), {
      "swap.json": '{"dirName":"../../evil"}',
      "outgoing/x": "",
    });
    await write(join(servicesDir, ".installer-torn"), { "swap.json.next": "{" });
    await mend();
    expect(readdirSync(servicesDir)).toEqual([]);
  });
});

function isOtherFileSystem(path: string): boolean {
  return (
    statSync(path, { throwIfNoEntry: false })?.dev !== undefined &&
    statSync(path).dev !== statSync(folder).dev
  );
}
