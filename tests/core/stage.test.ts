// Staged copies: what a copy can import, and that nothing of it is left when it is retired.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, realpath, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { readFolder } from "../../src/core/folder.js";
import { openStage, type Stage } from "../../src/core/stage.js";
import { temporaryDir, write } from "./modules.js";

const root = await realpath(await temporaryDir());
let stage: Stage;
beforeAll(async () => {
  await write(join(root, "live"), { "services/old@1/index.ts": "left over" });
  stage = await openStage(join(root, "live"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

test("opening rebuilds the folder: nothing of an earlier life is left", async () => {
  expect(await readdir(join(root, "live", "services"))).toEqual([]);
  expect(await realpath(join(root, "live", "src"))).toBe(resolve(import.meta.dir, "../../src"));
});

test("#core, ../../src/core and bare packages give the kernel's own objects (spec §5.2)", async () => {
  const dir = await write(join(root, "services", "kernel"), {
    "index.ts": `import { ReefError as a } from "#core/errors.js";
import { b, c } from "./lib/deep.js";
import { Hono } from "hono";
import { Type } from "@sinclair/typebox";
export default { a, b, c, Hono, Type };`,
    "lib/deep.ts": `export { ReefError as b } from "../../../src/core/errors.js";
export { ReefError as c } from "#core/errors.js";`,
  });
  const copy = await stage.copy(dir);
  const { ReefError } = await import("../../src/core/errors.js");
  const { Hono } = await import("hono");
  const { Type } = await import("@sinclair/typebox");
  expect((await import(join(copy.dir, "index.ts"))).default).toEqual({
    a: ReefError,
    b: ReefError,
    c: ReefError,
    Hono,
    Type,
  });
});

test("the copy has the folder's hash, its own package.json fields, and its own packages but for the shared ones", async () => {
  const dir = await write(join(root, "services", "packaged"), {
    "index.ts": `import own from "own"; import { Hono } from "hono"; export default { own, Hono };`,
    "package.json": `{"name":"packaged","imports":{"#x":"./x.ts"}}`,
    "node_modules/own/package.json": `{"name":"own","main":"main.js"}`,
    "node_modules/own/main.js": "export default 'own'",
    "node_modules/hono/package.json": `{"name":"hono","main":"main.js"}`,
    "node_modules/hono/main.js": "export const Hono = 'another'",
  });
  const copy = await stage.copy(dir);
  expect(copy.hash).toBe(await readFolder(dir));
  expect(JSON.parse(await readFile(join(copy.dir, "package.json"), "utf8"))).toEqual({
    name: "packaged",
    imports: { "#x": "./x.ts", "#core/*": "./.core/*" },
  });
  const { Hono } = await import("hono");
  expect((await import(join(copy.dir, "index.ts"))).default).toEqual({ own: "own", Hono });
});

test("packages are linked for a reload and kept with the version by hard links for a deploy", async () => {
  const dir = await write(join(root, "services", "kept"), {
    "index.ts": `import own from "@scope/own"; export default own;`,
    "node_modules/@scope/own/package.json": `{"name":"@scope/own","main":"main.js"}`,
    "node_modules/@scope/own/main.js": "export default 1",
  });
  const main = join(dir, "node_modules/@scope/own/main.js");
  const linked = await stage.copy(dir);
  expect(await realpath(join(linked.dir, "node_modules/@scope/own/main.js"))).toBe(main);
  const kept = await stage.copy(dir, { packages: "copy" });
  const keptMain = join(kept.dir, "node_modules/@scope/own/main.js");
  expect((await stat(keptMain)).ino).toBe((await stat(main)).ino);
  await rm(join(dir, "node_modules"), { recursive: true });
  expect((await import(join(kept.dir, "index.ts"))).default).toBe(1);
  await stage.retire(kept);
  expect(Object.keys(require.cache).filter((key) => key.startsWith(kept.dir))).toEqual([]);
});

test("a retired copy leaves no file and no entry in the module cache", async () => {
  const dir = await write(join(root, "services", "short"), {
    "index.ts": `import "./a.js"; import "./b.cjs"; export default 1;`,
    "a.ts": "export const a = 1;",
    "b.cjs": "module.exports = 1;",
  });
  const copy = await stage.copy(dir);
  await import(join(copy.dir, "index.ts"));
  expect(Object.keys(require.cache).filter((key) => key.startsWith(copy.dir))).toHaveLength(3);
  await stage.retire(copy);
  expect(Object.keys(require.cache).filter((key) => key.startsWith(copy.dir))).toEqual([]);
  expect(existsSync(copy.dir)).toBe(false);
});

test("again is the same version under a new path, whatever happened to the folder since", async () => {
  const dir = await write(join(root, "services", "twice"), { "index.ts": "export default { n: 1 };" });
  const first = await stage.copy(dir);
  await writeFile(join(dir, "index.ts"), "export default { n: 2 };");
  const second = await stage.again(first);
  expect({ ...second, dir: "" }).toEqual({ ...first, dir: "", files: second.files });
  expect(second.dir).not.toBe(first.dir);
  expect((await import(join(second.dir, "index.ts"))).default).toEqual({ n: 1 });
});

test("a stack trace leads to the folder whose copy comes first in it", async () => {
  const dir = await write(join(root, "services", "my tool"), {
    "index.ts": "export default () => new Error('x').stack;",
  });
  const copy = await stage.copy(dir);
  const stack = (await import(join(copy.dir, "index.ts"))).default();
  expect(stage.placeIn(stack)).toEqual({ source: dir, dir: copy.dir });
  expect(stage.placeIn("Error: x\n at /elsewhere/index.ts:1:1")).toBeUndefined();
});

test("a folder given as a link is copied like any other", async () => {
  const dir = await write(join(root, "elsewhere"), { "index.ts": "export default 3;" });
  await mkdir(join(root, "services"), { recursive: true });
  await symlink(dir, join(root, "services", "linked"));
  const copy = await stage.copy(join(root, "services", "linked"));
  expect(copy.files).toEqual(["index.ts"]);
});

test("a package.json that is not JSON is refused and leaves no copy", async () => {
  const dir = await write(join(root, "services", "broken"), { "index.ts": "", "package.json": "{" });
  const before = await readdir(join(root, "live", "services"));
  await expect(stage.copy(dir)).rejects.toThrow("package.json is not JSON");
  expect(await readdir(join(root, "live", "services"))).toEqual(before);
});

test("packages that are spread over several node_modules are all found, the nearest first", async () => {
  const reef = join(root, "project/node_modules/@versdotsh/reef");
  await write(join(root, "project/node_modules"), {
    "hono/package.json": `{"main":"main.js"}`,
    "hono/main.js": "export const from = 'project';",
    "@scope/other/package.json": `{"main":"main.js"}`,
    "@scope/other/main.js": "export const from = 'project';",
    "@versdotsh/reef/node_modules/hono/package.json": `{"main":"main.js"}`,
    "@versdotsh/reef/node_modules/hono/main.js": "export const from = 'reef';",
    "@versdotsh/reef/src/core/errors.ts": "",
  });
  const own = await openStage(join(root, "own"), reef);
  const dir = await write(join(root, "services", "spread"), {
    "index.ts": `import { from as a } from "hono"; import { from as b } from "@scope/other"; export default [a, b];`,
  });
  const copy = await own.copy(dir);
  expect((await import(join(copy.dir, "index.ts"))).default).toEqual(["reef", "project"]);
});
