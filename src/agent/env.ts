// Pure: the environment of a pi process: what is listed here, and nothing else of the server's (spec §1.2, pi §17.3).

export interface PiSurroundings {
  /** The allow-listed variables of the server's environment, already picked (`Config.baseEnv`). */
  base: Readonly<Record<string, string>>;
  /** The variables of the process's own model provider. No other provider's key is among them. */
  provider: Readonly<Record<string, string>>;
  /** pi's private folder. */
  agentDir: string;
  /** This server, as reached from its own machine. */
  infraUrl: string;
  servicesDir: string;
  /** Names of the further variables that shell commands of a task may see. */
  taskEnv: readonly string[];
}

/** A task has its own of these, made with its process or not at all, whatever `REEF_TASK_ENV` names. */
const NEVER_PASSED = ["VERS_AUTH_TOKEN", "VERS_AUTH_TOKEN_FILE", "VERS_AGENT_NAME", "VERS_PARENT_AGENT"];

/** What is known before a task is: its token, its control word and its tag are added when the process starts. */
export function piEnv(surroundings: PiSurroundings): Record<string, string> {
  const { base, provider, agentDir, infraUrl, servicesDir, taskEnv } = surroundings;
  const passed = Object.entries({ ...base, ...provider }).filter(([name]) => !NEVER_PASSED.includes(name));
  return {
    ...Object.fromEntries(passed),
    PI_CODING_AGENT_DIR: agentDir,
    PI_OFFLINE: "1",
    PI_TELEMETRY: "0",
    PI_SKIP_VERSION_CHECK: "1",
    VERS_INFRA_URL: infraUrl,
    VERS_AGENT_ROLE: "worker",
    REEF_SERVICES_DIR: servicesDir,
    ...(taskEnv.length > 0 && { REEF_TASK_ENV: taskEnv.join(",") }),
    ...pastProxy(base, infraUrl),
  };
}

/** Where a proxy is set, Bun asks it for this machine's own addresses too, unless they are named here. */
function pastProxy(base: Readonly<Record<string, string>>, infraUrl: string): Record<string, string> {
  if (!Object.keys(base).some((name) => /^(https?|all)_proxy$/i.test(name))) return {};
  const direct = new Set([new URL(infraUrl).hostname, "127.0.0.1", "localhost"]);
  const named = base.NO_PROXY ?? base.no_proxy;
  const list = [...(named ? [named] : []), ...direct].join(",");
  return { NO_PROXY: list, no_proxy: list };
}
