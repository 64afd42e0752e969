// Whatever is asked for, the files of a new service parse, are as the project's linter and compiler want them, and pass
// their own tests. Where those are not installed with reef, there is nothing to hold them against.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { mkdir, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createTestHarness, type TestHarness } from "#core/testing.js";
import { hostileServices, wideService } from "./hostile.js";
import scaffold from "./index.js";
import type { SkeletonFile } from "./skeleton.js";

/** Of reef itself, wherever this file lies. */
const ROOT = join(dirname(realpathSync(Bun.resolveSync("#core/types.js", import.meta.dir))), "../..");
const [BIOME, TSC] = [join(ROOT, "node_modules/.bin/biome"), join(ROOT, "node_modules/.bin/tsc")];
const NEEDED = [BIOME, TSC, join(ROOT, "biome.json"), join(ROOT, "node_modules/fast-check")];

const PARSED = 40;
const TRIED = 5;
const TURNS = 96;
const LIMIT_MS = 240_000;

let harness: TestHarness;
beforeAll(async () => {
  harness = await createTestHarness({ services: [scaffold] });
});
afterAll(() => harness.cleanup());

async function filesFor(request: object): Promise<SkeletonFile[]> {
  const { status, data } = await harness.json("/scaffold/preview", { auth: true, body: request });
  expect([status, data.error]).toEqual([200, undefined]);
  return data.files;
}

describe.skipIf(!NEEDED.every(existsSync))("the files of a new service (spec §11)", () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  let workspace: string;
  beforeAll(() => {
    workspace = mkdtempSync(join(tmpdir(), "reef-scaffold-"));
  });
  afterAll(() => rmSync(workspace, { recursive: true, force: true }));

  test("parse, whatever was asked for", async () => {
    const { default: fc } = await import("fast-check");
    const transpiler = new Bun.Transpiler({ loader: "ts" });
    await fc.assert(
      fc.asyncProperty(hostileServices(fc), async (request) => {
        for (const { path, content } of await filesFor({ ...request, name: "made" }))
          if (path.endsWith(".ts")) transpiler.transformSync(content);
      }),
      { numRuns: PARSED },
    );
  });

  test(
    "pass the project's linter and compiler, and their own tests",
    async () => {
      const { default: fc } = await import("fast-check");
      await prepare(workspace);
      const hostile = fc.sample(hostileServices(fc), { numRuns: TRIED, seed });
      for (const [index, request] of hostile.entries())
        await write("services", { ...request, name: `made-${index}` });
      // What is long is a matter of the formatter alone, and the compiler would take its time.
      await write("examples", { ...wideService(seed % TURNS), name: `wide-${"x".repeat(59)}` });
      const ends = await Promise.all([
        run(BIOME, "check", "--error-on-warnings", "--max-diagnostics=20", "services", "examples"),
        run(TSC, "--noEmit"),
        run(process.execPath, "--no-install", "test", "--timeout", String(LIMIT_MS), "services/made-"),
      ]);
      expect({ seed, ends }).toEqual({ seed, ends: [passed, passed, passed] });
    },
    LIMIT_MS,
  );

  async function write(folder: string, request: object): Promise<void> {
    for (const { path, content } of await filesFor(request))
      await Bun.write(join(workspace, folder, path), content);
  }

  async function run(...command: string[]): Promise<{ code: number; output: string }> {
    const env = { ...process.env, NO_COLOR: "1" };
    const child = Bun.spawn(command, { cwd: workspace, env, stdout: "pipe", stderr: "pipe" });
    const outputs = Promise.all([child.stdout, child.stderr].map((stream) => new Response(stream).text()));
    const [output, code] = [(await outputs).join("\n"), await child.exited];
    return { code, output: code === 0 ? "" : output };
  }
});

const passed = { code: 0, output: "" };

/** A folder with the project's settings, packages and kernel, and no service yet. */
async function prepare(dir: string): Promise<void> {
  const read = (path: string) => Bun.file(join(ROOT, path)).json();
  const write = (path: string, value: object) => Bun.write(join(dir, path), JSON.stringify(value));
  await write("package.json", await read("package.json"));
  await write("biome.json", { ...(await read("biome.json")), vcs: { enabled: false } });
  await write("tsconfig.json", { extends: join(ROOT, "tsconfig.json"), include: ["services"] });
  await mkdir(join(dir, "services"));
  for (const name of ["src", "node_modules"]) await symlink(join(ROOT, name), join(dir, name));
}
