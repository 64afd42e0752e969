// From a submitted task to the first request that a model gets: with a warm pi process, with none, and a stock pi under
// node that is started with the same prompt and the same endpoint.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { processesWith, type Reef, ROOT, startReef } from "../flow/reef.js";
import type { Bench } from "./bench.js";
import { type Model, startModel } from "./model.js";
import { interleaved } from "./sample.js";
import type { Row } from "./table.js";

const PI = join(ROOT, "node_modules/@mariozechner/pi-coding-agent/dist/cli.js");
const KEY = { ANTHROPIC_API_KEY: "key-of-the-benchmark" };
const MODEL = "anthropic/claude-sonnet-4-5";
const PROMPT = "Say ok.";
const WARM = 1;
const READY_MS = 120_000;
/** So many looks in a row, so far apart, see no work in the idle processes: they are waiting for a task. */
const CALM_LOOKS = 5;
const LOOK_MS = 50;

export async function submit({ starts, folder }: Bench): Promise<Row[]> {
  const model = startModel();
  const env = { ...KEY, ANTHROPIC_BASE_URL: model.url, REEF_MODEL: MODEL };
  const cold = await startReef({ dataDir: folder(), env: { ...env, REEF_WARM: "0" } });
  const warm = await startReef({ dataDir: folder(), env: { ...env, REEF_WARM: String(WARM) } });
  await Promise.all([compiled(cold), compiled(warm)]);
  const piDir = writePiDir(folder(), model.url);
  const ways = {
    warm: () => submitted(warm, model, WARM),
    cold: () => submitted(cold, model, 0),
    stock: () => stock(piDir, model),
  };
  await interleaved(1, ways);
  const ms = await interleaved(starts, ways);
  await model.stop();
  const row = (what: string, measured: number, atMost: number): Row => {
    return { what, measured, baseline: ms.stock, unit: "ms", goal: { of: "ratio", atMost } };
  };
  return [
    row("submit to first model request, warm, against stock pi", ms.warm, 1 / 20),
    row("submit to first model request, cold, against stock pi", ms.cold, 1 / 4),
  ];
}

/** Resolves when the server runs the executable that it compiles at its first start. */
async function compiled(reef: Reef): Promise<void> {
  const until = Date.now() + READY_MS;
  for (;;) {
    const { checks } = await (await reef.fetch("/ready")).json();
    if (checks.agent.mode === "compiled") return;
    if (Date.now() > until) throw new Error(`pi was not compiled: ${JSON.stringify(checks.agent)}`);
    await Bun.sleep(LOOK_MS);
  }
}

async function submitted(reef: Reef, model: Model, idle: number): Promise<number> {
  await calm(reef, idle);
  const startedAt = performance.now();
  const [askedAt, { id }] = await Promise.all([
    model.nextRequest(),
    reef.submit({ task: PROMPT, fresh: true }),
  ]);
  await reef.over(id);
  return askedAt - startedAt;
}

/** Resolves when nothing of the task before is left and the pool is full. */
async function calm(reef: Reef, idle: number): Promise<void> {
  const until = Date.now() + READY_MS;
  let looks = 0;
  for (let before = ""; looks < CALM_LOOKS; await Bun.sleep(LOOK_MS)) {
    const pids = processesWith(reef.dataDir).filter((pid) => pid !== reef.pid);
    const now = (await Promise.all(pids.map(ticksOf))).join();
    looks = pids.length === idle && now === before ? looks + 1 : 0;
    before = now;
    if (Date.now() > until) throw new Error(`the pool never came to rest: ${now}`);
  }
}

/** The process and the CPU time that it has used. */
async function ticksOf(pid: number): Promise<string> {
  const stat = await Bun.file(`/proc/${pid}/stat`)
    .text()
    .catch(() => "");
  return `${pid}:${stat.slice(stat.lastIndexOf(")")).split(" ").slice(12, 14).join("+")}`;
}

function writePiDir(dir: string, url: string): string {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, "models.json"), JSON.stringify({ providers: { anthropic: { baseUrl: url } } }));
  return dir;
}

/** With everything left out that it could look for. */
async function stock(piDir: string, model: Model): Promise<number> {
  const { PATH = "" } = process.env;
  const offline = {
    PI_CODING_AGENT_DIR: piDir,
    PI_OFFLINE: "1",
    PI_TELEMETRY: "0",
    PI_SKIP_VERSION_CHECK: "1",
  };
  const without = [
    "--no-session",
    "--no-extensions",
    "--no-skills",
    "--no-prompt-templates",
    "--no-themes",
    "--no-context-files",
  ];
  const startedAt = performance.now();
  const pi = Bun.spawn(["node", PI, "--mode", "rpc", ...without, "--model", MODEL], {
    cwd: piDir,
    env: { PATH, HOME: piDir, ...KEY, ...offline },
    stdin: "pipe",
    stdout: "ignore",
    stderr: "ignore",
  });
  pi.stdin.write(`${JSON.stringify({ type: "prompt", message: PROMPT })}\n`);
  try {
    // Flushed and left open: at the end of its input pi would leave.
    const [askedAt] = await Promise.all([model.nextRequest(), pi.stdin.flush()]);
    return askedAt - startedAt;
  } finally {
    pi.kill("SIGKILL");
    await pi.exited;
  }
}
