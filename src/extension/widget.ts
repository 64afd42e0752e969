// The server's lines in the terminal of an agent: set when a session starts, renewed, and taken away with it.
import type { ExtensionAPI, ExtensionContext } from "@mariozechner/pi-coding-agent";
import type { FleetClient } from "../core/types.js";

const RENEW_MS = 30_000;
const KEY = "reef";

export interface Widget {
  start(client: FleetClient, ctx: ExtensionContext): void;
}

/** `lines` says where they come from; by default the server composes them. */
export function keepWidget(
  pi: ExtensionAPI,
  lines: (client: FleetClient) => Promise<string[]> = serverLines,
): Widget {
  let stop = () => {};
  pi.on("session_shutdown", () => stop());
  return {
    start(client, ctx) {
      stop();
      if (ctx.hasUI) stop = show(() => lines(client), ctx);
    },
  };
}

async function serverLines(client: FleetClient): Promise<string[]> {
  return (await client.api<{ lines: string[] }>("GET", "/reef/widget")).lines;
}

/** Returns what takes the widget away. */
function show(lines: () => Promise<string[]>, ctx: ExtensionContext): () => void {
  const { ui } = ctx;
  let shown = "";
  let isStopped = false;
  let isBusy = false;

  async function renew(): Promise<void> {
    if (isBusy) return;
    isBusy = true;
    // A server that is away for a while leaves the lines as they are.
    const next = await lines().catch(() => undefined);
    isBusy = false;
    if (isStopped || !next || next.join("\n") === shown) return;
    shown = next.join("\n");
    ui.setWidget(KEY, next.length > 0 ? next : undefined);
  }

  void renew();
  const timer = setInterval(() => void renew(), RENEW_MS);
  timer.unref();
  return () => {
    if (isStopped) return;
    isStopped = true;
    clearInterval(timer);
    if (shown) ui.setWidget(KEY, undefined);
  };
}
