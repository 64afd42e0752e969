// Skills and extensions of the SkillHub on the machine of an agent: kept in step with the hub, and offered to pi.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ExtensionAPI, type ExtensionContext, getAgentDir } from "@mariozechner/pi-coding-agent";
import type { FleetClient } from "../core/types.js";
import type { Outcomes } from "./outcomes.js";
import { sayOnce } from "./said.js";
import { HUB } from "./skills-own.js";
import { createHubRemote } from "./skills-remote.js";
import { createSkillSession, type SkillSession } from "./skills-session.js";
import { createSkillSync } from "./skills-sync.js";
import { registerSkillTool } from "./skills-tool.js";

/** pi looks for skills after the session has started, and should not have to wait for long. */
const START_WAIT_MS = 3_000;

export interface SkillsOptions {
  client: FleetClient;
  outcomes: Outcomes;
  /** True in a pi of reef's own server, which keeps one copy of the skills for all of its tasks. */
  isServers: boolean;
}

export function keepSkills(pi: ExtensionAPI, options: SkillsOptions): void {
  const agentDir = getAgentDir();
  // The server's pis have their folder in DATA_DIR, beside the copy.
  offer(pi, options.isServers ? join(dirname(agentDir), "skills-hub") : join(agentDir, "skills", HUB));
  if (!options.isServers) keepInStep(pi, agentDir, options);
}

function keepInStep(pi: ExtensionAPI, agentDir: string, options: SkillsOptions): void {
  const over = new AbortController();
  let session: SkillSession | undefined;
  let started: Promise<unknown> | undefined;

  pi.on("session_start", async (_event, ctx) => {
    // In RPC mode pi says this twice for a session that replaces another.
    session ??= begin({ pi, ctx, agentDir, signal: over.signal, ...options });
    started ??= Promise.race([session.start(), sleep(START_WAIT_MS, undefined, { ref: false })]);
    await started;
  });
  pi.on("turn_start", () => session?.turn());
  pi.on("session_shutdown", () => over.abort());
}

interface Begin extends SkillsOptions {
  pi: ExtensionAPI;
  ctx: ExtensionContext;
  agentDir: string;
  signal: AbortSignal;
}

function begin({ pi, ctx, client, outcomes, agentDir, signal }: Begin): SkillSession {
  const remote = createHubRemote(client, signal);
  const session = createSkillSession({
    remote,
    signal,
    sync: createSkillSync(remote, agentDir, signal),
    onHub: () => registerSkillTool(pi, { client, outcomes, sync: () => session.syncNow() }),
    onProblem: (text) => sayOnce(ctx, text),
  });
  return session;
}

/** The folder as it is when a session begins; pi warns of one that is not there. */
function offer(pi: ExtensionAPI, folder: string): void {
  pi.on("resources_discover", () => (existsSync(folder) ? { skillPaths: [folder] } : undefined));
}
