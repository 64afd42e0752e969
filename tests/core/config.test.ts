// The settings: their defaults, what they refuse and in which words, and what follows from them.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { bindAddress, ConfigError, readConfig, SETTINGS } from "../../src/core/config.js";
import { providerEnv } from "../../src/core/providers.js";

const folder = mkdtempSync(join(tmpdir(), "reef-config-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function messageFrom(env: Record<string, string>): string {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error("was accepted");
}

test("an empty environment gives the documented defaults (spec §1.2)", () => {
  expect(readConfig({})).toMatchObject({
    port: 3000,
    host: undefined,
    dataDir: resolve("data"),
    cacheDir: resolve("data/cache"),
    servicesDir: resolve("services"),
    stockDir: resolve(import.meta.dir, "../../services"),
    token: undefined,
    model: { provider: "offline", id: "scripted", offline: true },
    thinking: undefined,
    maxConcurrent: 8,
    maxQueued: 1000,
    maxDepth: 5,
    warm: 2,
    taskTimeoutSeconds: 0,
    taskScopes: ["modules", "submit", "deploy"],
    taskEnv: [],
    isolate: "agent",
    isolatedMb: 512,
    safe: undefined,
    dir: resolve("."),
    maxBodyBytes: 4_194_304,
    allowedHosts: [],
    fleetHosts: [],
    shutdownSeconds: 10,
    log: "info",
    providerKeys: {},
    baseEnv: {},
  });
  expect(readConfig({}).systemPrompt).toStartWith("You are a reef agent");
});

test("every setting is documented with its default and its meaning", () => {
  const names = SETTINGS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(SETTINGS.find(({ name }) => name === "PORT")).toEqual({
    name: "PORT",
    default: "3000",
    meaning: "Port to listen on; 0 = any free port.",
  });
  for (const setting of SETTINGS) expect(setting.meaning).toEndWith(".");
});

test("a blank value counts as unset", () => {
  const blank = Object.fromEntries(SETTINGS.map(({ name }) => [name, "  "]));
  expect(readConfig(blank)).toEqual(readConfig({}));
});

test("the config is frozen, lists included", () => {
  const config = readConfig({ PORT: "0" });
  expect(Object.isFrozen(config)).toBe(true);
  expect(Object.isFrozen(config.taskScopes)).toBe(true);
  expect(Object.isFrozen(config.model)).toBe(true);
});

describe("a malformed setting names the variable, what was expected and what came (spec §1.2)", () => {
  const cases: [Record<string, string>, string][] = [
    [{ PORT: "abc" }, 'reef: PORT must be an integer from 0 to 65535. Received: "abc"'],
    [{ PORT: "65536" }, 'reef: PORT must be an integer from 0 to 65535. Received: "65536"'],
    [{ PORT: "-1" }, 'reef: PORT must be an integer from 0 to 65535. Received: "-1"'],
    [{ PORT: "1.5" }, 'reef: PORT must be an integer from 0 to 65535. Received: "1.5"'],
    [{ PORT: "0x10" }, 'reef: PORT must be an integer from 0 to 65535. Received: "0x10"'],
    [{ HOST: "a b" }, 'reef: HOST must be an address or a host name. Received: "a b"'],
    [
      { VERS_AUTH_TOKEN: "two words" },
      "reef: VERS_AUTH_TOKEN must be printable ASCII without spaces. Received: a value with other characters",
    ],
    [{ REEF_MODEL: "claude" }, 'reef: REEF_MODEL must be provider/id. Received: "claude"'],
    [{ REEF_MODEL: "/x" }, 'reef: REEF_MODEL must be provider/id. Received: "/x"'],
    [
      { REEF_THINKING: "max" },
      'reef: REEF_THINKING must be one of off, minimal, low, medium, high, xhigh. Received: "max"',
    ],
    [{ REEF_OFFLINE: "yes" }, 'reef: REEF_OFFLINE must be one of 0, 1. Received: "yes"'],
    [
      { REEF_MAX_CONCURRENT: "0" },
      'reef: REEF_MAX_CONCURRENT must be an integer of at least 1. Received: "0"',
    ],
    [{ REEF_MAX_QUEUED: "-5" }, 'reef: REEF_MAX_QUEUED must be an integer of at least 0. Received: "-5"'],
    [{ REEF_MAX_DEPTH: "deep" }, 'reef: REEF_MAX_DEPTH must be an integer of at least 0. Received: "deep"'],
    [{ REEF_WARM: "2.0" }, 'reef: REEF_WARM must be an integer of at least 0. Received: "2.0"'],
    [
      { REEF_TASK_TIMEOUT_SECONDS: "3000000" },
      'reef: REEF_TASK_TIMEOUT_SECONDS must be an integer from 0 to 2000000. Received: "3000000"',
    ],
    [
      { REEF_TASK_SCOPES: "modules,root" },
      'reef: REEF_TASK_SCOPES must be a comma-separated list of modules, submit, deploy, admin. Received: "modules,root"',
    ],
    [
      { REEF_TASK_ENV: "A-B" },
      'reef: REEF_TASK_ENV must be a comma-separated list of variable names. Received: "A-B"',
    ],
    [{ REEF_ISOLATE: "some" }, 'reef: REEF_ISOLATE must be one of agent, none, all. Received: "some"'],
    [{ REEF_ISOLATED_MB: "0" }, 'reef: REEF_ISOLATED_MB must be an integer of at least 1. Received: "0"'],
    [{ REEF_SAFE: "2" }, 'reef: REEF_SAFE must be one of 0, 1. Received: "2"'],
    [
      { REEF_DIR: "/no/such/folder" },
      'reef: REEF_DIR must be an existing folder. Received: "/no/such/folder"',
    ],
    [
      { REEF_MAX_BODY_BYTES: "4MB" },
      'reef: REEF_MAX_BODY_BYTES must be an integer of at least 1. Received: "4MB"',
    ],
    [
      { REEF_ALLOWED_HOSTS: "a/b" },
      'reef: REEF_ALLOWED_HOSTS must be a comma-separated list of host names. Received: "a/b"',
    ],
    [
      { REEF_FLEET_HOSTS: "a:b" },
      'reef: REEF_FLEET_HOSTS must be a comma-separated list of host or host:port. Received: "a:b"',
    ],
    [
      { REEF_SHUTDOWN_SECONDS: "soon" },
      'reef: REEF_SHUTDOWN_SECONDS must be an integer from 0 to 2000000. Received: "soon"',
    ],
    [{ REEF_LOG: "loud" }, 'reef: REEF_LOG must be one of debug, info, warn, error. Received: "loud"'],
    [
      { VERS_PUBLIC_URL: "reef.example" },
      'reef: VERS_PUBLIC_URL must be an http or https URL. Received: "reef.example"',
    ],
    [
      { VERS_API_URL: "file:///etc" },
      'reef: VERS_API_URL must be an http or https URL. Received: "file:///etc"',
    ],
    [{ REEF_DATA_DIR: "a\0b" }, 'reef: REEF_DATA_DIR must be a path. Received: "a\\u0000b"'],
  ];
  test.each(cases)("%j", (env, message) => expect(messageFrom(env)).toBe(message));
});

test("REEF_DATA_DIR stands in for DATA_DIR, which wins", () => {
  expect(readConfig({ REEF_DATA_DIR: "/a" }).dataDir).toBe("/a");
  expect(readConfig({ REEF_DATA_DIR: "/a", DATA_DIR: "/b" })).toMatchObject({
    dataDir: "/b",
    cacheDir: "/b/cache",
  });
});

test("a token comes from its file when the variable is unset, without the white space around it", () => {
  const path = file("token", "\n  secret-token \n");
  expect(readConfig({ VERS_AUTH_TOKEN_FILE: path }).token).toBe("secret-token");
  expect(readConfig({ VERS_AUTH_TOKEN_FILE: path, VERS_AUTH_TOKEN: "other" }).token).toBe("other");
});

test("an unreadable or empty token file refuses the start", () => {
  const empty = file("empty", " \n");
  expect(messageFrom({ VERS_AUTH_TOKEN_FILE: empty })).toBe(
    `reef: VERS_AUTH_TOKEN_FILE must be a readable file that holds the token. Received: "${empty} (empty)"`,
  );
  expect(messageFrom({ VERS_AUTH_TOKEN_FILE: join(folder, "none") })).toStartWith(
    `reef: VERS_AUTH_TOKEN_FILE must be a readable file that holds the token. Received: "${join(folder, "none")} (ENOENT`,
  );
});

describe("the default model (spec §1.2)", () => {
  const all = {
    ANTHROPIC_API_KEY: "k",
    OPENAI_API_KEY: "k",
    GEMINI_API_KEY: "k",
    OPENROUTER_API_KEY: "k",
    XAI_API_KEY: "k",
    GROQ_API_KEY: "k",
    MISTRAL_API_KEY: "k",
    DEEPSEEK_API_KEY: "k",
  };
  const order = ["anthropic", "openai", "google", "openrouter", "xai", "groq", "mistral", "deepseek"];

  test("is that of the first provider with a key", () => {
    const keys = Object.entries(all);
    for (const [i, provider] of order.entries()) {
      const { model } = readConfig(Object.fromEntries(keys.slice(i)));
      expect(model).toMatchObject({ provider, offline: false });
    }
  });

  test("has the id that pi itself takes for the provider", async () => {
    const resolver = "../../node_modules/@mariozechner/pi-coding-agent/dist/core/model-resolver.js";
    const { defaultModelPerProvider } = await import(resolver);
    for (const [i, provider] of order.entries()) {
      const key = Object.keys(all)[i] ?? "";
      expect(readConfig({ [key]: "k" }).model.id).toBe(defaultModelPerProvider[provider]);
    }
  });

  test("is REEF_MODEL where that is set, slashes in the id included", () => {
    const env = { ...all, REEF_MODEL: "openrouter/moonshotai/kimi-k2.6:free" };
    expect(readConfig(env).model).toEqual({
      provider: "openrouter",
      id: "moonshotai/kimi-k2.6:free",
      offline: false,
    });
  });

  test("is offline without a key, and a key of another kind does not count", () => {
    expect(readConfig({ GH_TOKEN: "x", ANTHROPIC_OAUTH_TOKEN: "x" }).model.provider).toBe("offline");
  });

  test("is always offline with REEF_OFFLINE=1 and never with 0", () => {
    const offline = { provider: "offline", id: "scripted", offline: true };
    expect(readConfig({ ...all, REEF_MODEL: "openai/x", REEF_OFFLINE: "1" }).model).toEqual(offline);
    expect(readConfig({ REEF_OFFLINE: "0" }).model).toMatchObject({ provider: "anthropic", offline: false });
    expect(readConfig({ REEF_MODEL: "offline/scripted" }).model).toEqual(offline);
    expect(readConfig({ REEF_MODEL: "offline/scripted", REEF_OFFLINE: "0" }).model.offline).toBe(false);
  });
});

describe("REEF_MODELS_FILE", () => {
  test("may hold comments and trailing commas, and names the keys of its providers", () => {
    const path = file(
      "models.json",
      '{ // gateway\n "providers": { "gw": { "apiKey": "GW_KEY", "headers": {"x": "GW_HEADER",}, }, }, }',
    );
    const config = readConfig({
      REEF_MODELS_FILE: path,
      GW_KEY: "gw-secret",
      GW_HEADER: "h",
      OPENAI_API_KEY: "o",
    });
    expect(config.modelsFile).toBe(path);
    expect(config.models?.providers.gw).toEqual({ apiKey: "GW_KEY", headers: { x: "GW_HEADER" } });
    expect(providerEnv(config, "gw")).toEqual({ GW_KEY: "gw-secret", GW_HEADER: "h" });
    expect(providerEnv(config, "openai")).toEqual({ OPENAI_API_KEY: "o" });
  });

  test.each([
    ["none.json", undefined, "ENOENT"],
    ["broken.json", "{", "broken.json ("],
    ["list.json", "[]", "list.json (/"],
    ["empty.json", "{}", "/providers"],
    ["wrong.json", '{"providers": {"a": {"apiKey": 5}}}', "/providers/a/apiKey"],
  ])("%s refuses the start", (name, content, detail) => {
    const path = content === undefined ? join(folder, name) : file(name, content);
    const message = messageFrom({ REEF_MODELS_FILE: path });
    expect(message).toStartWith(
      `reef: REEF_MODELS_FILE must be a readable pi models.json. Received: "${path} (`,
    );
    expect(message).toContain(detail);
    expect(message).not.toContain("\n");
  });
});

test("a task gets what the allow-list names of the environment, and nothing else (spec §1.2)", () => {
  const allowed = {
    PATH: "/bin",
    HOME: "/h",
    LC_ALL: "C",
    TZ: "UTC",
    https_proxy: "p",
    NODE_EXTRA_CA_CERTS: "c",
    VERS_VM_ID: "vm",
  };
  const env = {
    ...allowed,
    EXTRA: "x",
    VERS_AUTH_TOKEN: "server-token",
    VERS_INFRA_URL: "http://elsewhere",
    OPENAI_API_KEY: "o",
    SECRET: "s",
    REEF_TASK_ENV: "EXTRA, VERS_AUTH_TOKEN, VERS_INFRA_URL",
  };
  expect(readConfig(env).baseEnv).toEqual({ ...allowed, EXTRA: "x" });
});

test("a provider's process gets its own variables only, and what is no secret is kept apart", () => {
  const env = {
    AWS_ACCESS_KEY_ID: "id",
    AWS_SECRET_ACCESS_KEY: "key",
    AWS_REGION: "eu-west-1",
    XAI_API_KEY: "x",
  };
  const config = readConfig(env);
  expect(config.providerKeys).toEqual({
    AWS_ACCESS_KEY_ID: "id",
    AWS_SECRET_ACCESS_KEY: "key",
    XAI_API_KEY: "x",
  });
  expect(config.providerSettings).toEqual({ AWS_REGION: "eu-west-1" });
  expect(providerEnv(config, "amazon-bedrock")).toEqual({
    AWS_ACCESS_KEY_ID: "id",
    AWS_SECRET_ACCESS_KEY: "key",
    AWS_REGION: "eu-west-1",
  });
  expect(providerEnv(config, "unknown")).toEqual({});
});

test("base URLs lose the slash at their end, and REEF_DIR becomes absolute", () => {
  mkdirSync(join(folder, "work"));
  const config = readConfig({
    VERS_PUBLIC_URL: "https://reef.example/x/",
    REEF_DIR: join(folder, "work", "..", "work"),
  });
  expect(config).toMatchObject({ publicUrl: "https://reef.example/x", dir: join(folder, "work") });
});

describe("what reef binds (spec §1.3)", () => {
  const warning =
    "warning: no VERS_AUTH_TOKEN: listening on 127.0.0.1 only, and every program on this machine may call reef";

  test("with a token all interfaces, or the given address", () => {
    expect(bindAddress({ token: "t" }, true)).toEqual({ hostname: "::" });
    expect(bindAddress({ token: "t" }, false)).toEqual({ hostname: "0.0.0.0" });
    expect(bindAddress({ token: "t", host: "10.0.0.1" }, true)).toEqual({ hostname: "10.0.0.1" });
  });

  test("without a token loopback only, with a warning", () => {
    expect(bindAddress({})).toEqual({ hostname: "127.0.0.1", warning });
    for (const host of ["localhost", "127.0.0.1", "127.8.9.10", "::1"]) {
      expect(bindAddress({ host })).toEqual({ hostname: host, warning: warning.replace("127.0.0.1", host) });
    }
  });

  test.each(["0.0.0.0", "::", "192.168.1.5", "reef.example", "127.evil.example"])(
    "HOST=%s needs a token",
    (host) => {
      expect(() => bindAddress({ host })).toThrow(
        new ConfigError(
          `reef: HOST=${host} needs a token. Set VERS_AUTH_TOKEN or VERS_AUTH_TOKEN_FILE, or use HOST=127.0.0.1.`,
        ),
      );
    },
  );

  test("an IPv6 address may stand in brackets", () => {
    expect(readConfig({ HOST: "[::1]" }).host).toBe("::1");
  });
});
