// Which names modules and tools may have: one table for discovery, deploy and the installer.

const MODULE_NAME = /^[a-z][a-z0-9-]{0,63}$/;
const TOOL_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/** First path segments that are the kernel's own, now or later. */
const RESERVED_NAMES = ["reef", "health", "ready", "version", "auth", "mcp", "metrics", "openapi", "static"];
/** reef's own services. In a clone their folder is also the user's, and a safe start has to tell them apart. */
export const STOCK_SERVICES = ["agent", "cron", "docs", "installer", "services", "store", "ui"];
/** pi's own tools, which no module may replace. */
const BUILT_IN_TOOLS = ["bash", "read", "edit", "write", "grep", "find", "ls"];

/** What is wrong with a module's name, in the words of the problem list; undefined when nothing is. */
export function moduleNameProblem(name: string): string | undefined {
  if (!MODULE_NAME.test(name)) return `invalid name "${name}": must match ${MODULE_NAME.source}`;
  if (RESERVED_NAMES.includes(name)) return `"${name}" is a reserved service name`;
  return undefined;
}

export function toolNameProblem(name: unknown): string | undefined {
  if (typeof name !== "string") return `a tool without a name. Received: ${typeof name}`;
  if (!TOOL_NAME.test(name)) return `invalid tool name "${name}": must match ${TOOL_NAME.source}`;
  if (BUILT_IN_TOOLS.includes(name)) return `tool "${name}" is built into pi`;
  return undefined;
}
