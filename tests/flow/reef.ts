// A real reef for the tests of the whole path: its own process, its own DATA_DIR, the real pi, the offline model.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { TreeNode } from "../../src/tree/node.js";

export const ROOT = resolve(import.meta.dir, "../..");
/** Shared by all tests, so that pi is compiled once for a version of the code. */
export const CACHE_DIR = join(ROOT, "node_modules/.cache/reef");
const START_MS = 30_000;
const STOP_MS = 15_000;
const LAST_WORDS_MS = 2_000;

export interface Reef {
  readonly url: string;
  readonly pid: number;
  readonly dataDir: string;
  readonly servicesDir: string;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** JSON in, JSON out; a refusal rejects with its status and text. */
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects by looking at it.
  api<T = any>(method: string, path: string, body?: unknown): Promise<T>;
  submit(body: string | Record<string, unknown>): Promise<Submitted>;
  /** Waits until a task is over. */
  over(name: string): Promise<Task>;
  /** Waits until a condition over the nodes of a task holds. */
  until(name: string, holds: (nodes: TreeNode[], task: Task) => boolean): Promise<Task>;
  /** All nodes, oldest first. */
  nodes(): Promise<TreeNode[]>;
  /** What the offline model was asked, oldest first. */
  modelRequests(): Promise<ModelRequest[]>;
  output(): string;
  /** SIGTERM, awaited. Returns the exit code. */
  stop(): Promise<number>;
  /** SIGKILL, awaited. */
  kill(): Promise<void>;
  /** The same DATA_DIR again, after `stop` or `kill`. */
  restart(env?: Record<string, string>): Promise<Reef>;
}

export interface Submitted {
  id: string;
  status: string;
  prompt: string;
  nodeId: string;
  parentId: string;
  seq: number;
}

export interface Task {
  name: string;
  status: string;
  leafId: string;
  nodeId: string;
  attempt: number;
  pending: string[];
  artifacts?: { summary: string; error?: string; filesChanged: string[] };
  usage: { cost: number; totalTokens: number };
  nodes: TreeNode[];
}

export interface ModelRequest {
  body: { system?: unknown; messages: { role: string; content: unknown }[]; tools?: { name: string }[] };
  headers: Record<string, string>;
}

export interface ReefOptions {
  env?: Record<string, string>;
  dataDir?: string;
  servicesDir?: string;
  token?: string;
  args?: string[];
}

const running = new Set<{ stop(): Promise<number> }>();
const folders = new Set<string>();

/** For `afterAll`: ends every server and removes every folder of this file. */
export async function cleanUp(): Promise<void> {
  await Promise.all([...running].map((reef) => reef.stop()));
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  folders.clear();
}

export function temporaryFolder(name = "reef-flow-"): string {
  const folder = mkdtempSync(join(tmpdir(), name));
  folders.add(folder);
  return folder;
}

export async function startReef(options: ReefOptions = {}): Promise<Reef> {
  const dataDir = options.dataDir ?? temporaryFolder();
  const servicesDir = options.servicesDir ?? join(dataDir, "services");
  const env = { ...baseEnv(), DATA_DIR: dataDir, SERVICES_DIR: servicesDir, ...options.env };
  if (options.token) Object.assign(env, { VERS_AUTH_TOKEN: options.token });
  const child = Bun.spawn([process.execPath, "--no-install", "src/main.ts", ...(options.args ?? [])], {
    cwd: ROOT,
    env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const log = collect(child.stdout, child.stderr);
  const port = await withLimit(log.found(/reef running on :(\d+)/), START_MS, child, log);
  return handle(child, `http://127.0.0.1:${port}`, log.text, { ...options, dataDir, servicesDir });
}

function baseEnv(): Record<string, string> {
  const { PATH = "", HOME = "", LANG = "C.UTF-8" } = process.env;
  return { PATH, HOME, LANG, PORT: "0", REEF_CACHE_DIR: CACHE_DIR };
}

type Child = Bun.Subprocess<"ignore", "pipe", "pipe">;

function handle(
  child: Child,
  url: string,
  output: () => string,
  options: Required<Pick<ReefOptions, "dataDir" | "servicesDir">> & ReefOptions,
): Reef {
  const auth = options.token ? { Authorization: `Bearer ${options.token}` } : undefined;
  const call = (path: string, init: RequestInit = {}) =>
    fetch(url + path, { ...init, headers: { ...auth, ...(init.headers as Record<string, string>) } });

  async function api<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await call(path, { method, ...(body !== undefined && { body: JSON.stringify(body) }) });
    const text = await response.text();
    if (!response.ok)
      throw Object.assign(new Error(`${method} ${path} (${response.status}): ${text}`), {
        status: response.status,
      });
    return JSON.parse(text);
  }

  async function until(name: string, holds: (nodes: TreeNode[], task: Task) => boolean): Promise<Task> {
    const deadline = Date.now() + START_MS;
    for (;;) {
      const task = await api<Task>("GET", `/reef/tasks/${name}`);
      if (holds(task.nodes, task)) return task;
      if (Date.now() > deadline)
        throw new Error(`'${name}' did not get there: ${JSON.stringify(task, null, 1)}\n${output()}`);
      await Bun.sleep(20);
    }
  }

  async function end(signal: "SIGTERM" | "SIGKILL"): Promise<number> {
    running.delete(reef);
    child.kill(signal);
    const late = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    const code = await child.exited;
    clearTimeout(late);
    return code;
  }

  const reef: Reef = {
    url,
    pid: child.pid,
    dataDir: options.dataDir,
    servicesDir: options.servicesDir,
    fetch: call,
    api,
    submit: (body) => api("POST", "/reef/submit", typeof body === "string" ? { task: body } : body),
    async over(name) {
      for (let tries = 0; tries < 3; tries++) {
        const task = await api<Task>("GET", `/reef/tasks/${name}?wait=30`);
        if (["done", "error", "cancelled"].includes(task.status)) return task;
      }
      throw new Error(`'${name}' is not over:\n${output()}`);
    },
    until,
    async nodes() {
      const tree = await api<{ nodes: Record<string, TreeNode> }>("GET", "/reef/tree");
      return Object.values(tree.nodes).sort((a, b) => a.seq - b.seq);
    },
    async modelRequests() {
      const models = JSON.parse(readFileSync(join(options.dataDir, "pi/models.json"), "utf8"));
      const response = await fetch(`${models.providers.offline.baseUrl}/requests?last=100`);
      const { requests } = (await response.json()) as { requests: ModelRequest[] };
      return requests;
    },
    output,
    stop: () => end("SIGTERM"),
    kill: async () => void (await end("SIGKILL")),
    restart: (more) => startReef({ ...options, env: { ...options.env, ...more } }),
  };
  running.add(reef);
  return reef;
}

function collect(...streams: ReadableStream<Uint8Array>[]) {
  let text = "";
  const waiting = new Set<() => void>();
  const ended = Promise.all(streams.map(read));

  async function read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      text += decoder.decode(chunk, { stream: true });
      for (const look of waiting) look();
    }
  }

  function found(pattern: RegExp): Promise<string> {
    return new Promise((resolve) => {
      const look = () => {
        const match = pattern.exec(text);
        if (match) resolve(match[1] ?? "");
      };
      waiting.add(look);
      look();
    });
  }
  return { text: () => text, found, ended };
}

type Output = ReturnType<typeof collect>;

async function withLimit<T>(work: Promise<T>, ms: number, child: Child, log: Output): Promise<T> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => limit.reject(new Error(`reef did not start in ${ms} ms:\n${log.text()}`)),
    ms,
  );
  const early = child.exited.then(async (code) => {
    // What it said last may come after its end, and a process that it left behind may hold the pipe open.
    await Promise.race([log.ended, Bun.sleep(LAST_WORDS_MS)]);
    throw new Error(`reef ended with ${code}:\n${log.text()}`);
  });
  try {
    return await Promise.race([work, limit.promise, early]);
  } finally {
    clearTimeout(timer);
    early.catch(() => undefined);
  }
}

/** Processes that carry the run tag of this server's DATA_DIR, or whose command line holds `text`. */
export function processesWith(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter(
      (pid) =>
        pid !== process.pid &&
        (read(`/proc/${pid}/environ`).includes(text) || read(`/proc/${pid}/cmdline`).includes(text)),
    );
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8").replaceAll("\0", " ");
  } catch {
    // It ended meanwhile.
    return "";
  }
}
