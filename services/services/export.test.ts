// Exports, opened with tar again: what is in them, and that the same content gives the same bytes.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type ReadEntry, t } from "tar";
import { createTestHarness, type TestHarness } from "#core/testing.js";
import { headerText } from "./export.js";
import services from "./index.js";

let harness: TestHarness;
beforeEach(async () => {
  harness = await createTestHarness({ services: [services] });
});
afterEach(() => harness.cleanup());

const pathOf = (...parts: string[]) => join(harness.ctx.servicesDir, ...parts);
const exported = (name: string) => harness.fetch(`/services/export/${name}`, { auth: true });
const bytesOf = async (name: string) => new Uint8Array(await (await exported(name)).arrayBuffer());

async function write(folder: string, files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(pathOf(folder, path)), { recursive: true });
    await writeFile(pathOf(folder, path), text);
  }
}

async function load(folder: string, fields = "", name = folder): Promise<void> {
  await write(folder, { "index.ts": `export default { name: ${JSON.stringify(name)}, ${fields} };\n` });
  await harness.ctx.loadModule(folder);
}

interface Entry {
  path: string;
  type: string;
  mode?: number;
  uid?: number;
  gid?: number;
  mtimeMs?: number;
  text: string;
}

async function unpacked(bytes: Uint8Array): Promise<Entry[]> {
  const folder = await mkdtemp(join(tmpdir(), "reef-export-"));
  const entries: Entry[] = [];
  const take = (entry: ReadEntry) => {
    const { path, type, mode, uid, gid, mtime } = entry;
    const taken = { path, type, mode, uid, gid, mtimeMs: mtime?.getTime(), text: "" };
    entry.on("data", (part) => {
      taken.text += part.toString();
    });
    entries.push(taken);
  };
  await writeFile(join(folder, "x.tar.gz"), bytes);
  await t({ file: join(folder, "x.tar.gz"), strict: true, onReadEntry: take });
  await rm(folder, { recursive: true });
  return entries;
}

describe("GET /services/export/:name", () => {
  test("is a packed tar with one top folder and headers that say what it is (spec §6.4)", async () => {
    await load("hello", 'description: "Says hello, 100% of the time"');
    const response = await exported("hello");
    const { hash } = harness.ctx.registry.list().find(({ name }) => name === "hello") ?? {};
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "application/gzip",
      "content-disposition": 'attachment; filename="hello.tar.gz"',
      "x-service-name": "hello",
      "x-service-hash": String(hash),
      "x-service-description": "Says hello, 100%25 of the time",
    });
    expect(await unpacked(new Uint8Array(await response.arrayBuffer()))).toEqual([
      {
        path: "hello/index.ts",
        type: "File",
        mode: 0o644,
        uid: 0,
        gid: 0,
        mtimeMs: 0,
        text: 'export default { name: "hello", description: "Says hello, 100% of the time" };\n',
      },
    ]);
  });

  test("holds the files of the folder in order, and none of what is not content (spec §6.4)", async () => {
    const long = `${"deep/".repeat(30)}${"name".repeat(30)}.txt`;
    const files = ["b.txt", "a/z.txt", "a-b.txt", "lib/data/kept.txt", "日本/é.txt", long];
    await write("hello", Object.fromEntries(files.map((path) => [path, path])));
    for (const path of [
      "node_modules/p/index.js",
      ".git/config",
      "data/rows.json",
      "lib/node_modules/p.js",
    ]) {
      await write("hello", { [path]: "not content" });
    }
    await symlink("b.txt", pathOf("hello", "inside.txt"));
    await symlink("/etc/hostname", pathOf("hello", "outside.txt"));
    await load("hello");
    const entries = await unpacked(await bytesOf("hello"));
    const paths = [...files, "index.ts", "inside.txt"].map((path) => `hello/${path}`);
    const inBytes = paths.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(entries.map(({ path }) => path)).toEqual(inBytes);
    expect(entries.map(({ type }) => type)).toEqual(entries.map(() => "File"));
    expect(entries.find(({ path }) => path === "hello/inside.txt")?.text).toBe("b.txt");
    expect(entries.find(({ path }) => path.startsWith("hello/deep/"))?.path).toBe(`hello/${long}`);
  });

  test("the same content gives the same bytes, whenever and by whomever it was written (spec §6.4)", async () => {
    await write("hello", { "run.sh": "true", "lib/a.ts": "1" });
    await load("hello");
    const before = await bytesOf("hello");
    await chmod(pathOf("hello", "lib/a.ts"), 0o660);
    await utimes(pathOf("hello", "run.sh"), 1, 1);
    expect(await bytesOf("hello")).toEqual(before);
    await chmod(pathOf("hello", "run.sh"), 0o700);
    expect((await unpacked(await bytesOf("hello"))).map(({ mode }) => mode)).toEqual([0o644, 0o644, 0o755]);
    await write("hello", { "lib/a.ts": "2" });
    expect(await bytesOf("hello")).not.toEqual(before);
  });

  test("takes the module's name and the folder's; the top folder is the folder (spec §5.2)", async () => {
    await load("a-folder", "", "a-module");
    for (const name of ["a-module", "a-folder"]) {
      const response = await exported(name);
      expect(response.headers.get("X-Service-Name")).toBe("a-module");
      const [entry] = await unpacked(new Uint8Array(await response.arrayBuffer()));
      expect(entry?.path).toBe("a-folder/index.ts");
    }
  });

  test.each([["services"], ["absent"], ["..%2Fx"], ["__proto__"], ["%00"]])(
    "what has no folder is 404: %s (spec §6.4)",
    async (name) => {
      await write("../x", { "index.ts": "" });
      const { status, data } = await harness.json(`/services/export/${name}`, { auth: true });
      expect([status, data]).toEqual([
        404,
        { error: `Module "${decodeURIComponent(name)}" not found`, code: "not_found" },
      ]);
    },
  );

  test("a folder that has gone meanwhile is 404", async () => {
    await load("hello");
    await rm(pathOf("hello"), { recursive: true });
    expect((await exported("hello")).status).toBe(404);
  });
});

describe("the description", () => {
  test.each([
    ["café — 日本", "caf%C3%A9 %E2%80%94 %E6%97%A5%E6%9C%AC"],
    ['plain ~text! "quoted"', 'plain ~text! "quoted"'],
    ["a\r\nSet-Cookie: x=1", "a%0D%0ASet-Cookie: x=1"],
    ["100%", "100%25"],
    ["\u0000\u007f", "%00%7F"],
    ["half \ud800", "half %EF%BF%BD"],
    ["", ""],
  ])("%j is %j in its header (spec §6.4)", async (description, header) => {
    expect(headerText(description)).toBe(header);
    await load("hello", `description: ${JSON.stringify(description)}`);
    expect((await exported("hello")).headers.get("X-Service-Description")).toBe(header.trim());
  });

  test("of any length fits, cut between two characters", () => {
    const header = headerText("é".repeat(10_000));
    expect(header.length).toBeLessThanOrEqual(4_096);
    expect(decodeURIComponent(header)).toMatch(/^é+$/);
  });
});
