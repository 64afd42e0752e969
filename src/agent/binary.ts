// Which program a task is run with: the operator's pi, or the one compiled here, or pi's sources until that exists.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../core/errors.js";
import type { Log } from "../core/types.js";
import { buildPi, EXECUTABLE } from "./build.js";
import { BUILD_LIMIT_MS, createCache } from "./cache.js";
import { keyOf, type Sources, sourcesOf } from "./sources.js";

const VERSION_WAIT_MS = 30_000;
const VERSION_CHARS_MAX = 200;

export interface BinaryOptions {
  /** A path or a command to use instead of a pi of reef's own. */
  piPath?: string;
  cacheDir: string;
  log: Log;
  /** What a `piPath` is asked for its version with; none of the server's secrets. */
  env?: Record<string, string>;
  /** reef's package folder. */
  root: string;
}

export interface Command {
  /** Program and first arguments; pi's own flags follow. */
  argv: string[];
  kind: "path" | "compiled" | "script";
}

export interface Binary {
  /** The best there is at this moment. */
  command(): Command;
  /** Settles, never rejects, when the build ended either way. */
  readonly ready: Promise<void>;
  /** `ok` is false when no pi can be started; `detail` also tells of a build that is under way or failed. */
  status(): { ok: boolean; detail?: string };
  /** What `--version` says; null when it cannot be asked. */
  version(): Promise<string | null>;
  /** Ends a build that is under way. */
  close(): Promise<void>;
}

export function createBinary(options: BinaryOptions): Binary {
  const sources = sourcesOf(options.root);
  return options.piPath ? operatorsBinary(options, options.piPath, sources) : ownBinary(options, sources);
}

/** `piPath` is an executable file, or a command line whose program is found on the path. */
function operatorsBinary({ env = {} }: BinaryOptions, piPath: string, sources: Sources): Binary {
  const words = existsSync(piPath) ? [piPath] : piPath.split(/\s+/);
  const program = Bun.which(words[0] ?? "");
  const argv = [program ?? piPath, ...words.slice(1)];
  const closing = new AbortController();
  const version = once(() => versionOf(argv, env, closing.signal));
  return {
    command: () => ({ argv: [...argv, "-e", sources.extension], kind: "path" }),
    ready: Promise.resolve(),
    status: () => (program ? { ok: true } : { ok: false, detail: `PI_PATH is no executable: "${piPath}"` }),
    version: () => (program ? version() : Promise.resolve(null)),
    close: async () => closing.abort(),
  };
}

function ownBinary({ cacheDir, log }: BinaryOptions, sources: Sources): Binary {
  if (!sources.pi) return missingBinary(sources);
  const { cli, version } = sources.pi;
  const key = keyOf(sources);
  const cache = createCache(join(cacheDir, "pi"));
  const executable = join(cache.folder(key), EXECUTABLE);
  const closing = new AbortController();
  let unuse = async () => {};
  let detail: string | undefined = "pi is being compiled; until then it is started from its sources";

  async function build(): Promise<void> {
    try {
      const limit = AbortSignal.timeout(BUILD_LIMIT_MS);
      if (!existsSync(executable))
        await buildPi(sources, key, cache, AbortSignal.any([closing.signal, limit]));
      detail = undefined;
      unuse = await cache.use(key);
      await cache.sweep(key);
    } catch (error) {
      if (closing.signal.aborted) return;
      if (detail) detail = `pi could not be compiled and is started from its sources: ${messageOf(error)}`;
      log.warn(detail ?? `the folder of compiled pis could not be tidied: ${messageOf(error)}`);
    }
  }

  const ready = build();
  return {
    // The file is looked for each time: somebody may have emptied the cache.
    command: () =>
      existsSync(executable)
        ? { argv: [executable], kind: "compiled" }
        : { argv: scriptOf(cli, sources), kind: "script" },
    ready,
    status: () => ({ ok: true, ...(detail && { detail }) }),
    version: () => Promise.resolve(version),
    async close() {
      closing.abort();
      await ready;
      await unuse();
    },
  };
}

function missingBinary(sources: Sources): Binary {
  const cli = join(sources.root, "node_modules/@mariozechner/pi-coding-agent/dist/cli.js");
  return {
    command: () => ({ argv: scriptOf(cli, sources), kind: "script" }),
    ready: Promise.resolve(),
    status: () => ({ ok: false, detail: "the package @mariozechner/pi-coding-agent is not installed" }),
    version: () => Promise.resolve(null),
    close: async () => {},
  };
}

/** Nothing of the working directory is taken up: no packages, no .env, no bunfig.toml. */
function scriptOf(cli: string, sources: Sources): string[] {
  const bun = [process.execPath, "--no-install", "--no-env-file", "--config=/dev/null"];
  return [...bun, cli, "-e", sources.extension];
}

/** Null when it cannot be asked: whoever asks shows that it is unknown, and starting a task will say why. */
async function versionOf(
  argv: string[],
  env: Record<string, string>,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(VERSION_WAIT_MS)]);
    return (await firstLine([...argv, "--version"], env, limit)) || null;
  } catch {
    return null;
  }
}

/** Reads no more than a version can be: a program that is no pi may print for ever. */
async function firstLine(argv: string[], env: Record<string, string>, signal: AbortSignal): Promise<string> {
  const child = Bun.spawn(argv, {
    cwd: "/",
    env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
    signal,
    killSignal: "SIGKILL",
  });
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of child.stdout) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length <= VERSION_CHARS_MAX) continue;
    child.kill("SIGKILL");
    break;
  }
  return (await child.exited) === 0 ? text.trim() : "";
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
