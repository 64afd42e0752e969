// Warnings that are given once in a process, however often pi replaces its session.
import type { ExtensionContext } from "@mariozechner/pi-coding-agent";

const SLOT = Symbol.for("reef.said");

/** Shows a warning to whoever sits at this pi, or writes it to stderr where nobody does. */
export function sayOnce(ctx: ExtensionContext, text: string): void {
  const process = globalThis as { [SLOT]?: Set<string> };
  process[SLOT] ??= new Set();
  if (process[SLOT].has(text)) return;
  process[SLOT].add(text);
  if (ctx.hasUI) ctx.ui.notify(`reef: ${text}`, "warning");
  else console.error(`reef: ${text}`);
}
