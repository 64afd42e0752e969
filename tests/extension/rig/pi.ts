// A real pi in RPC mode for tests: under Node, under Bun or compiled, with folders of its own.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createBinary } from "../../../src/agent/binary.js";

export const ROOT = resolve(import.meta.dir, "../../..");
export const CACHE = join(ROOT, "node_modules/.cache/reef");

/** Generous: on a busy machine Node alone needs half a minute to load pi. */
const WAIT_MS = 45_000;

export type Runtime = "node" | "bun" | "compiled";

// biome-ignore lint/suspicious/noExplicitAny: tests look into what pi says.
export type PiLine = { type: string; [field: string]: any };

export interface PiOptions {
  runtime?: Runtime;
  modelUrl: string;
  /** Default: the extension of this repo. */
  extension?: string | false;
  env?: Record<string, string>;
  args?: string[];
}

export interface TestPi {
  pid: number;
  /** A folder that goes when pi is stopped. */
  dir: string;
  lines: PiLine[];
  stderr(): string;
  /** Resolves with the answer's data, rejects with its error. */
  request(command: PiLine): Promise<unknown>;
  /** The first line from `from` on that fits. */
  until(fits: (line: PiLine) => boolean, from?: number): Promise<PiLine>;
  /** Prompts and waits for the end of the loop. Returns the lines in between. */
  prompt(message: string): Promise<PiLine[]>;
  /** Writes a session file into `dir` and switches to it. */
  switchTo(text: string): Promise<void>;
  stop(): Promise<void>;
}

const FLAGS =
  "--mode rpc --no-session --no-extensions --no-skills --no-prompt-templates --no-themes --no-context-files";

export async function startPi(options: PiOptions): Promise<TestPi> {
  const dir = mkdtempSync(join(tmpdir(), "reef-pi-"));
  const agentDir = join(dir, "agent");
  mkdirSync(agentDir);
  mkdirSync(join(dir, "empty"));
  writeFileSync(join(agentDir, "models.json"), JSON.stringify(modelsFor(options.modelUrl)));
  writeFileSync(
    join(agentDir, "settings.json"),
    JSON.stringify({ retry: { baseDelayMs: 50, provider: { maxRetries: 0 } } }),
  );
  const argv = [
    ...(await programFor(options)),
    ...FLAGS.split(" "),
    "--model",
    "recorded/scripted",
    "--thinking",
    "low",
  ];
  const child = Bun.spawn([...argv, ...(options.args ?? [])], {
    cwd: join(dir, "empty"),
    env: { ...baseEnv(dir), PI_CODING_AGENT_DIR: agentDir, PI_OFFLINE: "1", ...options.env },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  const lines: PiLine[] = [];
  const listeners = new Set<() => void>();
  let stderr = "";
  let hasEnded = false;
  void readLines(child.stdout, (line) => {
    lines.push(line);
    for (const listener of listeners) listener();
  }).finally(() => {
    hasEnded = true;
    for (const listener of listeners) listener();
  });
  void readText(child.stderr, (part) => {
    stderr += part;
  });

  function until(fits: (line: PiLine) => boolean, from = 0): Promise<PiLine> {
    return new Promise((done, fail) => {
      let next = from;
      const timer = setTimeout(
        () => settle(() => fail(new Error(`pi did not say it: ${summary(lines)}\n${stderr}`))),
        WAIT_MS,
      );
      const settle = (act: () => void) => {
        clearTimeout(timer);
        listeners.delete(look);
        act();
      };
      const look = () => {
        for (; next < lines.length; next++) {
          const line = lines[next];
          if (line && fits(line)) return settle(() => done(line));
        }
        if (hasEnded) settle(() => fail(new Error(`pi ended: ${summary(lines)}\n${stderr}`)));
      };
      listeners.add(look);
      look();
    });
  }

  let ids = 0;
  async function request(command: PiLine): Promise<unknown> {
    const id = `r${ids++}`;
    child.stdin.write(`${JSON.stringify({ ...command, id })}\n`);
    child.stdin.flush();
    const answer = await until((line) => line.type === "response" && line.id === id);
    if (!answer.success) throw new Error(String(answer.error));
    return answer.data;
  }

  return {
    pid: child.pid,
    dir,
    lines,
    stderr: () => stderr,
    request,
    until,
    async prompt(message) {
      const from = lines.length;
      await request({ type: "prompt", message });
      await until((line) => line.type === "agent_end", from);
      return lines.slice(from);
    },
    async switchTo(text) {
      const sessionPath = join(dir, `session-${ids}.jsonl`);
      writeFileSync(sessionPath, text);
      await request({ type: "switch_session", sessionPath });
    },
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function programFor({ runtime = "bun", extension }: PiOptions): Promise<string[]> {
  const cli = join(ROOT, "node_modules/@mariozechner/pi-coding-agent/dist/cli.js");
  const withExtension = extension === false ? [] : ["-e", extension ?? join(ROOT, "src/extension/index.ts")];
  if (runtime === "node") return [Bun.which("node") ?? "node", cli, ...withExtension];
  if (runtime === "bun") {
    return [process.execPath, "--no-install", "--no-env-file", "--config=/dev/null", cli, ...withExtension];
  }
  return compiledPi();
}

/** Built once for all tests, and again only when its sources change. */
export async function compiledPi(): Promise<string[]> {
  const warn = (...words: unknown[]) => console.error(...words);
  const log = { debug() {}, info() {}, warn, error: warn };
  const binary = createBinary({ cacheDir: CACHE, root: ROOT, log });
  await binary.ready;
  const { argv, kind } = binary.command();
  await binary.close();
  if (kind !== "compiled") throw new Error(binary.status().detail);
  return argv;
}

function modelsFor(baseUrl: string): object {
  const cost = { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 };
  const limits = { contextWindow: 200_000, maxTokens: 8192 };
  const model = {
    id: "scripted",
    name: "Scripted",
    reasoning: true,
    input: ["text", "image"],
    ...limits,
    cost,
  };
  return {
    providers: { recorded: { baseUrl, api: "anthropic-messages", apiKey: "offline", models: [model] } },
  };
}

function baseEnv(dir: string): Record<string, string> {
  return { PATH: process.env.PATH ?? "", HOME: dir, TMPDIR: dir, LANG: "C.UTF-8" };
}

async function readLines(stream: ReadableStream<Uint8Array>, take: (line: PiLine) => void): Promise<void> {
  let rest = "";
  await readText(stream, (part) => {
    const complete = (rest + part).split("\n");
    rest = complete.pop() ?? "";
    for (const line of complete) if (line) take(JSON.parse(line));
  });
}

async function readText(stream: ReadableStream<Uint8Array>, take: (part: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) take(decoder.decode(chunk, { stream: true }));
}

function summary(lines: readonly PiLine[]): string {
  return lines
    .filter((line) => line.type !== "message_update")
    .map((line) => line.type)
    .slice(-40)
    .join(" ");
}
