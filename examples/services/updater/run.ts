// Runs a program to its end: within a time, with no more of the environment than it is given, and with the end of what
// it printed.
import { messageOf, ReefError } from "#core/errors.js";

const OUTPUT_CHARS_MAX = 4_000;

export interface RunOptions {
  cwd: string;
  env: Readonly<Record<string, string>>;
  limitMs: number;
  /** Ends it early. */
  signal?: AbortSignal;
}

/** Rejects `upstream_failed` when it cannot be started, is not done in time, or fails; the message ends with what it printed. */
export async function run(
  command: [program: string, ...args: string[]],
  { cwd, env, limitMs, signal }: RunOptions,
): Promise<{ output: string }> {
  const [program] = command;
  const child = spawn(command, { cwd, env });
  const limit = AbortSignal.any([AbortSignal.timeout(limitMs), ...(signal ? [signal] : [])]);
  const kill = () => child.kill("SIGKILL");
  limit.addEventListener("abort", kill, { once: true });
  try {
    const [output, errors, code] = await Promise.all([
      tailOf(child.stdout),
      tailOf(child.stderr),
      child.exited,
    ]);
    if (signal?.aborted) throw failed(`${program} was ended: reef stops`);
    if (limit.aborted) throw failed(`${program} was not done in ${limitMs / 1000} s`);
    if (code !== 0) throw failed(`${program} failed (${code}): ${(errors || output).trim()}`);
    return { output };
  } finally {
    limit.removeEventListener("abort", kill);
  }
}

function spawn(command: string[], { cwd, env }: Pick<RunOptions, "cwd" | "env">) {
  try {
    return Bun.spawn(command, { cwd, env: { ...env }, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  } catch (error) {
    throw failed(`${command[0]} cannot be run: ${messageOf(error)}`);
  }
}

function failed(message: string): ReefError {
  return new ReefError("upstream_failed", message);
}

async function tailOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text = (text + decoder.decode(chunk, { stream: true })).slice(-OUTPUT_CHARS_MAX);
  }
  return text;
}
