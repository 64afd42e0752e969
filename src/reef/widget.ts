// The lines that every agent's terminal shows: each module's own, composed now and then, never waited for long.

import type { FleetClient, Log, ServiceModule } from "../core/types.js";
import { within } from "../core/within.js";

const COMPOSE_MS = 5_000;
const MODULE_WAIT_MS = 2_000;
const LINES_MAX = 200;

export interface WidgetParts {
  modules(): ServiceModule[];
  client: FleetClient;
  baseUrl(): string;
  now(): number;
  log: Log;
}

/** Composes the lines at most every 5 s; `[]` when no module has any. */
export function createWidget(parts: WidgetParts): () => Promise<string[]> {
  let composed: { at: number; lines: Promise<string[]> } | undefined;
  return () => {
    if (!composed || parts.now() - composed.at >= COMPOSE_MS) {
      composed = { at: parts.now(), lines: compose(parts) };
    }
    return composed.lines;
  };
}

async function compose(parts: WidgetParts): Promise<string[]> {
  const blocks = await Promise.all(parts.modules().map((module) => linesOf(module, parts)));
  const lines = blocks.flat().slice(0, LINES_MAX);
  return lines.length === 0 ? [] : [`─── Agent Services ─── ${parts.baseUrl()}/ui/`, ...lines];
}

async function linesOf(module: ServiceModule, { client, log }: WidgetParts): Promise<string[]> {
  const { widget } = module;
  if (!widget) return [];
  try {
    const lines = await within(MODULE_WAIT_MS, async () => widget.getLines(client));
    return Array.isArray(lines) ? lines.filter((line) => typeof line === "string") : [];
  } catch (error) {
    log.warn(`the widget of ${module.name} was left out:`, error);
    return [];
  }
}
