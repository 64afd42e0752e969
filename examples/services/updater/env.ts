// What a package manager gets of the server's environment: how to find programs and its own settings, and how to reach
// the network. No token and no key is among it.
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ServiceContext } from "#core/types.js";

const PASSED =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_.*|TZ|TMPDIR|https?_proxy|all_proxy|no_proxy|SSL_CERT_FILE|SSL_CERT_DIR|NODE_EXTRA_CA_CERTS)$/i;

export function installEnv({
  config,
  dataDir,
}: Pick<ServiceContext, "config" | "dataDir">): Record<string, string> {
  const passed = Object.entries(config.baseEnv).filter(([name]) => PASSED.test(name));
  return { ...Object.fromEntries(passed), ...runTag(dataDir) };
}

/** By this the next start finds, and ends, what a server that was killed has left running. */
function runTag(dataDir: string): Record<string, string> {
  const path = join(dataDir, "server-id");
  return existsSync(path) ? { REEF_RUN: `${readFileSync(path, "utf8").trim()}.${randomUUID()}` } : {};
}
