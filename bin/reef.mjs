#!/usr/bin/env node
// The launcher: runs under Node, finds a Bun, and becomes `bun --no-install src/cli.ts` with the same arguments.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What reef is developed and tested with, and the oldest that it runs on. */
const BUN_PINNED = "1.4.5";
const BUN_OLDEST = [1, 4, 0];

const packageDir = dirname(dirname(realpathSync(fileURLToPath(import.meta.url))));

const bun = findBun();
if (bun === undefined) {
  console.error(
    `reef: needs Bun ${BUN_OLDEST.join(".")} or newer. Install it with: npm install -g bun@${BUN_PINNED}`,
  );
  process.exit(1);
}
const script = join(packageDir, "src", "cli.ts");
// Heard from before the child is there: it may be at work before this script has come to its next line.
// A terminal sends Ctrl-C to both processes; passing it on would make two of one.
const atTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
process.on("SIGINT", () => atTerminal || child.kill("SIGINT"));
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));

const child = spawn(bun, ["--no-install", script, ...process.argv.slice(2)], { stdio: "inherit" });

child.on("error", (error) => {
  console.error(`reef: cannot run ${bun}: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));

/** This process when it is Bun itself, else the first that is new enough: on PATH, beside the package, from npx. */
function findBun() {
  if (process.versions.bun) return process.execPath;
  return ["bun", ...installedBuns()].find(isNewEnough) ?? bunFromNpx();
}

/** `node_modules/.bin/bun` of the package and of every folder above it. */
function installedBuns() {
  const found = [];
  for (let dir = packageDir; dir !== dirname(dir); dir = dirname(dir)) {
    const candidate = join(dir, "node_modules", ".bin", "bun");
    if (existsSync(candidate)) found.push(candidate);
  }
  return found;
}

function isNewEnough(candidate) {
  const { stdout } = spawnSync(candidate, ["--version"], { encoding: "utf8" });
  const version =
    stdout
      ?.trim()
      .split(".")
      .map((part) => Number.parseInt(part, 10)) ?? [];
  const differs = BUN_OLDEST.findIndex((part, index) => part !== version[index]);
  return differs < 0 || version[differs] > BUN_OLDEST[differs];
}

/** Asks npx where it keeps Bun, so that no npx stands between this process and the server. */
function bunFromNpx() {
  const args = ["-y", `bun@${BUN_PINNED}`, "-e", "console.log(process.execPath)"];
  const { status, stdout } = spawnSync("npx", args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return status === 0 ? stdout.trim().split("\n").at(-1) : undefined;
}
