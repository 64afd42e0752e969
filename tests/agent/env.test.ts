// The environment and the command line of a pi process.
import { describe, expect, test } from "bun:test";
import { piEnv } from "../../src/agent/env.js";
import { piFlags } from "../../src/agent/flags.js";

const surroundings = {
  base: { PATH: "/bin", HOME: "/home/a", EXTRA: "1" },
  provider: { ANTHROPIC_API_KEY: "sk-secret" },
  agentDir: "/data/pi",
  infraUrl: "http://127.0.0.1:3000",
  servicesDir: "/services",
  taskEnv: ["EXTRA"],
};

describe("the environment of pi", () => {
  test("is exactly what is listed (spec §1.2, pi §17.3)", () => {
    expect(piEnv(surroundings)).toEqual({
      PATH: "/bin",
      HOME: "/home/a",
      EXTRA: "1",
      ANTHROPIC_API_KEY: "sk-secret",
      PI_CODING_AGENT_DIR: "/data/pi",
      PI_OFFLINE: "1",
      PI_TELEMETRY: "0",
      PI_SKIP_VERSION_CHECK: "1",
      VERS_INFRA_URL: "http://127.0.0.1:3000",
      VERS_AGENT_ROLE: "worker",
      REEF_SERVICES_DIR: "/services",
      REEF_TASK_ENV: "EXTRA",
    });
  });

  test("names this machine as reached without a proxy, where one is set", () => {
    const { NO_PROXY, no_proxy } = piEnv({
      ...surroundings,
      base: { HTTP_PROXY: "http://proxy", NO_PROXY: "intranet" },
    });
    expect(NO_PROXY).toBe("intranet,127.0.0.1,localhost");
    expect(no_proxy).toBe(NO_PROXY);
  });

  test("never holds the server's token or name, and its own values cannot be replaced", () => {
    const base = {
      VERS_AUTH_TOKEN: "server",
      VERS_AUTH_TOKEN_FILE: "/token",
      VERS_AGENT_NAME: "outer",
      VERS_INFRA_URL: "http://elsewhere",
      PI_OFFLINE: "0",
    };
    const env = piEnv({ ...surroundings, base, taskEnv: [] });
    expect(env).not.toContainKeys(["VERS_AUTH_TOKEN"]);
    expect(Object.keys(env)).not.toContain("VERS_AUTH_TOKEN_FILE");
    expect(Object.keys(env)).not.toContain("VERS_AGENT_NAME");
    expect(Object.keys(env)).not.toContain("REEF_TASK_ENV");
    expect(env).toMatchObject({ VERS_INFRA_URL: "http://127.0.0.1:3000", PI_OFFLINE: "1" });
  });
});

test("the command line keeps everything of the working directory out, and names no tools (spec pi §17.3)", () => {
  expect(piFlags({ provider: "openrouter", id: "openrouter/auto", thinking: "low" })).toEqual([
    "--mode",
    "rpc",
    "--no-session",
    "--no-extensions",
    "--no-skills",
    "--no-prompt-templates",
    "--no-themes",
    "--no-context-files",
    "--model",
    "openrouter/openrouter/auto",
    "--thinking",
    "low",
    "--system-prompt",
    "reef: system prompt follows",
    "--append-system-prompt",
    "reef: appended prompt follows",
  ]);
});
