// What the module at /mcp is made from, and what the answer to one request is made from.
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import type { ServerNotification, ServerRequest } from "@modelcontextprotocol/sdk/types.js";
import type { Kernel } from "../core/server.js";
import type { ServiceContext, ToolInfo } from "../core/types.js";
import type { Skills } from "./skills.js";

/** What the composition root hands to the module. */
export interface McpServices {
  kernel: Pick<Kernel, "tools" | "runTool">;
  /** Absolute: holds one folder for each skill. It need not exist. */
  skillsDir: string;
  /** Aborts when the server begins to stop. */
  stopping: AbortSignal;
  /** Epoch milliseconds. */
  now(): number;
}

export interface McpParts extends McpServices {
  context: ServiceContext;
  skills: Skills;
}

/** One request on its way. */
export interface Call {
  parts: McpParts;
  extra: Pick<RequestHandlerExtra<ServerRequest, ServerNotification>, "_meta" | "sendNotification">;
  /** Aborts when the caller cancels the request, does not listen any more, or its session ends. */
  signal: AbortSignal;
  session: {
    /** The tools that its client was shown last: one that is gone is told from one that never was. */
    listed: readonly ToolInfo[];
  };
}
