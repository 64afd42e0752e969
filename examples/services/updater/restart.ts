// Ends this reef in order and starts it again with another version in its place, in the same process where nobody starts
// it again by himself.
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import { overrideEnvironment } from "#core/client.js";
import { messageOf, ReefError } from "#core/errors.js";
import type { ServiceContext } from "#core/types.js";
import type { Restarts } from "./parts.js";
import { putBack, putIn, type Update, writeUpdate } from "./update.js";

/** What a supervisor takes for a failure, and not for an end that was wanted. */
const EXIT_CODE = 75;
const GUARD = "guard.ts";
const GUARD_FILES = [GUARD, "update.ts", "exchange.ts"];

export function createRestarts(ctx: ServiceContext, { root, dir }: { root: string; dir: string }): Restarts {
  const guard = join(dir, GUARD);
  const leave = (start: readonly string[]) => {
    const [executable = process.execPath] = start;
    if (ctx.config.supervised || process.execve === undefined) process.exitCode = EXIT_CODE;
    else process.execve(executable, [...start]);
  };

  return {
    check() {
      if (isServer(ctx.dataDir)) return;
      throw new ReefError(
        "conflict",
        "the updater runs in a process of its own, and can only restart the server's",
      );
    },
    start: (link) => ownStart({ root, link, guard, port: new URL(ctx.url()).port }),
    into(update) {
      layGuard(dir);
      writeUpdate(dir, update);
      // A port that was any free one is kept.
      overrideEnvironment({ PORT: new URL(update.url).port });
      end(() => {
        const next = inPlace(update);
        writeUpdate(dir, next);
        leave(next.state === "started" ? guarded(guard, next.start) : next.start);
      });
    },
    back(update, error) {
      end(() => {
        putBack(update);
        writeUpdate(dir, { ...update, state: "put back", error });
        leave(update.start);
      });
    },
    isGuarded: () => process.execArgv.includes(guard),
  };
}

/** The server writes its process number beside its lock. */
function isServer(dataDir: string): boolean {
  const path = join(dataDir, "lock.pid");
  return existsSync(path) && Number(readFileSync(path, "utf8")) === process.pid;
}

/** The script is named as it will be found whichever version is installed. */
function ownStart(own: { root: string; link: string; guard: string; port: string }): string[] {
  const [, script = "", ...args] = process.argv;
  const inside = relative(own.root, script);
  const isInside = inside !== "" && !inside.startsWith("..") && !isAbsolute(inside);
  const flags = process.execArgv.filter((flag, at, all) => flag !== own.guard && all[at + 1] !== own.guard);
  const fixed = args.map((arg, at) =>
    args[at - 1] === "--port" ? own.port : arg.replace(/^--port=.*/, `--port=${own.port}`),
  );
  return [process.execPath, ...flags, isInside ? join(own.link, inside) : script, ...fixed];
}

function guarded(guard: string, [executable = process.execPath, ...args]: string[]): string[] {
  return [executable, "--preload", guard, ...args];
}

/** Last of all, when reef has ended in order as it does at a signal. */
function end(last: () => void): void {
  process.once("exit", last);
  process.kill(process.pid, "SIGTERM");
}

function inPlace(update: Update): Update {
  try {
    putIn(update);
    return { ...update, state: "started" };
  } catch (error) {
    putBack(update);
    return { ...update, state: "put back", error: messageOf(error) };
  }
}

/** Copies, since what is installed is about to be another version's. */
function layGuard(dir: string): void {
  mkdirSync(dir, { recursive: true });
  for (const file of GUARD_FILES) copyFileSync(join(import.meta.dir, file), join(dir, file));
}
