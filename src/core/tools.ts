// The tools of all modules: registerTools is called with a recorder once per version, and what it registers can be
// listed, checked and run for any agent.
import { createHash } from "node:crypto";
import { messageOf, ReefError } from "./errors.js";
import { createRecorder } from "./recorder.js";
import { checkParams, readTool, runTool, type Tool, type ToolCall } from "./tool.js";
import type { FleetClient, Log, ServiceModule, ToolInfo, ToolResult } from "./types.js";

const TOOLS_PER_MODULE_MAX = 200;
const ABORT_GRACE_MS = 5_000;

/** A run counts as a request of the tool's module: who runs one enters and leaves the registry for `ToolInfo.service`. */
export interface ToolBox {
  /** Takes the place of what the module had before. Returns its problems: refused and taken names, a bad schema. */
  add(module: ServiceModule, client: FleetClient): string[];
  remove(moduleName: string): void;
  /** In load order of the modules; of two tools with one name the first. */
  list(): ToolInfo[];
  /** Changes whenever the list does, and only then. */
  readonly version: string;
  get(name: string): ToolInfo | undefined;
  problems(moduleName: string): string[];
  /** Throws what `run` would reject with, for who wants to know before anything is answered. */
  check(name: string, params: unknown): void;
  /** Rejects `not_found`, or `bad_request` with `errors: [{path, message}]`; whatever the tool does is a result. */
  run(name: string, call: ToolCall): Promise<ToolResult>;
}

export interface ToolBoxOptions {
  log(module?: string): Log;
  /** How long a tool may go on after its signal is aborted, before its call is answered without it. */
  abortGraceMs?: number;
}

export function createToolBox({ log, abortGraceMs = ABORT_GRACE_MS }: ToolBoxOptions): ToolBox {
  const byModule = new Map<string, ModuleTools>();
  let listing = listed(byModule);

  function problems(moduleName: string): string[] {
    const own = byModule.get(moduleName);
    const taken = own?.tools.flatMap(({ info }) => {
      const owner = listing.tools.get(info.name)?.info.service;
      return owner === moduleName ? [] : [`tool "${info.name}" is already registered by "${owner}"`];
    });
    return [...(own?.problems ?? []), ...(taken ?? [])];
  }

  function known(name: string): Tool {
    const tool = listing.tools.get(name);
    if (!tool) throw new ReefError("not_found", `Tool "${name}" not found`);
    return tool;
  }

  return {
    add(module, client) {
      byModule.set(module.name, record(module, client, log(module.name)));
      listing = listed(byModule);
      return problems(module.name);
    },
    remove(moduleName) {
      if (byModule.delete(moduleName)) listing = listed(byModule);
    },
    list: () => listing.list,
    get version() {
      return listing.version;
    },
    get: (name) => listing.tools.get(name)?.info,
    problems,
    check: (name, params) => void checkParams(known(name), params),
    async run(name, call) {
      const tool = known(name);
      return runTool(tool, checkParams(tool, call.params), call, abortGraceMs);
    },
  };
}

interface ModuleTools {
  tools: Tool[];
  problems: string[];
}

interface Listing {
  tools: ReadonlyMap<string, Tool>;
  list: ToolInfo[];
  version: string;
}

function listed(byModule: ReadonlyMap<string, ModuleTools>): Listing {
  const tools = new Map<string, Tool>();
  for (const { tools: own } of byModule.values()) {
    for (const tool of own) if (!tools.has(tool.info.name)) tools.set(tool.info.name, tool);
  }
  const list = [...tools.values()].map(({ info }) => info);
  const version = createHash("sha256").update(JSON.stringify(list)).digest("hex").slice(0, 16);
  return { tools, list, version };
}

/** All of what a module registers, or nothing of it when registering throws. */
function record(module: ServiceModule, client: FleetClient, log: Log): ModuleTools {
  const tools = new Map<string, Tool>();
  const problems: string[] = [];
  const registerTool = (definition: unknown) => {
    try {
      const tool = readTool(definition, module.name);
      if (tools.has(tool.info.name)) throw new Error(`tool "${tool.info.name}" is registered twice`);
      if (tools.size >= TOOLS_PER_MODULE_MAX) throw new Error(`more than ${TOOLS_PER_MODULE_MAX} tools`);
      tools.set(tool.info.name, tool);
    } catch (error) {
      problems.push(messageOf(error));
    }
  };
  try {
    module.registerTools?.(createRecorder({ registerTool }, { log, warned: new Set() }), client);
    return { tools: [...tools.values()], problems };
  } catch (error) {
    log.error("registerTools() failed:", error);
    return { tools: [], problems: [`registerTools() failed: ${messageOf(error)}`] };
  }
}
