// Reads the environment once, at start, into a frozen Config. What is malformed refuses the start with one line that
// names the variable, what was expected and what came.
import { readFileSync, statSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { resolve } from "node:path";
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { messageOf } from "./errors.js";
import type { LogLevel } from "./log.js";
import { defaultModel, type Model, type ModelsFile, readProviderVariables } from "./providers.js";
import {
  type Isolate,
  type SettingName,
  type SettingValue,
  settings,
  type TaskScope,
  type Thinking,
} from "./settings.js";

export interface Config {
  port: number;
  /** Undefined: `bindAddress` decides. */
  host?: string;
  /** This and all other folders are absolute. */
  dataDir: string;
  cacheDir: string;
  servicesDir: string;
  /** The services of reef's own package. */
  stockDir: string;
  token?: string;
  systemPrompt: string;
  /** Of tasks that name none. */
  model: Model;
  thinking?: Thinking;
  modelsFile?: string;
  /** What `modelsFile` holds. */
  models?: ModelsFile;
  /** True = always, false = never, undefined = when no provider has a key. */
  offline?: boolean;
  maxConcurrent: number;
  maxQueued: number;
  maxDepth: number;
  warm: number;
  /** 0 = no limit. */
  taskTimeoutSeconds: number;
  taskScopes: readonly TaskScope[];
  /** Names of further variables for tasks; their values are in `baseEnv`. */
  taskEnv: readonly string[];
  isolate: Isolate;
  isolatedMb: number;
  /** Undefined: the starts that ended early decide. */
  safe?: boolean;
  dir: string;
  piPath?: string;
  maxBodyBytes: number;
  allowedHosts: readonly string[];
  fleetHosts: readonly string[];
  shutdownSeconds: number;
  log: LogLevel;
  /** Without a slash at the end, as `apiUrl`. */
  publicUrl?: string;
  /** Addresses and networks (CIDR). */
  trustedProxies: readonly string[];
  /** 0 = never. */
  updatePollMinutes: number;
  updateAutoApply: boolean;
  /** Undefined: what npm is configured with. */
  npmRegistry?: string;
  /** Somebody starts the server again when it ends. */
  supervised: boolean;
  apiUrl?: string;
  vmId?: string;
  /** What the server calls itself among agents. */
  agentName?: string;
  /** Secrets of model providers that are set, by the name of their variable. */
  providerKeys: Readonly<Record<string, string>>;
  /** What goes with them: regions, projects, base URLs. */
  providerSettings: Readonly<Record<string, string>>;
  /** All that a task's process gets of the server's environment, beside its own provider's variables. */
  baseEnv: Readonly<Record<string, string>>;
  /** Set when an operator's own pi folder is to be taken over. */
  piAgentDir?: string;
  anthropicBaseUrl?: string;
}

/** Refuses the start. `message` is the whole line for stderr. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What the documentation lists: every variable, its default and its meaning. */
export const SETTINGS: readonly { name: string; default: string; meaning: string }[] = Object.entries(
  settings,
).map(([name, setting]) => ({ name, default: setting.default, meaning: setting.meaning }));

const ALIASES: Partial<Record<SettingName, string>> = { DATA_DIR: "REEF_DATA_DIR" };

/** A token file and a models file are read whole. */
const FILE_BYTES_MAX = 1_048_576;

const BASE_ENV = new Set(
  [
    ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TERM", "TMPDIR", "VERS_VM_ID"],
    [
      "HTTP_PROXY",
      "HTTPS_PROXY",
      "ALL_PROXY",
      "NO_PROXY",
      "http_proxy",
      "https_proxy",
      "all_proxy",
      "no_proxy",
    ],
    [
      "SSL_CERT_FILE",
      "SSL_CERT_DIR",
      "NODE_EXTRA_CA_CERTS",
      "REQUESTS_CA_BUNDLE",
      "CURL_CA_BUNDLE",
      "GIT_SSL_CAINFO",
    ],
  ].flat(),
);

/** Whatever `REEF_TASK_ENV` says: a task has a token and an address of its own in place of these. */
const NEVER_PASSED = new Set(["VERS_AUTH_TOKEN", "VERS_AUTH_TOKEN_FILE", "VERS_INFRA_URL"]);

const ModelsFileSchema = Type.Object({
  providers: Type.Record(
    Type.String(),
    Type.Object({
      apiKey: Type.Optional(Type.String()),
      headers: Type.Optional(Type.Record(Type.String(), Type.String())),
    }),
  ),
});

/** Reads nothing but `env` and the files that it names, and writes nothing. Throws ConfigError. */
export function readConfig(env: Environment = process.env): Config {
  const get = reader(env);
  const dataDir = resolve(get("DATA_DIR"));
  const modelsFile = get("REEF_MODELS_FILE");
  const models = modelsFile === undefined ? undefined : readModelsFile(modelsFile);
  const variables = readProviderVariables(env, models);
  const offline = onOff(get("REEF_OFFLINE"));
  const taskEnv = get("REEF_TASK_ENV");
  return deepFreeze({
    port: get("PORT"),
    host: get("HOST")?.replace(/^\[(.*)\]$/, "$1"),
    dataDir,
    cacheDir: resolve(get("REEF_CACHE_DIR") ?? `${dataDir}/cache`),
    servicesDir: resolve(get("SERVICES_DIR")),
    stockDir: resolve(import.meta.dirname, "../../services"),
    token: get("VERS_AUTH_TOKEN") ?? readTokenFile(get("VERS_AUTH_TOKEN_FILE")),
    systemPrompt: get("REEF_SYSTEM_PROMPT"),
    model: defaultModel({ model: get("REEF_MODEL"), offline, keys: variables.providerKeys }),
    thinking: get("REEF_THINKING"),
    modelsFile: modelsFile && resolve(modelsFile),
    models,
    offline,
    maxConcurrent: get("REEF_MAX_CONCURRENT"),
    maxQueued: get("REEF_MAX_QUEUED"),
    maxDepth: get("REEF_MAX_DEPTH"),
    warm: get("REEF_WARM"),
    taskTimeoutSeconds: get("REEF_TASK_TIMEOUT_SECONDS"),
    taskScopes: get("REEF_TASK_SCOPES"),
    taskEnv,
    isolate: get("REEF_ISOLATE"),
    isolatedMb: get("REEF_ISOLATED_MB"),
    safe: onOff(get("REEF_SAFE")),
    dir: existingFolder("REEF_DIR", get("REEF_DIR") ?? "."),
    piPath: get("PI_PATH"),
    maxBodyBytes: get("REEF_MAX_BODY_BYTES"),
    allowedHosts: get("REEF_ALLOWED_HOSTS"),
    fleetHosts: get("REEF_FLEET_HOSTS"),
    shutdownSeconds: get("REEF_SHUTDOWN_SECONDS"),
    log: get("REEF_LOG"),
    publicUrl: get("VERS_PUBLIC_URL"),
    trustedProxies: get("TRUSTED_PROXIES"),
    updatePollMinutes: get("UPDATE_POLL_INTERVAL"),
    updateAutoApply: get("UPDATE_AUTO_APPLY") === "true",
    npmRegistry: get("REEF_NPM_REGISTRY"),
    supervised: Boolean(env.NOTIFY_SOCKET?.trim() || env.INVOCATION_ID?.trim()),
    apiUrl: get("VERS_API_URL"),
    vmId: get("VERS_VM_ID"),
    agentName: get("VERS_AGENT_NAME"),
    ...variables,
    baseEnv: baseEnv(env, taskEnv),
    piAgentDir: env.PI_CODING_AGENT_DIR?.trim() || undefined,
    anthropicBaseUrl: env.ANTHROPIC_BASE_URL?.trim() || undefined,
  });
}

/** What to listen on, and the line for stderr where nobody but this machine may call. Throws ConfigError. */
export function bindAddress(
  config: Pick<Config, "token" | "host">,
  ipv6 = hasIpv6(),
): { hostname: string; warning?: string } {
  const { token, host } = config;
  if (token !== undefined) return { hostname: host ?? (ipv6 ? "::" : "0.0.0.0") };
  const hostname = host ?? "127.0.0.1";
  if (!isLoopback(hostname)) {
    throw new ConfigError(
      `reef: HOST=${hostname} needs a token. Set VERS_AUTH_TOKEN or VERS_AUTH_TOKEN_FILE, or use HOST=127.0.0.1.`,
    );
  }
  const warning = `warning: no VERS_AUTH_TOKEN: listening on ${hostname} only, and every program on this machine may call reef`;
  return { hostname, warning };
}

function reader(env: Environment): <K extends SettingName>(name: K) => SettingValue<K> {
  return <K extends SettingName>(name: K) => {
    const setting = settings[name];
    const alias = ALIASES[name];
    const used = alias !== undefined && !env[name]?.trim() ? alias : name;
    const text = env[used]?.trim();
    if (!text) return setting.fallback;
    const value = setting.parse(text);
    if (value === undefined) throw malformed(used, setting.expected, text);
    return value as SettingValue<K>;
  };
}

function malformed(name: string, expected: string, received: string): ConfigError {
  const shown = name === "VERS_AUTH_TOKEN" ? "a value with other characters" : JSON.stringify(received);
  return new ConfigError(`reef: ${name} must be ${expected}. Received: ${shown}`);
}

function onOff(value: "0" | "1" | undefined): boolean | undefined {
  return value === undefined ? undefined : value === "1";
}

function readTokenFile(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const expected = "a readable file that holds the token";
  const token = readTextFile("VERS_AUTH_TOKEN_FILE", path, expected).trim();
  if (settings.VERS_AUTH_TOKEN.parse(token) !== undefined) return token;
  throw malformed("VERS_AUTH_TOKEN_FILE", expected, `${path} (${token === "" ? "empty" : "not a token"})`);
}

function readModelsFile(path: string): ModelsFile {
  const expected = "a readable pi models.json";
  const text = readTextFile("REEF_MODELS_FILE", path, expected);
  const parsed = parseJsonc(text);
  if (parsed instanceof Error) throw malformed("REEF_MODELS_FILE", expected, `${path} (${parsed.message})`);
  if (Value.Check(ModelsFileSchema, parsed)) return parsed as ModelsFile;
  const wrong = Value.Errors(ModelsFileSchema, parsed).First();
  throw malformed("REEF_MODELS_FILE", expected, `${path} (${wrong?.path || "/"}: ${wrong?.message})`);
}

function readTextFile(name: SettingName, path: string, expected: string): string {
  try {
    if (statSync(path).size > FILE_BYTES_MAX) throw new Error(`larger than ${FILE_BYTES_MAX} bytes`);
    return readFileSync(path, "utf8");
  } catch (error) {
    throw malformed(name, expected, `${path} (${messageOf(error)})`);
  }
}

function parseJsonc(text: string): unknown {
  try {
    return Bun.JSONC.parse(text);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function existingFolder(name: SettingName, path: string): string {
  const folder = resolve(path);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return folder;
  throw malformed(name, "an existing folder", path);
}

function baseEnv(env: Environment, taskEnv: readonly string[]): Record<string, string> {
  const passed = (name: string) =>
    (BASE_ENV.has(name) || name.startsWith("LC_") || taskEnv.includes(name)) && !NEVER_PASSED.has(name);
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value?.trim() && passed(name) ? [[name, value]] : [])),
  );
}

function isLoopback(host: string): boolean {
  return host === "::1" || host.toLowerCase() === "localhost" || /^127(\.\d{1,3}){3}$/.test(host);
}

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ family }) => family === "IPv6"),
  );
}

function deepFreeze<T extends object>(value: T): T {
  for (const item of Object.values(value)) if (typeof item === "object" && item !== null) deepFreeze(item);
  return Object.freeze(value);
}
