// Service modules run inside pi itself: their tools, behaviors and widgets without asking a server for its list.
import type { ExtensionAPI, ExtensionContext } from "@mariozechner/pi-coding-agent";
import { createFleetClient } from "../core/client.js";
import { messageOf } from "../core/errors.js";
import type { FleetClient, ServiceModule, ToolResult } from "../core/types.js";
import { hearPrompts, type PromptEvent } from "./loops.js";
import { createOutcomes, type Outcomes } from "./outcomes.js";
import { keepWidget } from "./widget.js";

export function runInProcess(pi: ExtensionAPI, modules: readonly ServiceModule[]): void {
  const client = createFleetClient();
  const face = faceFor(pi, createOutcomes(pi));
  for (const module of modules) {
    attempt(module.name, () => module.registerTools?.(face, client));
    attempt(module.name, () => module.registerBehaviors?.(face, client));
  }
  const widget = keepWidget(pi, () => linesOf(modules, client));
  pi.on("session_start", (_event, ctx) => widget.start(client, ctx));
}

function attempt(name: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    console.error(`reef: ${name}: ${messageOf(error)}`);
  }
}

/** pi as modules see it: a result with `isError` is a failure, and a behavior observes. */
function faceFor(pi: ExtensionAPI, outcomes: Outcomes): ExtensionAPI {
  const registerTool: ExtensionAPI["registerTool"] = (tool) =>
    pi.registerTool({
      ...tool,
      label: tool.label ?? tool.name,
      async execute(toolCallId, params, signal, onUpdate, ctx) {
        const result = await tool.execute(toolCallId, params, signal, onUpdate, ctx);
        if ((result as ToolResult).isError) outcomes.failed(toolCallId);
        return result;
      },
    });
  const listen = pi.on as (event: string, handler: Observer) => void;
  const prompts: { type: string; observe: Observer }[] = [];
  hearPrompts(pi, async (event, ctx) => {
    for (const { type, observe } of prompts) if (type === event.type) await observe(event, ctx);
  });
  const on = (event: string, handler: Observer) => {
    const observe = quietly(event, handler);
    if (PROMPT_EVENTS.has(event)) prompts.push({ type: event, observe });
    else listen(event, observe);
  };
  return { ...pi, registerTool, on: on as ExtensionAPI["on"] };
}

type Observer = (payload: unknown, ctx: ExtensionContext) => unknown;

const PROMPT_EVENTS: ReadonlySet<string> = new Set<PromptEvent["type"]>(["agent_start", "agent_end"]);

function quietly(event: string, handler: Observer): Observer {
  let isHeard = false;
  return async (payload, ctx) => {
    // In RPC mode pi says this twice for a session that replaces another.
    if (event === "session_start" && isHeard) return;
    isHeard = true;
    try {
      await handler(payload, ctx);
    } catch (error) {
      console.error(`reef: a behavior failed on ${event}: ${messageOf(error)}`);
    }
  };
}

async function linesOf(modules: readonly ServiceModule[], client: FleetClient): Promise<string[]> {
  const lines = await Promise.all(
    modules.map((module) => module.widget?.getLines(client).catch(() => []) ?? []),
  );
  return lines.flat();
}
