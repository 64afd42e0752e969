// Keeps pi's tools equal to the server's list: pi fixes its list for a loop, so changes are taken up between loops.
import type { AgentToolResult, ExtensionAPI } from "@mariozechner/pi-coding-agent";
import type { ToolInfo, ToolResult } from "../core/types.js";
import type { Outcomes } from "./outcomes.js";
import type { Answer, Remote } from "./remote.js";

/** Names of tools; in `details.toolsChanged` of a result that ends its loop. */
export interface ToolsChanged {
  added: string[];
  removed: string[];
  changed: string[];
}

export interface Catalog {
  /** Between loops: makes pi's tools what the server's list says. False when the server could not be asked. */
  refresh(): Promise<boolean>;
  /**
   * Runs one call, of whatever tool, and makes its outcome one that pi keeps. With `endsLoop`, a list that has
   * changed meanwhile ends the loop with this batch.
   */
  settle(
    toolCallId: string,
    run: () => Promise<ToolResult>,
    signal?: AbortSignal,
  ): Promise<AgentToolResult<unknown>>;
}

export interface CatalogOptions {
  remote: Remote;
  outcomes: Outcomes;
  /** Names that are taken from the list; absent = all. */
  allowed?: string[];
  /** True where the server starts the next loop. Elsewhere nobody would, and changes wait for the next prompt. */
  endsLoop: boolean;
}

/** No server may put a tool of its own in the place of one of pi's. */
const BUILT_IN = new Set(["bash", "read", "edit", "write", "grep", "find", "ls"]);

/** For one session of pi. */
export function createCatalog(pi: ExtensionAPI, options: CatalogOptions): Catalog {
  const { remote, outcomes, endsLoop } = options;
  const allowed = options.allowed && new Set(options.allowed);
  const isTaken = (name: string) => !BUILT_IN.has(name) && (allowed?.has(name) ?? true);
  let version: string | undefined;
  let offered: ToolInfo[] = [];
  let registered: ToolInfo[] = [];
  let asking: Promise<unknown> = Promise.resolve();
  let isOver = false;
  pi.on("session_shutdown", () => {
    isOver = true;
  });

  /** One question at a time, so that an older answer never replaces a newer one. */
  function ask(): Promise<boolean> {
    const asked = asking.then(async () => {
      const list = await remote.list(version);
      if (list) version = list.version;
      if (list) offered = list.tools.filter((tool) => isTaken(tool.name));
      return true;
    });
    asking = asked.catch(() => false);
    return asking as Promise<boolean>;
  }

  function takeUp({ added, removed, changed }: ToolsChanged): void {
    const names = new Set([...added, ...changed]);
    const before = pi.getActiveTools();
    for (const tool of offered) if (names.has(tool.name)) pi.registerTool(definitionOf(tool));
    registered = offered;
    pi.setActiveTools([...before.filter((name) => !removed.includes(name)), ...added]);
  }

  function definitionOf(tool: ToolInfo): Parameters<ExtensionAPI["registerTool"]>[0] {
    const { name, label, description, parameters, promptSnippet, promptGuidelines, executionMode } = tool;
    return {
      name,
      label,
      description,
      parameters,
      promptSnippet,
      promptGuidelines,
      executionMode,
      execute: (toolCallId, params, signal, onUpdate) =>
        settle(
          toolCallId,
          () =>
            remote.call({
              name,
              params,
              toolCallId,
              signal,
              onUpdate: (partial) => onUpdate?.(shownOf(partial)),
            }),
          signal,
        ),
    };
  }

  async function settle(toolCallId: string, run: () => Promise<Answer>, signal?: AbortSignal) {
    const result = await run().catch(failureOf);
    if (result.isError) outcomes.failed(toolCallId);
    const change = endsLoop && !signal?.aborted ? await behind(result.toolsVersion) : undefined;
    const shown = shownOf(result);
    if (!change) return result.terminate ? { ...shown, terminate: true } : shown;
    return { ...shown, details: { ...detailsOf(result.details), toolsChanged: change }, terminate: true };
  }

  /** How the server's list differs from what the running loop has. `newest` is its version, where that is known. */
  async function behind(newest: string | undefined): Promise<ToolsChanged | undefined> {
    const isKnown = newest !== undefined && newest === version;
    return isKnown || (await ask()) ? difference(registered, offered) : undefined;
  }

  return {
    async refresh() {
      const isAnswered = await ask();
      // pi throws at whoever touches a session that is over.
      if (isOver) return true;
      if (!isAnswered) return false;
      const change = difference(registered, offered);
      if (change) takeUp(change);
      return true;
    },
    settle,
  };
}

/** Undefined when the two lists offer the same. */
function difference(before: readonly ToolInfo[], after: readonly ToolInfo[]): ToolsChanged | undefined {
  const old = new Map(before.map((tool) => [tool.name, JSON.stringify(tool)]));
  const names = new Set(after.map((tool) => tool.name));
  const added = after.filter((tool) => !old.has(tool.name)).map((tool) => tool.name);
  const removed = [...old.keys()].filter((name) => !names.has(name));
  const changed = after
    .filter((tool) => (old.get(tool.name) ?? JSON.stringify(tool)) !== JSON.stringify(tool))
    .map((tool) => tool.name);
  return added.length + removed.length + changed.length > 0 ? { added, removed, changed } : undefined;
}

function shownOf(result: ToolResult): AgentToolResult<unknown> {
  return { content: result.content, details: result.details };
}

/** What a tool throws is a result, too: thrown on, it could neither end the loop nor keep its details. */
function failureOf(error: unknown): Answer {
  const text = error instanceof Error ? error.message : String(error);
  return { content: [{ type: "text", text }], details: {}, isError: true };
}

function detailsOf(details: unknown): object {
  if (typeof details === "object" && details !== null && !Array.isArray(details)) return details;
  return details === undefined ? {} : { value: details };
}
