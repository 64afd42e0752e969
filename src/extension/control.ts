// The command with which reef's server starts the next loop of a task, so that pi takes up changed tools.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";

/** pi may load this file anew for each session of a process, so what is read once has to be kept outside it. */
const SLOT = Symbol.for("reef.control");

/** How long the command waits for its loop to begin; a compaction may come first, and that is announced. */
const START_WAIT_MS = 10_000;

/** The random part of the command's name, out of the environment before any tool runs. Undefined in other pis. */
export function takeControl(): string | undefined {
  const kept = globalThis as { [SLOT]?: string };
  const given = process.env.REEF_CONTROL;
  delete process.env.REEF_CONTROL;
  if (given && /^[0-9a-f]{16}$/.test(given)) kept[SLOT] = given;
  return kept[SLOT];
}

/**
 * `/reef-continue-<hex> <text>`: the text becomes a user message, and a loop begins with the tools and prompts of
 * that moment. The command returns after the loop has begun, so that its answer comes after the line `agent_start`.
 */
export function registerContinue(pi: ExtensionAPI, control: string): void {
  let begun: (() => void) | undefined;
  // Not agent_start: an extension hears that before its line is written.
  pi.on("turn_start", () => begun?.());
  pi.registerCommand(`reef-continue-${control}`, {
    description: "Used by reef",
    handler: (text) =>
      new Promise<void>((resolve) => {
        const late = setTimeout(resolve, START_WAIT_MS);
        begun = () => {
          clearTimeout(late);
          resolve();
        };
        // Not sendMessage: that would skip `before_agent_start`, and with it the prompts and the new tool list.
        pi.sendUserMessage(text);
      }),
  });
}
