// An update on its way: its two steps, whatever ends the process in the middle of them, and what a start makes of it.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { exchange } from "./exchange.js";
import { takeLock } from "./lock.js";
import { removeFolders, temporaryFolder, write } from "./rig.js";
import { putBack, putIn, readUpdate, removeUpdate, type Update, writeUpdate } from "./update.js";

afterAll(removeFolders);

const read = (...path: string[]) => readFileSync(join(...path), "utf8");

/** Version 1 is installed in `base`, and version 2 is ready. */
async function prepared(): Promise<Update & { base: string }> {
  const base = temporaryFolder();
  const [stage, installed] = [join(base, ".reef-update"), join(base, "node_modules")];
  const [next, kept] = [join(stage, "next"), join(stage, "kept")];
  for (const [folder, version] of [
    [installed, "1"],
    [join(next, "node_modules"), "2"],
  ] as const)
    await write(join(folder, "reef"), {
      "package.json": `{"version":"${version}"}`,
      [`only-in-${version}`]: version,
    });
  await write(base, { "package.json": "project 1" });
  await write(kept, { "package.json": "project 1" });
  await write(next, { "package.json": "project 2", "bun.lock": "lock 2" });
  const files = ["package.json", "bun.lock"].map((file) => {
    return { path: join(base, file), next: join(next, file), kept: join(kept, file) };
  });
  return {
    ...{ base, from: "1", to: "2", state: "ready", error: null, stage, installed, files },
    ...{
      staged: join(next, "node_modules"),
      manifest: "reef/package.json",
      start: ["bun"],
      url: "http://x:1",
    },
  };
}

function stateOf({ base }: { base: string }): unknown[] {
  const reef = join(base, "node_modules/reef");
  const lock = join(base, "bun.lock");
  return [readdirSync(reef).sort(), read(base, "package.json"), existsSync(lock) && read(lock)];
}

const FIRST: unknown[] = [["only-in-1", "package.json"], "project 1", false];
const SECOND: unknown[] = [["only-in-2", "package.json"], "project 2", "lock 2"];

describe("the two steps", () => {
  test("put the new version in place and the old one back, and may be repeated", async () => {
    const update = await prepared();
    for (const [step, state] of [
      [putIn, SECOND],
      [putIn, SECOND],
      [putBack, FIRST],
      [putBack, FIRST],
      [putIn, SECOND],
    ] as const) {
      step(update);
      expect(stateOf(update)).toEqual([...state]);
    }
  });

  test("leave a whole version in place whenever the process is killed, and can be finished then (spec §12)", async () => {
    const update = await prepared();
    const script = `import { putIn, putBack } from ${JSON.stringify(join(import.meta.dir, "update.ts"))};
      const update = ${JSON.stringify(update)};
      console.log("begun");
      for (;;) { putIn(update); putBack(update); }`;
    for (let round = 0; round < 20; round++) {
      const child = Bun.spawn([process.execPath, "--no-install", "-e", script], {
        stdout: "pipe",
        stderr: "inherit",
      });
      await child.stdout.getReader().read();
      await Bun.sleep(Math.random() * 20);
      child.kill("SIGKILL");
      await child.exited;
      const [files] = stateOf(update);
      expect([FIRST[0], SECOND[0]]).toContainEqual(files);
      const [step, state] = round % 2 ? [putIn, SECOND] : [putBack, FIRST];
      step(update);
      expect(stateOf(update)).toEqual(state);
    }
  });

  test("of two folders that change places none is missing at any moment", async () => {
    const base = temporaryFolder();
    await write(base, { "one/file": "1", "two/file": "2" });
    const [one, two] = [join(base, "one"), join(base, "two")];
    const script = `import { exchange } from ${JSON.stringify(join(import.meta.dir, "exchange.ts"))};
      console.log("begun");
      for (let n = 0; n < 20001; n++) exchange(${JSON.stringify(one)}, ${JSON.stringify(two)});`;
    const child = Bun.spawn([process.execPath, "--no-install", "-e", script], {
      stdout: "pipe",
      stderr: "inherit",
    });
    await child.stdout.getReader().read();
    let isOver = false;
    const over = child.exited.then(() => {
      isOver = true;
    });
    let looks = 0;
    while (!isOver) {
      for (let n = 0; n < 100; n++) expect(["1", "2"]).toContain(read(one, "file"));
      looks += 100;
      await Bun.sleep(0);
    }
    await over;
    expect(looks).toBeGreaterThan(0);
    expect([read(one, "file"), read(two, "file")]).toEqual(["2", "1"]);
    expect(() => exchange(one, join(base, "none"))).toThrow();
    expect(read(one, "file")).toBe("2");
  });
});

test("the record is what was written, and nothing where it is no record", async () => {
  const dir = temporaryFolder();
  expect(readUpdate(dir)).toBeUndefined();
  const { base: _, ...update } = await prepared();
  writeUpdate(dir, update);
  expect(readUpdate(dir)).toEqual(update);
  await write(dir, { "update.json": '{"state":"odd"}' });
  expect(readUpdate(dir)).toBeUndefined();
  removeUpdate(dir);
  expect(readdirSync(dir)).toEqual([]);
});

describe("the lock", () => {
  test("is held by one process, and by nobody when that is gone", async () => {
    const dir = temporaryFolder();
    const script = `import { takeLock } from ${JSON.stringify(join(import.meta.dir, "lock.ts"))};
      takeLock(${JSON.stringify(dir)});
      console.log("held");
      setInterval(() => {}, 1000);`;
    const holder = Bun.spawn([process.execPath, "--no-install", "-e", script], {
      stdout: "pipe",
      cwd: import.meta.dir,
    });
    await holder.stdout.getReader().read();
    expect(() => takeLock(dir)).toThrow("Already applying");
    expect(Number.parseInt(read(dir, "lock.pid"), 10)).toBe(holder.pid);
    holder.kill("SIGKILL");
    await holder.exited;
    const release = takeLock(dir);
    expect(Number.parseInt(read(dir, "lock.pid"), 10)).toBe(process.pid);
    takeLock(dir);
    release();
    expect(readdirSync(dir)).toEqual([]);
  });

  test("is nobody's when its number belongs to a later process", async () => {
    const dir = temporaryFolder();
    await write(dir, { "lock.pid": `${process.ppid} 1\n` });
    takeLock(dir)();
    expect(readdirSync(dir)).toEqual([]);
  });
});
