// Runs another program to its end: from an argument array, in a session of its own, with a limit, and nothing that it
// started outlives it.
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { messageOf, ReefError } from "#core/errors.js";

/** Of what a program prints, the end: what went wrong stands there. */
const OUTPUT_CHARS_MAX = 4_000;
/** For what is still in the pipes when the program has ended. */
const LAST_WORDS_MS = 1_000;

export interface Command {
  argv: readonly string[];
  cwd: string;
  /** All of its environment. */
  env: Readonly<Record<string, string>>;
  /** Ends the program, with all that it started. */
  signal: AbortSignal;
}

export interface Ended {
  code: number | null;
  /** Both outputs, one after the other. */
  output: string;
}

/** Rejects with the signal's reason when that ended the program, `bad_request` when there is no such program. */
export async function run({ argv, cwd, env, signal }: Command): Promise<Ended> {
  signal.throwIfAborted();
  const child = spawn(argv, cwd, env);
  const end = () => killGroup(child.pid);
  signal.addEventListener("abort", end);
  const said = [collect(child.stdout), collect(child.stderr)];
  try {
    await child.exited;
    end();
    // Something that left the group may hold the pipes open for as long as it likes.
    await Promise.race([Promise.all(said.map(({ over }) => over)), Bun.sleep(LAST_WORDS_MS)]);
  } finally {
    signal.removeEventListener("abort", end);
  }
  signal.throwIfAborted();
  return { code: child.exitCode, output: said.map(({ text }) => text()).join("") };
}

/** A variable by which the next start finds, and ends, what a killed reef has left running. */
export async function runTag(dataDir: string): Promise<Record<string, string>> {
  try {
    const serverId = (await readFile(join(dataDir, "server-id"), "utf8")).trim();
    return { REEF_RUN: `${serverId}.${randomUUID()}` };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw error;
  }
}

function spawn(argv: readonly string[], cwd: string, env: Readonly<Record<string, string>>) {
  try {
    const pipes = { stdin: "ignore", stdout: "pipe", stderr: "pipe" } as const;
    return Bun.spawn([...argv], { cwd, env: { ...env }, detached: true, ...pipes });
  } catch (error) {
    const name = basename(argv[0] ?? "");
    throw new ReefError("bad_request", `Cannot run ${name}: ${messageOf(error)}`, {}, { cause: error });
  }
}

/** The first process of a session leads a group of the same number. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    // All of it has ended by itself.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function collect(stream: ReadableStream<Uint8Array>): { over: Promise<void>; text(): string } {
  let text = "";
  async function read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream)
      text = (text + decoder.decode(chunk, { stream: true })).slice(-OUTPUT_CHARS_MAX);
  }
  return { over: read(), text: () => text };
}
