// Compiles pi with reef's extension inside, in a child process, and puts the result in place once it has proved to run.
import { constants } from "node:fs";
import { copyFile, cp, mkdir, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Cache } from "./cache.js";
import { BUILD_FLAGS, type Sources } from "./sources.js";

const OUTPUT_CHARS_MAX = 2_000;

/** The environment of a build: whatever stands in the server's must not matter to it. */
const NOTHING = {};

/** The executable's name in its folder. */
export const EXECUTABLE = "pi";

/** Rejects with a reason; nothing is in place then. */
export async function buildPi(
  sources: Sources,
  key: string,
  cache: Cache,
  signal: AbortSignal,
): Promise<void> {
  const unlock = await cache.lock(key, signal);
  const workshop = cache.workshop(key);
  try {
    if (await Bun.file(join(cache.folder(key), EXECUTABLE)).exists()) return;
    await rm(workshop, { recursive: true, force: true });
    await mkdir(workshop, { recursive: true });
    await compile(sources, workshop, signal);
    await prove(sources, workshop, signal);
    await rename(workshop, cache.folder(key));
  } finally {
    await rm(workshop, { recursive: true, force: true });
    await unlock();
  }
}

async function compile(sources: Sources, workshop: string, signal: AbortSignal): Promise<void> {
  if (!sources.pi) throw new Error("pi's package is not installed");
  const outfile = join(workshop, EXECUTABLE);
  const argv = ["build", ...BUILD_FLAGS, sources.entry, "--outfile", outfile];
  await run([process.execPath, "--no-install", ...argv], { cwd: sources.root, signal, env: NOTHING });
  await furnish(sources.pi.dir, workshop);
}

/** What pi looks for beside its executable. */
async function furnish(piDir: string, workshop: string): Promise<void> {
  await copyFile(join(piDir, "package.json"), join(workshop, "package.json"));
  await cp(join(piDir, "dist/modes/interactive/theme"), join(workshop, "theme"), {
    recursive: true,
    filter: (path) => !/\.(js|ts|map)$/.test(path),
  });
  const photon = createRequire(join(piDir, "package.json")).resolve("@silvia-odwyer/photon-node");
  const wasm = join(photon, "../photon_rs_bg.wasm");
  await copyFile(wasm, join(workshop, "photon_rs_bg.wasm"), constants.COPYFILE_FICLONE);
}

async function prove(sources: Sources, workshop: string, signal: AbortSignal): Promise<void> {
  const printed = await run([join(workshop, EXECUTABLE), "--version"], {
    cwd: workshop,
    signal,
    env: NOTHING,
  });
  if (printed.trim() !== sources.pi?.version) {
    throw new Error(
      `pi --version should say ${sources.pi?.version}. Received: ${printed.trim() || "nothing"}`,
    );
  }
}

/** Runs a program to its end and returns what it printed. */
async function run(
  argv: string[],
  { cwd, signal, env }: { cwd: string; signal: AbortSignal; env: Record<string, string> },
): Promise<string> {
  const child = Bun.spawn(argv, { cwd, env, stdin: "ignore", stdout: "pipe", stderr: "pipe", signal });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  signal.throwIfAborted();
  if (code !== 0)
    throw new Error(`${argv[0]} exited with code ${code}: ${stderr.trim().slice(-OUTPUT_CHARS_MAX)}`);
  return stdout;
}
