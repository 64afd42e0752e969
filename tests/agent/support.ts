// What the tests of the agent folder share: fake and real pi processes in a folder of their own, and looking for strays.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AgentDirOptions, writeAgentDir } from "../../src/agent/agentdir.js";
import type { Binary } from "../../src/agent/binary.js";
import { piEnv } from "../../src/agent/env.js";
import { createPool, type Pool, type PoolOptions } from "../../src/agent/pool.js";
import { type PiProcess, type PiStart, startPi } from "../../src/agent/process.js";
import { readProcesses } from "../../src/agent/processes.js";
import type { AgentEvent } from "../../src/agent/protocol.js";
import type { Run } from "../../src/agent/run.js";
import type { Log } from "../../src/core/types.js";
import { type OfflineModel, startOfflineModel } from "../../src/offline/server.js";

const WAIT_MS = 10_000;
const ROOT = join(import.meta.dirname, "../..");
const BUN = [process.execPath, "--no-install", "--no-env-file", "--config=/dev/null"];

export const FAKE = [...BUN, join(import.meta.dirname, "fakes/pi.ts")];
export const REAL = [...BUN, join(ROOT, "node_modules/@mariozechner/pi-coding-agent/dist/cli.js")];
export const HOST_ENV = { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "" };
/** Several runs of the tests may go on at once on one machine. */
export const newServerId = () => `srv-${crypto.randomUUID().slice(0, 13)}`;
export const SERVER_ID = newServerId();

const undo: (() => unknown)[] = [];

/**
 * Each file gives this to its own `afterEach`: a hook that was registered here would hold for the first file alone,
 * since this module is loaded once for all of them.
 */
export async function cleanUp(): Promise<void> {
  for (let step = undo.pop(); step; step = undo.pop()) await step();
}

/** Done after the test, newest first. */
export function afterwards(step: () => unknown): void {
  undo.push(step);
}

export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "reef-agent-"));
  afterwards(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Keeps what is logged, for tests that look at it. */
export function memoryLog(): Log & { lines: string[] } {
  const lines: string[] = [];
  const keep = (...args: unknown[]) => void lines.push(args.map(String).join(" "));
  return { lines, debug: keep, info: keep, warn: keep, error: keep };
}

export function startFake(mode: string, options: Partial<PiStart> & { dir?: string } = {}): PiProcess {
  const pi = startPi({
    argv: [...FAKE, mode],
    env: HOST_ENV,
    runDir: join(options.dir ?? tempDir(), "run"),
    serverId: SERVER_ID,
    ...options,
  });
  afterwards(pi.stop);
  return pi;
}

export function fakeBinary(argv: () => string[]): PoolOptions["binary"] {
  return {
    command: () => ({ argv: argv(), kind: "script" }),
    status: () => ({ ok: true }),
    version: () => Promise.resolve("0.0.0"),
  } satisfies Partial<Binary>;
}

export function fakePool(argv: () => string[], options: Partial<PoolOptions> & { dir?: string } = {}): Pool {
  const pool = createPool({
    binary: fakeBinary(argv),
    model: { provider: "fake", id: "one", thinking: "medium" },
    warm: 0,
    env: () => ({ ...HOST_ENV }),
    runDir: join(options.dir ?? tempDir(), "run"),
    serverId: SERVER_ID,
    ...options,
  });
  afterwards(pool.close);
  return pool;
}

export interface Stage {
  pool: Pool;
  model: OfflineModel;
  dataDir: string;
  serverId: string;
  /** An empty folder for the tools to work in. */
  cwd: string;
  close(): Promise<void>;
}

export interface StageOptions {
  /** Given the URL of the offline model. */
  models?: (url: string) => AgentDirOptions["models"];
  extension?: string;
  warm?: number;
  settings?: Record<string, unknown>;
}

/** Short waits before a retry, and none inside the provider's client. */
const FAST_RETRIES = { retry: { baseDelayMs: 100, provider: { maxRetries: 0 } } };

/** The real pi against the offline model. Whoever asks closes it. */
export function realStage({
  models,
  extension,
  warm = 0,
  settings = FAST_RETRIES,
}: StageOptions = {}): Stage {
  const dataDir = mkdtempSync(join(tmpdir(), "reef-agent-"));
  const cwd = join(dataDir, "work");
  mkdirSync(cwd);
  const model = startOfflineModel();
  const serverId = newServerId();
  const agentDir = writeAgentDir({ dataDir, offlineUrl: model.url, models: models?.(model.url), settings });
  const argv = extension === undefined ? REAL : [...REAL, "-e", extension];
  const servicesDir = join(dataDir, "services");
  const pool = createPool({
    binary: fakeBinary(() => argv),
    model: { provider: "offline", id: "scripted", thinking: "off" },
    warm,
    env: () =>
      piEnv({
        base: HOST_ENV,
        provider: {},
        agentDir,
        infraUrl: "http://127.0.0.1:1",
        servicesDir,
        taskEnv: [],
      }),
    runDir: join(dataDir, "run"),
    serverId,
  });
  async function close() {
    await pool.close();
    await model.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
  return { pool, model, dataDir, serverId, cwd, close };
}

export function emptySession(cwd: string): string {
  const header = {
    type: "session",
    version: 3,
    id: crypto.randomUUID(),
    timestamp: new Date().toISOString(),
    cwd,
  };
  return `${JSON.stringify(header)}\n`;
}

/** Everything up to the first `settled`, or to the end. */
export async function untilSettled(run: Run | PiProcess): Promise<AgentEvent[]> {
  return until(run, (event) => event.type === "settled");
}

export async function until(
  run: Run | PiProcess,
  isLast: (event: AgentEvent) => boolean,
): Promise<AgentEvent[]> {
  const events: AgentEvent[] = [];
  for await (const event of run.events()) {
    events.push(event);
    if (isLast(event)) break;
  }
  return events;
}

/** The text of each finished message of that role. */
export function textsOf(events: readonly AgentEvent[], role: string): string[] {
  return events.flatMap((event) =>
    event.type === "message_end" && event.message.role === role
      ? [event.message.content.map((block) => block.text ?? "").join("")]
      : [],
  );
}

/** The pids of all processes that carry a tag which begins so. */
export async function tagged(tag: string): Promise<number[]> {
  const table = await readProcesses();
  return table.rows.filter((row) => table.isTagged(row, tag, "prefix")).map((row) => row.pid);
}

export async function isAlive(pid: number): Promise<boolean> {
  const { rows } = await readProcesses();
  return rows.some((row) => row.pid === pid);
}

/** For what no event tells: looks again every few milliseconds, and gives up after a while. */
export async function eventually<T>(look: () => T | Promise<T>, what: string): Promise<NonNullable<T>> {
  for (const deadline = Date.now() + WAIT_MS; Date.now() < deadline; ) {
    const found = await look();
    if (found) return found;
    await Bun.sleep(5);
  }
  throw new Error(`never came: ${what}`);
}

export function filesIn(dir: string): string[] {
  return readdirSync(dir);
}
