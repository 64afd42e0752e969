// The table of settings: for each environment variable its default, its meaning, what it accepts and how it is read.
// The README's table is checked against it.
import { isIP } from "node:net";
import type { LogLevel } from "./log.js";

export interface Setting<T> {
  /** As the documentation shows it. */
  readonly default: string;
  readonly meaning: string;
  /** Ends the sentence "<NAME> must be …". */
  readonly expected: string;
  readonly fallback: T;
  /** Undefined for a text that the setting does not accept. The text is trimmed and not empty. */
  parse(text: string): T | undefined;
}

export type Thinking = (typeof THINKING)[number];
export type TaskScope = (typeof SCOPES)[number];
export type Isolate = (typeof ISOLATE)[number];

const THINKING = ["off", "minimal", "low", "medium", "high", "xhigh"] as const;
const SCOPES = ["modules", "submit", "deploy", "admin"] as const;
const ISOLATE = ["agent", "none", "all"] as const;
const LOG_LEVELS = ["debug", "info", "warn", "error"] as const satisfies LogLevel[];
const SWITCH = ["0", "1"] as const;
const TRUE_OR_FALSE = ["true", "false"] as const;

/** 24 days: a timer that is given more milliseconds fires at once. */
const SECONDS_MAX = 2_000_000;
const MINUTES_MAX = 30_000;

export const SYSTEM_PROMPT = `You are a reef agent: you work on the machine of a reef server, and the server is yours to extend.

Every capability of the server is a service: a folder with an index.ts in the services folder. What you find missing you can build: write the folder, with tests beside it, and deploy it with reef_deploy, which tests it and leaves what is live when something fails. Its routes and tools are then live, for you too. Call reef_manifest first to see which services and tools exist and where the folder is.

Work on the task you were given until it is done or you know why it cannot be. Check what you did before you say that it works. Give larger, separate parts to a task of their own with reef_submit. Answer with the result, short and plain.`;

export const settings = {
  PORT: integer({ min: 0, max: 65_535, fallback: 3000, meaning: "Port to listen on; 0 = any free port." }),
  HOST: text(isHost, "an address or a host name", {
    meaning: "Address to bind.",
    default: "all interfaces with a token, else 127.0.0.1",
  }),
  DATA_DIR: path({
    fallback: "./data",
    meaning: "Everything that reef writes; created with mode 0700. `REEF_DATA_DIR` is an alias.",
  }),
  REEF_CACHE_DIR: optionalPath({ meaning: "Holds the compiled pi.", default: "DATA_DIR/cache" }),
  SERVICES_DIR: path({
    fallback: "./services",
    meaning: "Your service folders; created when absent. Stock services come from reef's own package.",
  }),
  VERS_AUTH_TOKEN: text(isToken, "printable ASCII without spaces", { meaning: "The server token." }),
  VERS_AUTH_TOKEN_FILE: optionalPath({
    meaning:
      "File with the token, surrounding white space dropped; used when `VERS_AUTH_TOKEN` is unset. Unreadable or empty refuses the start.",
  }),
  REEF_SYSTEM_PROMPT: {
    ...text(anything, "a text", { meaning: "Content of the `system` node." }),
    default: "built-in, starts `You are a reef agent`",
    fallback: SYSTEM_PROMPT,
  } as Setting<string>,
  REEF_MODEL: text(isModel, "provider/id", {
    meaning:
      "`provider/id` for tasks that name none. Unset: the first provider with a key, in the order ANTHROPIC, OPENAI, GEMINI, OPENROUTER, XAI, GROQ, MISTRAL, DEEPSEEK (their `*_API_KEY`), with pi's default id; else offline.",
    default: "see right",
  }),
  REEF_THINKING: optionalChoice(THINKING, {
    meaning: "`off minimal low medium high xhigh`.",
    default: "pi's default",
  }),
  REEF_MODELS_FILE: optionalPath({
    meaning:
      "A pi `models.json` with further providers or base URLs (a gateway, Ollama, vLLM, a proxy), merged into pi's private folder. Unreadable or malformed refuses the start.",
  }),
  REEF_OFFLINE: optionalChoice(SWITCH, {
    meaning:
      "Unset: without a provider key the scripted offline model is the default. `1`: it always is. `0`: it never is.",
  }),
  REEF_MAX_CONCURRENT: integer({ min: 1, fallback: 8, meaning: "Runs at the same time." }),
  REEF_MAX_QUEUED: integer({ min: 0, fallback: 1000, meaning: "Queued tasks; more are answered 429." }),
  REEF_MAX_DEPTH: integer({ min: 0, fallback: 5, meaning: "How deep tasks may submit tasks." }),
  REEF_WARM: integer({ min: 0, fallback: 2, meaning: "Idle pi processes kept ready; 0 = none." }),
  REEF_TASK_TIMEOUT_SECONDS: integer({
    min: 0,
    max: SECONDS_MAX,
    fallback: 0,
    meaning: "Running time allowed to a turn; 0 = no limit.",
  }),
  REEF_TASK_SCOPES: list(
    isScope,
    `a comma-separated list of ${SCOPES.join(", ")}`,
    ["modules", "submit", "deploy"],
    "What a task token may do: any of `modules submit deploy admin`.",
  ),
  REEF_TASK_ENV: list(
    isVariable,
    "a comma-separated list of variable names",
    [],
    "Further variable names to pass to tasks, comma-separated.",
  ),
  REEF_ISOLATE: choice(ISOLATE, "agent", "Which services run in a process of their own: `agent none all`."),
  REEF_ISOLATED_MB: integer({ min: 1, fallback: 512, meaning: "Memory of one isolated service, in MB." }),
  REEF_SAFE: optionalChoice(SWITCH, {
    meaning:
      "`1` starts with the stock services only, `0` never does. Unset: only after three starts in a row that ended early.",
  }),
  REEF_DIR: optionalPath({ meaning: "Default `cwd` of tasks.", default: "working directory" }),
  PI_PATH: text(anything, "a path or a command", {
    meaning: "pi executable to use instead.",
    default: "the pi that reef builds or finds",
  }),
  REEF_MAX_BODY_BYTES: integer({ min: 1, fallback: 4_194_304, meaning: "Request body limit." }),
  REEF_ALLOWED_HOSTS: list(
    isHost,
    "a comma-separated list of host names",
    [],
    "Further `Host` names accepted without a token, comma-separated.",
  ),
  REEF_FLEET_HOSTS: list(
    isHostAndPort,
    "a comma-separated list of host or host:port",
    [],
    "`host` or `host:port` names that `/installer` may reach although they are private or loopback, comma-separated.",
  ),
  REEF_SHUTDOWN_SECONDS: integer({
    min: 0,
    max: SECONDS_MAX,
    fallback: 10,
    meaning: "Time allowed to the shutdown.",
  }),
  REEF_LOG: choice(LOG_LEVELS, "info", "`debug info warn error`."),
  VERS_PUBLIC_URL: url("Base URL for links; also turns substrate capabilities on."),
  TRUSTED_PROXIES: list(
    isAddressOrNetwork,
    "a comma-separated list of IP addresses or networks (CIDR)",
    [],
    "Addresses or networks of proxies whose `X-Forwarded-*` headers spell links, comma-separated; loopback always is one.",
  ),
  UPDATE_POLL_INTERVAL: integer({
    min: 0,
    max: MINUTES_MAX,
    fallback: 60,
    meaning: "Minutes between looks for a newer reef, by the service `updater`; 0 = never.",
  }),
  UPDATE_AUTO_APPLY: choice(
    TRUE_OR_FALSE,
    "false",
    "`true` applies a newer reef that was found, when no task runs or after 10 minutes.",
  ),
  REEF_NPM_REGISTRY: url(
    "Registry to look for a newer reef in, and to install it from.",
    "what npm is configured with",
  ),
  VERS_API_URL: url("Turns substrate capabilities on."),
  VERS_VM_ID: text(anything, "a text", {
    meaning: "Turns substrate capabilities on; also passed to tasks.",
  }),
  VERS_AGENT_NAME: text(anything, "a text", {
    meaning: "The server's own name in the registry of machines.",
    default: "reef",
  }),
};

export type SettingName = keyof typeof settings;
export type SettingValue<K extends SettingName> = (typeof settings)[K]["fallback"];

function integer(of: { min: number; max?: number; fallback: number; meaning: string }): Setting<number> {
  const { min, max = Number.MAX_SAFE_INTEGER } = of;
  return {
    default: String(of.fallback),
    meaning: of.meaning,
    expected: of.max === undefined ? `an integer of at least ${min}` : `an integer from ${min} to ${max}`,
    fallback: of.fallback,
    parse(input) {
      const value = /^\d+$/.test(input) ? Number(input) : -1;
      return value >= min && value <= max ? value : undefined;
    },
  };
}

function text(
  accepts: (input: string) => boolean,
  expected: string,
  doc: { meaning: string; default?: string },
): Setting<string | undefined> {
  const parse = (input: string) => (accepts(input) ? input : undefined);
  return { default: doc.default ?? "–", meaning: doc.meaning, expected, fallback: undefined, parse };
}

function path(doc: { meaning: string; fallback: string }): Setting<string> {
  return { ...optionalPath(doc), default: doc.fallback, fallback: doc.fallback } as Setting<string>;
}

function optionalPath(doc: { meaning: string; default?: string }): Setting<string | undefined> {
  return text((input) => !input.includes("\0"), "a path", doc);
}

function url(meaning: string, shownDefault?: string): Setting<string | undefined> {
  return {
    ...text(anything, "an http or https URL", { meaning, ...(shownDefault && { default: shownDefault }) }),
    parse(input) {
      const protocol = URL.parse(input)?.protocol;
      return protocol === "http:" || protocol === "https:" ? input.replace(/\/+$/, "") : undefined;
    },
  };
}

function choice<T extends string>(choices: readonly T[], fallback: T, meaning: string): Setting<T> {
  return {
    default: fallback,
    meaning,
    expected: `one of ${choices.join(", ")}`,
    fallback,
    parse: (input) => choices.find((one) => one === input),
  };
}

function optionalChoice<T extends string>(
  choices: readonly [T, ...T[]],
  doc: { meaning: string; default?: string },
): Setting<T | undefined> {
  return { ...choice(choices, choices[0], doc.meaning), default: doc.default ?? "–", fallback: undefined };
}

function list<T extends string>(
  accepts: (item: string) => item is T,
  expected: string,
  fallback: readonly T[],
  meaning: string,
): Setting<readonly T[]>;
function list(
  accepts: (item: string) => boolean,
  expected: string,
  fallback: readonly string[],
  meaning: string,
): Setting<readonly string[]>;
function list(
  accepts: (item: string) => boolean,
  expected: string,
  fallback: readonly string[],
  meaning: string,
): Setting<readonly string[]> {
  return {
    default: fallback.join(",") || "–",
    meaning,
    expected,
    fallback,
    parse(input) {
      const items = input.split(",").map((item) => item.trim());
      const named = items.filter((item) => item !== "");
      return named.every(accepts) ? [...new Set(named)] : undefined;
    },
  };
}

function anything(): boolean {
  return true;
}

function isHost(input: string): boolean {
  return (
    isIP(input.replace(/^\[(.*)\]$/, "$1")) !== 0 ||
    /^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?\.?$/.test(input)
  );
}

function isHostAndPort(input: string): boolean {
  return isHost(input) || isHost(input.replace(/:\d{1,5}$/, ""));
}

function isAddressOrNetwork(input: string): boolean {
  const [address = "", bits, ...rest] = input.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

function isToken(input: string): boolean {
  return /^[\x21-\x7e]+$/.test(input);
}

/** A model id may hold slashes and colons: `openrouter/moonshotai/kimi-k2.6:free`. */
function isModel(input: string): boolean {
  return /^[^/\s]+\/\S+$/.test(input);
}

function isScope(input: string): input is TaskScope {
  return SCOPES.some((scope) => scope === input);
}

function isVariable(input: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(input);
}
