// pi's private agent folder, `DATA_DIR/pi`: written anew at each start, so that what a pi has left in it means nothing.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { messageOf } from "../core/errors.js";

/** pi's `models.json`, as far as it is looked into here. */
export interface Models {
  providers: Record<string, Record<string, unknown>>;
}

export interface AgentDirOptions {
  dataDir: string;
  /** Base URL of the scripted offline model, when it is served. */
  offlineUrl?: string;
  /** Redirects the built-in `anthropic` provider. */
  anthropicBaseUrl?: string;
  /** What `REEF_MODELS_FILE` holds. */
  models?: Models;
  /** The operator's own pi folder, given only when he set `PI_CODING_AGENT_DIR` for the server. */
  operatorDir?: string;
  /** Further pi settings, such as shorter waits before a retry. */
  settings?: Record<string, unknown>;
}

const SETTINGS = {
  retry: { enabled: true },
  compaction: { enabled: true },
  enableInstallTelemetry: false,
};

/** Returns the folder. Throws when the operator's `models.json` cannot be read. */
export function writeAgentDir(options: AgentDirOptions): string {
  const dir = resolve(options.dataDir, "pi");
  const models = modelsOf(options);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  chmodSync(dir, 0o700);
  removeLocks(dir);
  writeJson(join(dir, "settings.json"), { ...SETTINGS, ...options.settings });
  writeJson(join(dir, "models.json"), models);
  takeOverKeys(dir, options.operatorDir);
  return dir;
}

/** Later ones win, field by field: the operator's, the redirect, REEF_MODELS_FILE, and the offline model. */
function modelsOf(options: AgentDirOptions): Models {
  const { operatorDir, anthropicBaseUrl, models, offlineUrl } = options;
  const sources: (Models | undefined)[] = [
    operatorDir === undefined ? undefined : readModels(join(operatorDir, "models.json")),
    anthropicBaseUrl === undefined ? undefined : { providers: { anthropic: { baseUrl: anthropicBaseUrl } } },
    models,
    offlineUrl === undefined ? undefined : { providers: { offline: offlineProvider(offlineUrl) } },
  ];
  const providers: Models["providers"] = {};
  for (const source of sources) {
    for (const [name, provider] of Object.entries(source?.providers ?? {})) {
      providers[name] = { ...providers[name], ...provider };
    }
  }
  return { providers };
}

/** Prices are those of a usual model, so that what a run costs can be seen offline too. */
function offlineProvider(baseUrl: string): Record<string, unknown> {
  const scripted = {
    id: "scripted",
    name: "Scripted",
    reasoning: true,
    input: ["text", "image"],
    // Wide enough that a megabyte of conversation is answered and not summed up.
    contextWindow: 2_000_000,
    maxTokens: 8_192,
    cost: { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 },
  };
  return { baseUrl, api: "anthropic-messages", apiKey: "offline", models: [scripted] };
}

function readModels(path: string): Models | undefined {
  if (!existsSync(path)) return undefined;
  try {
    const models: unknown = Bun.JSONC.parse(readFileSync(path, "utf8"));
    if (isModels(models)) return models;
    throw new Error('expected {"providers": {…}}');
  } catch (error) {
    throw new Error(`${path} is not a pi models.json: ${messageOf(error)}`, { cause: error });
  }
}

function isModels(value: unknown): value is Models {
  if (typeof value !== "object" || value === null || !("providers" in value)) return false;
  const { providers } = value;
  return typeof providers === "object" && providers !== null && Object.values(providers).every(isObject);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A pi that was killed while it held one would make the next wait for it. */
function removeLocks(dir: string): void {
  for (const name of readdirSync(dir)) {
    if (name.endsWith(".lock")) rmSync(join(dir, name), { recursive: true, force: true });
  }
}

/** A link, not a copy: pi renews tokens in place, and a copy would leave the operator with a revoked one. */
function takeOverKeys(dir: string, operatorDir: string | undefined): void {
  const own = join(dir, "auth.json");
  rmSync(own, { force: true });
  const keys = operatorDir === undefined ? undefined : resolve(operatorDir, "auth.json");
  if (keys !== undefined && existsSync(keys)) symlinkSync(keys, own);
}

function writeJson(path: string, value: unknown): void {
  const fresh = `${path}.new`;
  writeFileSync(fresh, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(fresh, path);
}
