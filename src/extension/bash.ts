// The environment of the shell commands that a task runs: what they need, and no provider key.

const NAMES = new Set([
  ..."PATH HOME USER LOGNAME SHELL LANG TZ TMPDIR".split(" "),
  ..."HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy".split(" "),
  ..."SSL_CERT_FILE SSL_CERT_DIR NODE_EXTRA_CA_CERTS REQUESTS_CA_BUNDLE CURL_CA_BUNDLE GIT_SSL_CAINFO".split(
    " ",
  ),
  ..."VERS_INFRA_URL VERS_AUTH_TOKEN VERS_AGENT_NAME VERS_AGENT_ROLE VERS_PARENT_AGENT VERS_VM_ID".split(" "),
  // REEF_RUN is the tag by which everything that a run started is found again.
  ..."REEF_SERVICES_DIR REEF_TASK_ID REEF_NODE_ID REEF_RUN".split(" "),
]);

/** Commands that would ask or page have nobody in front of them. */
const FIXED = { TERM: "dumb", GIT_EDITOR: "true" };

/** `REEF_TASK_ENV` names what the operator passes on besides. */
export function bashEnv(env: Record<string, string | undefined>): Record<string, string> {
  const extra = new Set((env.REEF_TASK_ENV ?? "").split(",").map((name) => name.trim()));
  const passes = (name: string) => NAMES.has(name) || name.startsWith("LC_") || extra.has(name);
  const given = Object.entries(env).filter(
    (entry): entry is [string, string] => passes(entry[0]) && entry[1] !== undefined,
  );
  return { ...Object.fromEntries(given), ...FIXED };
}
