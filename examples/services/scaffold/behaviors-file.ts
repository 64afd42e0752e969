// `behaviors.ts` of a new service: what happens by itself while an agent's session lasts.
import type { Plan } from "./plan.js";

export function behaviorsFile({ name }: Plan): string {
  return `// What ${name} does by itself for each agent, from the start of its session to its end.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import type { FleetClient } from "#core/types.js";

const EVERY_MS = 60_000;

export function registerBehaviors(pi: ExtensionAPI, client: FleetClient): void {
  let timer: ReturnType<typeof setInterval> | undefined;

  // Comes again, with reason "reload", when a new version of the service takes over in the middle of a session.
  pi.on("session_start", async () => {
    clearInterval(timer);
    timer = setInterval(() => tick(client).catch(warn), EVERY_MS);
  });

  pi.on("session_shutdown", async () => {
    clearInterval(timer);
    timer = undefined;
  });
}

async function tick(client: FleetClient): Promise<void> {
  if (!client.getBaseUrl()) return;
  // What is due from time to time goes here: by client.api, as client.agentName.
}

function warn(error: unknown): void {
  console.warn("${name}:", error);
}
`;
}
