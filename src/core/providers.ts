// Which variables belong to which model provider, and which model is the default when nobody names one.

export interface Model {
  provider: string;
  id: string;
  /** True when the scripted offline model has to be served for it. */
  offline: boolean;
}

interface Variables {
  /** Secrets, which are redacted wherever they would be stored. */
  keys: readonly string[];
  /** What goes with the keys and is no secret. */
  other?: readonly string[];
}

/** Source: `getApiKeyEnvVars` and `getEnvApiKey` in `env-api-keys.js` of `@mariozechner/pi-ai` 0.73.1. */
const VARIABLES: Readonly<Record<string, Variables>> = {
  anthropic: { keys: ["ANTHROPIC_API_KEY", "ANTHROPIC_OAUTH_TOKEN"] },
  openai: { keys: ["OPENAI_API_KEY"] },
  google: { keys: ["GEMINI_API_KEY"] },
  openrouter: { keys: ["OPENROUTER_API_KEY"] },
  xai: { keys: ["XAI_API_KEY"] },
  groq: { keys: ["GROQ_API_KEY"] },
  mistral: { keys: ["MISTRAL_API_KEY"] },
  deepseek: { keys: ["DEEPSEEK_API_KEY"] },
  "amazon-bedrock": {
    keys: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_BEARER_TOKEN_BEDROCK"],
    other: [
      "AWS_PROFILE",
      "AWS_REGION",
      "AWS_DEFAULT_REGION",
      "AWS_ROLE_ARN",
      "AWS_WEB_IDENTITY_TOKEN_FILE",
      "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
      "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ],
  },
  "azure-openai-responses": {
    keys: ["AZURE_OPENAI_API_KEY"],
    other: [
      "AZURE_OPENAI_BASE_URL",
      "AZURE_OPENAI_RESOURCE_NAME",
      "AZURE_OPENAI_API_VERSION",
      "AZURE_OPENAI_DEPLOYMENT_NAME_MAP",
    ],
  },
  cerebras: { keys: ["CEREBRAS_API_KEY"] },
  "cloudflare-ai-gateway": {
    keys: ["CLOUDFLARE_API_KEY"],
    other: ["CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_GATEWAY_ID"],
  },
  "cloudflare-workers-ai": { keys: ["CLOUDFLARE_API_KEY"], other: ["CLOUDFLARE_ACCOUNT_ID"] },
  fireworks: { keys: ["FIREWORKS_API_KEY"] },
  "github-copilot": { keys: ["COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"] },
  "google-vertex": {
    keys: ["GOOGLE_CLOUD_API_KEY"],
    other: [
      "GOOGLE_APPLICATION_CREDENTIALS",
      "GOOGLE_CLOUD_PROJECT",
      "GCLOUD_PROJECT",
      "GOOGLE_CLOUD_LOCATION",
    ],
  },
  huggingface: { keys: ["HF_TOKEN"] },
  "kimi-coding": { keys: ["KIMI_API_KEY"] },
  minimax: { keys: ["MINIMAX_API_KEY"] },
  "minimax-cn": { keys: ["MINIMAX_CN_API_KEY"] },
  moonshotai: { keys: ["MOONSHOT_API_KEY"] },
  "moonshotai-cn": { keys: ["MOONSHOT_API_KEY"] },
  opencode: { keys: ["OPENCODE_API_KEY"] },
  "opencode-go": { keys: ["OPENCODE_API_KEY"] },
  "vercel-ai-gateway": { keys: ["AI_GATEWAY_API_KEY"] },
  xiaomi: { keys: ["XIAOMI_API_KEY"] },
  "xiaomi-token-plan-ams": { keys: ["XIAOMI_TOKEN_PLAN_AMS_API_KEY"] },
  "xiaomi-token-plan-cn": { keys: ["XIAOMI_TOKEN_PLAN_CN_API_KEY"] },
  "xiaomi-token-plan-sgp": { keys: ["XIAOMI_TOKEN_PLAN_SGP_API_KEY"] },
  zai: { keys: ["ZAI_API_KEY"] },
};

/**
 * The providers that count without `REEF_MODEL`, in this order, with pi's default id for each. Source:
 * `defaultModelPerProvider` in `model-resolver.js` of `@mariozechner/pi-coding-agent` 0.73.1.
 */
const DEFAULTS = [
  { provider: "anthropic", key: "ANTHROPIC_API_KEY", id: "claude-opus-4-7" },
  { provider: "openai", key: "OPENAI_API_KEY", id: "gpt-5.4" },
  { provider: "google", key: "GEMINI_API_KEY", id: "gemini-3.1-pro-preview" },
  { provider: "openrouter", key: "OPENROUTER_API_KEY", id: "moonshotai/kimi-k2.6" },
  { provider: "xai", key: "XAI_API_KEY", id: "grok-4.20-0309-reasoning" },
  { provider: "groq", key: "GROQ_API_KEY", id: "openai/gpt-oss-120b" },
  { provider: "mistral", key: "MISTRAL_API_KEY", id: "devstral-medium-latest" },
  { provider: "deepseek", key: "DEEPSEEK_API_KEY", id: "deepseek-v4-pro" },
] as const;

const OFFLINE: Model = Object.freeze({ provider: "offline", id: "scripted", offline: true });

/** What `REEF_MODELS_FILE` holds, as far as reef looks into it; pi checks the rest. */
export interface ModelsFile {
  providers: Record<string, { apiKey?: string; headers?: Record<string, string>; [key: string]: unknown }>;
}

/** The variables of all providers that are set, by name. */
export interface ProviderVariables {
  providerKeys: Readonly<Record<string, string>>;
  providerSettings: Readonly<Record<string, string>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** `offline`: true = always, false = never, undefined = when nothing else is there. */
export function defaultModel(from: {
  model?: string;
  offline?: boolean;
  keys: Readonly<Record<string, string>>;
}): Model {
  if (from.offline === true) return OFFLINE;
  const found = from.model ? parseModel(from.model) : DEFAULTS.find(({ key }) => from.keys[key]);
  if (!found && from.offline === undefined) return OFFLINE;
  // Without a key and without the offline model, tasks fail with the first provider's own message.
  const { provider, id } = found ?? DEFAULTS[0];
  return { provider, id, offline: provider === OFFLINE.provider && from.offline !== false };
}

/** Splits `provider/id`; the id may hold further slashes. */
export function parseModel(model: string): { provider: string; id: string } {
  const slash = model.indexOf("/");
  return { provider: model.slice(0, slash), id: model.slice(slash + 1) };
}

export function readProviderVariables(env: Environment, models?: ModelsFile): ProviderVariables {
  const all = Object.values(VARIABLES);
  const named = Object.keys(models?.providers ?? {}).flatMap((provider) => namedIn(models, provider));
  return {
    providerKeys: pick(env, [...all.flatMap(({ keys }) => keys), ...named]),
    providerSettings: pick(
      env,
      all.flatMap(({ other }) => other ?? []),
    ),
  };
}

/** What the process of a task of this provider gets of them, and no other provider's key. */
export function providerEnv(
  config: ProviderVariables & { models?: ModelsFile },
  provider: string,
): Record<string, string> {
  const { keys = [], other = [] } = VARIABLES[provider] ?? {};
  return {
    ...pick(config.providerKeys, [...keys, ...namedIn(config.models, provider)]),
    ...pick(config.providerSettings, other),
  };
}

/** In a models file, `apiKey` and header values may be names of variables (pi's `resolveConfigValue`). */
function namedIn(models: ModelsFile | undefined, provider: string): string[] {
  const { apiKey, headers } = models?.providers[provider] ?? {};
  return [apiKey, ...Object.values(headers ?? {})].filter((value) => value !== undefined);
}

function pick(env: Environment, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (env[name]?.trim() ? [[name, env[name]]] : [])));
}
