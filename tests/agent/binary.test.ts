// Which pi is used, and how the compiled one comes to be: built once, checked, put in place whole, kept while used.
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Binary, createBinary } from "../../src/agent/binary.js";
import { keyOf, sourcesOf } from "../../src/agent/sources.js";
import { CACHE, ROOT } from "../extension/rig/pi.js";

setDefaultTimeout(60_000);

const PI_VERSION = JSON.parse(
  readFileSync(join(ROOT, "node_modules/@mariozechner/pi-coding-agent/package.json"), "utf8"),
).version;
const DEAD_PID = 2 ** 22 + 1;

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const act of undo.splice(0).reverse()) await act();
});

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), "reef-binary-"));
  undo.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A package that compiles in no time: its entry only says a version. */
function tinyRoot(entry = `import "./said.js";`, said = `console.log("${PI_VERSION}")`): string {
  const root = folder();
  mkdirSync(join(root, "src/extension"), { recursive: true });
  writeFileSync(join(root, "src/extension/pi.ts"), entry);
  writeFileSync(join(root, "src/extension/said.ts"), said);
  symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
  return root;
}

function binaryOf(options: {
  root: string;
  cacheDir?: string;
  piPath?: string;
}): Binary & { warnings: string[] } {
  const warnings: string[] = [];
  const log = {
    debug() {},
    info() {},
    warn: (...words: unknown[]) => void warnings.push(words.join(" ")),
    error() {},
  };
  const binary = createBinary({ cacheDir: folder(), ...options, log });
  undo.push(() => binary.close());
  return { ...binary, warnings };
}

const keyFor = (root: string) => keyOf(sourcesOf(root));
const inCache = (cacheDir: string) => readdirSync(join(cacheDir, "pi")).sort();

describe("PI_PATH", () => {
  test("is a path, a command, or a command with arguments; the extension is loaded into it (spec §17.1)", async () => {
    const dir = folder();
    const path = join(dir, "my pi");
    writeFileSync(path, `#!/bin/sh\necho "9.9.9 $1"\n`, { mode: 0o755 });
    const extension = ["-e", join(ROOT, "src/extension/index.ts")];
    const byPath = binaryOf({ root: ROOT, piPath: path });
    expect(byPath.command()).toEqual({ argv: [path, ...extension], kind: "path" });
    expect(byPath.status()).toEqual({ ok: true });
    expect(await byPath.version()).toBe("9.9.9 --version");
    const byName = binaryOf({ root: ROOT, piPath: "sh -u" });
    expect(byName.command().argv).toEqual([Bun.which("sh") ?? "", "-u", ...extension]);
  });

  test("that is nothing executable is said in the status, and its version is unknown", async () => {
    const binary = binaryOf({ root: ROOT, piPath: "/nowhere/pi" });
    expect(binary.status()).toEqual({ ok: false, detail: 'PI_PATH is no executable: "/nowhere/pi"' });
    expect(await binary.version()).toBeNull();
    expect(binary.command().argv[0]).toBe("/nowhere/pi");
  });
});

describe("a pi of reef's own", () => {
  test("is started from its sources until the compiled one is there", async () => {
    const root = tinyRoot();
    const cacheDir = folder();
    const binary = binaryOf({ root, cacheDir });
    const { argv, kind } = binary.command();
    expect(kind).toBe("script");
    expect(argv.slice(1, 4)).toEqual(["--no-install", "--no-env-file", "--config=/dev/null"]);
    expect(argv.at(-3)).toEndWith("pi-coding-agent/dist/cli.js");
    expect(argv.slice(-2)).toEqual(["-e", join(root, "src/extension/index.ts")]);
    expect(binary.status().detail).toContain("is being compiled");
    await binary.ready;
    expect(binary.command()).toEqual({ argv: [join(cacheDir, "pi", keyFor(root), "pi")], kind: "compiled" });
    expect(binary.status()).toEqual({ ok: true });
    expect(await binary.version()).toBe(PI_VERSION);
    expect(inCache(cacheDir)).toEqual([keyFor(root)]);
  });

  test("is built once, however many start at the same time, and found by the next", async () => {
    const root = tinyRoot();
    const cacheDir = folder();
    const both = [binaryOf({ root, cacheDir }), binaryOf({ root, cacheDir })];
    await Promise.all(both.map((binary) => binary.ready));
    expect(both.map((binary) => binary.command().kind)).toEqual(["compiled", "compiled"]);
    expect(both.flatMap((binary) => binary.warnings)).toEqual([]);
    expect(binaryOf({ root, cacheDir }).command().kind).toBe("compiled");
  });

  test("that cannot be compiled is said once and in the status; its sources are used", async () => {
    const root = tinyRoot("this is no program");
    const cacheDir = folder();
    const binary = binaryOf({ root, cacheDir });
    await binary.ready;
    expect(binary.warnings.length).toBe(1);
    expect(binary.status()).toMatchObject({ ok: true, detail: binary.warnings[0] });
    expect(binary.warnings[0]).toStartWith("pi could not be compiled and is started from its sources: ");
    expect(binary.command().kind).toBe("script");
    expect(inCache(cacheDir)).toEqual([]);
  });

  test("that does not say its version is not put in place", async () => {
    const binary = binaryOf({ root: tinyRoot(undefined, `console.log("something else")`) });
    await binary.ready;
    expect(binary.status().detail).toEndWith(
      `pi --version should say ${PI_VERSION}. Received: something else`,
    );
    expect(binary.command().kind).toBe("script");
  });

  test("has another key when a file behind its entry changes", () => {
    const root = tinyRoot();
    const before = keyFor(root);
    writeFileSync(join(root, "src/extension/unrelated.ts"), "");
    expect(keyFor(root)).toBe(before);
    writeFileSync(join(root, "src/extension/said.ts"), "console.log(1)");
    expect(keyFor(root)).not.toBe(before);
  });

  test("takes over the lock of a dead process, and removes what nobody uses any more", async () => {
    const root = tinyRoot();
    const cacheDir = folder();
    const key = keyFor(root);
    const [unused, used] = ["a".repeat(32), "b".repeat(32)] as const;
    for (const [name, pid] of [
      [unused, DEAD_PID],
      [used, process.pid],
    ] as const) {
      mkdirSync(join(cacheDir, "pi", name, "users"), { recursive: true });
      writeFileSync(join(cacheDir, "pi", name, "users", String(pid)), "");
    }
    mkdirSync(join(cacheDir, "pi", `${unused}.${DEAD_PID}`));
    writeFileSync(join(cacheDir, "pi", `${key}.lock`), String(DEAD_PID));
    writeFileSync(join(cacheDir, "pi", "notes.txt"), "somebody's own");
    const binary = binaryOf({ root, cacheDir });
    await binary.ready;
    expect(binary.command().kind).toBe("compiled");
    expect(inCache(cacheDir)).toEqual([key, used, "notes.txt"].sort());
  });

  test("waits for another process that builds, until it is closed; then nothing is left behind", async () => {
    const root = tinyRoot();
    const cacheDir = folder();
    mkdirSync(join(cacheDir, "pi"));
    writeFileSync(join(cacheDir, "pi", `${keyFor(root)}.lock`), String(process.ppid));
    const binary = binaryOf({ root, cacheDir });
    await Promise.race([binary.ready, Bun.sleep(600)]);
    expect(binary.command().kind).toBe("script");
    await binary.close();
    expect(inCache(cacheDir)).toEqual([`${keyFor(root)}.lock`]);
    expect(binary.warnings).toEqual([]);
  });

  test("that is being compiled when the server stops leaves no folder and no lock", async () => {
    const cacheDir = folder();
    const binary = binaryOf({ root: ROOT, cacheDir });
    while (!existsSync(join(cacheDir, "pi")) || inCache(cacheDir).length < 2) await Bun.sleep(10);
    await binary.close();
    expect(inCache(cacheDir)).toEqual([]);
    expect(binary.warnings).toEqual([]);
  });

  test("falls back to its sources when somebody empties the cache", async () => {
    const cacheDir = folder();
    const binary = binaryOf({ root: tinyRoot(), cacheDir });
    await binary.ready;
    rmSync(join(cacheDir, "pi"), { recursive: true });
    expect(binary.command().kind).toBe("script");
  });

  test("without pi's package says so", async () => {
    const root = folder();
    const binary = binaryOf({ root });
    expect(binary.status()).toEqual({
      ok: false,
      detail: "the package @mariozechner/pi-coding-agent is not installed",
    });
    expect(binary.command().kind).toBe("script");
    expect(await binary.version()).toBeNull();
  });

  test("compiled, it takes nothing from the folder in which it is started (spec §15)", async () => {
    const binary = binaryOf({ root: ROOT, cacheDir: CACHE });
    await binary.ready;
    const { argv, kind } = binary.command();
    expect(kind).toBe("compiled");
    const cwd = folder();
    writeFileSync(join(cwd, "bunfig.toml"), `preload = ["./preload.ts"]\n`);
    writeFileSync(join(cwd, "preload.ts"), `console.log("preloaded")`);
    writeFileSync(join(cwd, ".env"), "PI_PACKAGE_DIR=/nowhere\n");
    const pi = Bun.spawn([...argv, "--version"], { cwd, env: {}, stdout: "pipe" });
    expect(await new Response(pi.stdout).text()).toBe(`${PI_VERSION}\n`);
    expect(await pi.exited).toBe(0);
  });
});
