// What belongs to a service folder, and its hash.
import { afterAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { folderFiles, readFolder } from "../../src/core/folder.js";
import { temporaryDir, write } from "./modules.js";

const root = await temporaryDir();
afterAll(() => rm(root, { recursive: true, force: true }));

test("the hash is over path, NUL, length, NUL, bytes of all files in byte order of their paths (spec §6.2)", async () => {
  const dir = await write(join(root, "a"), { "index.ts": "é", "B.ts": "2", "a/z.ts": "3", "a.ts": "4" });
  const expected = createHash("sha256");
  for (const [path, text] of [
    ["B.ts", "2"],
    ["a.ts", "4"],
    ["a/z.ts", "3"],
    ["index.ts", "é"],
  ] as const) {
    expected.update(`${path}\0${Buffer.byteLength(text)}\0${text}`);
  }
  expect(await readFolder(dir)).toBe(`sha256:${expected.digest("hex")}`);
});

test("paths outside the basic plane sort by bytes, not by UTF-16 units", async () => {
  const dir = await write(join(root, "b"), { "\u{1F600}.ts": "", "\uFF5E.ts": "" });
  expect((await folderFiles(dir)).map(({ path }) => path)).toEqual(["\uFF5E.ts", "\u{1F600}.ts"]);
});

test("node_modules, .git and the top data folder do not count, a data folder of the code does", async () => {
  const dir = await write(join(root, "c"), {
    "index.ts": "",
    "node_modules/x/index.js": "",
    ".git/HEAD": "",
    "data/c.json": "",
    "lib/data/table.json": "",
    "lib/node_modules/y/index.js": "",
    ".env.example": "",
  });
  expect((await folderFiles(dir)).map(({ path }) => path)).toEqual([
    ".env.example",
    "index.ts",
    "lib/data/table.json",
  ]);
});

test("links inside the folder are followed, links out of it and loops are left out", async () => {
  const dir = await write(join(root, "d"), { "index.ts": "x", "lib/a.ts": "a" });
  await write(root, { "secret.ts": "s" });
  await symlink(join(dir, "lib"), join(dir, "alias"));
  await symlink("..", join(dir, "lib", "loop"));
  await symlink(join(root, "secret.ts"), join(dir, "secret.ts"));
  await symlink(join(root, "nowhere"), join(dir, "broken"));
  expect((await folderFiles(dir)).map(({ path }) => path)).toEqual(["alias/a.ts", "index.ts", "lib/a.ts"]);
});
