// Runs a command of an `exec` job in a session of its own, and ends all of it when the run is over, however it ends.
import { constants } from "node:os";
import { messageOf } from "#core/errors.js";
import type { Config, Log } from "#core/types.js";
import { endFamily, familyOf } from "./family.js";
import type { ExecConfig, Outcome } from "./job.js";
import { RUN_VARIABLE, startTimeOf } from "./processes.js";
import { keepTail } from "./tail.js";
import { aborted, settled } from "./waiting.js";

/** For what is still in the pipe when all who could write to it are gone. */
const LAST_WORDS_MS = 1_000;
/** Both streams come in the order in which they were written, and the outer shell keeps the run's name whatever runs in it. */
const SCRIPT = 'sh -c "$1" 2>&1; exit $?';
/** A variable that the operator passes on to tasks may be a secret too, and no command of a job gets one. */
const SECRET_NAME = /(^|_)(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$/i;

export interface ExecOptions {
  runId: string;
  /** Where it runs unless the job says otherwise. */
  dir: string;
  env: Readonly<Record<string, string>>;
  /** Ends it before its time. */
  signal: AbortSignal;
  log: Log;
}

export async function runCommand({ command, cwd }: ExecConfig, options: ExecOptions): Promise<Outcome> {
  const { runId, dir, signal, log } = options;
  const env = { ...options.env, [RUN_VARIABLE]: runId };
  const child = start(command, cwd ?? dir, env);
  if (typeof child === "string") return { error: child };
  const output = keepTail(child.stdout);
  await Promise.race([child.exited, aborted(signal)]);
  await endFamily(familyOf([runId], { pid: child.pid, startTime: startTimeOf(child.pid) }), log);
  await settled(Promise.all([child.exited, output.over]), LAST_WORDS_MS);
  output.stop();
  const code = exitCodeOf(child);
  return { output: output.text(), error: code === 0 ? undefined : `exit code ${code}` };
}

/** What a task's process would get, without keys and tokens. */
export function commandEnv(
  config: Pick<Config, "baseEnv" | "providerKeys" | "servicesDir">,
  baseUrl: string | undefined,
): Record<string, string> {
  const { baseEnv, providerKeys, servicesDir } = config;
  const secrets = new Set(Object.values(providerKeys));
  const passed = Object.entries(baseEnv).filter(
    ([name, value]) => !SECRET_NAME.test(name) && !(name in providerKeys) && !secrets.has(value),
  );
  const own = { REEF_SERVICES_DIR: servicesDir, ...(baseUrl !== undefined && { VERS_INFRA_URL: baseUrl }) };
  return { ...Object.fromEntries(passed), ...own };
}

type Child = Bun.Subprocess<"ignore", "pipe", "ignore">;

/** Why it could not be started, when it could not. */
function start(command: string, cwd: string, env: Record<string, string>): Child | string {
  try {
    const streams = { stdin: "ignore", stdout: "pipe", stderr: "ignore" } as const;
    return Bun.spawn(["sh", "-c", SCRIPT, "sh", command], { cwd, env, detached: true, ...streams });
  } catch (error) {
    return `the command could not be started: ${messageOf(error)}`;
  }
}

/** As a shell counts: 128 and the number of the signal that ended it. */
function exitCodeOf({ exitCode, signalCode }: Child): number {
  if (exitCode !== null) return exitCode;
  const [, number = constants.signals.SIGKILL] =
    Object.entries(constants.signals).find(([name]) => name === signalCode) ?? [];
  return 128 + number;
}
