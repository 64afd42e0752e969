// The composition root: the only file that knows everything. It starts reef in the order that keeps every promise, and
// takes it down in reverse.
import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { writeAgentDir } from "./agent/agentdir.js";
import { createBinary } from "./agent/binary.js";
import { piEnv } from "./agent/env.js";
import { createPool, type Pool } from "./agent/pool.js";
import { reapStrays } from "./agent/reaper.js";
import { agentSession } from "./core/agent-session.js";
import { beginBoot } from "./core/boot.js";
import { createCallerClient } from "./core/caller-client.js";
import { causeWith } from "./core/cause.js";
import { bindAddress, type Config, readConfig } from "./core/config.js";
import { messageOf } from "./core/errors.js";
import { lockDataDir } from "./core/lock.js";
import { createLog, type Logger } from "./core/log.js";
import { providerEnv } from "./core/providers.js";
import { createRedactor, type Redactor } from "./core/redact.js";
import { createScope, type Scope } from "./core/scope.js";
import { serve } from "./core/serve.js";
import { createServer, type Kernel, type ReefServer } from "./core/server.js";
import { within } from "./core/within.js";
import { createMcpModule } from "./mcp/index.js";
import { startOfflineModel } from "./offline/server.js";
import { createReefModule, recordEvent } from "./reef/index.js";
import { createModuleCauses } from "./reef/module-causes.js";
import { createEventStream, type EventStream } from "./reef/stream.js";
import { type Callers, createCallers } from "./tasks/callers.js";
import { createSlots } from "./tasks/slots.js";
import { type TaskState, taskProjection } from "./tasks/status.js";
import { createTasks, type Tasks } from "./tasks/tasks.js";
import { createTaskTokens, type TaskTokens } from "./tasks/tokens.js";
import { openSearch, type Search } from "./tree/search.js";
import { openTree, type Tree } from "./tree/tree.js";
import { watchServices } from "./watch.js";

const ROOT = resolve(import.meta.dirname, "..");
const SKILLS_DIR = join(ROOT, "skills");
/** Silence of pi after which a run is given up. */
const PI_SILENT_MS = 600_000;
/** A terminal and a wrapper such as npx may each pass the same Ctrl-C on. */
const SAME_INTERRUPT_MS = 500;
/** What pi itself takes when nobody says; given explicitly, so that an idle process has the level of the next task. */
const PI_THINKING = "medium";

/** What stands before any module does. */
interface Ground {
  config: Config;
  scope: Scope;
  log: Logger;
  redactor: Redactor;
  tree: Tree<TaskState>;
  search: Search;
  stream: EventStream;
  moduleCause: ReturnType<typeof createModuleCauses>;
  tokens: TaskTokens;
  serverId: string;
  /** Filled once the port is known; no task runs before. */
  pool: { current?: Pool };
}

/** What the built-in module is made of, and what stands with it. */
interface Policy {
  tasks: Tasks;
  callers: Callers;
}

interface Life {
  stopping: AbortController;
  stopAccepting(): void;
  /** Lets the requests in that came while unfinished tasks were taken up again: those go before new work. */
  open(): void;
}

/** Starts the server and resolves when it runs; a signal ends it. A start that cannot be ends the process with 1. */
export async function main({ watch = false } = {}): Promise<void> {
  const state: Life = { stopping: new AbortController(), stopAccepting: () => {}, open: () => {} };
  let scope: Scope | undefined;
  try {
    const config = readConfig();
    const { hostname, warning } = bindAddress(config);
    const redactor = secretsOf(config);
    const log = createLog({ level: config.log, redact: redactor.text });
    scope = createScope(log());
    const stop = stopper(scope, config, log, state);
    if (warning) process.stderr.write(`${warning}\n`);
    const ground = await openGround({ config, scope, log, redactor });
    const boot = beginBoot(config.dataDir, config.safe);
    scope.add("dispose", "boot", boot.stopped);
    const { server, policy } = await loadModules(ground, state, boot.hold);
    scope.add("dispose", "modules", server.close);
    const url = bind(ground, server, hostname, state);
    await openAgents(ground, url);
    scope.add("dispose", "tasks", policy.tasks.close);
    process.once("SIGTERM", stop).once("SIGINT", stop);
    announce(config, server, url);
    boot.running();
    if (boot.hold) log().warn(`stock services only: ${boot.hold}; POST /services/reload loads the others`);
    await policy.tasks.resume();
    state.open();
    if (watch) scope.add("dispose", "watch", await watchServices(config.servicesDir, server));
  } catch (error) {
    await scope?.undo();
    process.stderr.write(`${lineOf(error)}\n`);
    process.exit(1);
  }
}

function lineOf(error: unknown): string {
  const message = messageOf(error).split("\n")[0] ?? "";
  return message.startsWith("reef: ") ? message : `reef: ${message}`;
}

function secretsOf(config: Config): Redactor {
  const redactor = createRedactor();
  if (config.token !== undefined) redactor.add("VERS_AUTH_TOKEN", config.token);
  for (const [name, value] of Object.entries(config.providerKeys)) redactor.add(name, value);
  return redactor;
}

async function openGround(base: Pick<Ground, "config" | "scope" | "log" | "redactor">): Promise<Ground> {
  const { config, scope, log, redactor } = base;
  const { dataDir } = config;
  const lock = lockDataDir(dataDir);
  scope.add("dispose", "lock", lock.release);
  mkdirSync(config.servicesDir, { recursive: true });
  const tree = await openTree({
    dir: dataDir,
    projection: taskProjection,
    systemPrompt: config.systemPrompt,
    redact: redactor.value,
    log: log("tree"),
  });
  scope.add("dispose", "tree", () => tree.close());
  const search = await openSearch({ dir: dataDir, tree, log: log("search") });
  scope.add("dispose", "search", () => search.close());
  const serverId = serverIdOf(dataDir);
  await reapStrays({ dataDir, serverId, log: log("agent") });
  const stream = createEventStream(tree, log("events"));
  const moduleCause = createModuleCauses(tree);
  return { ...base, tree, search, stream, moduleCause, tokens: createTaskTokens(), serverId, pool: {} };
}

/** Made once for each DATA_DIR, so that two servers on a machine never touch each other's processes. */
function serverIdOf(dataDir: string): string {
  const file = join(dataDir, "server-id");
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    if ((error as { code?: string }).code !== "ENOENT") throw error;
    const id = randomUUID();
    writeFileSync(file, `${id}\n`, { mode: 0o600 });
    return id;
  }
}

async function loadModules(
  ground: Ground,
  state: Life,
  hold: string | undefined,
): Promise<{ server: ReefServer; policy: Policy }> {
  const { config, tree, log, pool } = ground;
  let policy: Policy | undefined;
  const server = await createServer({
    config,
    log,
    hold,
    resolveToken: (token) => ground.tokens.resolve(token) ?? undefined,
    resolveCause: (header, caller, isRead) =>
      policy?.callers.causeOf(caller, header ?? undefined, isRead) ?? null,
    record: (event) => recordNow(ground, event),
    builtIns: (kernel) => {
      policy = createPolicy(ground, kernel);
      const stopping = state.stopping.signal;
      const mcp = createMcpModule({ kernel, skillsDir: SKILLS_DIR, stopping, now: Date.now });
      return [reefModule(ground, kernel, policy), mcp];
    },
    ready: () => ({
      stopping: state.stopping.signal.aborted,
      checks: { tree: tree.healthy(), agent: pool.current?.status() ?? { ok: false, detail: "starting" } },
    }),
    version: () => {
      const { version, path } = pool.current?.status() ?? {};
      return version && path ? { version, path } : null;
    },
  });
  if (!policy) throw new Error("The built-in module was not made.");
  process.on("unhandledRejection", (error) => fault(server, error));
  process.on("uncaughtException", (error) => fault(server, error));
  tree.subscribe((nodes) => {
    for (const node of nodes) server.events.fire("reef:node", node);
  });
  return { server, policy };
}

function recordNow({ tree, moduleCause }: Ground, event: unknown) {
  const { causeId, module } = causeWith({});
  return recordEvent(tree, event, { causeId, module, moduleCauseId: moduleCause(module) });
}

/** Nothing that a module does outside a request ends the server. */
function fault({ registry, log }: ReefServer, error: unknown): void {
  log(registry.fault(error)).error("a fault outside any request:", error);
}

function createPolicy(ground: Ground, kernel: Kernel): Policy {
  const { config, tree, log, redactor, stream, tokens, pool } = ground;
  const tasks = createTasks({
    tree,
    slots: createSlots(config.maxConcurrent),
    pool: {
      take: async (need) => {
        if (!pool.current) throw new Error("reef is starting");
        return pool.current.take(need);
      },
    },
    log: log("tasks"),
    live: { send: stream.send, redact: redactor.value, redactStream: redactor.stream },
    now: Date.now,
    cwd: config.dir,
    model: config.model,
    thinking: config.thinking ?? PI_THINKING,
    idleMs: PI_SILENT_MS,
    maxQueued: config.maxQueued,
    timeoutSeconds: config.taskTimeoutSeconds,
    rules: { maxDepth: config.maxDepth, scopes: [...config.taskScopes] },
    toolsVersion: () => kernel.tools.version,
    bindToken: (token, caller) => {
      const undo = [tokens.bind(token, caller), redactor.add("VERS_AUTH_TOKEN", token)];
      return () => {
        for (const one of undo) one();
      };
    },
    observe: ({ agentName: name, runId: sessionId, taskId, newestNode }) =>
      kernel.behaviors.openSession(
        agentSession(kernel, { name, vmId: config.vmId, sessionId, taskId, newestNode }),
      ),
  });
  return { tasks, callers: createCallers(tree, tasks) };
}

function reefModule(ground: Ground, kernel: Kernel, { tasks, callers }: Policy) {
  const { config, tree, search, stream, log, redactor } = ground;
  return createReefModule({
    tree,
    search,
    tasks,
    callers,
    stream,
    log: log("reef"),
    record: (event) => recordNow(ground, event),
    redact: redactor.value,
    tools: {
      list: () => kernel.tools.list(),
      check: (name, params) => kernel.tools.check(name, params),
      run: kernel.runTool,
      get version() {
        return kernel.tools.version;
      },
    },
    client: createCallerClient({ fetch: kernel.fetch, baseUrl: kernel.baseUrl }),
    openSession: (agent) => kernel.behaviors.openSession(agentSession(kernel, agent)),
    modules: () => [...kernel.registry.live.values()].map(({ module }) => module),
    capabilities: () => [...kernel.registry.live.values()].flatMap(({ module }) => module.capabilities ?? []),
    servicesDir: config.servicesDir,
    baseUrl: kernel.baseUrl,
    now: Date.now,
  });
}

/** Binds the port, now that everything is there to answer. Returns the URL under which this machine reaches it. */
function bind({ config, scope, stream }: Ground, server: ReefServer, hostname: string, state: Life): string {
  const opened = Promise.withResolvers<void>();
  const http = serve(config, hostname, async (request, connection) => {
    await opened.promise;
    return server.app.fetch(request, connection);
  });
  scope.add("dispose", "port", () => http.stop(true));
  state.open = () => {
    opened.resolve();
    http.reload({ fetch: server.app.fetch });
  };
  state.stopAccepting = () => {
    void http.stop();
    stream.close();
    server.events.fire("reef:stopping");
  };
  const reached =
    hostname === "::" || hostname === "0.0.0.0" || hostname === "localhost" ? "127.0.0.1" : hostname;
  const url = `http://${reached.includes(":") ? `[${reached}]` : reached}:${http.port}`;
  server.listening(url);
  return url;
}

/** The pi executable, its private folder, the offline model when no other is there, and the warm processes. */
async function openAgents({ config, scope, log, pool, serverId }: Ground, url: string): Promise<void> {
  const offline = config.model.offline ? startOfflineModel() : undefined;
  if (offline) scope.add("dispose", "offline model", offline.stop);
  const agentDir = writeAgentDir({
    dataDir: config.dataDir,
    offlineUrl: offline?.url,
    anthropicBaseUrl: config.anthropicBaseUrl,
    models: config.models,
    operatorDir: config.piAgentDir,
  });
  const binary = createBinary({
    piPath: config.piPath,
    env: { ...config.baseEnv },
    cacheDir: config.cacheDir,
    log: log("agent"),
    root: ROOT,
  });
  scope.add("dispose", "pi build", binary.close);
  const { dataDir, servicesDir, taskEnv, warm, model, thinking, baseEnv } = config;
  pool.current = createPool({
    binary,
    model: { provider: model.provider, id: model.id, thinking: thinking ?? PI_THINKING },
    warm,
    env: (provider) =>
      piEnv({
        base: baseEnv,
        provider: providerEnv(config, provider),
        agentDir,
        infraUrl: url,
        servicesDir,
        taskEnv,
      }),
    runDir: join(dataDir, "run"),
    serverId,
    log: log("agent"),
  });
  scope.add("dispose", "warm pi processes", pool.current.close);
}

function announce(config: Config, server: ReefServer, url: string): void {
  const lines = ["mode: agent"];
  if (config.model.offline) {
    lines.push(`model: offline (${config.offline ? "REEF_OFFLINE=1" : "no provider key found"})`);
  }
  const modules = [...server.liveModules.values()].filter(({ routes }) => routes);
  const place = ({ name }: { name: string }) => (name === "reef" ? "\uffff" : name);
  modules.sort((a, b) => (place(a) < place(b) ? -1 : 1));
  lines.push(
    "services:",
    ...modules.map(({ name, description }) => `  /${name}${description ? ` — ${description}` : ""}`),
  );
  lines.push(`reef running on :${new URL(url).port || 80}`);
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** The first signal takes everything down in the time allowed, the second ends the process at once. */
function stopper(scope: Scope, config: Config, log: Logger, state: Life): () => Promise<void> {
  return async () => {
    state.stopping.abort();
    state.stopAccepting();
    const since = performance.now();
    const again = () => performance.now() - since < SAME_INTERRUPT_MS || process.exit(1);
    process.on("SIGTERM", again).on("SIGINT", again);
    try {
      await within(config.shutdownSeconds * 1000, () => scope.undo());
    } catch (error) {
      log().error("the shutdown was cut short:", error);
    }
    process.exit(0);
  };
}

if (import.meta.main) await main({ watch: process.argv.includes("--watch") });
