// Starts one pi process tree, talks to it, and ends it so that nothing of it is left (spec pi §17.6).
import { randomBytes } from "node:crypto";
import { messageOf } from "../core/errors.js";
import type { Log } from "../core/types.js";
import { bootId, type Identity, signal, startTimeOf, TAG_VARIABLE } from "./processes.js";
import type { AgentEvent } from "./protocol.js";
import { createRunFiles, newRunId, type RunFiles } from "./runfiles.js";
import type { Phase } from "./settle.js";
import { type Hunt, look, sweep } from "./sweep.js";
import { keepTail } from "./tail.js";
import { type Command, createWire, type Wire } from "./wire.js";
import { settles } from "./within.js";

/** The whole of a stop, and its steps. */
const STOP_MS = 5_000;
const ABORT_MS = 2_000;
const TERM_MS = 2_000;
/** What is still in the pipes when pi has ended, or the time to end when its output has. */
const LAST_WORDS_MS = 1_000;
const STDERR_CHARS_MAX = 64 * 1024;
/** Of stderr, in the reason given to those who wait for an answer. */
const REASON_CHARS_MAX = 2_000;

export interface PiStart {
  argv: readonly string[];
  /** All of its environment but what is made here: its token, its control word and its tag. */
  env: Readonly<Record<string, string>>;
  /** `DATA_DIR/run`. */
  runDir: string;
  /** Made once per `DATA_DIR`. */
  serverId: string;
  lineBytesMax?: number;
  log?: Log;
}

export interface PiExit {
  code: number | null;
  signal: string | null;
  /** Its last 64 KiB. */
  stderr: string;
  /** Why the run could not go on, when that is not how the process ended: `pi sent a line over 64 MiB`. */
  reason?: string;
}

export interface PiProcess {
  readonly pid: number;
  readonly runId: string;
  /** `rt_…`: worth nothing until it is bound to a task. */
  readonly token: string;
  /** The hex that ends the names of the extension's commands. */
  readonly control: string;
  /** Where its session file belongs; removed by `stop`. */
  readonly sessionPath: string;
  /** Resolves the answer's data. Rejects with pi's text, when pi ends first, or when it is silent for `limitMs`. */
  request(command: Command, limitMs?: number): Promise<unknown>;
  /** A command that is not answered. */
  send(command: Command): void;
  /** For one listener, who sets the pace. Ends with pi's output, and at once when `stop` is called. */
  events(): AsyncIterable<AgentEvent>;
  phase(): Phase;
  /** Resolves when no compaction is going on. */
  notCompacting(): Promise<void>;
  /** Settles when it has accepted a prompt for the first time, or has ended. */
  readonly prompted: Promise<void>;
  /** Names the task in the run file. */
  assign(taskId: string): void;
  readonly exited: Promise<PiExit>;
  /** Ends the process and everything that it started; to be called after a normal end too. Never rejects. */
  stop(): Promise<void>;
}

type Child = Bun.Subprocess<"pipe", "pipe", "pipe">;

/** Throws when the program cannot be started. */
export function startPi(options: PiStart): PiProcess {
  const { log } = options;
  const own = identify(options.serverId);
  const files = createRunFiles(options.runDir, own.runId);
  const { child, identity } = spawnIn(files, options, own);
  const assign = (taskId: string | null) =>
    files.record({ ...identity, bootId: bootId(), tag: own.tag, taskId });
  const wire = createWire({
    output: child.stdout,
    write: (line) => writeLine(child, line, log),
    lineBytesMax: options.lineBytesMax,
    log,
  });
  const exited = watchExit(child, wire);
  const known = new Map([[identity.pid, identity.startTime]]);
  const hunt: Hunt = { tag: own.tag, match: "whole", known, notBefore: identity.startTime || 0 };
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= takeDown({ child, identity, files, wire, hunt, exited, log });
    return stopping;
  };
  void endWithOutput(child, wire, stop);
  const { request, send, events, phase, notCompacting, prompted } = wire;
  const { runId, token, control } = own;
  const { sessionPath } = files;
  const talk = { request, send, events, phase, notCompacting, prompted };
  return { pid: child.pid, runId, token, control, sessionPath, ...talk, assign, exited, stop };
}

interface Own {
  runId: string;
  tag: string;
  token: string;
  control: string;
}

function identify(serverId: string): Own {
  const runId = newRunId();
  return {
    runId,
    tag: `${serverId}.${runId}`,
    token: `rt_${randomBytes(32).toString("base64url")}`,
    control: randomBytes(8).toString("hex"),
  };
}

/** In a session of its own, so that a signal to the server's group does not reach it. */
function spawnIn(files: RunFiles, options: PiStart, own: Own): { child: Child; identity: Identity } {
  const secrets = { VERS_AUTH_TOKEN: own.token, REEF_CONTROL: own.control, [TAG_VARIABLE]: own.tag };
  const env = { ...options.env, ...secrets };
  let child: Child | undefined;
  try {
    const pipes = { stdin: "pipe", stdout: "pipe", stderr: "pipe" } as const;
    child = Bun.spawn([...options.argv], { cwd: files.cwd, env, detached: true, ...pipes });
    const identity = { pid: child.pid, startTime: startTimeOf(child.pid) ?? Number.NaN };
    files.record({ ...identity, bootId: bootId(), tag: own.tag, taskId: null });
    return { child, identity };
  } catch (error) {
    child?.kill("SIGKILL");
    files.remove();
    throw error;
  }
}

/** A pipe that nobody reads any more is no error here: how pi ended says it better. */
function writeLine(child: Child, line: string, log: Log | undefined): void {
  const lost = (error: unknown) => log?.debug("pi did not take a command:", messageOf(error));
  try {
    const written = child.stdin.write(line);
    if (written instanceof Promise) written.catch(lost);
    const flushed = child.stdin.flush();
    if (flushed instanceof Promise) flushed.catch(lost);
  } catch (error) {
    lost(error);
  }
}

async function watchExit(child: Child, wire: Wire): Promise<PiExit> {
  const errors = keepTail(child.stderr, STDERR_CHARS_MAX);
  await child.exited;
  // Something that pi started may hold its pipes open for as long as it likes; a slow listener may still get it all.
  const said = Promise.all([wire.over, errors.over]);
  while (!(await settles(said, LAST_WORDS_MS)) && wire.isPaced());
  const reason = (await settles(wire.over, 0)) ? await wire.over : undefined;
  const exit: PiExit = {
    code: child.exitCode,
    signal: child.signalCode === null ? null : String(child.signalCode),
    stderr: errors.text(),
    ...(reason !== undefined && { reason }),
  };
  errors.stop();
  wire.close(new Error(reasonOf(exit)));
  return exit;
}

function reasonOf(exit: PiExit): string {
  if (exit.reason !== undefined) return exit.reason;
  const how = exit.signal ? `pi exited on signal ${exit.signal}` : `pi exited with code ${exit.code}`;
  const said = exit.stderr.trim().slice(-REASON_CHARS_MAX);
  return said ? `${how}: ${said}` : how;
}

/** A pi that cannot be heard any more is of no use: it is ended, with what it started. */
async function endWithOutput(child: Child, wire: Wire, stop: () => Promise<void>): Promise<void> {
  const reason = await wire.over;
  if (reason === undefined && (await settles(child.exited, LAST_WORDS_MS))) return;
  await stop();
}

interface Doomed {
  child: Child;
  identity: Identity;
  files: RunFiles;
  wire: Wire;
  hunt: Hunt;
  exited: Promise<PiExit>;
  log: Log | undefined;
}

async function takeDown({ child, identity, files, wire, hunt, exited, log }: Doomed): Promise<void> {
  const deadline = Date.now() + STOP_MS;
  try {
    wire.drop();
    // Before the abort as well: it parts children from their parents, and some have dropped the tag.
    await look(hunt);
    if (wire.busy() && child.exitCode === null) await abort(wire);
    await look(hunt);
    if (signal(identity, "SIGTERM")) await settles(child.exited, TERM_MS);
    await sweep(hunt, deadline, log);
    await settles(exited, Math.max(LAST_WORDS_MS, deadline - Date.now()));
    files.remove();
  } catch (error) {
    log?.error("a run could not be ended without trouble:", error);
  }
}

/** Lets pi end its tool calls by itself. When it does not, it is ended anyway. */
async function abort(wire: Wire): Promise<void> {
  await settles(wire.request({ type: "abort" }), ABORT_MS);
}
