// Runs one program to its end or to its limit, keeps the end of what it prints, and leaves no process behind: neither
// the program nor anything that it started, wherever that hides.
import { readdir, readFile } from "node:fs/promises";
import { messageOf, ReefError } from "./errors.js";
import type { Log } from "./types.js";
import { TookTooLong, within } from "./within.js";

/** What is still in the pipes when the program has ended; whatever holds them open is not waited for. */
const LAST_WORDS_MS = 1_000;
/** How long its processes are hunted, and the pause between two looks. */
const HUNT_MS = 5_000;
const LOOK_AGAIN_MS = 10;

export interface ChildOptions {
  argv: string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** `NAME=value`: the variable of `env` that only this child and what it starts have. */
  tag: string;
  limitMs: number;
  outputCharsMax: number;
  log: Log;
}

export interface ChildEnd {
  code: number | null;
  signal: string | null;
  /** It was ended because its time was over. */
  isLate: boolean;
  /** The end of its stdout, then that of its stderr, which is where a test run says how it went. */
  output: string;
}

/** Rejects `unavailable` when the program cannot be started. */
export async function runChild(options: ChildOptions): Promise<ChildEnd> {
  const child = start(options);
  const endGroup = () => endProcess(-child.pid);
  process.once("exit", endGroup);
  const tails = [child.stdout, child.stderr].map((stream) => keepTail(stream, options.outputCharsMax));
  try {
    const isLate = !(await settles(child.exited, options.limitMs));
    await endFamily(child.pid, options);
    await child.exited;
    await settles(Promise.all(tails.map(({ over }) => over)), LAST_WORDS_MS);
    const signal = child.signalCode === null ? null : String(child.signalCode);
    return { code: child.exitCode, signal, isLate, output: tails.map(({ text }) => text()).join("") };
  } finally {
    for (const { stop } of tails) stop();
    process.off("exit", endGroup);
  }
}

/** In a session of its own, so that all of it can be ended at once. */
function start({ argv, cwd, env }: ChildOptions) {
  try {
    return Bun.spawn(argv, { cwd, env, detached: true, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  } catch (error) {
    const text = `no child process could be started: ${messageOf(error)}`;
    throw new ReefError("unavailable", text, {}, { cause: error });
  }
}

interface Tail {
  text(): string;
  /** Settles when there is nothing more to read. */
  readonly over: Promise<unknown>;
  stop(): void;
}

function keepTail(stream: ReadableStream<Uint8Array>, charsMax: number): Tail {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let tail = "";
  const keep = (text: string) => {
    tail = (tail + text).slice(-charsMax);
  };
  async function read(): Promise<void> {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      keep(decoder.decode(part.value, { stream: true }));
    }
  }
  const unreadable = (error: unknown) => keep(`\n(could not be read on: ${messageOf(error)})`);
  return {
    text: () => tail,
    over: read().catch(unreadable),
    stop: () => void reader.cancel().catch(unreadable),
  };
}

async function settles(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  try {
    await within(limitMs, () => work);
    return true;
  } catch (error) {
    if (error instanceof TookTooLong) return false;
    throw error;
  }
}

/** Kills until a look finds nothing more: the child's own group, and whoever has left it but carries the tag. */
export async function endFamily(pid: number, { tag, log }: Pick<ChildOptions, "tag" | "log">): Promise<void> {
  const deadline = Date.now() + HUNT_MS;
  for (;;) {
    endProcess(-pid);
    const left = await taggedProcesses(tag);
    if (left.length === 0) return;
    if (Date.now() >= deadline) return log.error("still alive after SIGKILL:", left.join(" "));
    for (const one of left) endProcess(one);
    await Bun.sleep(LOOK_AGAIN_MS);
  }
}

/** A group when negative. One that is gone by now, or has become another user's, is left. */
function endProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!hasCode(error, "ESRCH") && !hasCode(error, "EPERM")) throw error;
  }
}

/** Where there is no /proc, the group is all that can be found. */
async function taggedProcesses(tag: string): Promise<number[]> {
  if (process.platform !== "linux") return [];
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const tagged = await Promise.all(pids.map(async (pid) => (await environmentOf(pid)).includes(tag)));
  return pids.filter((_, index) => tagged[index]);
}

/** Empty for a process that is gone, or another user's. */
async function environmentOf(pid: number): Promise<string[]> {
  try {
    return (await readFile(`/proc/${pid}/environ`, "latin1")).split("\0");
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].some((code) => hasCode(error, code))) return [];
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
